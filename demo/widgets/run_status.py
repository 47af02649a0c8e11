"""How far a run is, how it failed and what its user calls it, in the words of every page."""

from cifar_core.runs.labels import Labels
from cifar_core.runs.store import Status
from demo.shared.format import duration

RESUMABLE = ("stopped", "failed")


def progress_of(status: Status) -> tuple[float, str]:
    """How far the run's present stage is (0..1), and the sentence beside the bar."""
    fraction = min(1.0, status.done / status.total) if status.total else 0.0
    if status.state == "waiting":
        return 0.0, status.message or "The process starts; loading PyTorch takes a few seconds."
    words = describe_stage(status, fraction)
    if status.state == "paused":
        return fraction, f"Paused. {words}"
    left = f", {duration(status.eta_seconds)} left" if status.eta_seconds else ""
    return fraction, f"{words}{left}"


def describe_stage(status: Status, fraction: float) -> str:
    """What the run does now, and how far that is: in steps while it trains, otherwise in percent."""
    stage = status.message or status.stage or "training"
    stage = stage[:1].upper() + stage[1:]
    if not status.total:
        return stage
    if status.stage in ("training", "validating"):
        return f"{stage}: step {status.done:,} of {status.total:,}"
    return f"{stage}: {100 * fraction:.0f} %"


def describe_failure(status: Status) -> str:
    """What went wrong and what to do: the run's own words, which say both."""
    return status.message.strip() or "The training failed without a word; the last lines of the log say more."


def labels_line(labels: Labels) -> str:
    """Tags and note in one line; empty without any."""
    tags = " ".join(f"[{tag}]" for tag in labels.tags)
    return "  ".join(filter(None, [tags, " ".join(labels.note.split())]))
