"""Answers as text to take away: the lines that give the same answer again, and a table of several as CSV."""

import csv
import io
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from cifar_core.images.crop import Crop

YES_NO = {True: "yes", False: "no", None: ""}


def shell_line(path: str, network: str, crop: Crop, top: int) -> str:
    """The command that gives the same JSON."""
    parts = ["python", "-m", "cifar_core", "predict", path, "--checkpoint", network, "--top", str(top)]
    if crop.turn:
        parts += ["--turn", f"{crop.turn:g}"]
    if crop.zoom != 1:
        parts += ["--zoom", f"{crop.zoom:g}"]
    if crop.right or crop.down:
        parts += ["--shift", f"{crop.right:g}", f"{crop.down:g}"]
    return shlex.join([*parts, "--json"])


def python_lines(path: str, network: str, crop: Crop, top: int) -> str:
    """The program that gives the same probabilities."""
    pictures = "[picture]"
    lines = [
        "from pathlib import Path",
        "from cifar_core import Classifier, decode_image",
        "",
        f"picture = decode_image(Path({path!r}).read_bytes())",
    ]
    if not crop.whole:
        lines.insert(2, "from cifar_core.images.crop import Crop, cropped")
        lines.insert(3, "from cifar_core.inference.crops import crops_of")
        given = ", ".join(f"{name}={value:g}" for name, value in crop.to_json().items())
        pictures = f"crops_of([cropped(picture, Crop({given}))], beside=False)"
    lines.append(f"print(Classifier.load({network!r}).predict({pictures}, top={top})[0].top)")
    return "\n".join(lines)


def csv_text(responses: Sequence[Mapping[str, Any]]) -> str:
    """A line for each answer: name, network, version, then the classes and their probabilities, the error."""
    out = io.StringIO()
    ranks = range(1, 1 + max((len(one.get("top", ())) for one in responses), default=0))
    heads = [f"{what}_{rank}" for rank in ranks for what in ("label", "probability")]
    writer = csv.writer(out)
    writer.writerow(["picture", "network", "version", "known", "sure", "side", *heads, "error"])
    for one in responses:
        known, sure = (YES_NO[one.get(key)] for key in ("known", "sure"))
        guesses = [value for guess in one.get("top", ()) for value in (guess["label"], guess["probability"])]
        head = [_harmless(one["picture"]), one.get("network", ""), one.get("version", ""), known]
        head += [sure, one.get("side") or ""]
        blank = [""] * (len(heads) - len(guesses))
        writer.writerow([*head, *guesses, *blank, one.get("error", "")])
    return out.getvalue()


def _harmless(name: str) -> str:
    """A name that a spreadsheet does not take for a formula."""
    return f"'{name}" if name.startswith(("=", "+", "-", "@", "\t", "\r")) else name
