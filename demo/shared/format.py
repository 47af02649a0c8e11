"""Numbers, times, and the states and progress of runs in the words that every page uses. Pure functions."""

import math
import re
import time
from collections.abc import Sequence
from itertools import groupby

from cifar_core.format import amount as amount
from cifar_core.format import duration as duration
from cifar_core.format import file_size as file_size
from cifar_core.format import run_name as run_name
from cifar_core.runs.labels import Labels
from cifar_core.runs.status import Status

STATE_TEXT = {
    "waiting": "Waiting",
    "running": "Running",
    "paused": "Paused",
    "stopped": "Stopped",
    "pruned": "Pruned",
    "finished": "Finished",
    "failed": "Failed",
    "damaged": "Damaged",
}
RESUMABLE = ("stopped", "pruned", "failed")  # where the run was not freed
TRAINS = ("training", "validating")  # stages of a run that counts its steps
MULTIPLY_ADDS = "multiply-adds a picture"  # papers call them MACs


def percent(share: float | None) -> str:
    """A share in 0..1 as "91.23 %"; "–" where there is none."""
    return "–" if share is None or math.isnan(share) else f"{100 * share:.2f} %"


def whole_percent(share: float) -> str:
    """A share in 0..1 in whole percent; what is neither none nor all never reads as 0 or 100."""
    whole = round(100 * share)
    if whole == 0 and share > 0:
        return "< 1 %"
    return "> 99 %" if whole == 100 and share < 1 else f"{whole} %"


def megabytes(size: float) -> str:
    """A size given in MB: "812 MB", "3.2 GB"."""
    return f"{size:.0f} MB" if size < 999.5 else f"{size / 1000:.1f} GB"


def when(seconds_since_1970: float) -> str:
    """A moment as "22 Nov 2026, 14:05" in local time; "–" for 0, and for what is no time."""
    try:
        moment = time.localtime(seconds_since_1970 or math.nan)
    except (ValueError, OverflowError, OSError):
        return "–"
    return f"{moment.tm_mday} {time.strftime('%b %Y, %H:%M', moment)}"


def listed(items: Sequence[str]) -> str:
    """ "a", "a and b" or "a, b and c"."""
    return " and ".join([", ".join(items[:-1]), items[-1]] if len(items) > 1 else items)


def begun(text: str) -> str:
    """The text as a sentence begins, the rest of it as it is."""
    return text[:1].upper() + text[1:]


_RTL = r"[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]+"
RIGHT_TO_LEFT = re.compile(f"{_RTL}(?: +{_RTL})*")


def isolated(text: str) -> str:
    """The text with its Hebrew and Arabic words apart: numbers beside them would join their direction."""
    return RIGHT_TO_LEFT.sub("\u2068\\g<0>\u2069", text)


def shortened(name: str, letters: int) -> str:
    """At most so many letters of a name, with dots in its middle: runs of one recipe begin alike."""
    if len(name) <= letters:
        return name
    return f"{name[: letters // 2 - 1]}…{name[letters // 2 - letters :]}"


WORDS = ("none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def in_words(number: int) -> str:
    """ "two", "ten", "11": as a sentence has a small number."""
    return WORDS[number] if number < len(WORDS) else f"{number:,}"


def counted(number: int, noun: str) -> str:
    """ "1 epoch", "2 epochs"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def describe_sizes(sizes: Sequence[int]) -> str:
    """A sentence about training pictures of these sides (pixels, one an epoch); "" if equal."""
    if len(set(sizes)) < 2:
        return ""
    parts, first = [], 1
    for size, epochs in groupby(sizes):
        count = len(list(epochs))
        last = first + count - 1
        parts.append(
            f"{size} pixels in epoch{'s' if count > 1 else ''} {first}{f' to {last}' if count > 1 else ''}"
        )
        first = last + 1
    return (
        f"Training pictures measure {listed(parts)}: smaller ones take less time. Validation always uses "
        "pictures of 32 pixels, which look unfamiliar to the network until it has trained on that size."
    )


def progress_of(status: Status) -> tuple[float, str]:
    """The progress of the run's present stage (0..1), and the sentence beside the bar."""
    fraction = min(1.0, status.done / status.total) if status.total else 0.0
    if status.state == "waiting":
        return 0.0, status.message or "The process is starting; loading PyTorch takes a few seconds."
    words = describe_stage(status, fraction)
    if status.state == "paused":
        return fraction, f"Paused. {words}"
    left = f", {duration(status.eta_seconds)} left" if status.eta_seconds else ""
    return fraction, f"{words}{left}"


def describe_stage(status: Status, fraction: float) -> str:
    """The run's present stage and its progress: in steps while it trains, otherwise in percent."""
    stage = status.message or status.stage or "training"
    stage = begun(stage)
    if not status.total:
        return stage
    if status.stage in TRAINS:
        return f"{stage}: step {status.done:,} of {status.total:,}"
    return f"{stage}: {100 * fraction:.0f} %"


def describe_failure(status: Status) -> str:
    """The run's own words about what went wrong and what to do."""
    return status.message.strip() or "The training failed and left no message; see the last lines of the log."


def labels_line(labels: Labels) -> str:
    """Tags and note in one line; empty without any."""
    tags = " ".join(f"[{tag}]" for tag in labels.tags)
    return "  ".join(filter(None, [tags, " ".join(labels.note.split())]))
