"""Damage one file of a store, a run, a checkpoint, a journal or a cache, and let commands and pages read it.

Held: the exit code is 0, 1 or 2, an error is one sentence that names the file or what it belongs to, there is
no traceback, and another run beside it is as it was.
"""

import json
import math
import os
import random
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from cifar_core.cli import main
from cifar_core.config import parse_changes
from cifar_core.datasets import SYNTHETIC
from cifar_core.files import PROJECT_ROOT, checkpoints_dir, write_json
from cifar_core.recipes import get_recipe
from cifar_core.runs.labels import Labels, write_labels
from cifar_core.runs.store import RunStore
from demo.widgets import preload
from tests.support.doomed_runs import Life, live
from tests.support.own_pictures import make_own
from tests.support.page_tests import page
from tests.support.toy_checkpoints import save_toy
from tests.tools.campaign.outcome import SMALL, Outcome, complaint_about, contents, environment, in_fork

PICTURE = str(PROJECT_ROOT / "demo/classify/examples/dog.jpg")
ODD_VALUES: tuple[Any, ...] = (None, [], {}, "", "x", -1, 0, 1e300, True, 10**40, math.nan, -math.inf, [[1]])
BUILDERS = (
    "train --now --resume whole",
    "calibrate {}/network",
    "train --now --recipe own_classes --set epochs=1 --data-dir {}/own",
    "bench estimate --recipe smoke",
    "sweep --now --recipe smoke --search lr=0.01:0.2 --trials 1 --set " + " ".join(SMALL),
)
COMMANDS_A_FILE = 3

# What the damaged file belongs to -> what reads it; {} is the folder of it all
READERS = {
    "runs/whole": "runs; runs --json; report whole; report whole --form lines; train --now --resume whole; "
    "predict PICTURE --checkpoint whole; evaluate --checkpoint whole --split val; "
    "export --checkpoint whole --output {}/x.onnx; "
    "page runs; page live whole; page mixing whole; page understand whole",
    "runs/killed": "runs; report killed; control killed stop; train --now --resume killed; "
    "predict PICTURE --checkpoint killed; page runs; page live killed",
    "runs/.sweeps": "sweep --study smoke --table; sweep --study smoke --now; "
    "sweep --now --recipe smoke --search lr=0.01:0.2 --trials 1; page train",
    "runs/results.json": "reproduce --table; page results",
    "network": "predict PICTURE --checkpoint {}/network; evaluate --checkpoint {}/network --split val; "
    "calibrate {}/network; export --checkpoint {}/network --output {}/x.onnx; "
    "train --now --recipe smoke --set epochs=1 train_size=20 --from {}/network",
    "cache": "train --now --recipe own_classes --set epochs=1 --data-dir {}/own; "
    "data check --source own --data-dir {}/own; bench estimate --recipe smoke; page train",
}


def damaged(seed: int, count: int, folder: Path) -> Iterator[Outcome]:
    """Damage `count` drawn files in drawn ways; each is read by some drawn readers, each from a new copy."""
    preload.FOR_NETWORKS, preload.QUIET_SECONDS = (), 0.0  # nothing is loaded behind a page's back
    whole = _build(folder / "whole")
    for number in range(count):
        draw = random.Random(f"{seed} {number}")
        belongs = draw.choices(list(READERS), (6, 6, 1, 1, 3, 2))[0]
        file, way = draw.choice(_files(whole, belongs)), draw.choice(list(WAYS))
        if file.suffix not in (".json", ".jsonl") and way in JSON_WAYS:
            way = "truncated"
        readers = READERS[belongs].split("; ")
        for words in draw.sample(readers, min(COMMANDS_A_FILE, len(readers))):
            name = f"seed {seed}, file {number}: {file} {way}: {words}"
            yield Outcome(name, _read(whole, folder / "copy", file, way, words, belongs, f"{seed} {number}"))


