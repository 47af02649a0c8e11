"""Where studies are kept: a journal file beside the runs, or a database that Optuna takes.

Optuna is an extra of the project: nothing here needs it before a study is opened.
"""

import os
import random
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from cifar_core.config import ConfigError
from cifar_core.errors import LabError

if TYPE_CHECKING:
    from optuna.storages import BaseStorage

FOLDER = ".sweeps"  # in the folder of the runs
VARIABLE = "CIFAR_LAB_STORAGE"
OPEN_TRIES = 6
HEARTBEAT_SECONDS, GRACE_SECONDS = 30, 150  # a process that a database has not heard of for so long is gone


class StorageError(LabError):
    """A storage that cannot be opened, or a study that it cannot give."""


def require_optuna() -> None:
    """Raise ConfigError with the extra to install where Optuna is missing."""
    if find_spec("optuna") is None:
        raise ConfigError(
            "A sweep needs Optuna, the extra `sweep`: pip install -e '.[sweep]', or pip install optuna."
        )


def default_storage(root: Path) -> str:
    """The storage that is meant where none is named: CIFAR_LAB_STORAGE, or a journal file beside the runs."""
    return os.environ.get(VARIABLE) or str(root / FOLDER / "journal")


def is_database(storage: str) -> bool:
    """Return whether a storage is named by a URL; anything else is the path of a journal file."""
    return "://" in storage


def describe_storage(storage: str) -> str:
    """The storage for a reader: a URL without user, password and options, which may hold one too."""
    if not is_database(storage):
        return storage
    kind, _, rest = storage.partition("://")
    return f"{kind}://{rest.rpartition('@')[2].partition('?')[0]}"


@contextmanager
def opened(storage: str) -> Iterator["BaseStorage"]:
    """Yield Optuna's storage; its connections are closed at the end.

    storage: the URL of a database, or the path of a journal file, which is made where there is none.

    Raises:
        ConfigError: when Optuna, or what it needs for this database, is missing.
        StorageError: when it cannot be opened, or its connection breaks.
    """
    require_optuna()
    import optuna
    from sqlalchemy.exc import SQLAlchemyError

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        found = (_database if is_database(storage) else _journal)(storage)
    except (SQLAlchemyError, OSError, RuntimeError, ValueError) as error:
        raise _unopened(storage, error) from None
    try:
        yield found
    except (SQLAlchemyError, optuna.exceptions.StorageInternalError) as error:
        raise StorageError(f"{describe_storage(storage)} answers no more: {first_line(error)}.") from None
    finally:
        found.remove_session()
        if isinstance(found, optuna.storages.RDBStorage):
            found.engine.dispose()


def _journal(path: str) -> "BaseStorage":
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock

    Path(path).absolute().parent.mkdir(parents=True, exist_ok=True)
    return JournalStorage(JournalFileBackend(path, JournalFileOpenLock(path)))


def _database(url: str) -> "BaseStorage":
    from optuna.exceptions import ExperimentalWarning
    from optuna.storages import RDBStorage
    from sqlalchemy.exc import IntegrityError, ProgrammingError

    for last in (*[False] * (OPEN_TRIES - 1), True):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ExperimentalWarning)  # of the heartbeat
                return RDBStorage(url, heartbeat_interval=HEARTBEAT_SECONDS, grace_period=GRACE_SECONDS)
        except ImportError as error:
            raise ConfigError(
                f"{describe_storage(url)} needs a driver that is not installed ({error.__cause__ or error}); "
                "for PostgreSQL: pip install 'psycopg[binary]'."
            ) from None
        except (IntegrityError, ProgrammingError):  # another process makes the tables of a new database
            if last:
                raise
            time.sleep(random.uniform(0.1, 1.0))
    raise AssertionError("the last try returns or raises")


def _unopened(storage: str, error: Exception) -> StorageError:
    return StorageError(
        f"{describe_storage(storage)} cannot be opened as a storage: {first_line(error)}. Name a journal "
        "file, or a database such as postgresql+psycopg://user:password@host/name."
    )


def first_line(error: Exception) -> str:
    """What an error of a storage says, without the details that follow."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
