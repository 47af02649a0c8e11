"""Work that processes share through an Optuna study: every slot is done once, by whoever claims it first.

A slot is a place in the study, done by one of Optuna's trials. It belongs to the first trial, by number,
that was not lost: killed, or interrupted. Whoever finds a slot without an owner enqueues a trial for it, with
the parameters of the one that was lost; two that do so at once do no harm, as the later one waits for ever.
A trial is lost when the process that held its run's lock is gone, or a database has not heard of it for long.
"""

import platform
import threading
import time
import uuid
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import optuna
from filelock import FileLock, Timeout
from optuna.exceptions import ExperimentalWarning, StorageInternalError, UpdateFinishedTrialError
from optuna.storages import BaseStorage, RDBStorage
from optuna.trial import FrozenTrial, TrialState

from cifar_core.errors import LabError
from cifar_core.files import write_bytes
from cifar_core.runs.run import Run
from cifar_core.runs.store import RunStore, UnknownRun
from cifar_core.sweep.storage import FOLDER, StorageError, first_line

LOOK_SECONDS = 2.0
TELL_SECONDS = 20.0  # so long is a storage that is away told again how a trial ended
AWAY = (OSError, RuntimeError, StorageInternalError)  # of a journal file and its lock, of a database
CLAIM_SECONDS = 60.0  # between the claim of a trial and its run: a process that needs longer is gone
LOCK = "trial.lock"  # in the run's folder, held from the claim until the study knows how it ended
# A trial's attributes; `resumes` says where the lost trial that it stands for was trained.
SLOT, ERROR, HOST, RUNS_DIR, RUN, RESUMES = "slot", "error", "host", "runs_dir", "run", "resumes"
DISK = "disk"  # the id in the folder of the runs: machines of the same name may have it at the same path


class TakenOver(LabError):
    """Another process has given this one's trial up: a machine that slept is not heard of."""


def is_lost(trial: FrozenTrial) -> bool:
    """Return whether its process ended before it could say how the trial ended."""
    return trial.state == TrialState.FAIL and ERROR not in trial.user_attrs


def owners(trials: Sequence[FrozenTrial]) -> dict[str, FrozenTrial]:
    """Slot -> the trial that does it, or did; slots that nobody does are left out."""
    found: dict[str, FrozenTrial] = {}
    for trial in sorted(trials, key=lambda trial: trial.number):
        if SLOT in trial.user_attrs and not is_lost(trial):
            found.setdefault(trial.user_attrs[SLOT], trial)
    return found


def where(trial: FrozenTrial) -> dict[str, str]:
    """The place of the trial's run: its host, the folder of its runs, its id; those that are known."""
    return {name: trial.user_attrs[name] for name in (HOST, RUNS_DIR, DISK, RUN) if name in trial.user_attrs}


def disk_of(runs_dir: Path) -> str | None:
    """The random id that `name_disk` gave to a folder of runs, if there is one."""
    try:
        return (runs_dir / FOLDER / "machine").read_text()
    except OSError:
        return None


def name_disk(runs_dir: Path) -> str:
    """Give a folder of runs a random id, once; returns it."""
    path = runs_dir / FOLDER / "machine"
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_name("machine~")):
        if disk_of(runs_dir) is None:
            write_bytes(path, uuid.uuid4().hex.encode())
    return path.read_text()


def is_here(place: Mapping[str, str]) -> bool:
    """Return whether a place that `where` gave lies on this machine; earlier versions named no disk."""
    disk = disk_of(Path(place.get(RUNS_DIR, "")))
    return place.get(HOST) == platform.node() and place.get(DISK, disk) == disk


def run_at(place: Mapping[str, str], store: RunStore) -> Run | None:
    """The run at a place that `where` gave, if it lies in this store."""
    if not is_here(place) or place.get(RUNS_DIR) != str(store.root):
        return None
    try:
        return store.get(str(place.get(RUN)))
    except UnknownRun:
        return None


def tell(
    trial: optuna.Trial,
    state: TrialState,
    value: float | None = None,
    attributes: Mapping[str, Any] | None = None,
) -> None:
    """Tell the study how a trial ended, with attributes of it.

    Raises:
        TakenOver: when the study has given the trial up meanwhile.
        StorageError: when the storage is away, and stays so.
    """
    until = time.monotonic() + TELL_SECONDS
    while True:
        try:
            for name, given in (attributes or {}).items():
                trial.set_user_attr(name, given)
            if trial.study.tell(trial, value, state, skip_if_finished=True).state == state:
                return
            raise taken_over(trial)
        except UpdateFinishedTrialError:
            raise taken_over(trial) from None
        except AWAY as error:
            if time.monotonic() > until:
                raise StorageError(
                    f"The study could not be told how trial {trial.number} ended: {first_line(error)}. The "
                    "run is kept; the same command hands its result in when the storage is there again."
                ) from None
            time.sleep(LOOK_SECONDS)


def taken_over(trial: optuna.Trial) -> TakenOver:
    """The error for a trial that is no longer this process's."""
    return TakenOver(f"Another process took over trial {trial.number} meanwhile; its run is kept here.")


