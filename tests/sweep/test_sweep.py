"""A sweep in one process: trials are ordinary runs, weak ones are pruned, the study outlives failures."""

import contextlib
import dataclasses
import platform
import subprocess
import sys
import threading
import time
from pathlib import Path

import optuna
import pytest
from filelock import FileLock
from optuna.trial import TrialState

from cifar_core.checkpoint import WEIGHTS
from cifar_core.config import ConfigError, TrainConfig
from cifar_core.data import DataError
from cifar_core.runs.disk import mark_freed
from cifar_core.runs.events import Epoch, RunEnd
from cifar_core.runs.history import History
from cifar_core.runs.labels import read_labels
from cifar_core.runs.queue import Withdrawn
from cifar_core.runs.requests import Pruned
from cifar_core.runs.store import RunStore, Status
from cifar_core.sweep import worker
from cifar_core.sweep.launch import SweepStopped, ask_to_stop, is_at_work
from cifar_core.sweep.ranges import parse_search
from cifar_core.sweep.rows import table_rows
from cifar_core.sweep.slots import LOCK, Slots, TakenOver, is_lost, owners, run_at, tell, where
from cifar_core.sweep.storage import StorageError, default_storage, opened
from cifar_core.sweep.study import Plan, open_sweep, study_names
from cifar_core.training.loop import TrainingError
from cifar_core.training.runner import train_run
from tests.support.fake_runs import epoch_end
from tests.support.toy_recipes import TINY

CONFIG = TrainConfig(**{**TINY, "epochs": 2})
SEARCH = ("lr=0.02:0.3:log", "optimizer=sgd,muon")


def plan(*words, config=CONFIG, **more):
    return Plan(config, parse_search(words or SEARCH, config), **more)


@pytest.fixture
def store(tmp_path):
    return RunStore(tmp_path / "runs")


@pytest.fixture
def journal(tmp_path):
    return str(tmp_path / "journal")


@pytest.fixture
def training(monkeypatch):
    """Trainings by a function (run) -> accuracy of each epoch, instead of real ones; it may raise."""

    def replace(accuracies):
        def train_in_turn(run, data_dir, now, listener, told):
            fake_training(run, accuracies(run), listener)

        monkeypatch.setattr(worker, "train_in_turn", train_in_turn)

    return replace


def fake_training(run, accuracies, listener):
    state = "finished"
    for number, accuracy in enumerate(accuracies, 1):
        event = dataclasses.replace(epoch_end(number, False, 1.0), val_accuracy=accuracy)
        run.append(event)
        try:
            listener(event, Status("running"))
        except Pruned:
            state = "pruned"
            break
    if accuracies:
        run.append(RunEnd(state, 1, 1.0, 1, 0.0))
        run.write_status(Status(state))


def work(sweep, store, data_dir=None):
    said = []
    silent = lambda run: contextlib.nullcontext(lambda *_: None)  # noqa: E731
    worker.Worker(sweep, store, data_dir, silent, said.append).work()
    return said


def test_each_trial_is_an_ordinary_run_with_its_tags(store, journal):
    with open_sweep(journal, "first", plan(), 2) as sweep:
        said = work(sweep, store)
        rows = sweep.rows()
        best = sweep.best()
    assert [row.slot for row in rows] == [1, 2] and {row.state for row in rows} <= {"finished", "pruned"}
    for row in rows:
        run = store.get(row.run)
        config = run.config()
        assert config.lr == row.params["lr"] and config.optimizer == row.params["optimizer"]
        assert config.differences(CONFIG).keys() <= {"lr", "optimizer"}
        assert read_labels(run).tags == ["sweep", "first"] and run.status().state == row.state
        assert 0.02 <= config.lr <= 0.3
    assert rows[0].accuracy == History.of(store.get(rows[0].run)).best.val_accuracy
    assert best.accuracy == max(row.accuracy for row in rows if row.state == "finished")
    assert any("Trial 0, 1 of 2" in words and "lr=" in words for words in said)
    (head, *cells) = table_rows(rows)
    assert len(cells) == 2 and all(len(line) == len(head) for line in cells)


