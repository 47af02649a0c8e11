"""What a finished run leaves, without clocks: two runs on the same settings must leave the same bytes."""

import json
from typing import Any

from cifar_core.checkpoint import CARD, WEIGHTS
from cifar_core.runs.run import Run
from cifar_core.training.state import SKELETON, TENSORS

CLOCK = {"time", "seconds", "val_seconds", "network_seconds", "run_seconds", "images_per_second"}
CLOCK |= {"wall_time_seconds", "events_size"}


def remains(run: Run) -> dict[str, Any]:
    """Everything that must be equal: weights and states by their bytes, the rest without clocks."""
    events = [json.loads(line) for line in (run.path / "events.jsonl").read_text().splitlines()]
    kept: dict[str, Any] = {"events": [timeless(event) for event in events if event["type"] != "resume"]}
    for folder in (run.best_checkpoint, run.last_checkpoint):
        kept[folder.name] = (folder / WEIGHTS).read_bytes()
        kept[f"{folder.name} card"] = timeless(json.loads((folder / CARD).read_text()))
    kept["state"] = (run.last_checkpoint / TENSORS).read_bytes()
    kept["skeleton"] = timeless(json.loads((run.last_checkpoint / SKELETON).read_text()))
    return kept


def timeless(value: Any) -> Any:
    """The JSON value without what a clock says; a saved dict is {"items": [[key, value], …]}."""
    if isinstance(value, dict) and set(value) == {"items"}:
        return [[key, timeless(item)] for key, item in value["items"] if key not in CLOCK]
    if isinstance(value, dict):
        return {key: timeless(item) for key, item in value.items() if key not in CLOCK}
    return [timeless(item) for item in value] if isinstance(value, list) else value


def differences(run: Run, unbroken: dict[str, Any]) -> list[str]:
    """Name what differs from the remains of the unbroken run, and a state that is not a finished one's."""
    status, found = run.status(), remains(run)
    wrong = [] if (status.state, status.message) == ("finished", "") else [f"{status.state} {status.message}"]
    return wrong + [name for name in unbroken if found[name] != unbroken[name]]