def _build(folder: Path) -> Path:
    """A store with a finished, a killed and another run, a study and results; a network; caches."""
    store, names = RunStore(folder / "runs"), list(SYNTHETIC.class_names)
    smoke = parse_changes([*SMALL, "epochs=2"])
    make_own(folder / "own")
    for name in ("whole", "killed"):
        store.create(get_recipe("smoke").config.replace(**smoke)).path.rename(store.root / name)
    save_toy(folder / "network", config={"data": "synthetic", "val_size": 100}, class_names=names)
    in_fork(partial(live, Life(str(store.root / "killed"), "kill", step=2, save_seconds=0.0)))
    for words in BUILDERS:
        ended = in_fork(partial(main, words.replace("{}", str(folder)).split()), environment(folder))
        assert ended.code == 0, ended
    write_labels(store.get("whole"), Labels(name="A name", tags=["one"]))
    write_json(store.root / "killed" / "request.json", {"request": None, "factor": 0.5, "rate": None})
    shutil.copytree(store.root / "whole", store.root / "other")
    shutil.copy(checkpoints_dir() / "results.json", store.root)
    return folder


def _files(folder: Path, belongs: str) -> list[Path]:
    """The files of a part, from `folder` on."""
    place = folder / belongs
    found = [place] if place.is_file() else [path for path in place.rglob("*") if path.is_file()]
    return sorted(path.relative_to(folder) for path in found if "lock" not in path.name)


def _read(whole: Path, copy: Path, file: Path, way: str, words: str, belongs: str, seed: str) -> str:
    """Damage a copy and call one reader; returns what is wrong with how it ended."""
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(whole, copy)
    other = contents(copy / "runs/other")
    WAYS[way](copy / file, random.Random(seed))
    given = [word.replace("PICTURE", PICTURE).replace("{}", str(copy)) for word in words.split()]
    call: Callable[[], Any] = partial(main, given)
    if given[0] == "page":
        call = partial(_draw_page, given[1], **dict(zip(("run",), given[2:], strict=False)))
    ended = in_fork(call, environment(copy))
    wrong = complaint_about(ended, (0, 1, 2), (file.name, belongs.split("/")[-1], "smoke"))
    return wrong + (" another run was changed" if contents(copy / "runs/other") != other else "")


def _draw_page(name: str, **query: str) -> int:
    page(name, **query)
    return 0


# Ways to damage


def _flip(path: Path, draw: random.Random) -> None:
    content = bytearray(path.read_bytes() or b"0")
    for _ in range(draw.choice((1, 1, 8))):
        content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
    path.write_bytes(content)


def _link(path: Path, target: str) -> None:
    path.unlink()
    path.symlink_to(target)


def _make_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _odd_value(path: Path, draw: random.Random) -> None:
    """Put a value of another type or size in the place of a drawn one, in a drawn line of JSON lines."""
    lines = path.read_text().splitlines() if path.suffix == ".jsonl" else [path.read_text()]
    number = draw.randrange(len(lines))
    try:
        document = json.loads(lines[number])
    except ValueError:
        path.write_bytes(b"null")
        return
    inner = document
    while isinstance(inner, dict | list) and inner:
        key = draw.choice(list(inner) if isinstance(inner, dict) else range(len(inner)))
        if not isinstance(inner[key], dict | list) or not inner[key] or draw.random() < 0.3:
            inner[key] = draw.choice(ODD_VALUES)
            break
        inner = inner[key]
    lines[number] = json.dumps(document)
    path.write_text("\n".join(lines) + "\n")


def _end_in_nan(path: Path, draw: random.Random) -> None:
    """Make the last values NaN: four bytes of weights, a word of JSON."""
    content = path.read_bytes()
    path.write_bytes(content[:-4] + b"\xff\xff\xff\x7f" if path.suffix == ".safetensors" else b'{"x": NaN}\n')


WAYS: dict[str, Callable[[Path, random.Random], Any]] = {
    "missing": lambda path, draw: path.unlink(),
    "truncated": lambda path, draw: os.truncate(path, draw.randrange(1 + path.stat().st_size)),
    "emptied": lambda path, draw: os.truncate(path, 0),
    "flipped": _flip,
    "a folder": lambda path, draw: _make_folder(path),
    "a link to nowhere": lambda path, draw: _link(path, "/no/such/file"),
    "a link to itself": lambda path, draw: _link(path, path.name),
    "unreadable": lambda path, draw: path.chmod(0),
    "not a number": _end_in_nan,
    "noise": lambda path, draw: path.write_bytes(draw.randbytes(500)),
    "an odd value": _odd_value,
    "another odd value": _odd_value,
    "no object": lambda path, draw: path.write_bytes(draw.choice((b"[]", b"null", b'"x"', b"1"))),
    "a deep nest": lambda path, draw: path.write_bytes(b"[" * 100_000),
}
JSON_WAYS = ("an odd value", "another odd value")
