"""Settings of recipes that train in a moment."""

TINY = {
    "data": "synthetic",
    "model": "mixing_lite",
    "model_args": {"widths": [4, 8], "num_kernels": 2},
    "train_size": 100,
    "val_size": 50,
    "batch_size": 50,
    "epochs": 1,
    "precision": "fp32",
}
