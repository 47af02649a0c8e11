"""`space push` and `space build`: the classify page or the dashboard as a Hugging Face Space."""

import argparse
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from cifar_core.cli.hub import add_sending, send
from cifar_core.cli.options import Add

if TYPE_CHECKING:
    from cifar_core.hub.space import Space


def add(add_parser: Add) -> None:
    """Add both commands with their options."""
    space = add_parser("space", help="the pages as a Hugging Face Space: publish it, or write its folder")
    commands = space.add_subparsers(required=True, metavar="push|build")
    words = "publish a Space; says what it would send, and with --yes sends it"
    push = commands.add_parser("push", help=words)
    push.set_defaults(command=space_push)
    push.add_argument("repo", metavar="USER/NAME", help="where to publish it")
    add_sending(push)
    build = commands.add_parser("build", help="write the files that `push` would send")
    build.set_defaults(command=space_build)
    build.add_argument("folder", metavar="OUT", type=Path, help="an empty folder, or a new one")
    for command in (push, build):
        _add_kind(command)


def _add_kind(parser: argparse.ArgumentParser) -> None:
    words = "gradio: the classify page (default); docker: the dashboard"
    parser.add_argument("--sdk", choices=("gradio", "docker"), default="gradio", help=words)
    words = "cpu (default), or zerogpu with the torch that ZeroGPU supports"
    parser.add_argument("--hardware", choices=("cpu", "zerogpu"), default="cpu", help=words)
    words = "a network that goes along, by folder or name; may be repeated (default: all that are shipped)"
    parser.add_argument("--checkpoint", metavar="C", action="append", default=[], help=words)
    words = "a model on the Hub that the Space's page links to; may be repeated"
    parser.add_argument("--model", metavar="USER/NAME", action="append", default=[], help=words)
    words = "an index with torch's CPU wheels (default: PyTorch's own for cpu; '' for none, and 5 GB of CUDA)"
    parser.add_argument("--wheels", metavar="URL", help=words)


def _space_of(options: argparse.Namespace) -> "Space":
    from cifar_core.hub.space import Space

    return Space(options.sdk, options.hardware, options.checkpoint, options.model, options.wheels)


def space_push(options: argparse.Namespace) -> int:
    """Publish a Space."""
    from cifar_core.hub.publish import Parcel
    from cifar_core.hub.space import HARDWARE, build_space

    space = _space_of(options)
    with tempfile.TemporaryDirectory(prefix="cifar10-lab-space-") as name:
        files = build_space(Path(name), space)
        hardware = HARDWARE[space.hardware]
        send(Parcel(options.repo, "space", Path(name), files, space.sdk, hardware), options)
    print(space.takes)
    return 0


def space_build(options: argparse.Namespace) -> int:
    """Write a Space's folder."""
    from cifar_core.hub.space import build_space

    space = _space_of(options)
    files = build_space(options.folder, space)
    size = sum((options.folder / file).stat().st_size for file in files)
    print(
        f"{options.folder}: {len(files)} files, {size / 1e6:.1f} MB, for {options.sdk} on {options.hardware}."
    )
    print(space.takes)
    return 0
