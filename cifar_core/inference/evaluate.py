"""A checkpoint measured on held-out images, noted in its card, and stated as the result of a run."""

from pathlib import Path

from cifar_core.checkpoint import load_card, write_card
from cifar_core.data import ImageData
from cifar_core.inference.classifier import Classifier
from cifar_core.inference.held_out import select_images
from cifar_core.metrics.classification import Evaluated
from cifar_core.recipes import get_recipe
from cifar_core.runs.history import History
from cifar_core.runs.results import Result
from cifar_core.runs.run import Run
from cifar_core.runs.store import StoreError


def evaluate_checkpoint(folder: Path, data: ImageData, split: str = "test", note: bool = False) -> Evaluated:
    """Measure the network in `folder` on all images of the split "test" or "val".

    note: keep the figures in the checkpoint's card.

    Raises:
        CheckpointError: when the checkpoint cannot be loaded.
        ConfigError: when the split is "val" and the run set no images aside.
        DataError: when the data has other classes than the network.
    """
    classifier = Classifier.load(folder)
    chosen = select_images(classifier.card, data, split)
    result = classifier.evaluate(chosen.images, chosen.targets)
    if note:
        write_card(folder, classifier.card.with_metrics(split, result.accuracy, result.loss, result.n))
    return result


def result_of(run: Run) -> Result:
    """Return the result of a run whose card says what was measured on the test images.

    Raises:
        CheckpointError, StoreError: when its card or its events are damaged. ConfigError: for a recipe that
            is no more.
    """
    card, history = load_card(run.best_checkpoint), History.of(run, short=True)
    recipe, test = get_recipe(card.recipe), card.metrics.get("test")
    if history.start is None or test is None:
        raise StoreError(f"Run '{run.id}' was not measured on the test images; evaluate it first.")
    return Result(
        recipe=recipe.name,
        run_id=run.id,
        seed=card.seed,
        epochs=len(history.epochs),
        accuracy=test["accuracy"],
        n=int(test["n"]),
        stated=recipe.stated.accuracy if recipe.stated else None,
        stated_epochs=recipe.stated.epochs if recipe.stated else None,
        seconds=card.wall_time_seconds,
        device=card.device,
        precision=card.precision,
        model=card.model,
        parameters=history.start.parameters,
        macs=history.start.macs,
        tta=card.tta,
    )
