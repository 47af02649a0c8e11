"""Times, run names and tables in words, the same on the command line and on every page."""

import math
import re
import time
import unicodedata
from collections.abc import Sequence

_OWN_RUN = re.compile(r"^(?P<recipe>.+)-(?P<stamp>\d{8}-\d{6})-(?P<tail>[0-9a-f]{4})$")


def duration(seconds: float | None) -> str:
    """Seconds as "2 min 10 s", "1 h 05 min", "3 d 4 h" or "8 s"; "–" where there are none."""
    if seconds is None or not math.isfinite(seconds):
        return "–"
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    if whole < 86400:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole // 86400} d {whole % 86400 // 3600} h"


def amount(number: float) -> str:
    """A count with three significant digits: 3485029 as "3.49 M", 950 as "950"."""
    for factor, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(number) >= 0.9995 * factor:
            return f"{number / factor:#.3g}".rstrip(".") + f" {letter}"
    return f"{number:.0f}"


def file_size(size: float) -> str:
    """Bytes as "3.49 MB" or "950 B"."""
    return f"{amount(size)}B" if size >= 999.5 else f"{size:.0f} B"


def run_name(run_id: str) -> str:
    """A short name for a run's id: "smoke, 22 Nov 14:05:09"; an id of another form stays as it is."""
    match = _OWN_RUN.match(run_id)
    if match is None:
        return run_id
    try:
        moment = time.strptime(match["stamp"], "%Y%m%d-%H%M%S")
    except ValueError:
        return run_id
    return f"{match['recipe']}, {moment.tm_mday} {time.strftime('%b %H:%M:%S', moment)}"


def describe_schedule(factor: float) -> str:
    """A multiple of the learning rate's schedule: "half of the schedule", "1.5 times the schedule"."""
    known = {1.0: "the schedule itself", 0.5: "half of the schedule", 0.1: "a tenth of the schedule"}
    return known.get(factor, "twice the schedule" if factor == 2 else f"{factor:.3g} times the schedule")


def table(rows: Sequence[Sequence[str]]) -> str:
    """Rows of words, the headings first, as a Markdown table whose columns are aligned for a terminal too."""
    widths = [max(places(row[column]) for row in rows) for column in range(len(rows[0]))]
    head, *others = (
        _line([padded(cell, width) for cell, width in zip(row, widths, strict=True)]) for row in rows
    )
    return "\n".join([head, _line(["-" * width for width in widths]), *others])


def places(text: str) -> int:
    """How many places a text takes in a terminal: two for a wide letter of East Asia, none for an accent."""
    return sum(
        0 if unicodedata.combining(letter) else 1 + (unicodedata.east_asian_width(letter) in "WF")
        for letter in text
    )


def padded(text: str, width: int) -> str:
    """The text, filled up with spaces to so many places."""
    return text + " " * (width - places(text))


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def remaining_seconds(done: float, total: float, elapsed: float, before: float = 0) -> float | None:
    """Return the seconds that the rest takes at the pace so far; None before anything was done.

    before: how much of `done` was done when the `elapsed` seconds began.
    """
    return elapsed / (done - before) * (total - done) if done > before else None


def describe_remaining(seconds: float | None) -> str:
    """Return ", 2 min 10 s left", to end a line of progress; "" where that is unknown or all is done."""
    return f", {duration(seconds)} left" if seconds else ""
