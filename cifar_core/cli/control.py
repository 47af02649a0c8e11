"""`control`: ask a run that another process trains to stop, pause, continue or change its learning rate."""

import argparse

from cifar_core.cli.options import Add, add_runs_dir, number
from cifar_core.config import ConfigError
from cifar_core.runs.requests import REQUESTS, ControlRequest
from cifar_core.runs.store import RunStore

LR_ACTIONS = ("lr", "rate")


def add(add_parser: Add) -> None:
    """Add the command with its options."""
    words = "ask a run under way to stop, pause, continue or change its learning rate"
    parser = add_parser("control", help=words)
    parser.set_defaults(command=control)
    parser.add_argument("run", metavar="RUN", help="which run; `runs` lists them")
    words = (
        "stop, pause, continue; lr VALUE: multiply the schedule from the next step on (0.5 is half of the "
        "schedule, 1 the schedule itself); rate VALUE: the learning rate at the next step, which moves on in "
        "the schedule's shape"
    )
    parser.add_argument("action", metavar="ACTION", choices=(*REQUESTS, *LR_ACTIONS), help=words)
    parser.add_argument("value", metavar="VALUE", type=number, nargs="?", help="a number, for lr and rate")
    add_runs_dir(parser)


def control(options: argparse.Namespace) -> int:
    """Leave the request; the run's process takes it at its next step."""
    request = _request_of(options.action, options.value)
    run = RunStore(options.runs_dir).get(options.run)
    run.request(request.request, factor=request.factor, rate=request.rate)
    print(f"Asked {run.id} to {request.words}; it answers at its next step.")
    return 0


def _request_of(action: str, value: float | None) -> ControlRequest:
    """Return the request; raises ConfigError for a number that is missing, not taken or out of limits."""
    if action not in LR_ACTIONS:
        if value is not None:
            raise ConfigError(f"'{action}' takes no number; leave {value:g} out.")
        return ControlRequest(action)
    if value is None:
        raise ConfigError(f"'{action}' needs a number, such as {action} 0.5.")
    return ControlRequest(factor=value) if action == "lr" else ControlRequest(rate=value)
