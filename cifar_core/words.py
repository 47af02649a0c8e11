"""Times in words, the same on the command line and on every page."""

import math


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
