"""The settings of a run on own pictures, completed by what their folder holds."""

from pathlib import Path

from cifar_core.config import ConfigError, TrainConfig

VAL_SHARE = 0.2  # of the training images, at the most; more leaves too few to learn from
STEPS_AN_EPOCH = 8  # at least, so that few images still change the weights often


def with_own_classes(config: TrainConfig, data_dir: Path | None) -> TrainConfig:
    """Return the config with the names and numbers of own pictures; any other config as it is.

    No more of few images are set aside than a fifth, and a batch has no more than an eighth of them.

    Raises:
        DataError: without a folder, or with one that does not have what is needed (see `find_own`).
        ConfigError: when `classes` names others than the folder has.
    """
    if not config.data_set.is_own:
        return config
    from cifar_core.data.dataset import DataError  # brings numpy, which a list of runs does without
    from cifar_core.data.own import find_own

    if data_dir is None:
        raise DataError("Own pictures need their folder, with a folder of each class: give --data-dir.")
    found = find_own(Path(data_dir).expanduser()).data_set
    if config.classes and config.classes != found.class_names:
        try:
            found = found.only(config.classes)
        except ValueError as error:
            raise ConfigError(str(error)) from None
    val_size = min(config.val_size, max(1, round(VAL_SHARE * found.train_images)))
    left = found.train_images - val_size
    return config.replace(
        classes=found.class_names,
        own_images=(found.train_images, found.test_images),
        val_size=val_size,
        batch_size=min(config.batch_size, max(2, left // STEPS_AN_EPOCH)),
    )
