"""Results of recipes that were run, beside those that their works state: one JSON file, one table. No torch.

The shipped results are those of this project's own runs; `reproduce` keeps a user's beside the user's runs.
"""

import dataclasses
import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from cifar_core.files import StoreError, build, read_json, write_json
from cifar_core.format import duration, table
from cifar_core.metrics.uncertainty import Accuracy
from cifar_core.runs.events import Epoch

FILE = "results.json"


@dataclass(frozen=True)
class Result:
    """One finished run of a recipe, measured on all `n` test images.

    accuracy and stated lie in 0..1, stated is None where no work states one; seconds is the time of the run;
    macs are multiply-accumulates for one image; tta counts the views of an image that an answer averages.
    """

    RENAMED: ClassVar = {"views": "tta"}

    recipe: str
    run_id: str
    seed: int
    epochs: int
    accuracy: float
    n: int
    stated: float | None
    stated_epochs: int | None
    seconds: float
    device: str
    precision: str
    model: str
    parameters: int
    macs: int
    tta: int

    @property
    def difference(self) -> float | None:
        """Own accuracy minus the stated one, in 0..1."""
        return None if self.stated is None else self.accuracy - self.stated

    @property
    def error(self) -> float:
        """The standard error of the difference, 0..1, the stated accuracy taken as one on as many images."""
        return math.hypot(Accuracy(self.accuracy, self.n).error, Accuracy(self.stated or 0.0, self.n).error)


def read_results(path: Path) -> list[Result]:
    """The results in a file; none where there is no file.

    Raises:
        StoreError: when it is damaged.
    """
    if not path.exists():
        return []
    try:
        return [build(Result, item) for item in read_json(path)["results"]]
    except (KeyError, TypeError) as error:
        raise StoreError(f"{path} is damaged: {error}.") from None


def keep_result(path: Path, result: Result) -> None:
    """Add a result to the file, in the place of an older one of the same recipe and seed."""
    others = [old for old in read_results(path) if (old.recipe, old.seed) != (result.recipe, result.seed)]
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, {"results": [dataclasses.asdict(one) for one in [*others, result]]})


def in_order(results: Iterable[Result], recipes: Sequence[str]) -> list[Result]:
    """By the order of the recipes, then by seed; recipes that no longer exist come last."""
    places = {name: place for place, name in enumerate(recipes)}
    return sorted(results, key=lambda one: (places.get(one.recipe, len(places)), one.recipe, one.seed))


# Words

HEADINGS = (
    *("recipe", "stated", "own", "difference", "epochs (stated)", "time", "device", "parameters"),
    *("MMAC", "seed", "run"),
)


def cells(result: Result) -> tuple[str, ...]:
    """The words under HEADINGS."""
    stated = "–" if result.stated is None else f"{100 * result.stated:.2f} %"
    difference = "–" if result.difference is None else f"{100 * result.difference:+.2f}"
    epochs = f"{result.epochs}" + (f" ({result.stated_epochs})" if result.stated_epochs else "")
    return (
        result.recipe,
        stated,
        f"{100 * result.accuracy:.2f} %",
        difference,
        epochs,
        duration(result.seconds),
        f"{result.device}, {result.precision}",
        f"{result.parameters:,}",
        f"{result.macs / 1e6:.1f}",
        f"{result.seed}",
        result.run_id,
    )


def repeats_table(results: Sequence[Result]) -> str:
    """Return a Markdown table, a row for each recipe: mean accuracy ± standard deviation (n - 1) of runs."""
    groups: dict[str, list[Result]] = {}
    for result in results:
        groups.setdefault(result.recipe, []).append(result)
    rows = [("recipe", "runs", "seeds", "test accuracy", "test images", "epochs", "time", "device")]
    for recipe, runs in groups.items():
        accuracies = [100 * run.accuracy for run in runs]
        spread = f" ± {statistics.stdev(accuracies):.2f}" if len(runs) > 1 else ""
        first = runs[0]
        rows.append(
            (
                f"`{recipe}`",
                f"{len(runs)}",
                ", ".join(f"{run.seed}" for run in runs),
                f"{statistics.fmean(accuracies):.2f}{spread} %",
                f"{first.n:,}",
                f"{first.epochs}",
                duration(statistics.fmean(run.seconds for run in runs)),
                f"{first.device}, {first.precision}",
            )
        )
    return table(rows)


def results_table(results: Sequence[Result]) -> str:
    """A Markdown table, a row for each result."""
    return table([HEADINGS, *(cells(result) for result in results)])


FIGURES = ("epoch", "train loss", "train accuracy", "{monitored} loss", "{monitored} accuracy")


def extremes(epochs: Sequence[Epoch], monitored: str) -> list[dict[str, Any]]:
    """The four rows of the second course project: lowest losses, highest accuracies, each with its epoch.

    monitored: the pictures measured after each epoch, "test" or "val"; the first of equal epochs counts.
    """
    if not epochs:
        return []
    best = {
        "min training loss": min(epochs, key=lambda epoch: epoch.train_loss),
        "max training accuracy": max(epochs, key=lambda epoch: epoch.train_accuracy),
        f"min {monitored} loss": min(epochs, key=lambda epoch: epoch.val_loss),
        f"max {monitored} accuracy": max(epochs, key=lambda epoch: epoch.val_accuracy),
    }
    return [{"": name, **_figures(epoch, monitored)} for name, epoch in best.items()]


def _figures(epoch: Epoch, monitored: str) -> dict[str, Any]:
    values = (epoch.epoch, epoch.train_loss, epoch.train_accuracy, epoch.val_loss, epoch.val_accuracy)
    return dict(zip((name.format(monitored=monitored) for name in FIGURES), values, strict=True))


def extremes_table(rows: Sequence[dict[str, Any]]) -> str:
    """The four rows as a Markdown table, losses with four digits, accuracies in percent."""
    if not rows:
        return "No epoch is completed yet."
    return table([list(rows[0]), *([_word(name, value) for name, value in row.items()] for row in rows)])


def _word(name: str, value: Any) -> str:
    if name.endswith("accuracy"):
        return f"{100 * value:.2f} %"
    return f"{value:.4f}" if name.endswith("loss") else str(value)


def epoch_lines(epochs: Sequence[Epoch], monitored: str) -> list[dict[str, Any]]:
    """One JSON object an epoch, as the scale network's work prints it; `seconds` since the run's start."""
    seconds, lines = 0.0, []
    for epoch in epochs:
        seconds += epoch.seconds
        figures = {name.replace(" ", "_"): value for name, value in _figures(epoch, monitored).items()}
        lines.append({**figures, "lr": epoch.lr, "seconds": round(seconds, 3)})
    return lines