@pytest.mark.timeout(25)  # Optuna breaks a lock that is not its own after 30 s
def test_a_study_may_be_called_as_the_journal_is(store, training):
    training(lambda run: [0.5])
    with open_sweep(default_storage(store.root), "journal", plan(), 1) as sweep:
        work(sweep, store)
        assert [row.state for row in sweep.rows()] == ["finished"]


def test_one_process_gives_the_same_trials_again(store, tmp_path, training):
    training(lambda run: [run.config().lr])
    found = []
    for number in range(2):
        with open_sweep(str(tmp_path / f"journal{number}"), "again", plan(), 12) as sweep:
            work(sweep, store)
            found.append([row.params for row in sweep.rows()])
    assert found[0] == found[1] and len({row["lr"] for row in found[0]}) == 12


def test_a_weak_trial_is_pruned_after_an_epoch_and_says_so(store, journal, training):
    """Optuna's median pruner: from the sixth trial on, what is below the median of those before."""
    weak = iter([0.5, 0.6, 0.7, 0.8, 0.9, 0.1, 0.95])
    training(lambda run: [next(weak), 0.99])
    with open_sweep(journal, "weak", plan(), 7) as sweep:
        said = work(sweep, store)
        assert [row.state for row in sweep.rows()] == ["finished"] * 5 + ["pruned", "finished"]
        pruned = store.get(sweep.rows()[5].run)
        assert sweep.best().slot == 1  # the first of equals
    assert pruned.status().state == "pruned" and len(History.of(pruned).epochs) == 1
    assert any("Trial 5 pruned after epoch 1 of 2" in words for words in said)


def test_without_pruning_every_trial_reaches_its_end(store, journal, training):
    weak = iter([0.5, 0.6, 0.7, 0.8, 0.9, 0.1])
    training(lambda run: [next(weak), 0.99])
    with open_sweep(journal, "whole", plan(prune=False), 6) as sweep:
        work(sweep, store)
        assert [row.state for row in sweep.rows()] == ["finished"] * 6


def test_a_pruned_run_really_ends_and_goes_on_when_resumed(store):
    """The state that a listener's Pruned leaves is whole: what goes on equals a run that was never pruned."""

    def prune(event, status):
        if isinstance(event, Epoch) and event.epoch == 1:
            raise Pruned

    run, whole = store.create(CONFIG), store.create(CONFIG)
    assert train_run(run, listener=prune).state == "pruned"
    assert run.status().state == "pruned" and run.events()[-1].state == "pruned"
    assert train_run(run).state == train_run(whole).state == "finished"
    weights = [(one.last_checkpoint / WEIGHTS).read_bytes() for one in (run, whole)]
    assert weights[0] == weights[1] and not any(getattr(e, "state", "") == "pruned" for e in run.events())


@pytest.mark.parametrize("error", [TrainingError("The loss is no number."), Withdrawn("Withdrawn.")])
def test_a_failed_trial_ends_nothing_and_is_not_done_again(store, journal, training, error):
    fails = iter([error, None, None])

    def accuracies(run):
        if failure := next(fails):
            raise failure
        return [0.5]

    training(accuracies)
    with open_sweep(journal, "failing", plan(), 3) as sweep:
        work(sweep, store)
        states = [row.state for row in sweep.rows()]
        assert states == ["failed", "finished", "finished"] and sweep.rows()[0].error == str(error)
        assert str(error) in str(table_rows(sweep.rows()))
        assert work(sweep, store) == []  # nothing is left to do


def test_a_value_between_allowed_ends_fails_its_trial_alone(store, journal, training):
    """Only the whole config knows that `tta` is 1, 2 or 6."""
    training(lambda run: [0.5])
    with open_sweep(journal, "odd", plan("tta=1:6"), 6) as sweep:
        work(sweep, store)
        states = {row.params["tta"]: row.state for row in sweep.rows()}
        assert all((state == "finished") == (value in (1, 2, 6)) for value, state in states.items())
        assert set(states.values()) == {"finished", "failed"}


