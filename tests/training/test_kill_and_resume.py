"""A run that is killed, stopped or paused, and goes on, equals one that never was: to the last bit."""

import os
import shutil
import signal
import time

import pytest

from cifar_core.checkpoint import CARD
from cifar_core.recipes import get_recipe
from cifar_core.runs.events import Epoch, LearningRate, Resume, RunEnd
from cifar_core.runs.run import Run
from cifar_core.runs.store import RunStore
from cifar_core.training.state import SKELETON, TENSORS
from tests.support.doomed_runs import NETWORK, Doom, Life
from tests.support.run_remains import differences, remains

pytestmark = pytest.mark.skipif(os.name != "posix", reason="forks and kills")

# Four batches an epoch, the last one smaller, in groups of three: at most steps gradients wait.
SMALL = {
    "model": NETWORK, "model_args": {}, "train_size": 170, "val_size": 60, "batch_size": 50, "epochs": 2,
    "accumulation_steps": 3, "ema_decay": 0.9, "mixing_temperature": 5.0, "label_smoothing": 0.1,
    "augmentation": "flip_crop_cutout", "precision": "fp32",
}  # fmt: skip
# Some classes only; sees images before its first step; no averaging.
OTHER = {"model": "speed_mixing", "model_args": {"widths": [4, 8]}, "ema_decay": 0.0}
OTHER |= {
    "optimizer": "rmsprop",
    "lr": 0.001,
    "schedule": "step",
    "milestones": (1,),
    "classes": "checks,disk,ring",
}
LAST_STEP = 8


@pytest.fixture(scope="module")
def doom():
    with Doom() as doom:
        yield doom


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return RunStore(tmp_path_factory.mktemp("runs"))


def make(store, **changes):
    return store.create(get_recipe("smoke").config.replace(**{**SMALL, **changes}))


@pytest.fixture(scope="module")
def unbroken(doom, store):
    """What a run that nothing happens to leaves behind."""
    run = make(store)
    assert doom.live(Life(str(run.path))) == 0
    assert run.status().state == "finished" and run.events()[-1].step == LAST_STEP
    return remains(run)


def check(run, unbroken, resumes=1):
    """Assert that the finished run equals the unbroken one."""
    assert differences(run, unbroken) == []
    assert sum(isinstance(event, Resume) for event in run.events()) == resumes


def go_on(doom, run):
    assert doom.live(Life(str(run.path))) == 0


@pytest.mark.slow
def test_the_same_run_twice_is_equal(doom, store, unbroken):
    run = make(store)
    go_on(doom, run)
    check(run, unbroken, resumes=0)


def test_another_seed_is_not_equal(doom, store, unbroken):
    """Else the comparison would prove nothing."""
    run = make(store, seed=1)
    go_on(doom, run)
    found = remains(run)
    assert all(found[name] != unbroken[name] for name in unbroken if name != "skeleton")


# Killed: what happens, the step that is saved last, and the Resume events that are left in the end
DEATHS = {
    "before anything is saved": ({"step": 3}, 0, 0),
    "between two steps": ({"step": 6, "save_seconds": 0.0}, 5, 1),
    "while validating": ({"step": 4, "validating": 2, "save_seconds": 0.0}, 4, 1),
    "between two epochs": ({"epoch": 1}, 4, 1),
    "after the last epoch": ({"epoch": 2}, 8, 0),
    "before the first state has its place": ({"replacing": "last"}, 0, 0),
    "before the state makes room": ({"replacing": "last.previous"}, 4, 1),
    "when the state before has made room": ({"replacing": "last", "count": 2}, 4, 1),
}


@pytest.mark.parametrize(("moment", "saved", "resumes"), DEATHS.values(), ids=DEATHS.keys())
def test_killed_and_resumed_equals_unbroken(doom, store, unbroken, moment, saved, resumes):
    run = make(store)
    assert doom.live(Life(str(run.path), "kill", **moment)) == -signal.SIGKILL
    assert run.status().state == "failed" and "Resume" in run.status().message
    go_on(doom, run)
    check(run, unbroken, resumes)
    assert [event.step for event in run.events() if isinstance(event, Resume)] == [saved] * resumes


@pytest.mark.slow
def test_killed_again_and_again_equals_unbroken(doom, store, unbroken):
    run = make(store)
    for step in (2, 3, 6, 8):
        assert doom.live(Life(str(run.path), "kill", step=step, save_seconds=0.0)) == -signal.SIGKILL
    go_on(doom, run)
    check(run, unbroken, resumes=4)


@pytest.mark.slow
def test_another_network_and_optimizer_go_on_equally(doom, store):
    whole, broken = make(store, **OTHER), make(store, **OTHER)
    go_on(doom, whole)
    assert doom.live(Life(str(broken.path), "kill", step=7, save_seconds=0.0)) == -signal.SIGKILL
    go_on(doom, broken)
    check(broken, remains(whole))


