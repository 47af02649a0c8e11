"""What runs take is added up; freeing takes states of ended runs alone, and says so, also when killed."""

import shutil

import pytest

from cifar_core.config import TrainConfig
from cifar_core.runs import disk as subject
from cifar_core.runs.disk import disk_of, free_states, freed_bytes, usage_of
from cifar_core.runs.launch import launch
from cifar_core.runs.run import GOES_ON, Run
from cifar_core.runs.store import RunStore, Status, StoreError
from cifar_core.runs.trash import delete_run
from cifar_core.training.in_turn import train_in_turn
from cifar_core.training.runner import train_run
from tests.support.fake_runs import keep_running, make_run

SIZES = {"best": 5000, "best.previous": 4000, "last": 9000, "last.previous": 9500, "last.new": 10}
STATES = sum(SIZES.values()) - SIZES["best"]


def filled(store: RunStore, state: str = "finished") -> Run:
    run = make_run(store, epochs=2, state=state)
    for name, size in SIZES.items():
        folder = run.path / "checkpoints" / name
        folder.mkdir(parents=True)
        (folder / "weights.safetensors").write_bytes(b"w" * size)
        if name != "last.new":
            (folder / "card.json").touch()
    return run


def left(run: Run) -> list[str]:
    return sorted(path.name for path in (run.path / "checkpoints").iterdir())


def test_every_byte_is_counted_once(store):
    run = filled(store)
    usage = usage_of(run)
    events = (run.path / "events.jsonl").stat().st_size
    assert (usage.best, usage.states, usage.events) == (5000, STATES, events)
    files = [path for path in run.path.rglob("*") if path.is_file()]
    assert usage.total == sum(path.stat().st_size for path in files)
    gone = filled(store)
    size = delete_run(store, gone).size
    disk = disk_of(store)
    assert [one.id for one in disk.runs] == [run.id] and disk.runs[0].total == usage.total
    assert disk.trash == size and 0 < disk.room <= shutil.disk_usage(store.root).free + 1e9
    assert freed_bytes(disk.to_free()) == STATES
    assert disk_of(RunStore(store.root / "not" / "there")).runs == []


def test_a_link_is_not_followed(store, tmp_path):
    run = filled(store)
    before = usage_of(run).total
    (tmp_path / "large").write_bytes(b"x" * 70_000)
    (run.path / "link").symlink_to(tmp_path / "large")
    (run.path / "folder").symlink_to(tmp_path, target_is_directory=True)
    assert usage_of(run).total == before


def test_a_finished_run_keeps_all_that_a_page_shows(store):
    run = filled(store)
    others = {path: path.read_bytes() for path in run.path.glob("*.json*")}
    assert free_states(store, run) == STATES
    assert left(run) == ["best"] and usage_of(run).states == 0
    assert all(path.read_bytes() == content for path, content in others.items())
    assert run.status().state == "finished" and len(run.events()) > 10
    assert free_states(store, run) == 0


@pytest.mark.parametrize("state", ["stopped", "pruned", "failed"])
def test_a_run_that_could_go_on_is_freed_only_when_that_is_said(store, state):
    run = filled(store, state)
    run.write_status(Status(state, message=f"Interrupted. {GOES_ON}"))
    with pytest.raises(StoreError, match=r"no longer be resumed.*--unfinished"):
        free_states(store, run)
    assert len(left(run)) == len(SIZES) and not run.freed
    assert freed_bytes(disk_of(store).to_free()) == 0
    assert freed_bytes(disk_of(store).to_free(unfinished=True)) == STATES
    assert free_states(store, run, unfinished=True) == STATES
    status = run.status()
    assert status.state == state and "cannot be resumed" in status.message and GOES_ON not in status.message


@pytest.mark.parametrize("state", ["finished", "failed"])
def test_what_was_freed_is_never_started_again(store, state):
    run = filled(store, state)
    free_states(store, run, unfinished=True)
    events = run.events_size()
    for start in (launch, train_in_turn, train_run):
        with pytest.raises(StoreError, match=r"cannot be resumed.*start a new one"):
            start(run)
    assert run.events_size() == events and run.status().state == state


