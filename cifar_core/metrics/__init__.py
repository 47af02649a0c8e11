"""What predictions are worth: accuracy, calibration, out-of-distribution scores. Without torch."""
