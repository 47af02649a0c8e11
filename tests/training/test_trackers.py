"""Trackers are told what the run tells, each event once, and never end a training."""

import json
import sys
import types

import pytest

from cifar_core.cli import main
from cifar_core.config import ConfigError
from cifar_core.recipes import get_recipe
from cifar_core.runs.events import Beat, Epoch, Resume, RunEnd, RunStart, Step
from cifar_core.runs.store import RunStore, Status
from cifar_core.training import trackers as subject
from cifar_core.training.trackers import FILE, Mirror, check_trackers, figures_of, mark_of, trackers_of
from tests.support.fake_runs import epoch_end, start, steps

STATUS = Status("running")
TINY = ['model_args={"widths": [4, 8], "num_kernels": 2}', "train_size=100", "val_size=50", "batch_size=50"]


@pytest.fixture
def run(tmp_path):
    return RunStore(tmp_path).create(get_recipe("smoke").config)


class Standin(types.ModuleType):
    """Trackio or W&B in name: keeps what it is told."""

    def __init__(self, name, fails_at=10**9):
        super().__init__(name)
        self.__spec__ = types.SimpleNamespace(name=name)
        self.points, self.begun, self.finished, self.fails_at = [], [], 0, fails_at

    def init(self, **options):
        self.begun.append(options)
        return self

    def log(self, figures, step):
        if len(self.points) >= self.fails_at:
            raise ConnectionError("the server is gone\nand more")
        self.points.append((step, figures))

    def finish(self):
        self.finished += 1


@pytest.fixture(params=["trackio", "wandb"])
def standin(request, monkeypatch):
    module = Standin(request.param)
    monkeypatch.setitem(sys.modules, request.param, module)
    return module


def tell(run, events, names, warnings=None):
    """What a training process does: append, then tell the listener."""
    with Mirror(run, names, (warnings if warnings is not None else []).append) as mirror:
        for event in events:
            if not isinstance(event, Beat):
                run.append(event)
            mirror(event, STATUS)


def epoch(number):
    return [*steps(number, 10, 1.0), Beat(number, 1), epoch_end(number, True, 1.0)]


WHOLE = [start(3, True), *epoch(1), *epoch(2), RunEnd("finished", 100, 1.0, 2, 0.5)]


def told(events):
    return [(event.step, figures_of(event, "val")) for event in events if isinstance(event, Step | Epoch)]


def cut(run, keep):
    """Go back to the first `keep` events, as a run does that goes on from a saved state."""
    lines = (run.path / "events.jsonl").read_text().splitlines(keepends=True)
    (run.path / "events.jsonl").write_text("".join(lines[:keep]))


# Names


def test_figures_have_the_names_of_the_field():
    figures = figures_of(epoch_end(1, True, 1.0), "val")
    mixing = {"mixing/stage1.0/kernel_1", "mixing/stage3.1/kernel_4", "mixing/stage1.0/entropy"}
    assert {"val/loss", "val/accuracy", *mixing} <= set(figures)
    assert "test/accuracy" in figures_of(epoch_end(1, False, 1.0), "test")
    assert set(figures_of(steps(1, 1, 1.0)[0], "val")) == {
        "train/loss",
        "train/accuracy",
        "train/lr",
        "train/images_per_second",
    }
    assert all(isinstance(value, float) for value in figures.values())


def test_the_end_of_an_epoch_comes_after_its_last_step():
    assert mark_of(steps(1, 10, 1.0)[-1]) < mark_of(epoch_end(1, True, 1.0)) < mark_of(steps(2, 1, 1.0)[0])


# Trackio and W&B


def test_a_project_is_told_every_event(run, standin):
    tell(run, WHOLE, [standin.__name__])
    assert standin.points == told(WHOLE) and standin.finished == 1
    (options,) = standin.begun
    assert (options["project"], options["name"], options["resume"]) == ("cifar10-lab", run.id, "allow")
    assert options["config"] == run.config().to_json()
    if standin.__name__ == "wandb":
        assert options["id"] == run.id and options["settings"]["init_timeout"] <= 20  # seconds
    else:
        assert "id" not in options  # Trackio has no such option


@pytest.mark.parametrize("keep", [1, 5, 11, 12, 15])
def test_a_resumed_run_doubles_nothing_and_misses_nothing(run, standin, keep):
    tell(run, WHOLE[:20], [standin.__name__])  # killed within the second epoch
    cut(run, keep)
    rest = [event for event in WHOLE if not isinstance(event, Beat)][keep:]
    tell(run, [Resume(rest[0].step - 1, 1.0), *rest], [standin.__name__])
    assert standin.points == told(WHOLE)


