"""`predict`: classify pictures: files, all those of a folder, or one from standard input."""

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cifar_core.cli.options import Add, add_checkpoint, add_json, number, show, whole_number
from cifar_core.errors import LabError

if TYPE_CHECKING:
    from cifar_core.images.decode import Decoded

STANDARD_INPUT = "-"


def add(add_parser: Add) -> None:
    """Add the command with its options."""
    parser = add_parser("predict", help="classify pictures")
    parser.set_defaults(command=predict)
    words = "picture files, folders of them, or - for a picture from standard input"
    parser.add_argument("images", metavar="IMAGE", nargs="+", help=words)
    words = "how many classes to name (default: 3)"
    parser.add_argument("--top", type=whole_number(1), default=3, help=words)
    words = "turn the pictures clockwise first (default: 0)"
    parser.add_argument("--turn", metavar="DEGREES", type=number, default=0.0, help=words)
    words = "crop to a square whose side is 1/ZOOM of the picture's, 1 to 8 (default: 1)"
    parser.add_argument("--zoom", type=number, default=1.0, help=words)
    words = "where that square lies, each from -1 to 1 (default: 0 0, the middle)"
    parser.add_argument(
        "--shift", metavar=("RIGHT", "DOWN"), nargs=2, type=number, default=(0.0, 0.0), help=words
    )
    add_checkpoint(parser)
    add_json(parser)


def predict(options: argparse.Namespace) -> int:
    """Print an answer for each picture; one that cannot be read gets a sentence, the others their answers."""
    from cifar_core.images.crop import Crop, cropped
    from cifar_core.inference.classifier import Classifier
    from cifar_core.inference.crops import crops_of
    from cifar_core.inference.responses import error_response, prediction_response

    crop = Crop(options.turn, options.zoom, *options.shift)
    classifier = Classifier.load(options.checkpoint)
    answers: list[dict[str, Any]] = []
    for name, decoded in _pictures(options.images):
        if isinstance(decoded, LabError):
            answers.append(error_response(name, str(decoded)))
            continue
        crops = crops_of([cropped(decoded.image, crop)], beside=crop.whole)
        (prediction,) = classifier.predict(crops, top=options.top)
        answers.append(prediction_response(name, prediction, classifier, crop, decoded.notes))
    failures = [answer for answer in answers if "error" in answer]
    show(options, answers, lambda rows: "\n".join(_line(row) for row in rows if "top" in row))
    for answer in answers:
        for note in () if options.json else answer.get("notes", ()):
            print(f"note: {answer['picture']}: {note}", file=sys.stderr)
    for answer in failures:
        print(f"error: {answer['error']}", file=sys.stderr)
    return 1 if failures else 0


def _pictures(given: list[str]) -> Iterator[tuple[str, "Decoded | LabError"]]:
    """The name of each picture, and the picture or why there is none; one at a time, as there may be many."""
    from cifar_core.inference.photographs import pictures_in

    for name in given:
        try:
            paths = pictures_in(Path(name)) if os.path.isdir(name) else [name]
        except LabError as error:
            yield name, error
        else:
            yield from ((str(path), _decoded(str(path))) for path in paths)


def _decoded(name: str) -> "Decoded | LabError":
    from cifar_core.images.decode import MAX_BYTES, ImageError, decode, open_decoded

    try:
        if name != STANDARD_INPUT:
            return open_decoded(name)
        return decode(sys.stdin.buffer.read(MAX_BYTES + 1))
    except ImageError as error:
        return error if name != STANDARD_INPUT else ImageError(f"standard input: {error}")


def _line(answer: dict[str, Any]) -> str:
    words = ", ".join(f"{guess['label']} {guess['probability']:.1%}" for guess in answer["top"])
    remarks = {
        "sure": answer["sure"],
        "this looks like none of the classes": answer["known"] is False,
        f"at the {answer['side']}; the middle looks like none of the classes": answer["side"],
    }
    said = "".join(f" ({remark})" for remark, holds in remarks.items() if holds)
    return f"{answer['picture']}: {words}{said}"
