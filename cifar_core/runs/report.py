"""A run's epochs in the forms of two earlier works: a table of four best epochs, and a JSON line an epoch."""

from collections.abc import Sequence
from typing import Any

from cifar_core.runs.events import Epoch
from cifar_core.words import table

FIGURES = ("epoch", "train loss", "train accuracy", "{watched} loss", "{watched} accuracy")


def extremes(epochs: Sequence[Epoch], watched: str) -> list[dict[str, Any]]:
    """The four rows of the second course project: lowest losses, highest accuracies, each with its epoch.

    watched: the pictures measured after each epoch, "test" or "val"; the first of equal epochs counts.
    """
    if not epochs:
        return []
    best = {
        "min training loss": min(epochs, key=lambda epoch: epoch.train_loss),
        "max training accuracy": max(epochs, key=lambda epoch: epoch.train_accuracy),
        f"min {watched} loss": min(epochs, key=lambda epoch: epoch.val_loss),
        f"max {watched} accuracy": max(epochs, key=lambda epoch: epoch.val_accuracy),
    }
    return [{"": name, **_figures(epoch, watched)} for name, epoch in best.items()]


def _figures(epoch: Epoch, watched: str) -> dict[str, Any]:
    values = (epoch.epoch, epoch.train_loss, epoch.train_accuracy, epoch.val_loss, epoch.val_accuracy)
    return dict(zip((name.format(watched=watched) for name in FIGURES), values, strict=True))


def extremes_table(rows: Sequence[dict[str, Any]]) -> str:
    """The four rows as a Markdown table, losses with four digits, accuracies in percent."""
    if not rows:
        return "No epoch is completed yet."
    return table([list(rows[0]), *([_word(name, value) for name, value in row.items()] for row in rows)])


def _word(name: str, value: Any) -> str:
    if name.endswith("accuracy"):
        return f"{100 * value:.2f} %"
    return f"{value:.4f}" if name.endswith("loss") else str(value)


def epoch_lines(epochs: Sequence[Epoch], watched: str) -> list[dict[str, Any]]:
    """One JSON object an epoch, as the scale network's work prints it; `seconds` since the run's start."""
    seconds, lines = 0.0, []
    for epoch in epochs:
        seconds += epoch.seconds
        figures = {name.replace(" ", "_"): value for name, value in _figures(epoch, watched).items()}
        lines.append({**figures, "lr": epoch.lr, "seconds": round(seconds, 3)})
    return lines
