"""Settings as a reader is told of them: in words, beside them the name that files and commands use."""

LABELS = {
    "recipe": "Recipe",
    "model": "Network",
    "model_args": "Network's arguments",
    "mixing_temperature": "Mixing temperature at the start",
    "data": "Pictures",
    "classes": "Classes",
    "train_size": "Training pictures",
    "val_size": "Validation pictures",
    "split_seed": "Seed of the split",
    "monitored": "Measured after each epoch",
    "normalization": "Normalization",
    "augmentation": "Augmentation",
    "alternate_flip": "Mirror every other epoch",
    "crop_padding": "Largest shift",
    "crop_border": "Border of a shift",
    "cutout_size": "Side of the cut-out square",
    "jitter": "Brightness and contrast changes",
    "image_sizes": "Picture sizes over the run",
    "optimizer": "Optimizer",
    "momentum": "Momentum",
    "nesterov": "Nesterov momentum",
    "weight_decay": "Weight decay",
    "label_smoothing": "Label smoothing",
    "accumulation_steps": "Batches a step",
    "accumulation": "Added gradients",
    "bias_lr": "Learning rate of the biases",
    "head_lr": "Learning rate of the last layer",
    "mixing_lr": "Learning rate of the mixing",
    "epochs": "Epochs",
    "batch_size": "Batch size",
    "lr": "Learning rate",
    "schedule": "Schedule",
    "schedule_per": "Schedule moves with each",
    "schedule_epochs": "Epochs of the schedule",
    "warmup": "Warm-up share",
    "final_lr": "Learning rate at the end",
    "milestones": "Epochs that divide the rate",
    "keep": "Weights that are kept",
    "ema_decay": "Decay of averaged weights",
    "tta": "Views of a picture",
    "tta_below": "More views below",
    "precision": "Number format",
    "seed": "Seed",
}


def label_setting(name: str) -> str:
    """ "Learning rate (lr)"; the label alone where it is the name itself, and the name alone without one."""
    label = LABELS.get(name, name)
    return label if name in (label, label.lower().replace(" ", "_")) else f"{label} ({name})"
