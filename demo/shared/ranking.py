"""Who is ahead, and whether that can be told: accuracies set beside each other in words. Pure functions."""

from collections.abc import Iterable, Sequence

from cifar_core.metrics.uncertainty import CLEAR, Accuracy
from demo.shared.format import listed, percent

Ranked = tuple[str, Accuracy]  # a run's name and what it reached
OWN_PICTURES = "each run on its own pictures"  # where they learned from different data
CLOSE = (
    f"Too close to tell: the gap is below {CLEAR:g} standard errors of so many pictures, "
    "and other pictures could turn it around."
)


def pictures_of(accuracies: Iterable[Accuracy]) -> str:
    """The pictures behind some accuracies: "10,000 test pictures", "500 to 2,000 validation pictures"."""
    several = list(accuracies)
    counts = sorted({one.n for one in several})
    kinds = listed(sorted({one.split for one in several}, reverse=True))
    most = f" to {counts[-1]:,}" if len(counts) > 1 else ""
    return f"{counts[0]:,}{most} {kinds} pictures"


def best_first(runs: Iterable[Ranked]) -> list[Ranked]:
    """The highest accuracy first; equals stay as they were."""
    return sorted(runs, key=lambda run: run[1].share, reverse=True)


def close_to_best(runs: Sequence[Ranked]) -> list[Ranked]:
    """The best and those that cannot be told from it, the best first; `runs` is not empty."""
    (name, best), *others = best_first(runs)
    return [(name, best), *(run for run in others if not run[1].is_clear_of(best))]


def describe_lead(runs: Sequence[Ranked]) -> str:
    """Say which is ahead and by how much, or which cannot be told apart; `runs` is not empty."""
    (first, best), *others = best_first(runs)
    close, pictures = close_to_best(runs), pictures_of(accuracy for _, accuracy in runs)
    if not others:
        return f"{first} reaches {percent(best.share)} on {pictures}"
    if len(close) == 1:
        second, next_best = others[0]
        gap = f"{100 * (best.share - next_best.share):.2f} points above {second}"
        return f"{first} is ahead with {percent(best.share)} on {pictures}, {gap}"
    names = listed([name for name, _ in close])
    shares = listed([percent(accuracy.share) for _, accuracy in close])
    return f"{names} are too close to tell apart: {shares} on {pictures}"


def with_points(first: Accuracy, second: Accuracy) -> str:
    """How far the second lies behind the first: "1.57 points behind", or that this cannot be told."""
    gap = f"{100 * (first.share - second.share):.2f} points behind"
    return gap if first.is_clear_of(second) else f"{gap}, too close to tell"
