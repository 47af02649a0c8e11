"""From arguments to an exit code: 0 done, 1 failed, 2 wrong use, 130 interrupted."""

import argparse
import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from cifar_core.cli import commands
from cifar_core.cli.bench import add_bench
from cifar_core.cli.calibrate import calibrate
from cifar_core.cli.control import add_control
from cifar_core.cli.evaluate import evaluate
from cifar_core.cli.hub import add_hub
from cifar_core.cli.lr_finder import add_lr_finder
from cifar_core.cli.reproduce import report, reproduce
from cifar_core.cli.ship import ship
from cifar_core.cli.space import add_space
from cifar_core.errors import LabError
from cifar_core.training.trackers import TRACKERS

DONE, FAILED, WRONG_USE, INTERRUPTED = 0, 1, 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; errors are one sentence on stderr."""
    options = build_parser().parse_args(arguments)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # names of files may hold what the terminal cannot show
            stream.reconfigure(errors="backslashreplace")
    try:
        code: int = options.command(options)
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # the reader of our output left, as `| head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED if options.command is commands.train else DONE
    except (LabError, OSError) as error:  # OSError: what the system says of a file, a disk or a folder
        code = error.exit_code if isinstance(error, LabError) else FAILED
        print(f"{'wrong use' if code == WRONG_USE else 'error'}: {error}", file=sys.stderr)
        return code


def build_parser() -> argparse.ArgumentParser:
    """All commands with their options."""
    parser = argparse.ArgumentParser(
        prog="python -m cifar_core",
        description="Train, measure and use small image classifiers on CIFAR-10.",
        epilog="Exit codes: 0 done, 1 failed, 2 wrong use, 130 interrupted.",
    )
    add = parser.add_subparsers(required=True, metavar="COMMAND").add_parser
    _add_train(add("train", help="train a recipe, or go on with a run"))
    _add_evaluate(add("evaluate", help="measure a checkpoint on the test or validation images"))
    _add_predict(add("predict", help="classify pictures"))
    _add_calibrate(add("calibrate", help="fit how sure a checkpoint may be, and when it knows nothing"))
    for name, command, words in (
        ("models", commands.models, "list the networks"),
        ("recipes", commands.recipes, "list the recipes"),
        ("runs", commands.runs, "list the runs"),
    ):
        listing = add(name, help=words)
        listing.set_defaults(command=command)
        _add_json(listing)
        if name == "runs":
            _add_runs_dir(listing)
    _add_control(add("control", help="ask a run under way to stop, pause, go on or change its learning rate"))
    _add_lr_finder(add("lr-find", help="which learning rate suits a recipe: a range test of 80 steps"))
    _add_reproduce(add("reproduce", help="run recipes of earlier works, and show stated and own results"))
    _add_report(add("report", help="a run's best epochs as a table, or a JSON line for each epoch"))
    _add_ship(add("ship", help="put a finished run among the project's checkpoints (for its maintainers)"))
    _add_export(add("export", help="write a checkpoint as a file for other programs"))
    add_hub(add("hub", help="checkpoints on the Hugging Face Hub: publish one, fetch one"))
    add_space(add("space", help="the pages as a Hugging Face Space: publish it, or write its folder"))
    _add_data(add("data", help="look at the data set"))
    add_bench(add("bench", help="how fast is this machine, and how long would it train"), _add_bench_common)
    return parser


def _add_train(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(command=commands.train)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--recipe", metavar="NAME", help="which recipe; `recipes` lists them")
    what.add_argument("--resume", metavar="RUN", help="go on with this run; `runs` lists them")
    parser.add_argument(
        "--set",
        metavar="KEY=VALUE",
        dest="changes",
        action="extend",
        nargs="+",
        default=[],
        help="change settings of the recipe, such as epochs=5 lr=0.1",
    )
    words = "train beside another training, instead of waiting until it has ended"
    parser.add_argument("--now", action="store_true", help=words)
    parser.add_argument(
        "--log",
        action="append",
        choices=TRACKERS,
        default=[],
        help="mirror the run's figures to this tracker as well; may come again",
    )
    _add_data_dir(parser)
    _add_runs_dir(parser)


def _add_evaluate(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(command=evaluate)
    _add_checkpoint(parser)
    parser.add_argument(
        "--split", choices=("test", "val"), default="test", help="which images (default: test)"
    )
    parser.add_argument("--write-card", action="store_true", help="keep the figures in the checkpoint's card")
    _add_data_dir(parser)
    _add_json(parser)


def _add_calibrate(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(command=calibrate)
    parser.add_argument("checkpoint", metavar="NAME", help="a folder, or a name in checkpoints/")
    words = "count how many pictures of other things in this folder are found out; may come again"
    parser.add_argument("--others", metavar="P", type=Path, action="append", default=[], help=words)
    _add_data_dir(parser)
    _add_json(parser)


def _add_predict(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(command=commands.predict)
    parser.add_argument("images", metavar="IMAGE", nargs="+", type=Path, help="picture files")
    parser.add_argument("--top", type=_count, default=3, help="how many classes to name (default: 3)")
    words = "turn the pictures clockwise first (default: 0)"
    parser.add_argument("--turn", metavar="DEGREES", type=float, default=0.0, help=words)
    words = "look at a square of a ZOOMth of the side, 1 to 8 (default: 1)"
    parser.add_argument("--zoom", type=float, default=1.0, help=words)
    words = "where that square lies, each from -1 to 1 (default: 0 0, the middle)"
    parser.add_argument(
        "--shift", metavar=("RIGHT", "DOWN"), nargs=2, type=float, default=(0.0, 0.0), help=words
    )
    _add_checkpoint(parser)
    _add_json(parser)


def _add_lr_finder(parser: argparse.ArgumentParser) -> None:
    add_lr_finder(parser)
    _add_data_dir(parser)
    _add_runs_dir(parser)
    _add_json(parser)


def _add_control(parser: argparse.ArgumentParser) -> None:
    add_control(parser)
    _add_runs_dir(parser)


def _add_reproduce(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(command=reproduce)
    parser.add_argument(
        "names", metavar="NAME", nargs="*", help="which recipes (default: all that have a stated result)"
    )
    parser.add_argument(
        "--fast", action="store_true", help="our own recipes for the same results, in a fifth of the epochs"
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of the runs (default: 0)")
    parser.add_argument("--table", action="store_true", help="run nothing; show the results so far")
    words = "file of the results (default: results.json in the folder of the runs)"
    parser.add_argument("--results", metavar="FILE", type=Path, help=words)
    _add_data_dir(parser)
    _add_runs_dir(parser)
    _add_json(parser)


def _add_report(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(command=report)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("run", metavar="RUN", nargs="?", help="which run; `runs` lists them")
    words = "write the tables of checkpoints/README.md anew (for maintainers)"
    what.add_argument("--shipped", action="store_true", help=words)
    words = "table: lowest losses and highest accuracies (default); lines: one JSON object an epoch"
    parser.add_argument("--form", choices=("table", "lines"), default="table", help=words)
    _add_runs_dir(parser)
    _add_json(parser)


def _add_ship(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(command=ship)
    parser.add_argument("run", metavar="RUN", help="which finished run; `runs` lists them")
    parser.add_argument("name", metavar="NAME", help="its name there, such as mixing_lite.v2")
    parser.add_argument("--half", action="store_true", help="store the weights in 16 bits")
    parser.add_argument("--note", action="append", default=[], help="a sentence for the card; may come again")
    _add_data_dir(parser)
    _add_runs_dir(parser)


def _add_export(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(command=commands.export)
    _add_checkpoint(parser)
    parser.add_argument("--format", choices=("onnx",), default="onnx", help="kind of file (default: onnx)")
    parser.add_argument("--output", metavar="FILE", type=Path, required=True, help="where to write it")


def _add_data(parser: argparse.ArgumentParser) -> None:
    check = parser.add_subparsers(required=True, metavar="check").add_parser(
        "check", help="say what data there is: counts, mean, std, fingerprint"
    )
    check.set_defaults(command=commands.data_check)
    check.add_argument(
        "--source", choices=("auto", "synthetic"), default="auto", help="real or drawn pictures"
    )
    _add_data_dir(check)
    _add_json(check)


def _add_bench_common(parser: argparse.ArgumentParser) -> None:
    _add_runs_dir(parser)
    _add_json(parser)


def _count(text: str) -> int:
    number = int(text) if text.isdecimal() else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"'{text}' must be a whole number above 0")
    return number


def _add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON document and nothing else")


def _add_checkpoint(parser: argparse.ArgumentParser) -> None:
    words = "a folder, or a name in checkpoints/ (default: the shipped mixing network)"
    parser.add_argument("--checkpoint", metavar="C", help=words)


def _add_data_dir(parser: argparse.ArgumentParser) -> None:
    words = "folder of the data (default: CIFAR_DATA, then a download)"
    parser.add_argument("--data-dir", metavar="P", type=Path, help=words)


def _add_runs_dir(parser: argparse.ArgumentParser) -> None:
    words = "folder of the runs (default: CIFAR_LAB_RUNS, then runs/ in the project)"
    parser.add_argument("--runs-dir", metavar="P", type=Path, help=words)
