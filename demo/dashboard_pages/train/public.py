"""The limits of a training where strangers share the machine."""

from cifar_core.config import TrainConfig
from cifar_core.runs.queue import active_runs
from cifar_core.runs.store import RunStore

MOST_EPOCHS = 3
MOST_IMAGES = 2000  # to train on; as many again, at the most, are validated on
MOST_BATCH = 256
KEPT_RUNS = 100  # on a disk that everyone shares
CAPS_TEXT = (
    f"Everyone shares this public page's machine, so training here is limited to {MOST_EPOCHS} epochs of "
    f"{MOST_IMAGES:,} pictures in batches of at most {MOST_BATCH}, with the recipe's own network, one run at "
    "a time. The command below runs all of it on your own computer."
)


def capped(config: TrainConfig, recipe: TrainConfig) -> TrainConfig:
    """`config` with what it may cost cut down; the network and its arguments are those of its recipe."""
    return config.replace(
        model=recipe.model,
        model_args=recipe.model_args,
        epochs=min(config.epochs, MOST_EPOCHS),
        train_size=min(config.train_size or MOST_IMAGES, MOST_IMAGES),
        val_size=min(config.val_size, MOST_IMAGES),
        batch_size=min(config.batch_size, MOST_BATCH),
        accumulation_steps=1,
        monitored="val",  # the test images are 10,000
        tta=min(config.tta, 2),
    )


def whats_in_the_way(store: RunStore) -> str:
    """A sentence about why no training can start now; "" where one can."""
    if active_runs(store):
        return "Another visitor's training is under way; yours can start when it has ended."
    if len([run for run in store.list() if not run.shipped]) >= KEPT_RUNS:
        return "This page has no room for more runs until it is restarted."
    return ""
