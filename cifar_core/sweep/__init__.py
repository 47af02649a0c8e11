"""Many trainings that look for good settings: Optuna chooses them, any number of processes shares them."""
