"""A run as one zip file, to keep or give away, and such a file of anybody brought in as a run. No torch.

<id>/config.json, run.json, status.json, events.jsonl, labels.json, pictures.json, log.txt
<id>/checkpoints/best/card.json, weights.safetensors, strangeness.safetensors

The states to go on from stay behind: they are most of a run's bytes, and nothing that shows a run needs them.
So do the data's folder and the trackers, which mean something on one machine alone.
"""

import errno
import json
import os
import re
import secrets
import shutil
import stat
import struct
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import IO

from filelock import FileLock, Timeout

from cifar_core.errors import LabError, reason_of
from cifar_core.files import RUNS_BEST, StoreError, read_json, replace_path, sync_folder, write_json
from cifar_core.format import file_size
from cifar_core.runs.disk import ENDED, mark_freed
from cifar_core.runs.events import BlockMixing, Epoch, Event, RunStart, Step
from cifar_core.runs.labels import FILE as LABELS
from cifar_core.runs.labels import read_labels
from cifar_core.runs.run import EVENTS, Run
from cifar_core.runs.sample import FILE as SAMPLE
from cifar_core.runs.sample import read_sample
from cifar_core.runs.status import Status
from cifar_core.runs.store import RunStore
from cifar_core.runs.summary import summarize
from cifar_core.runs.trash import FOLDER as TRASH

FOLDER = ".incoming"
PATIENCE_SECONDS = 60.0  # for another run that is being brought in
LOG, MOST_LINE = "log.txt", 500_000  # bytes of one event
MADE = ("run.json", "status.json")  # written anew, not copied
CARD = f"{RUNS_BEST}/card.json"
LIMITS = {  # file of a run -> the most bytes that are taken
    **dict.fromkeys(("config.json", *MADE, LABELS), 1_000_000),
    SAMPLE: 1_000_000,
    LOG: 20_000_000,
    EVENTS: 50_000_000,
    f"{RUNS_BEST}/weights.safetensors": 2_000_000_000,
    f"{RUNS_BEST}/strangeness.safetensors": 50_000_000,
    CARD: 100_000,
}
NEEDED = ("config.json", "status.json")
MOST_ENTRIES = 40  # files and folders
KINDS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
UNDER_WAY = "It was under way when it was downloaded."
BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, ValueError, RuntimeError, struct.error)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")
_TAIL = re.compile(r"-[0-9a-f]{4}$")


def write_archive(run: Run, file: IO[bytes]) -> None:
    """Write a run's zip, file by file; that of a run under way holds what there is so far.

    Raises:
        StoreError: when it is shipped or damaged, or its best network is replaced meanwhile.
        OSError: when a file cannot be read or written.
    """
    status = run.status()
    if run.shipped or status.state == "damaged":
        why = "came with the project" if run.shipped else "is damaged"
        raise StoreError(f"Run '{run.id}' {why} and cannot be downloaded whole.")
    made = {"run.json": {"created": run.created, "data_dir": None}, "status.json": asdict(status)}
    name = re.sub("[^A-Za-z0-9_-]+", "-", run.id).strip("-_")[:100] or "run"
    card = run.path / CARD
    before = card.exists() and card.read_bytes()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for part in LIMITS:
            if part in made:
                archive.writestr(f"{name}/{part}", json.dumps(made[part], indent=1))
            elif (run.path / part).is_file():
                _add(archive, run.path / part, f"{name}/{part}")
    if (card.exists() and card.read_bytes()) != before:  # else weights and card might not belong together
        raise StoreError(f"Run '{run.id}' has just kept a better network; download it again.")