def test_an_interrupted_trial_is_the_next_process_to_go_on_with(store, journal, training):
    def interrupted(run):
        run.write_status(Status("stopped"))
        raise KeyboardInterrupt

    training(interrupted)
    with open_sweep(journal, "cut", plan(), 2) as sweep:
        with pytest.raises(KeyboardInterrupt):
            work(sweep, store)
        (lost,) = [trial for trial in sweep.study.trials if is_lost(trial)]
    training(lambda run: [0.5])
    with open_sweep(journal, "cut") as sweep:  # the study remembers the rest
        work(sweep, store)
        first = sweep.rows()[0]
        assert [row.state for row in sweep.rows()] == ["finished"] * 2 and sweep.total == 2
    assert first.params == lost.params and first.run == lost.user_attrs["run"]  # resumed, not begun anew
    assert len(list(store.root.glob("*/run.json"))) == 2


def test_it_ends_where_a_page_asks_it_to_and_goes_on_later(store, journal, training):
    def asked(run):
        assert is_at_work(store, "asked")
        ask_to_stop(store, "asked")
        run.write_status(Status("stopped"))
        return []

    training(asked)
    with open_sweep(journal, "asked", plan(), 2) as sweep:
        with pytest.raises(SweepStopped):
            work(sweep, store)
        assert not is_at_work(store, "asked")
        training(lambda run: [0.5])
        work(sweep, store)
        assert [row.state for row in sweep.rows()] == ["finished"] * 2


def test_data_that_cannot_be_had_end_the_sweep_and_leave_its_trials(store, journal, tmp_path):
    config = CONFIG.replace(data="cifar10")
    (tmp_path / "empty").mkdir()
    with open_sweep(journal, "nodata", plan("lr=0.1:0.2", config=config), 3) as sweep:
        with pytest.raises(DataError):
            work(sweep, store, tmp_path / "empty")
        assert sweep.rows() and not any(row.state == "failed" for row in sweep.rows())


def test_a_second_process_joins_with_the_same_words_alone(journal):
    with open_sweep(journal, "joint", plan(), 5) as begun, open_sweep(journal, "joint", plan()) as joined:
        assert (begun.total, joined.total) == (5, 5) and joined.plan == begun.plan
    with open_sweep(journal, "joint", trials=8) as more:
        assert more.total == 8
    with open_sweep(journal, "joint", plan(), 4) as same:  # fewer take nothing away
        assert same.total == 8
    for other, named in (
        (plan("lr=0.1:0.2"), "lr=0.02:0.3:log"),
        (plan(config=CONFIG.replace(epochs=7)), "epochs=2"),
        (plan(prune=False), "with pruning"),
    ):
        with pytest.raises(ConfigError, match="--study") as refused, open_sweep(journal, "joint", other):
            pass
        assert named in str(refused.value)
    assert study_names(journal) == ["joint"]


def test_a_study_that_is_not_there_or_not_ours_is_refused(journal):
    with pytest.raises(ConfigError, match="nothing") as refused, open_sweep(journal, "nothing"):
        pass
    assert "--recipe" in str(refused.value)
    with pytest.raises(ConfigError, match="name"), open_sweep(journal, "../up", plan()):
        pass
    with opened(journal) as storage:
        study = optuna.create_study(storage=storage, study_name="theirs")
        study.set_user_attr("plan", {"config": {"lr": "fast"}, "search": [], "prune": True})
    with pytest.raises(StorageError, match="theirs"), open_sweep(journal, "theirs"):
        pass


def test_a_study_whose_beginning_was_cut_off_is_finished_with_a_plan(journal, monkeypatch):
    monkeypatch.setattr("cifar_core.sweep.study.BEGIN_SECONDS", 0.2)
    with opened(journal) as storage:
        for name, attributes in (("cut", {"slot": "1"}), ("theirs", {})):
            study = optuna.create_study(storage=storage, study_name=name, direction="maximize")
            study.enqueue_trial({}, user_attrs=attributes)
    for name, given in (("cut", None), ("theirs", plan())):
        with pytest.raises(StorageError, match=name) as refused, open_sweep(journal, name, given):
            pass
        assert "--study" in str(refused.value)
    with open_sweep(journal, "cut", plan(), 3) as sweep:
        assert [row.slot for row in sweep.rows()] == [1, 2, 3] and len(sweep.study.trials) == 3


