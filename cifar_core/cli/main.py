"""From arguments to an exit code: 0 done, 1 failed, 2 wrong use, 130 interrupted."""

import argparse
import io
import signal
import sys
from collections.abc import Sequence
from contextlib import nullcontext, suppress

from cifar_core.cli import (
    bench,
    calibrate,
    control,
    data,
    evaluate,
    export,
    hub,
    lr_finder,
    models,
    predict,
    prepare,
    recipes,
    report,
    reproduce,
    runs,
    ship,
    space,
    sweep,
    train,
)
from cifar_core.cli.streams import give_up, give_up_where_full, lasting, one_voice, open_missing
from cifar_core.config import ConfigError
from cifar_core.errors import LabError, sentence_of
from cifar_core.training.ranks import Ranks

# In the order of --help. Each module has `add`, which adds its parser with the function to call as `command`.
COMMANDS = (
    *(train, evaluate, predict, calibrate, models, recipes, runs, control, lr_finder, sweep),
    *(reproduce, report),
    *(ship, prepare, export, hub, space, data, bench),
)
LASTING = (train.train, lr_finder.lr_find, sweep.sweep, reproduce.reproduce)  # Ctrl-C lets them end well
DONE, FAILED, WRONG_USE, INTERRUPTED = 0, 1, 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; errors are one sentence on stderr."""
    open_missing()
    try:
        with one_voice():
            return _run(arguments)
    finally:
        for stream in (sys.stdout, sys.stderr):
            give_up_where_full(stream)


def _run(arguments: Sequence[str] | None) -> int:
    try:
        options = build_parser().parse_args(arguments)
    except SystemExit as end:
        return _told(end)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # names of files may hold what the terminal cannot show
            stream.reconfigure(errors="backslashreplace")
    lasts = options.command in LASTING and not getattr(options, "table", False)
    if lasts and signal.getsignal(signal.SIGINT) is signal.SIG_DFL:  # see __main__.py
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        if Ranks.of_environment().size > 1 and options.command is not train.train:
            raise ConfigError("torchrun shares out a training; start any other command without it.")
        code: int = options.command(options)
        with lasting() if options.command is train.train else nullcontext():  # its result is the run
            sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        with suppress(OSError):
            print("Interrupted.", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # the reader of our output left, as `| head` does
        give_up(sys.stdout)
        return DONE
    except (LabError, OSError) as error:  # OSError: what the system says of a file, a disk or a folder
        code = error.exit_code if isinstance(error, LabError) else FAILED
        with suppress(OSError):
            print(f"{'wrong use' if code == WRONG_USE else 'error'}: {sentence_of(error)}", file=sys.stderr)
        return code


def _told(end: SystemExit) -> int:
    """The exit code after help, or a complaint: help that nobody reads is no error, but a full disk is."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        give_up(sys.stdout)
    except OSError as error:
        with suppress(OSError):
            print(f"error: {sentence_of(error)}", file=sys.stderr)
        return FAILED
    raise end


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands with their options."""
    parser = argparse.ArgumentParser(
        prog="python -m cifar_core",
        description="Train, measure and use small image classifiers: of CIFAR-10, of your own classes.",
        epilog="Exit codes: 0 done, 1 failed, 2 wrong use, 130 interrupted.",
    )
    subparsers = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add(subparsers.add_parser)
    return parser