@pytest.mark.parametrize("lost", [1, 4])
def test_what_a_killed_process_had_not_sent_is_told_again(run, standin, lost):
    mirror = Mirror(run, [standin.__name__], pytest.fail)
    for event in WHOLE[:20]:
        if not isinstance(event, Beat):
            run.append(event)
        mirror(event, STATUS)
    del standin.points[-lost:]
    sent = len(standin.points)
    tell(run, [Resume(70, 1.0), *WHOLE[20:]], [standin.__name__])
    assert [point for point in told(WHOLE) if point not in standin.points] == []
    steps = [step for step, _ in standin.points[sent:]]
    assert steps == sorted(steps)  # a package may drop what lies before the step it was told last


def test_a_tracker_that_comes_later_is_told_all(run, standin):
    tell(run, WHOLE[:14], [])
    assert standin.points == []
    tell(run, [Resume(50, 1.0), *WHOLE[14:]], [standin.__name__])
    assert standin.points == told(WHOLE)


def test_a_tracker_that_fails_is_dropped_with_one_warning(run, standin):
    standin.fails_at, warnings = 3, []
    tell(run, WHOLE, [standin.__name__], warnings)
    assert len(standin.points) == 3
    (warning,) = warnings
    assert standin.__name__ in warning and "the server is gone" in warning and "and more" not in warning


def test_a_tracker_that_cannot_begin_is_dropped_and_the_other_goes_on(run, monkeypatch):
    broken, sound = Standin("trackio"), Standin("wandb")
    broken.init = None
    monkeypatch.setitem(sys.modules, "trackio", broken)
    monkeypatch.setitem(sys.modules, "wandb", sound)
    warnings = []
    tell(run, WHOLE, ["trackio", "wandb"], warnings)
    assert len(warnings) == 1 and "trackio is told nothing more" in warnings[0]
    assert sound.points == told(WHOLE)


@pytest.mark.parametrize(
    "content", ["{", "[]", '{"trackio": 5}', '{"trackio": ["a", 1]}', '{"other": [1, 1]}']
)
def test_a_damaged_note_is_no_note(run, content):
    (run.path / FILE).write_text(content)
    assert set(trackers_of(run).values()) <= {subject.NOTHING}


# TensorBoard


def read_back(run):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    (path,) = (run.path / "tensorboard").iterdir()
    events = EventAccumulator(str(path), {"scalars": 0}).Reload()
    return {
        name: [(point.step, point.value) for point in events.Scalars(name)]
        for name in events.Tags()["scalars"]
    }


def expected(events):
    found = {}
    for step, figures in told(events):
        for name, value in figures.items():
            found.setdefault(name, []).append((step, pytest.approx(value)))
    return found


def test_tensorboard_files_hold_what_the_run_told(run):
    pytest.importorskip("tensorboard")
    tell(run, WHOLE, ["tensorboard"])
    assert read_back(run) == expected(WHOLE)


def test_tensorboard_files_of_a_resumed_run_hold_each_point_once(run):
    pytest.importorskip("tensorboard")
    tell(run, WHOLE[:20], ["tensorboard"])
    cut(run, 5)
    rest = [event for event in WHOLE if not isinstance(event, Beat)][5:]
    tell(run, [Resume(20, 1.0), *rest], ["tensorboard"])
    assert read_back(run) == expected(WHOLE)


# The command line


@pytest.mark.parametrize("name", subject.TRACKERS)
def test_a_missing_package_is_named_before_a_run_is_made(tmp_path, capsys, monkeypatch, name):
    monkeypatch.setattr(subject, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=f"pip install {name}"):
        check_trackers([name])
    assert main(["train", "--recipe", "smoke", "--log", name, "--runs-dir", str(tmp_path / "runs")]) == 2
    assert f"--log {name} needs a package" in capsys.readouterr().err and not (tmp_path / "runs").exists()


def test_a_training_is_mirrored_and_a_resumed_one_goes_on_so(tmp_path, capsys, monkeypatch):
    module = Standin("trackio")
    monkeypatch.setitem(sys.modules, "trackio", module)
    monkeypatch.setattr(subject, "find_spec", lambda name: True)
    where = ["--runs-dir", str(tmp_path)]
    assert main(["train", "--recipe", "smoke", "--log", "trackio", "--set", *TINY, "epochs=2", *where]) == 0
    (run,) = [one for one in RunStore(tmp_path).list() if not one.shipped]
    events = run.events()
    assert isinstance(events[0], RunStart) and module.points == told(events) and len(module.points) > 2
    assert json.loads((run.path / FILE).read_text()) == {"trackio": [events[-1].step, 1]}
    assert main(["train", "--resume", run.id, *where]) == 0
    assert module.points == told(events)
    assert "warning" not in capsys.readouterr().err
