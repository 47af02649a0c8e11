"""The loop: what it learns, the events that it yields, and how it ends when the loss is no number."""

import dataclasses

import pytest
import torch

from cifar_core.models import create_model
from cifar_core.runs.events import Beat, Epoch, Resume, Step
from cifar_core.training import loop
from cifar_core.training import trainer as trainer_module
from cifar_core.training.evaluation import Evaluation
from cifar_core.training.loop import TrainingError, end_event, fit
from tests.support.toy_trainers import run, tiny_net, train_batches, trainer_of, val_batches

START = Resume(0, 0.0)


def of_type(events, kind):
    return [event for event in events if isinstance(event, kind)]


# What it learns


@pytest.mark.parametrize(
    "settings",
    [
        {"optimizer": "sgd", "lr": 0.3, "momentum": 0.9, "schedule": "onecycle"},
        {"optimizer": "adamw", "lr": 0.02, "schedule": "cosine"},
        {"optimizer": "rmsprop", "lr": 0.01, "momentum": 0.0},
    ],
    ids=["sgd", "adamw", "rmsprop"],
)
def test_the_loss_falls_and_new_pictures_are_recognized(settings):
    trainer = trainer_of(tiny_net(batch_norm=True), epochs=12, **settings)
    epochs = of_type(run(trainer), Epoch)
    assert epochs[-1].train_loss < 0.3 * epochs[0].train_loss
    assert epochs[-1].val_loss < 0.3
    assert epochs[-1].val_accuracy > 0.9


# Events


def test_events_come_in_their_order():
    events = run(trainer_of(tiny_net()))
    step, beat, validating = Step.__name__, Beat(0, 0), Beat(0, 0, validating=True)
    told = [
        dataclasses.replace(event, epoch=0, step=0) if isinstance(event, Beat) else type(event).__name__
        for event in events
    ]
    epoch = [step, beat] * 5 + [validating] * 2 + ["Epoch"]
    assert told == ["Resume", *epoch, *epoch, "RunEnd"]
    assert events[0] == START


