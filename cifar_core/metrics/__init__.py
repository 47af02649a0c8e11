"""Measures of predictions: accuracy, calibration, out-of-distribution scores. Without torch."""
