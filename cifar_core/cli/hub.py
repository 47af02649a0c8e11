"""`hub push` and `hub pull`: checkpoints on the Hugging Face Hub."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from cifar_core.cli.options import Add, add_checkpoint
from cifar_core.config import ConfigError

if TYPE_CHECKING:
    from cifar_core.hub.publish import Parcel


def add(add_parser: Add) -> None:
    """Add both commands with their options."""
    hub = add_parser("hub", help="checkpoints on the Hugging Face Hub: publish one, fetch one")
    commands = hub.add_subparsers(required=True, metavar="push|pull")
    words = "publish a checkpoint with its model card; says what it would send, and with --yes sends it"
    push = commands.add_parser("push", help=words)
    push.set_defaults(command=hub_push)
    push.add_argument("repo", metavar="USER/NAME", help="where to publish it")
    add_checkpoint(push)
    add_sending(push)
    pull = commands.add_parser("pull", help="fetch a checkpoint, and check it as any other")
    pull.set_defaults(command=hub_pull)
    pull.add_argument("repo", metavar="USER/NAME", help="which one")
    pull.add_argument("--revision", metavar="R", help="a branch, a tag or a commit (default: main)")
    pull.add_argument("--output", metavar="FOLDER", type=Path, help="where to put it (default: the cache)")


def add_sending(parser: argparse.ArgumentParser) -> None:
    """The options of every command that publishes."""
    parser.add_argument("--yes", action="store_true", help="send; without it, only say what would be sent")
    parser.add_argument("--update", action="store_true", help="also where there is such a repository already")
    parser.add_argument("--private", action="store_true", help="a new repository is for your eyes alone")


def hub_push(options: argparse.Namespace) -> int:
    """Publish a checkpoint as a model."""
    from cifar_core.checkpoint import resolve_checkpoint
    from cifar_core.hub.checkpoints import parcel_of

    with parcel_of(resolve_checkpoint(options.checkpoint), options.repo) as parcel:
        if not options.yes:
            print((parcel.folder / "README.md").read_text(encoding="utf-8"))
        send(parcel, options)
    if options.yes:
        print(f'Use it with: Classifier.from_pretrained("{options.repo}")')
    return 0


def hub_pull(options: argparse.Namespace) -> int:
    """Fetch a checkpoint."""
    from cifar_core.checkpoint import load_card
    from cifar_core.hub.checkpoints import fetch_checkpoint

    if options.output and options.output.exists():
        raise ConfigError(f"{options.output} is there already; name a folder that is not.")
    folder = fetch_checkpoint(options.repo, options.revision, options.output)
    card = load_card(folder)
    print(f"{folder}: {card.model}, {len(card.class_names)} classes, checked.")
    print(f"Use it with: python -m cifar_core predict photo.jpg --checkpoint {folder}")
    return 0


def send(parcel: "Parcel", options: argparse.Namespace) -> None:
    """Say what would be sent or, with --yes, send it."""
    from cifar_core.hub.publish import listing, publish

    print(listing(parcel))
    if not options.yes:
        print(f"Nothing was sent. With --yes this goes to the {parcel.kind} {parcel.repo}.")
        return
    print(f"Published: {publish(parcel, options.update, options.private)}")