def test_events_count_steps_over_the_run_and_epochs_from_1():
    events = run(trainer_of(tiny_net()))
    assert [(e.epoch, e.step) for e in of_type(events, Step)] == [
        (1 + (step - 1) // 5, step) for step in range(1, 11)
    ]
    beats = [(event.epoch, event.step, event.validating) for event in of_type(events, Beat)]
    assert beats[:5] == [(1, step, False) for step in range(1, 6)]
    assert beats[5:7] == [(1, 5, True)] * 2
    assert beats[7] == (2, 6, False)
    assert [(event.epoch, event.step) for event in of_type(events, Epoch)] == [(1, 5), (2, 10)]
    assert (events[-1].state, events[-1].step) == ("finished", 10)


def test_there_are_about_as_many_step_events_an_epoch_as_stated(monkeypatch):
    monkeypatch.setattr(loop, "STEP_EVENTS_PER_EPOCH", 2)
    events = run(trainer_of(tiny_net()))  # five steps an epoch
    assert [event.step for event in of_type(events, Step)] == [1, 2, 4, 5, 7, 9, 10]
    assert len(of_type(events, Beat)) == 2 * (5 + 2)


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_step_events_are_means_since_the_last_and_epochs_over_all_images(monkeypatch, smoothing):
    monkeypatch.setattr(loop, "STEP_EVENTS_PER_EPOCH", 2)
    trainer = trainer_of(tiny_net(), epochs=1, lr=1e-7, label_smoothing=smoothing)  # stays as it is
    train = train_batches(n=36)  # a smaller last batch
    loss = torch.nn.CrossEntropyLoss(label_smoothing=smoothing)
    with torch.no_grad():
        answers = [(trainer.model(images), targets) for images, targets in train.epoch(1)]
    events = run(trainer, train)

    def means(parts):
        logits, targets = (torch.cat(pieces) for pieces in zip(*parts, strict=True))
        return loss(logits, targets).item(), (logits.argmax(dim=1) == targets).float().mean().item()

    windows = [answers[:1], answers[1:2], answers[2:4], answers[4:]]
    for event, window in zip(of_type(events, Step), windows, strict=True):
        assert (event.loss, event.accuracy) == pytest.approx(means(window), rel=1e-4)
    (epoch,) = of_type(events, Epoch)
    assert (epoch.train_loss, epoch.train_accuracy) == pytest.approx(means(answers), rel=1e-4)


def test_an_epoch_event_has_the_numbers_of_validation():
    torch.manual_seed(0)
    model = create_model("mixing_lite", num_classes=4, widths=[4, 4], num_kernels=2)
    trainer = trainer_of(model)
    val = val_batches()
    epoch = of_type(run(trainer, val=val), Epoch)[-1]
    generator = loop.evaluate(trainer.averaged, val.in_order(), trainer.device)
    with pytest.raises(StopIteration) as done:
        while True:
            next(generator)
    result = done.value.value
    assert (epoch.val_loss, epoch.val_accuracy) == (result.loss, result.accuracy)
    assert epoch.mixing == result.mixing
    assert [block.block for block in epoch.mixing] == model.mixing_blocks() == ["B1", "B2", "B3"]


def test_events_name_the_rate_that_was_used():
    events = run(trainer_of(tiny_net(), schedule="linear", lr=0.5))
    assert [event.lr for event in of_type(events, Step)] == pytest.approx(
        [0.5 - step / 20 for step in range(10)]
    )
    assert [event.lr for event in of_type(events, Epoch)] == pytest.approx([0.3, 0.05])


@pytest.mark.parametrize(
    ("accuracies", "best"),
    [([0.4, 0.7, 0.6], (2, 0.7)), ([0.5, 0.5, 0.5], (1, 0.5)), ([0.0, 0.0, 0.0], (1, 0.0))],
)
def test_the_best_epoch_is_the_first_of_the_highest_validation_accuracy(monkeypatch, accuracies, best):
    planned = iter(accuracies)

    def evaluate(_model, _batches, _device, _ranks):
        yield
        return Evaluation(loss=1.0, accuracy=next(planned), n=10)

    monkeypatch.setattr(loop, "evaluate", evaluate)
    trainer = trainer_of(tiny_net(), epochs=3)
    seen = []
    for event in fit(trainer, train_batches(), val_batches(), START):
        if isinstance(event, Epoch):
            seen.append((event.epoch, trainer.best_epoch))
    assert seen == [(1, 1), (2, min(2, best[0])), (3, best[0])]
    assert (event.best_epoch, event.best_val_accuracy) == best
    assert end_event(trainer, "stopped").state == "stopped"


class Clock:
    """Time that passes only when told to, while batches are drawn."""

    def __init__(self):
        self.now = 0.0

    def slow(self, batches, seconds):
        for batch in batches:
            self.now += seconds
            yield batch


class SlowBatches:
    """Training batches that take 2 s each, or validation batches that take 300 s."""

    def __init__(self, batches, clock):
        self.batches, self.clock = batches, clock

    def __len__(self):
        return len(self.batches)

    def epoch(self, epoch, start=0):
        return self.clock.slow(self.batches.epoch(epoch, start), 2.0)

    def in_order(self):
        return self.clock.slow(self.batches.in_order(), 300.0)


def test_speed_is_that_of_training_and_an_epochs_time_is_all_of_it(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(trainer_module.time, "perf_counter", lambda: clock.now)
    events = run(
        trainer_of(tiny_net()), SlowBatches(train_batches(), clock), SlowBatches(val_batches(), clock)
    )
    assert {event.images_per_second for event in of_type(events, Step)} == {4.0}
    for epoch in of_type(events, Epoch):
        assert (epoch.seconds, epoch.val_seconds, epoch.network_seconds) == (610.0, 600.0, 0.0)
    assert events[-1].seconds == 1220.0


# Trouble


class Spoiled:
    """Batches of which one holds pixels that are no numbers."""

    def __init__(self, batches, number):
        self.batches, self.number = batches, number

    def __len__(self):
        return len(self.batches)

    def _spoil(self, batches):
        for number, (images, targets) in enumerate(batches, start=1):
            yield images * (torch.nan if number == self.number else 1), targets

    def epoch(self, epoch, start=0):
        return self._spoil(self.batches.epoch(epoch, start))

    def in_order(self):
        return self._spoil(self.batches.in_order())


def test_a_loss_that_is_no_number_ends_training_with_what_to_do():
    trainer, events = trainer_of(tiny_net(), lr=0.25), []
    with pytest.raises(TrainingError, match=r"at step 3 \(learning rate 0\.25\); .*smaller learning rate\.$"):
        for event in fit(trainer, Spoiled(train_batches(), 3), val_batches(), START):
            events.append(event)
    assert [event.step for event in of_type(events, Step)] == [1, 2]


def test_a_validation_loss_that_is_no_number_ends_training_too():
    trainer, events = trainer_of(tiny_net()), []
    with pytest.raises(TrainingError, match="at step 5 "):
        for event in fit(trainer, train_batches(), Spoiled(val_batches(), 2), START):
            events.append(event)
    assert not of_type(events, Epoch)
    assert trainer.epochs_done == 0


def test_a_learning_rate_far_too_large_ends_training():
    with pytest.raises(TrainingError):
        run(trainer_of(tiny_net(), lr=100.0, momentum=0.99, epochs=30))
