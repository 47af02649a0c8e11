"""`space build`, `prove` and `push`: the classify page or the dashboard as a Hugging Face Space."""

import argparse
import json
import sys
from pathlib import Path

from cifar_core.cli.hub import add_sending


def add_space(parser: argparse.ArgumentParser) -> None:
    """The three commands with their options."""
    add = parser.add_subparsers(required=True, metavar="build|prove|push").add_parser
    build = add("build", help="write a folder that is a complete Space")
    build.set_defaults(command=space_build)
    build.add_argument("folder", metavar="OUT", type=Path, help="an empty folder, or an older build")
    add_plan(build)
    prove = add("prove", help="start a built Space as the Hub would, and ask it about a picture")
    prove.set_defaults(command=space_prove)
    prove.add_argument("folder", metavar="FOLDER", type=Path, help="what `space build` wrote")
    prove.add_argument("--port", type=int, default=7860, help="where it listens (default: 7860)")
    prove.add_argument("--json", action="store_true", help="print one JSON document and nothing else")
    push = add("push", help="publish a Space; says what it would send, and with --yes sends")
    push.set_defaults(command=space_push)
    push.add_argument("repo", metavar="USER/NAME", help="where to publish it")
    words = "what `space build` wrote (default: it is built now, by the options below)"
    push.add_argument("--folder", metavar="FOLDER", type=Path, help=words)
    add_plan(push)
    add_sending(push)


def add_plan(parser: argparse.ArgumentParser) -> None:
    """The options that say what kind of Space."""
    words = "gradio: the classify page (default); docker: the dashboard"
    parser.add_argument("--sdk", choices=("gradio", "docker"), default="gradio", help=words)
    words = "cpu (default), or zerogpu with the torch that ZeroGPU supports"
    parser.add_argument("--hardware", choices=("cpu", "zerogpu"), default="cpu", help=words)
    words = "a network that goes along, by folder or name; may come again (default: the shipped ones)"
    parser.add_argument("--checkpoint", metavar="C", action="append", default=[], help=words)
    words = "a model on the Hub that the Space's page links to; may come again"
    parser.add_argument("--model", metavar="USER/NAME", action="append", default=[], help=words)
    words = "an index with torch's CPU wheels, which spare a Space without a GPU 5 GB (pytorch.org names it)"
    parser.add_argument("--wheels", metavar="URL", default="", help=words)


def space_build(options: argparse.Namespace) -> int:
    """Write a Space's folder."""
    files, size = _build(options, options.folder)
    print(f"{options.folder}: {files} files, {size / 1e6:.1f} MB, for {options.sdk} on {options.hardware}.")
    if options.sdk == "gradio":
        print(f"Try it as the Hub would: python -m cifar_core space prove {options.folder}")
    print(f"Publish it: python -m cifar_core space push USER/NAME --folder {options.folder}")
    return 0


def _build(options: argparse.Namespace, folder: Path) -> tuple[int, int]:
    from cifar_core.hub.space import Plan, build_space

    plan = Plan(
        options.sdk, options.hardware, tuple(options.checkpoint), tuple(options.model), options.wheels
    )
    files = build_space(folder, plan)
    return len(files), sum((folder / file).stat().st_size for file in files)


def space_prove(options: argparse.Namespace) -> int:
    """Start a Space as the Hub would."""
    from cifar_core.hub.space_proof import prove_space

    proof = prove_space(options.folder, options.port, lambda words: print(words, file=sys.stderr, flush=True))
    if options.json:
        print(json.dumps(proof.to_json(), indent=1))
        return 0
    print(
        f"{options.folder} works: started in {proof.start_seconds:.1f} s, {proof.resident_mb:.0f} MB; said "
        f"“{proof.answer}” in {proof.answer_seconds:.2f} s, stopped in {proof.stop_seconds:.1f} s; its "
        f"packages took {proof.install_seconds:.0f} s to install."
    )
    for lack in proof.lacking:
        print(f"Not tried here: {lack}.")
    return 0


def space_push(options: argparse.Namespace) -> int:
    """Publish a Space."""
    import tempfile

    with tempfile.TemporaryDirectory(prefix="cifar10-lab-space-") as name:
        folder = options.folder
        if folder is None:
            folder = Path(name) / "space"
            _build(options, folder)
        _send(options, folder)
    return 0


def _send(options: argparse.Namespace, folder: Path) -> None:
    from cifar_core.cli.hub import send
    from cifar_core.hub.publish import Parcel
    from cifar_core.hub.space import SpaceError, built_files, read_front_matter

    files = built_files(folder)
    if missing := [file for file in files if not (folder / file).is_file()]:
        raise SpaceError(f"{folder / missing[0]} is gone; build the Space again.")
    fields = read_front_matter((folder / "README.md").read_text(encoding="utf-8"))
    send(
        Parcel(
            options.repo, "space", folder, files, str(fields["sdk"]), str(fields.get("suggested_hardware"))
        ),
        options,
    )