@pytest.mark.parametrize("state", ["waiting", "running", "paused"])
def test_a_run_under_way_is_left_alone(store, state):
    run = filled(store, state)
    lock = keep_running(run)
    with pytest.raises(StoreError, match=f"is {state}"):
        free_states(store, run, unfinished=True)
    assert disk_of(store).to_free(unfinished=True) == []
    run.write_status(Status("finished"))  # its process still has the last words to say
    with pytest.raises(StoreError, match="stop it first"):
        free_states(store, run)
    assert len(left(run)) == len(SIZES) and not run.freed
    lock.release()


def test_one_whose_process_died_is_said_to_have_failed(store):
    run = filled(store, "running")
    assert run.status().state == "failed"
    free_states(store, run, unfinished=True)
    status = run.status()
    assert status.state == "failed" and "killed" in status.message and "cannot be resumed" in status.message


def test_shipped_and_damaged_runs_and_those_of_another_store_stay(store, tmp_path):
    run = filled(store)
    with pytest.raises(StoreError, match="none of your runs"):
        free_states(RunStore(tmp_path / "other"), run)
    (run.path / "config.json").write_text("{")
    with pytest.raises(StoreError, match="is damaged"):
        free_states(store, run)
    (run.path / "card.json").touch()
    with pytest.raises(StoreError, match="none of your runs"):
        free_states(store, run)
    assert len(left(run)) == len(SIZES)


def test_killed_in_the_middle_it_says_that_it_cannot_go_on_and_the_rest_can_be_freed(store, monkeypatch):
    run, remove = filled(store), shutil.rmtree

    def die(folder):
        if folder.name != "last.freed":
            raise KeyboardInterrupt
        remove(folder)

    monkeypatch.setattr(subject.shutil, "rmtree", die)
    with pytest.raises(KeyboardInterrupt):
        free_states(store, run)
    monkeypatch.undo()
    assert run.freed and "last" not in left(run) and "best" in left(run)
    assert 0 < usage_of(run).states < STATES
    with pytest.raises(StoreError, match="cannot be resumed"):
        train_run(run)
    free_states(store, run)
    assert left(run) == ["best"]


def test_what_cannot_be_removed_is_named(store, monkeypatch):
    run = filled(store)
    elsewhere = run.path / "elsewhere"
    (run.path / "checkpoints" / "last").rename(elsewhere)
    (run.path / "checkpoints" / "last").symlink_to(elsewhere, target_is_directory=True)
    with pytest.raises(StoreError, match=r"could not be freed whole.*try again"):
        free_states(store, run)
    assert (elsewhere / "card.json").exists(), "a link was followed"


def test_what_stays_whole_can_still_be_resumed(store, monkeypatch):
    """Windows moves no folder with an open file."""
    run = filled(store, "stopped")
    run.write_status(Status("stopped", message=f"Interrupted. {GOES_ON}"))

    def held(source, target):
        raise PermissionError(13, "Access is denied", str(source))

    monkeypatch.setattr(subject, "replace_path", held)
    with pytest.raises(StoreError, match="could not be freed whole"):
        free_states(store, run, unfinished=True)
    assert not run.freed and len(left(run)) == len(SIZES) and GOES_ON in run.status().message


def test_a_run_that_is_started_in_the_same_instant_keeps_its_states(store, monkeypatch):
    run = filled(store, "stopped")
    lock = run.lock

    def started(timeout):
        run.write_status(Status("waiting"))
        return lock(timeout)

    monkeypatch.setattr(run, "lock", started)
    with pytest.raises(StoreError, match="has just been started"):
        free_states(store, run, unfinished=True)
    assert not run.freed and len(left(run)) == len(SIZES) and run.status().state == "waiting"


def test_a_best_network_that_lies_only_beside_its_place_is_kept(store):
    run = filled(store)
    shutil.rmtree(run.path / "checkpoints" / "best")
    assert usage_of(run).best == SIZES["best.previous"]
    free_states(store, run)
    assert left(run) == ["best.previous"]


def test_what_never_saved_a_state_has_nothing_to_free(store):
    run = store.create(TrainConfig())
    run.write_status(Status("failed"))
    assert free_states(store, run, unfinished=True) == 0 and not run.freed
