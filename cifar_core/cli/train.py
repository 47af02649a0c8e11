"""`train`: train a recipe, or go on with a run."""

import argparse
import contextlib
import shlex
import sys
from pathlib import Path

from cifar_core.cli.options import Add, add_changes, add_data_dir, add_runs_dir
from cifar_core.cli.progress import TrainProgress
from cifar_core.cli.streams import lasting
from cifar_core.config import ConfigError, TrainConfig, parse_changes
from cifar_core.datasets import OWN
from cifar_core.recipes import get_recipe
from cifar_core.runs.events import Beat, Event
from cifar_core.runs.history import History
from cifar_core.runs.queue import Withdrawn
from cifar_core.runs.run import Run
from cifar_core.runs.store import RunStore, Status
from cifar_core.training.in_turn import train_in_turn
from cifar_core.training.ranks import Ranks
from cifar_core.training.trackers import TRACKERS, Mirror, check_trackers, trackers_of


def add(add_parser: Add) -> None:
    """Add the command with its options."""
    parser = add_parser("train", help="train a recipe, or resume a run")
    parser.set_defaults(command=train)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--recipe", metavar="NAME", help="which recipe; `recipes` lists them")
    what.add_argument("--resume", metavar="RUN", help="go on with this run; `runs` lists them")
    words = (
        "begin with the weights of this network: a name in checkpoints/, or a folder; where it knows other "
        "classes, its last layer begins anew (sets start_from, and mixing_temperature to 1)"
    )
    parser.add_argument("--from", metavar="CHECKPOINT", dest="start_from", help=words)
    add_changes(parser, "epochs=5 lr=0.1")
    words = "train beside another training, instead of waiting until it has ended"
    parser.add_argument("--now", action="store_true", help=words)
    words = "also send the run's figures to this tracker; may be repeated"
    parser.add_argument("--log", action="append", choices=TRACKERS, default=[], help=words)
    add_data_dir(parser)
    add_runs_dir(parser)


@lasting()
def train(options: argparse.Namespace) -> int:
    """Train, with progress, and say how it ended; of several processes the first one does."""
    ranks = Ranks.of_environment()
    if not ranks.leads:
        from cifar_core.training.follow import follow

        follow(ranks, options.data_dir)
        return 0
    check_trackers(options.log)
    run = _run_of(options)
    # a run that goes on keeps its trackers
    with TrainProgress(run) as progress, Mirror(run, [*options.log, *trackers_of(run)]) as mirror:

        def listen(event: Event | Beat, status: Status) -> None:
            progress(event, status)
            mirror(event, status)

        try:
            train_in_turn(run, options.data_dir, options.now, listen, tell_of_waiting, ranks)
        except Withdrawn:
            pass
        except KeyboardInterrupt:
            progress.interrupted = True
    if not progress.interrupted:
        ranks.leave()
    if run.config().data_set.is_own and run.status().state == "finished":
        _calibrate(run, options.data_dir)
    print(_ending(run, ranks))
    return 130 if progress.interrupted else 0


def _calibrate(run: Run, data_dir: Path | None) -> None:
    """Fit temperature and limits to the pictures set aside: nobody else does that for own classes."""
    from cifar_core.data import load_data
    from cifar_core.inference.calibrate import calibrate_checkpoint

    data = load_data(data_dir or run.data_dir, source=run.config().data_set)
    calibrate_checkpoint(run.best_checkpoint, data)


def _run_of(options: argparse.Namespace) -> Run:
    """Return the run to go on with, or a new one."""
    store = RunStore(options.runs_dir)
    if options.resume is None:
        changes = parse_changes(options.changes)
        config = get_recipe(options.recipe).config
        if options.start_from:
            begun = {"start_from": options.start_from, "mixing_temperature": 1.0}
            changes = begun | ({} if "data" in changes else _own_data(config, options.data_dir)) | changes
        return store.create(config.replace(**changes), options.data_dir)
    if options.changes or options.start_from:
        option = "--set" if options.changes else "--from"
        raise ConfigError(f"{option} cannot change a run that has begun; start a new one with --recipe.")
    run = store.get(options.resume)
    if run.shipped:
        raise ConfigError(f"'{run.id}' came with the project and is finished; train its recipe instead.")
    return run


def _own_data(config: TrainConfig, folder: Path | None) -> dict[str, str]:
    """The change of settings for a folder of other classes than those of the recipe's data set."""
    if folder is None or config.data_set.is_own:
        return {}
    from cifar_core.data import DataError
    from cifar_core.data.own import find_own
    from cifar_core.data.sources import find_local

    with contextlib.suppress(DataError):
        find_local(folder, config.data_set.whole)
        return {}
    with contextlib.suppress(DataError):
        names = ", ".join(find_own(folder).data_set.class_names)
        print(f"Learning the classes of {folder} (data={OWN.name}): {names}", file=sys.stderr)
        return {"data": OWN.name}
    return {}


def tell_of_waiting(words: str) -> None:
    """Say what a training waits for, and how it would not."""
    print(f"{words} --now would not wait.", file=sys.stderr, flush=True)


def _ending(run: Run, ranks: Ranks) -> str:
    best, state = History.of(run, short=True).best, run.status().state
    words = f"Run {run.id} {state}: no epoch was completed."
    if best:
        accuracy = f"best validation accuracy {best.val_accuracy:.2%} at epoch {best.epoch}"
        words = f"Run {run.id} {state}: {accuracy}, kept in {run.best_checkpoint}."
    if state != "finished":
        command = shlex.join(["train", "--resume", run.id, "--runs-dir", str(run.path.parent)])
        start = f"torchrun --nproc-per-node={ranks.local_size} -m" if ranks.size > 1 else "python -m"
        words += f"\nGo on with: {start} cifar_core {command}"
    return words