def test_nothing_is_chosen_by_test_images():
    with pytest.raises(ConfigError, match="monitored=val"):
        plan(config=CONFIG.replace(monitored="test"))


def test_a_storage_that_cannot_be_opened_is_named_without_its_password(tmp_path):
    for storage in (
        "postgresql+psycopg://me:secret@127.0.0.1:1/none",
        f"{tmp_path}",
        "nodatabase://me:secret@host",
    ):
        with pytest.raises((StorageError, ConfigError)) as refused, opened(storage):
            pass
        assert "secret" not in str(refused.value)


def test_without_optuna_the_extra_is_named(monkeypatch, journal):
    monkeypatch.setattr("cifar_core.sweep.storage.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match="sweep") as refused, opened(journal):
        pass
    assert "pip install" in str(refused.value) and refused.value.exit_code == 2


def test_the_core_starts_without_optuna():
    script = (
        "import sys, cifar_core.cli.main; sys.exit('optuna' in sys.modules or 'sqlalchemy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_two_that_fill_the_same_slot_do_it_once(store, journal):
    with open_sweep(journal, "race", plan(), 1) as sweep:
        sweep.study.enqueue_trial({}, user_attrs={"slot": "1"})  # beside that with which it began
        slots = [Slots(sweep.study, sweep.storage, store, ["1"]) for _ in range(2)]
        claims = [next(one.each(print), None) for one in slots[:1]]
        assert owners(sweep.study.trials)["1"].number == claims[0].number == 0
        assert slots[1]._claim() is None


def test_a_trial_whose_process_is_gone_is_anybodys(store, journal):
    with open_sweep(journal, "dead", plan(), 1) as sweep:
        trial = next(Slots(sweep.study, sweep.storage, store, ["1"]).each(print))
        run, other = store.create(CONFIG), Slots(sweep.study, sweep.storage, store, ["1"])
        for name, value in (
            ("host", platform.node()),
            ("runs_dir", str(store.root)),
            ("run", run.id),
        ):
            trial.set_user_attr(name, value)
        with FileLock(run.path / LOCK):
            assert other._claim() is None and other._awaited()
        again = other._claim()
        assert again is not None and sweep.study.trials[0].state == TrialState.FAIL
        assert again.user_attrs["resumes"]["run"] == run.id
        at = worker.Worker(sweep, store, None, None, print)
        params = at.suggested(again)
        assert at.run_of(again, params).id == run.id
        mark_freed(run, Status("failed"))
        assert at.run_of(again, params).id != run.id, "it cannot go on, and is begun anew"


def test_a_machine_of_the_same_name_and_path_is_another(store, journal):
    """The run of a trial is neither sought nor missed on a disk that is not its own."""
    with open_sweep(journal, "alike", plan(), 1) as sweep:
        slots = Slots(sweep.study, sweep.storage, store, ["1"])
        trial, run = next(slots.each(print)), store.create(CONFIG)
        with slots.holding(trial, run):
            assert run_at(where(sweep.study.trials[0]), store).id == run.id
            trial.set_user_attr("disk", "another")
            run.path.rename(run.path.with_name("elsewhere"))
            assert slots._claim() is None and slots._awaited()
            assert run_at(where(sweep.study.trials[0]), store) is None


def test_a_trial_that_was_given_up_meanwhile_ends_no_sweep(store, journal, training):
    """While it trains: the next one goes on with its run; or before its run has a name."""
    with open_sweep(journal, "late", plan(), 2) as sweep:

        def given_up(run):
            running = [trial for trial in sweep.study.trials if trial.state == TrialState.RUNNING]
            if len(list(store.root.glob("*/run.json"))) == 1:
                sweep.study.tell(running[0].number, state=TrialState.FAIL)
            return [0.5]

        training(given_up)
        said = work(sweep, store)
        assert any("trial 0" in words and "Another process" in words for words in said)
        assert [row.state for row in sweep.rows()] == ["finished"] * 2
        assert len(list(store.root.glob("*/run.json"))) == 2
        late = sweep.study.ask()
        sweep.study.tell(late.number, state=TrialState.FAIL)
        slots = Slots(sweep.study, sweep.storage, store, sweep.slots)
        with pytest.raises(TakenOver), slots.holding(late, store.create(CONFIG)):
            pass


@pytest.fixture
def journal_away(tmp_path):
    """Journal file -> a context in which its folder is not there."""

    @contextlib.contextmanager
    def away(journal):
        folder = Path(journal).parent
        folder.rename(tmp_path / "unplugged")
        yield
        (tmp_path / "unplugged").rename(folder)

    return away


def test_a_journal_that_is_away_costs_no_training_and_is_told_later(
    store, tmp_path, training, journal_away, capsys, monkeypatch
):
    monkeypatch.setattr("cifar_core.sweep.slots.LOOK_SECONDS", 0.01)
    journal = tmp_path / "disk" / "journal"
    with open_sweep(str(journal), "away", plan(), 1) as sweep:
        trial = next(Slots(sweep.study, sweep.storage, store, ["1"]).each(print))
        run = store.create(CONFIG)
        with journal_away(journal):
            listen = worker.Reporter(trial, True, run).followed_by(lambda *_: None)
            listen(dataclasses.replace(epoch_end(1, False, 1.0), val_accuracy=0.25), Status("running"))
            assert "could not be reported" in capsys.readouterr().err
            monkeypatch.setattr("cifar_core.sweep.slots.TELL_SECONDS", 0.1)
            with pytest.raises(StorageError, match="trial 0"):
                tell(trial, TrialState.COMPLETE, 0.5)
            monkeypatch.setattr("cifar_core.sweep.slots.TELL_SECONDS", 20)
            telling = threading.Thread(target=tell, args=(trial, TrialState.COMPLETE, 0.5))
            telling.start()
        telling.join()
        assert sweep.rows()[0].accuracy == 0.5


def test_one_that_stands_for_a_lost_trial_and_is_lost_too_forgets_nothing(store, journal):
    with open_sweep(journal, "twice", plan(), 1) as sweep:
        slots = Slots(sweep.study, sweep.storage, store, ["1"])
        trial, run = next(slots.each(print)), store.create(CONFIG)
        rate = trial.suggest_float("lr", 0.02, 0.3)
        with slots.holding(trial, run):
            pass  # lost
        for _ in range(2):
            again = slots._claim()
            assert again.user_attrs["resumes"]["run"] == run.id
            slots._end_lost(again.number)  # before it names its run
        assert slots._claim().suggest_float("lr", 0.02, 0.3) == rate


def test_a_machine_that_a_database_has_not_heard_of_loses_its_trial(store, tmp_path, monkeypatch):
    """Another host's lock cannot be seen; Optuna's heartbeat says whether it is there."""
    monkeypatch.setattr("cifar_core.sweep.storage.HEARTBEAT_SECONDS", 1)
    monkeypatch.setattr("cifar_core.sweep.storage.GRACE_SECONDS", 3)
    with open_sweep(f"sqlite:///{tmp_path}/studies.db", "far", plan(), 1) as sweep:
        slots = Slots(sweep.study, sweep.storage, store, ["1"])
        trial = next(slots.each(print))
        with slots.holding(trial, store.create(CONFIG)):
            trial.set_user_attr("host", "elsewhere")
            time.sleep(5)
            assert Slots(sweep.study, sweep.storage, store, ["1"])._claim() is None  # it is heard of
            monkeypatch.setattr(slots, "_end_lost", lambda number: None)  # as a machine that loses its power
        until = time.monotonic() + 20
        while (again := slots._claim()) is None and time.monotonic() < until:
            time.sleep(0.5)
        assert again is not None and is_lost(sweep.study.trials[0])
        assert again.user_attrs["resumes"]["host"] == "elsewhere"
