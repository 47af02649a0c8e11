"""`calibrate`: fit a checkpoint's temperature and its OOD threshold to images that it did not train on."""

import argparse
from pathlib import Path
from typing import Any

from cifar_core.cli.evaluate import load_data_of
from cifar_core.cli.options import Add, add_data_dir, add_json, show
from cifar_core.files import require_writable


def add(add_parser: Add) -> None:
    """Add the command with its options."""
    words = "fit how sure a checkpoint may be, and when a picture is none of its classes"
    parser = add_parser("calibrate", help=words)
    parser.set_defaults(command=calibrate)
    parser.add_argument("checkpoint", metavar="NAME", help="a folder, or a name in checkpoints/")
    words = "count how many pictures of other things in this folder are recognized as such; may be repeated"
    parser.add_argument("--others", metavar="P", type=Path, action="append", default=[], help=words)
    add_data_dir(parser)
    add_json(parser)


def calibrate(options: argparse.Namespace) -> int:
    """Write temperature, "sure" and threshold into the card, and print them."""
    from cifar_core.checkpoint import load_card, resolve_checkpoint
    from cifar_core.inference.calibrate import calibrate_checkpoint
    from cifar_core.runs.own_traces import own_folder

    folder = resolve_checkpoint(options.checkpoint)
    require_writable(folder)
    data = load_data_of(load_card(folder), options.data_dir or own_folder(folder), "val")
    card = calibrate_checkpoint(folder, data, options.others).to_json()
    fitted = {key: card.get(key) for key in ("calibration", "sure", "ood")}
    show(options, {"checkpoint": str(folder), **fitted}, _lines)
    return 0


def _lines(document: dict[str, Any]) -> str:
    fit, sure, ood = document["calibration"], document["sure"], document["ood"]
    if fit is None:
        from cifar_core.metrics.calibration import NONE_FITTED

        return f"checkpoint   {document['checkpoint']}\n{NONE_FITTED}"
    before, after = (f"{fit[key]:.2%}" for key in ("ece_before", "ece_after"))
    images = f"{fit['images']:,} validation images"
    lines = [
        f"checkpoint   {document['checkpoint']}",
        f"temperature  {fit['temperature']:.3f}: calibration error {before}, then {after}, on {images}",
        f"sure         from {sure['probability']:.2%}: {sure['right']:.1%} of these answers are right, "
        f"{sure['said']:.1%} of all, on these images changed",
    ]
    if ood is None:
        return "\n".join([*lines, "threshold    none: the network has no chain of blocks to look at"])
    alarms = (
        f"{ood['false_alarms']:.1%} of {images} lie above it, {ood['changed_alarms']:.1%} of them changed"
    )
    lines.append(f"threshold    {ood['threshold']:.3f}: {alarms}")
    for name, counts in ood["detected"].items():
        lines.append(f"{name:11}  {counts['unknown']} of {counts['images']} pictures called none of these")
    return "\n".join(lines)