class Slots:
    """The slots of a study that this process may do."""

    def __init__(
        self, study: optuna.Study, storage: BaseStorage, store: RunStore, slots: Sequence[str]
    ) -> None:
        self.study, self.storage, self.store, self.slots = study, storage, store, slots
        self.study_id = storage.get_study_id_from_name(study.study_name)
        self.given_up: set[str] = set()
        self.seen: dict[int, float] = {}  # trials that run without naming their run, since when

    def each(
        self, told: Callable[[str], None], require_wanted: Callable[[], None] = lambda: None
    ) -> Iterator[optuna.Trial]:
        """Claim trials one by one until all slots are done, also by others; `told` hears what is awaited.

        require_wanted: called before each claim; what it raises ends this.
        """
        said = ""
        while True:
            require_wanted()
            trial = self._claim()
            if trial is not None:
                said = ""
                yield trial
                continue
            running = self._awaited()
            if not running:
                return
            words = _describe_awaited(running)
            if words != said:
                told(words)
                said = words
            time.sleep(LOOK_SECONDS)

    def give_up(self, slot: str) -> None:
        """Leave a slot to other processes."""
        self.given_up.add(slot)

    @contextmanager
    def holding(self, trial: optuna.Trial, run: Run) -> Iterator[None]:
        """Show others that this process works on the trial with this run, until it has told how it ended.

        A trial that has not ended by then is lost, and somebody else's. Raises TakenOver when it is already.
        """
        beat = threading.Event()
        thread = threading.Thread(target=self._beat, args=(self._id(trial.number), beat), daemon=True)
        lock = FileLock(run.path / LOCK)
        with lock.acquire(timeout=LOOK_SECONDS):
            runs_dir = self.store.root
            place = {HOST: platform.node(), RUNS_DIR: str(runs_dir), DISK: name_disk(runs_dir), RUN: run.id}
            try:
                for name, value in place.items():  # the run last: who sees it knows where it is
                    trial.set_user_attr(name, value)
            except UpdateFinishedTrialError:
                raise taken_over(trial) from None
            thread.start()
            try:
                yield
            finally:
                beat.set()
                thread.join()
                with suppress(*AWAY):  # others find that the run's lock has fallen
                    self._end_lost(trial.number)

    def _beat(self, trial_id: int, ended: threading.Event) -> None:
        while isinstance(self.storage, RDBStorage):
            with suppress(Exception):  # a database that is away for a moment
                self.storage.record_heartbeat(trial_id)
            if ended.wait(self.storage.get_heartbeat_interval()):
                self.storage.remove_session()
                return

    def _id(self, number: int) -> int:
        return self.storage.get_trial_id_from_study_id_trial_number(self.study_id, number)

    def _trials(self) -> list[FrozenTrial]:
        return self.study.get_trials(deepcopy=False)

    def _claim(self) -> optuna.Trial | None:
        """A trial of a slot that nobody does; None where there is none now."""
        self._bury()
        self._fill()
        found = owners(self._trials())
        for slot in self.slots:
            trial = found.get(slot)
            if trial is None or trial.state != TrialState.WAITING or slot in self.given_up:
                continue
            trial_id = self._id(trial.number)
            with suppress(UpdateFinishedTrialError):
                if self.storage.set_trial_state_values(trial_id, TrialState.RUNNING):
                    return optuna.Trial(self.study, trial_id)
        return None

    def _fill(self) -> None:
        """Enqueue a trial for each slot that has no owner."""
        trials = self._trials()
        done, before = owners(trials), {trial.user_attrs.get(SLOT): trial for trial in trials}
        for slot in self.slots:
            if slot in done:
                continue
            lost = before.get(slot)
            if lost is None:
                self.study.enqueue_trial({}, user_attrs={SLOT: slot})
                continue
            # One that stood for another may itself be lost before it has a run or parameters of its own.
            place = where(lost) or lost.user_attrs.get(RESUMES, {})
            params = {**lost.system_attrs.get("fixed_params", {}), **lost.params}
            self.study.enqueue_trial(params, user_attrs={SLOT: slot, RESUMES: place})

    def _bury(self) -> None:
        """Tell the study which trials are lost."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            optuna.storages.fail_stale_trials(self.study)
        for trial in self._trials():
            if trial.state == TrialState.RUNNING and self._is_dead(trial):
                self._end_lost(trial.number)

    def _end_lost(self, number: int) -> None:
        with suppress(UpdateFinishedTrialError):
            self.storage.set_trial_state_values(self._id(number), TrialState.FAIL)

    def _is_dead(self, trial: FrozenTrial) -> bool:
        if RUN not in trial.user_attrs:
            return time.monotonic() - self.seen.setdefault(trial.number, time.monotonic()) > CLAIM_SECONDS
        if not is_here(where(trial)):
            return False
        folder = Path(trial.user_attrs[RUNS_DIR]) / trial.user_attrs[RUN]
        if not (folder / "run.json").is_file():  # deleted, which its own store knows
            return not isinstance(self.storage, RDBStorage) and folder.parent == self.store.root
        try:
            with FileLock(folder / LOCK, timeout=0):
                return True
        except Timeout:
            return False

    def _awaited(self) -> list[FrozenTrial]:
        """Trials of our slots that others do now."""
        found = owners(self._trials())
        mine = (found[slot] for slot in self.slots if slot in found)
        return [trial for trial in mine if trial.state == TrialState.RUNNING]


def _describe_awaited(trials: Sequence[FrozenTrial]) -> str:
    """A sentence about what other processes still do."""
    where = sorted({str(trial.user_attrs.get(HOST, "another machine")) for trial in trials})
    numbers = f"{'trial' if len(trials) == 1 else 'trials'} {_listed([str(one.number) for one in trials])}"
    return f"Waiting for {numbers} on {_listed(where)}. Press Ctrl-C to leave; the study is kept."


def _listed(words: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))
