"""A search for a learning rate as a folder: settings, what is found, whether somebody watches. No torch.

<runs-dir>/.lr/<id>/config.json    the TrainConfig
                    search.json    what is found so far
                    watched        touched by the page that shows it; a search that nobody watches ends
                    lock           held by the process that searches; it falls with the process

Some days after its end a search is removed.
"""

import secrets
import shutil
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from filelock import FileLock, Timeout

from cifar_core.config import ConfigError, TrainConfig
from cifar_core.errors import reason_of
from cifar_core.files import build, read_json, write_json
from cifar_core.runs.launch import start_detached
from cifar_core.runs.own_classes import with_own_classes
from cifar_core.runs.store import RunStore, StoreError

FOLDER = ".lr"
WATCH_SECONDS = 15.0
KEEP_DAYS = 7
DAY_SECONDS = 86_400.0
GOING_ON = ("waiting", "running")


@dataclass(frozen=True)
class LrFinder:
    """The result so far.

    state: waiting, running, finished, stopped or failed; points: [rate, loss, moving average] a step;
    suggestion: the rate to take, None where the loss never fell; base: the rate of the settings.
    """

    state: str
    base: float
    message: str = ""
    points: list[list[float]] = field(default_factory=list)
    suggestion: float | None = None

    @property
    def going_on(self) -> bool:
        """True while more may come."""
        return self.state in GOING_ON


class SearchFolder:
    """One search's folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def create(cls, store: RunStore, config: TrainConfig, data_dir: Path | None) -> "SearchFolder":
        """A new search, watched from now on; old ones make room. Raises as `with_own_classes` too."""
        config = with_own_classes(config, data_dir)
        remove_old_searches(store)
        folder = cls(store.root / FOLDER / f"{time.time_ns()}-{secrets.token_hex(2)}")
        try:
            folder.path.mkdir(parents=True)
        except OSError as error:
            raise StoreError(f"No search can be kept in {store.root}: {reason_of(error)}.") from None
        write_json(folder.path / "config.json", config.to_json())
        write_json(folder.path / "data.json", {"data_dir": str(data_dir.absolute()) if data_dir else None})
        folder.write(LrFinder("waiting", config.lr))
        folder.watch()
        return folder

    def config(self) -> TrainConfig:
        """The settings; raises StoreError when they cannot be read."""
        try:
            return TrainConfig.from_json(read_json(self.path / "config.json"))
        except (ConfigError, TypeError, OverflowError) as error:
            raise StoreError(f"The settings of the search are damaged: {error}") from None

    def data_dir(self) -> Path | None:
        """The data folder that was named, if any."""
        named = read_json(self.path / "data.json").get("data_dir")
        return Path(named) if named else None

    def read(self) -> LrFinder:
        """The result so far; raises StoreError when it cannot be read."""
        try:
            return build(LrFinder, read_json(self.path / "search.json"))
        except TypeError as error:
            raise StoreError(f"The search is damaged: {error}.") from None

    def write(self, search: LrFinder) -> None:
        """Keep what is found."""
        write_json(self.path / "search.json", asdict(search))

    def change(self, **changes: object) -> None:
        """Keep what is found with some values changed."""
        self.write(replace(self.read(), **changes))  # type: ignore[arg-type]

    def watch(self) -> None:
        """Say that somebody looks."""
        (self.path / "watched").touch()

    def stop(self) -> None:
        """Say that nobody does any more."""
        (self.path / "watched").unlink(missing_ok=True)

    @property
    def watched(self) -> bool:
        """True while somebody looks."""
        try:
            return time.time() - (self.path / "watched").stat().st_mtime < WATCH_SECONDS
        except OSError:
            return False

    def lock(self) -> FileLock:
        """The lock that the searching process holds."""
        return FileLock(self.path / "lock", timeout=0)

    @property
    def alive(self) -> bool:
        """True while a process searches, or waits in line to."""
        try:
            if not self.read().going_on:
                return False
            with self.lock():
                return False
        except Timeout:
            return True
        except (StoreError, OSError):
            return False

    @property
    def changed(self) -> float:
        """Seconds since 1970 when anything in it changed last; now, where that cannot be told."""
        try:
            return max(path.stat().st_mtime for path in (self.path, *self.path.iterdir()))
        except OSError:  # it is being removed
            return time.time()


def list_searches(store: RunStore) -> list[SearchFolder]:
    """All searches that are kept, the oldest first."""
    folders = (store.root / FOLDER).glob("*")
    return [SearchFolder(path) for path in sorted(folders) if path.is_dir() and not path.is_symlink()]


def live_searches(store: RunStore) -> list[SearchFolder]:
    """Those that a process works on."""
    return [search for search in list_searches(store) if search.alive]


def remove_old_searches(store: RunStore, older_than_days: float = KEEP_DAYS) -> int:
    """Remove the searches that have rested for so long; returns how many."""
    latest = time.time() - older_than_days * DAY_SECONDS
    old = [one for one in list_searches(store) if one.changed <= latest and not one.alive]
    for search in old:
        shutil.rmtree(search.path, ignore_errors=True)
    return len(old)


def launch_lr_finder(folder: SearchFolder) -> "subprocess.Popen[bytes]":
    """Search in a detached process. Raises OSError."""
    command = [sys.executable, "-m", "cifar_core", "lr-find", "--folder", str(folder.path)]
    return start_detached(command, folder.path / "log.txt")
