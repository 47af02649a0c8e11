"""A resumed run equals an uninterrupted one to the last bit, wherever its state was saved."""

import copy
import dataclasses

import pytest
import torch

from cifar_core.models import create_model
from cifar_core.runs.events import Beat, Epoch, Resume, RunEnd, Step
from cifar_core.training import loop, mixing_window
from cifar_core.training.batches import Augmentation
from cifar_core.training.loop import fit
from cifar_core.training.state import load_state, save_state
from tests.support.toy_trainers import run, tiny_net, train_batches, trainer_of, val_batches

START = Resume(0, 0.0)
TIMES = {"seconds", "val_seconds", "network_seconds", "run_seconds", "images_per_second"}
RUNS = {
    "sgd": {"optimizer": "sgd", "lr": 0.2, "momentum": 0.9, "nesterov": True, "weight_decay": 1e-3},
    "adamw": {"optimizer": "adamw", "lr": 0.01, "weight_decay": 0.1},
    "rmsprop": {"optimizer": "rmsprop", "lr": 0.01, "momentum": 0.5},
    "muon": {"optimizer": "muon", "lr": 0.1, "momentum": 0.6, "bias_lr": 0.1, "head_lr": 0.1},
}
EVERYTHING = {"ema_decay": 0.9, "label_smoothing": 0.1, "schedule": "onecycle", "accumulation_steps": 2}


def small_train():
    return train_batches(augmentation=Augmentation(mirror=True, padding=2))


def make_net(kind, seed=0):
    if kind == "plain":
        return tiny_net(seed, batch_norm=True, dropout=0.5)
    torch.manual_seed(seed)
    return create_model("mixing_lite", num_classes=4, widths=[4, 4], num_kernels=2)


def without_times(value):
    """The same, times left out."""
    if dataclasses.is_dataclass(value):
        return without_times(dataclasses.asdict(value))
    if isinstance(value, dict):
        return {key: without_times(item) for key, item in value.items() if key not in TIMES}
    return [without_times(item) for item in value] if isinstance(value, list) else value


def assert_same(one, other, path="state"):
    """Equal to the last bit, tensors included."""
    assert type(one) is type(other), path
    if isinstance(one, torch.Tensor):
        assert one.dtype == other.dtype and torch.equal(one, other), path
    elif isinstance(one, dict):
        assert one.keys() == other.keys(), path
        for key in one:
            assert_same(one[key], other[key], f"{path}.{key}")
    elif isinstance(one, list | tuple):
        assert len(one) == len(other), path
        for number, pair in enumerate(zip(one, other, strict=True)):
            assert_same(*pair, f"{path}.{number}")
    else:
        assert one == other, path


def stored(events):
    return [(type(e), without_times(e)) for e in events if not isinstance(e, Beat | Resume)]


def fitted(trainer, train, val):
    """The events of a whole run; and the position and state of each beat and epoch."""
    events, saved = [], []
    for event in fit(trainer, train, val, START):
        events.append(event)
        if isinstance(event, Beat | Epoch):
            saved.append((len(events), copy.deepcopy(trainer.state_dict())))
    return events, saved


@pytest.mark.parametrize(
    ("optimizer", "kind"),
    [
        ("sgd", "plain"),
        ("adamw", "plain"),
        ("rmsprop", "plain"),
        ("muon", "plain"),
        ("sgd", "mixing"),
        ("muon", "mixing"),
    ],
)
def test_a_run_resumed_at_any_beat_equals_the_uninterrupted_one(optimizer, kind, monkeypatch):
    monkeypatch.setattr(loop, "STEP_EVENTS_PER_EPOCH", 2)  # so that some beats lie between two Step events
    monkeypatch.setattr(mixing_window, "BY_CLASS_EVERY", 3)
    settings = {**RUNS[optimizer], **EVERYTHING, "mixing_temperature": 30.0}
    trainer = trainer_of(make_net(kind), **settings)
    train, val = small_train(), val_batches()
    events, saved = fitted(trainer, train, val)
    assert len(saved) == 2 * (5 + 2 + 1)
    assert any(state["gradients"] for _, state in saved)
    assert sum(bool(event.mixing_by_class) for event in events if isinstance(event, Step)) == (
        2 if kind == "mixing" else 0
    )
    end = without_times(trainer.state_dict())
    for position, state in saved:
        later = trainer_of(make_net(kind, seed=9), **settings)  # a new process: other weights, other luck
        later.load_state_dict(copy.deepcopy(state))
        rest = list(fit(later, train, val, Resume(later.step, 0.0)))
        assert stored(rest) == stored(events[position:])
        assert_same(without_times(later.state_dict()), end)


@pytest.mark.parametrize("optimizer", ["sgd", "muon"])
def test_a_run_resumed_while_its_head_learns_alone_equals_the_uninterrupted_one(optimizer):
    settings = {**RUNS[optimizer], **EVERYTHING, "head_first": 0.4}  # the fourth of ten steps ends it
    trainer = trainer_of(make_net("mixing"), **settings)
    trainer.learn_head_first()
    train, val = small_train(), val_batches()
    events, saved = fitted(trainer, train, val)
    end = without_times(trainer.state_dict())
    for position, state in saved:
        later = trainer_of(make_net("mixing", seed=9), **settings)
        later.load_state_dict(copy.deepcopy(state))
        assert stored(fit(later, train, val, Resume(later.step, 0.0))) == stored(events[position:])
        assert_same(without_times(later.state_dict()), end)


def test_what_is_written_to_disk_within_a_group_of_batches_is_enough(tmp_path):
    settings = {**RUNS["adamw"], **EVERYTHING}
    trainer = trainer_of(make_net("plain"), **settings)
    events = fit(trainer, small_train(), val_batches(), START)
    for event in events:
        if isinstance(event, Beat) and event.step == 6:
            break
    save_state(tmp_path, {"trainer": trainer.state_dict()})
    assert trainer.state_dict()["gradients"]
    expected = stored(events)
    later = trainer_of(make_net("plain", seed=9), **settings)
    later.load_state_dict(load_state(tmp_path)["trainer"])
    assert stored(fit(later, small_train(), val_batches(), Resume(6, 0.0))) == expected
    for name, value in later.model.state_dict().items():
        assert torch.equal(value, trainer.model.state_dict()[name]), name


def test_a_caller_may_leave_during_validation_and_go_on_with_the_same_trainer():
    whole = trainer_of(make_net("plain"), **EVERYTHING)
    expected = stored(run(whole, small_train()))
    trainer, events = trainer_of(make_net("plain"), **EVERYTHING), []
    for event in fit(trainer, small_train(), val_batches(), START):
        events.append(event)
        if isinstance(event, Beat) and event.validating:
            break
    events += run(trainer, small_train())
    assert stored(events) == expected


def test_a_finished_run_has_nothing_left_to_do():
    trainer = trainer_of(tiny_net())
    run(trainer)
    weights = copy.deepcopy(trainer.model.state_dict())
    events = run(trainer)
    assert [type(event) for event in events] == [Resume, RunEnd]
    assert all(torch.equal(value, weights[name]) for name, value in trainer.model.state_dict().items())
