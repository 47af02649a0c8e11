"""Under which titles the settings of a run stand in a form, and which stand in sight."""

MAIN_FIELDS = ("epochs", "batch_size", "lr", "augmentation", "seed")  # in sight; the rest folds, by groups

GROUPS: dict[str, tuple[str, ...]] = {
    "Network": ("model", "model_args", "mixing_temperature"),
    "Which pictures": ("data", "train_size", "val_size", "split_seed", "watched", "normalization"),
    "How pictures change": (
        *("alternate_flip", "crop_padding", "crop_border", "cutout_size", "jitter", "image_sizes"),
    ),
    "How weights change": (
        *("optimizer", "momentum", "nesterov", "weight_decay", "label_smoothing"),
        *("accumulation_steps", "accumulation", "bias_lr", "head_lr", "mixing_lr"),
    ),
    "Learning rate over the run": (
        *("schedule", "schedule_per", "schedule_epochs", "warmup", "final_lr", "milestones"),
    ),
    "What is kept and how it answers": ("keep", "ema_decay", "views", "views_below"),
    "Machine": ("recipe", "precision"),
}  # every other setting, under a plain title


def group_of(name: str) -> str:
    """The title over a setting, "" for the plain one."""
    return next((title for title, names in GROUPS.items() if name in names), "")