def _add(archive: zipfile.ZipFile, path: Path, name: str) -> None:
    """Weights as they are, for they hardly shrink; of events whole lines alone; of a long log its end."""
    over = path.stat().st_size - LIMITS[name.partition("/")[2]]
    if over > 0 and path.name != LOG:
        raise StoreError(f"{path} is too large for a run's zip: {file_size(path.stat().st_size)}.")
    entry = zipfile.ZipInfo(name)
    entry.compress_type = zipfile.ZIP_STORED if path.suffix == ".safetensors" else zipfile.ZIP_DEFLATED
    with open(path, "rb") as source, archive.open(entry, "w", force_zip64=True) as target:
        if path.name == EVENTS:
            target.writelines(line for line in source if line.endswith(b"\n"))
        else:
            source.seek(max(over, 0))
            shutil.copyfileobj(source, target)


def bring_in(store: RunStore, file: IO[bytes], check_network: Callable[[Path], object]) -> Run:
    """Make a run of a zip that nobody need trust; under a new name where its own is taken.

    It is unpacked beside the runs, read as every run is, and moved to its place whole, or not at all.
    check_network: raises a LabError unless this checkpoint folder is whole and sound.

    Raises:
        LabError: with the reason, when it is not taken.
    """
    try:
        store.root.mkdir(parents=True, exist_ok=True)
        with _workplace(store.root / FOLDER) as place:
            try:
                folder = _unpacked(file, place)
                _check(Run(folder), check_network)
            except LabError as error:
                raise StoreError(str(error).replace(f"{place}{os.sep}", "")) from None
            return _place(store, folder)
    except Timeout:
        raise StoreError("Another run is being brought in; try again when it is there.") from None
    except OSError as error:
        raise StoreError(f"The run cannot be kept in {store.root}: {reason_of(error)}.") from None


@contextmanager
def _workplace(root: Path) -> Iterator[Path]:
    """An empty folder that is gone afterwards, and with it what a killed process left there."""
    root.mkdir(exist_ok=True)
    with FileLock(root / "lock", timeout=PATIENCE_SECONDS):
        for left in root.iterdir():
            if left.is_dir():
                shutil.rmtree(left, ignore_errors=True)
        folder = root / secrets.token_hex(4)
        folder.mkdir()
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _unpacked(file: IO[bytes], place: Path) -> Path:
    """The run's folder under its own name, unpacked in `place`."""
    try:
        with zipfile.ZipFile(file) as archive:
            name, parts = _parts_of(archive)
            for part, entry in parts.items():
                _unpack(archive, entry, place / name / part)
    except BROKEN as error:
        raise StoreError(f"This is no whole zip file ({error}); download the run again.") from None
    except OSError as error:
        if error.errno == errno.EINVAL:  # an entry that would lie beyond the file's ends
            raise StoreError("This is no whole zip file; download the run again.") from None
        raise
    return place / name


def _parts_of(archive: zipfile.ZipFile) -> tuple[str, Mapping[str, zipfile.ZipInfo]]:
    """The run's name, and file -> entry, looked at before anything is unpacked."""
    entries = archive.infolist()
    if len(entries) > MOST_ENTRIES:
        raise StoreError(f"The archive has {len(entries):,} entries; that of a run at most {MOST_ENTRIES}.")
    names, parts = set(), {}
    for entry in entries:
        name, _, part = entry.filename.partition("/")
        if entry.is_dir():  # made where a file needs one
            continue
        if part not in LIMITS or part in parts or not _NAME.fullmatch(name):
            what = "twice" if part in parts else "which is no file of a downloaded run"
            raise StoreError(f"The archive holds {entry.filename!r:.100}, {what}; it is not brought in.")
        _check_entry(entry, LIMITS[part])
        names.add(name)
        parts[part] = entry
    if missing := [part for part in NEEDED if part not in parts]:
        raise StoreError(
            f"The archive holds no {missing[0]}; choose a zip made by Whole run or `runs --export`."
        )
    if len(names) > 1:
        raise StoreError(f"The archive holds {len(names)} runs; give one run's zip at a time.")
    return names.pop(), parts