@pytest.mark.slow
def test_a_changed_learning_rate_is_kept_when_the_run_goes_on(doom, store, unbroken):
    """Also when it is killed at the very next step."""
    whole, broken = make(store), make(store)
    assert doom.live(Life(str(whole.path), factor=0.25, factor_step=3)) == 0
    life = Life(str(broken.path), "kill", step=4, factor=0.25, factor_step=3)
    assert doom.live(life) == -signal.SIGKILL
    go_on(doom, broken)
    changed = remains(whole)
    check(broken, changed)
    events = [event for event in broken.events() if isinstance(event, LearningRate)]
    assert [(event.step, event.factor) for event in events] == [(3, 0.25)]
    assert changed["state"] != unbroken["state"]
    assert "changed by hand: 0.25 times the schedule after step 3" in str(changed["last card"])


# What a kill or a failing disk may leave


@pytest.fixture(scope="module")
def corpse(doom, store):
    """A run that was killed after step 7, with the states of the steps 5 and 6."""
    run = make(store)
    assert doom.live(Life(str(run.path), "kill", step=7, save_seconds=0.0)) == -signal.SIGKILL
    return run


@pytest.fixture
def killed(corpse, tmp_path):
    return Run(shutil.copytree(corpse.path, tmp_path / corpse.id))


@pytest.mark.slow
def test_a_torn_last_line_is_forgotten(doom, killed, unbroken):
    with open(killed.path / "events.jsonl", "ab") as file:
        file.write(b'{"type": "step", "epoch": 2, "st')
    go_on(doom, killed)
    check(killed, unbroken)


DAMAGES = {
    "half a state": lambda folder: os.truncate(folder / TENSORS, 1000),
    "another state": lambda folder: (folder / SKELETON).write_text('{"items": [["step", 5]]}'),
    "no card": lambda folder: (folder / CARD).unlink(),
}


@pytest.mark.slow
@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_a_damaged_state_gives_way_to_the_one_before(doom, killed, unbroken, damage):
    damage(killed.last_checkpoint)
    go_on(doom, killed)
    check(killed, unbroken)
    assert next(event.step for event in killed.events() if isinstance(event, Resume)) == 5


def test_when_no_state_is_whole_the_run_says_so_and_stays_as_it_is(doom, killed):
    events = killed.events()
    for folder in (killed.last_checkpoint, killed.last_checkpoint.with_name("last.previous")):
        os.truncate(folder / TENSORS, 1000)
    assert doom.live(Life(str(killed.path))) == 1
    status = killed.status()
    assert status.state == "failed" and "cannot go on; start a new one" in status.message
    assert killed.events() == events


def test_a_state_that_does_not_fit_the_settings_is_refused(doom, killed):
    path = killed.path / "config.json"
    path.write_text(path.read_text().replace('"optimizer": "sgd"', '"optimizer": "rmsprop"'))
    assert killed.config().optimizer == "rmsprop"
    assert doom.live(Life(str(killed.path))) == 1
    assert "does not fit its settings" in killed.status().message


# Asked to end


@pytest.mark.parametrize(
    ("act", "code", "moment"),
    [
        ("terminate", 130, {"step": 6}),
        ("terminate", 130, {"step": 8, "validating": 2}),
        ("stop", 0, {"step": 6}),
    ],
    ids=["signal", "signal while validating", "request"],
)
def test_asked_to_stop_and_resumed_equals_unbroken(doom, store, unbroken, act, code, moment):
    run = make(store)
    assert doom.live(Life(str(run.path), act, **moment)) == code
    assert run.status().state == "stopped"
    assert run.events()[-1] == RunEnd("stopped", moment["step"], run.events()[-1].seconds, *best(run))
    go_on(doom, run)
    check(run, unbroken)


def best(run):
    epochs = [event for event in run.events() if isinstance(event, Epoch)]
    epoch = max(epochs, key=lambda event: event.val_accuracy)
    return epoch.epoch, epoch.val_accuracy


@pytest.mark.slow
def test_a_finished_run_that_is_resumed_stays_as_it_is(doom, store, unbroken):
    run = make(store)
    go_on(doom, run)
    go_on(doom, run)
    check(run, unbroken, resumes=0)


# Paused


def wait_for(condition, seconds=60.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


@pytest.mark.slow
def test_paused_and_continued_equals_unbroken(doom, store, unbroken):
    run = make(store)
    doom.begin(Life(str(run.path), "pause", step=6))
    wait_for(lambda: run.status().state == "paused")
    heartbeat, size = run.status().heartbeat, run.events_size()
    assert (run.last_checkpoint / SKELETON).exists()  # safe against what happens while it waits
    wait_for(lambda: run.status().heartbeat > heartbeat)
    assert run.status().state == "paused" and run.events_size() == size
    run.request("continue")
    assert doom.end() == 0
    check(run, unbroken, resumes=0)


@pytest.mark.slow
def test_paused_and_stopped_goes_on_later(doom, store, unbroken):
    run = make(store)
    doom.begin(Life(str(run.path), "pause", step=6))
    wait_for(lambda: run.status().state == "paused")
    run.request("stop")
    assert doom.end() == 0 and run.status().state == "stopped"
    go_on(doom, run)
    check(run, unbroken)