def _check_entry(entry: zipfile.ZipInfo, limit: int) -> None:
    if stat.S_IFMT(entry.external_attr >> 16) not in (0, stat.S_IFREG):
        raise StoreError(f"{entry.filename} is a link or a device; only plain files are taken.")
    if entry.flag_bits & 1 or entry.compress_type not in KINDS:
        raise StoreError(f"{entry.filename} is encrypted or packed unusually; make a plain zip of it.")
    if entry.file_size > limit:
        size = file_size(entry.file_size)
        raise StoreError(f"{entry.filename} is {size} unpacked; the limit is {file_size(limit)}.")


def _unpack(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path) -> None:
    """Write one file; zipfile gives no more bytes than the entry states, and checks them."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with archive.open(entry) as source, open(target, "xb") as file:
        shutil.copyfileobj(source, file)
        file.flush()
        os.fsync(file.fileno())


def _check(run: Run, check_network: Callable[[Path], object]) -> None:
    """Read all of an unpacked run, and leave in it nothing that holds on another machine alone."""
    for path in (*run.path.glob("*.json*"), *run.best_checkpoint.glob("*.json")):
        _check_values(path)
    run.config(), read_labels(run), read_sample(run)
    _check_mixing(run.events())
    created, path = run.created, run.path / "status.json"
    try:
        status = Status.from_json(read_json(path))
        summarize(run)
    except (TypeError, ArithmeticError, ValueError, LookupError) as error:
        raise StoreError(f"What the archive says of its run does not fit together: {error}.") from None
    if status.active:
        status = replace(status, state="stopped", message=UNDER_WAY)
    if status.state not in ENDED:
        raise StoreError(f"The run in the archive is {status.state}; download one that can be read.")
    if run.best_checkpoint.exists():
        check_network(run.best_checkpoint)
    write_json(run.path / "run.json", {"created": created, "data_dir": None, "imported": time.time()})
    status = replace(status, pid=0, queued=0.0, line="", eta_seconds=None, resources=None)
    run.write_status(status)  # mark_freed leaves that of a finished one
    mark_freed(run, status)


def _check_mixing(events: list[Event]) -> None:
    """Raise StoreError unless all events tell of the same blocks and kernels."""
    told = [event for event in events if isinstance(event, Step | Epoch) and event.mixing]
    shapes = {
        tuple(len(block.mean if isinstance(block, BlockMixing) else block) for block in event.mixing)
        for event in told
    }
    blocks = next((event.mixing_blocks for event in events if isinstance(event, RunStart)), [])
    if len(shapes) > 1 or any(len(shape) != len(blocks) for shape in shapes):
        raise StoreError(f"{EVENTS} in the archive is damaged: its events mix different blocks.")


def _check_values(path: Path) -> None:
    """Raise StoreError for a number or a text that no run writes, and for a line that is too long."""
    with open(path, "rb") as file:
        most = MOST_LINE if path.name == EVENTS else LIMITS["config.json"]
        try:
            while text := file.readline(most) if path.name == EVENTS else file.read():
                if len(text) == most:
                    raise ValueError(f"a line is longer than {file_size(most)}")
                value = json.loads(text, parse_constant=_finite, parse_float=_finite, parse_int=_whole)
                json.dumps(value, ensure_ascii=False).encode()
        except UnicodeError:
            raise StoreError(f"{path.name} in the archive is damaged: it holds broken characters.") from None
        except (ValueError, RecursionError) as error:
            raise StoreError(f"{path.name} in the archive is damaged: {error}.") from None


def _finite(text: str) -> float:
    """A number that fits 32 bits, as a training that diverges may still write."""
    if not abs(number := float(text)) < 1e39:
        raise ValueError(f"{text:.20} is too large")
    return number


def _whole(text: str) -> int:
    if len(text) > 18:
        raise ValueError(f"{text:.20} is too large")
    return int(text)


def _place(store: RunStore, folder: Path) -> Run:
    """Move the folder to its own name, or to a new one."""
    wanted = name = folder.name
    while any((root / wanted).exists() for root in (store.root, store.root / TRASH)):
        wanted = f"{_TAIL.sub('', name)}-{secrets.token_hex(2)}"
    replace_path(folder, store.root / wanted)
    sync_folder(store.root)
    return store.get(wanted)
