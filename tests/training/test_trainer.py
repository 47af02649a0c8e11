"""One step after another: gradients, accumulation, rates, sums and the clock agree with doing it by hand."""

import ast
import copy

import pytest
import torch
from torch.nn.functional import cross_entropy, log_softmax

from cifar_core.device import Device
from cifar_core.files import PROJECT_ROOT
from cifar_core.models import create_model
from cifar_core.training import trainer as trainer_module
from cifar_core.training.optimizers import OPTIMIZERS
from cifar_core.training.trainer import OUTLIER_WEIGHT, Sums, Trainer
from tests.support.toy_trainers import (
    CPU,
    DEVICE,
    tiny_net,
    toy_config,
    train_batches,
    trainer_of,
    weights_of,
)

LR = 0.1


@pytest.fixture
def batches():
    """Five batches of eight."""
    return list(train_batches().epoch(1))


def train(model, batches, **changes):
    trainer = trainer_of(model, steps_per_epoch=len(batches), lr=LR, **changes)
    for images, targets in batches:
        trainer.train_step(images, targets)
    return trainer


def stepped_by_hand(model, groups, scale=1.0):
    """Weights after plain gradient descent, one step a group of batches on the group's mean loss."""
    model = copy.deepcopy(model)
    for group in groups:
        loss = sum(cross_entropy(model(images), targets) for images, targets in group) / len(group)
        gradients = torch.autograd.grad(scale * loss, list(model.parameters()))
        with torch.no_grad():
            for parameter, gradient in zip(model.parameters(), gradients, strict=True):
                parameter -= LR * gradient
    return weights_of(model)


def assert_weights(model, expected):
    for name, weight in weights_of(model).items():
        torch.testing.assert_close(weight, expected[name], rtol=1e-4, atol=1e-6, msg=name)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_while_the_head_learns_alone_nothing_else_changes(batches, optimizer):
    """Neither weights, by weight decay or momentum, nor the statistics of norms."""
    model = create_model("mixing_lite", num_classes=4, widths=[4, 4], num_kernels=2)
    changes = {"optimizer": optimizer, "lr": 0.01, "weight_decay": 0.1, "head_first": 0.4, "momentum": 0.9}
    trainer = trainer_of(model, steps_per_epoch=len(batches), **changes)
    trainer.learn_head_first()
    assert trainer.head_steps == 4
    begun, head = copy.deepcopy(model.state_dict()), model.head_names()
    for number, batch in enumerate(batches, 1):
        trainer.train_step(*batch)
        changed = {name for name, value in model.state_dict().items() if not torch.equal(value, begun[name])}
        assert changed == set(head) if number <= 4 else changed > set(head)


def test_steps_are_gradient_descent_on_the_mean_cross_entropy(batches):
    model = tiny_net()
    expected = stepped_by_hand(model, [[batch] for batch in batches])
    assert_weights(train(model, batches).model, expected)


@pytest.mark.parametrize("smoothing", [0.1, 0.5])
def test_label_smoothing_spreads_its_share_over_all_classes(batches, smoothing):
    model, oracle = tiny_net(), tiny_net()
    images, targets = batches[0]
    wanted = torch.full((8, 4), smoothing / 4)
    wanted[torch.arange(8), targets] += 1 - smoothing
    loss = -(wanted * log_softmax(oracle(images), dim=1)).sum(dim=1).mean()
    gradients = torch.autograd.grad(loss, list(oracle.parameters()))
    expected = {
        name: (parameter - LR * gradient).detach()
        for (name, parameter), gradient in zip(oracle.named_parameters(), gradients, strict=True)
    }
    trainer = train(model, batches[:1], label_smoothing=smoothing)
    assert_weights(trainer.model, expected)
    assert trainer.epoch_sums.means()[0] == pytest.approx(loss.item(), rel=1e-5)


def test_the_mean_of_several_batches_equals_one_large_batch(batches):
    large = [tuple(torch.cat(parts) for parts in zip(*batches[:4], strict=True))]
    small = train(tiny_net(), batches[:4], accumulation_steps=4, accumulation="mean")
    assert_weights(small.model, weights_of(train(tiny_net(), large).model))


def test_the_sum_of_several_batches_is_as_many_times_their_mean(batches):
    expected = stepped_by_hand(tiny_net(), [batches[:4]], scale=4)
    summed = train(tiny_net(), batches[:4], accumulation_steps=4, accumulation="sum")
    assert_weights(summed.model, expected)


@pytest.mark.parametrize("steps", [2, 3, 5, 8])
def test_a_last_smaller_group_counts_by_its_own_number_of_batches(batches, steps):
    groups = [batches[start : start + steps] for start in range(0, 5, steps)]
    trainer = train(tiny_net(), batches, accumulation_steps=steps, accumulation="mean")
    assert_weights(trainer.model, stepped_by_hand(tiny_net(), groups))


def test_groups_start_anew_with_each_epoch(batches):
    trainer = trainer_of(tiny_net(), steps_per_epoch=5, accumulation_steps=2)
    changed = []
    for images, targets in [*batches, *batches]:
        before = weights_of(trainer.model)
        trainer.train_step(images, targets)
        changed.append(not torch.equal(trainer.model.head[2].weight, before["head.2.weight"]))
    assert changed == [False, True, False, True, True] * 2


def test_rates_follow_the_schedule_and_are_those_used(batches):
    model = tiny_net()
    trainer = Trainer(model, toy_config(schedule="linear", lr=0.4, epochs=1), DEVICE, steps_per_epoch=5)
    for number, (images, targets) in enumerate(batches):
        before = weights_of(model)
        gradients = torch.autograd.grad(cross_entropy(model(images), targets), list(model.parameters()))
        trainer.train_step(images, targets)
        assert trainer.lr == pytest.approx(0.4 * (1 - number / 5))
        moved = {name: weight - before[name] for name, weight in weights_of(model).items()}
        for change, gradient in zip(moved.values(), gradients, strict=True):
            torch.testing.assert_close(change, -trainer.lr * gradient, rtol=1e-3, atol=1e-6)


def test_in_bf16_weights_and_gradients_stay_fp32_and_learn(batches):
    trainer = Trainer(tiny_net(), toy_config(lr=LR), Device(CPU, "bf16", "a CPU"), steps_per_epoch=5)
    for images, targets in batches:
        trainer.train_step(images, targets)
    assert {parameter.dtype for parameter in trainer.model.parameters()} == {torch.float32}
    exact = weights_of(train(tiny_net(), batches).model)
    for name, weight in weights_of(trainer.model).items():
        torch.testing.assert_close(weight, exact[name], rtol=0, atol=0.01)


def test_sums_weigh_batches_by_their_images():
    sums = Sums(CPU)
    sums.add(torch.tensor(2.0), torch.tensor(3), 4)
    sums.add(torch.tensor(1.0), torch.tensor(1), 1)
    assert sums.means() == (pytest.approx((2 * 4 + 1) / 5), pytest.approx(4 / 5))
    again = Sums(CPU)
    again.load_state_dict(copy.deepcopy(sums.state_dict()))
    assert again.means() == sums.means()


def test_the_clock_books_what_passes_between_marks_and_no_pause(monkeypatch):
    now = 100.0
    monkeypatch.setattr(trainer_module.time, "perf_counter", lambda: now)
    trainer = trainer_of(tiny_net())
    now += 2
    trainer.mark_time()
    now += 50  # a pause
    trainer.restart_clock()
    now += 3
    trainer.mark_time()
    assert (trainer.run_seconds, trainer.epoch_sums.seconds, trainer.window_sums.seconds) == (5, 5, 5)


def test_a_loaded_state_does_not_count_the_time_until_it_was_loaded(monkeypatch):
    now = 100.0
    monkeypatch.setattr(trainer_module.time, "perf_counter", lambda: now)
    trainer, later = trainer_of(tiny_net()), trainer_of(tiny_net())
    now += 2
    trainer.mark_time()
    now += 1000
    later.load_state_dict(copy.deepcopy(trainer.state_dict()))
    now += 1
    later.mark_time()
    assert later.run_seconds == 3


def test_a_state_between_groups_holds_no_gradients_and_within_one_its_sum(batches):
    trainer = trainer_of(tiny_net(), steps_per_epoch=5, accumulation_steps=2)
    held = []
    for images, targets in batches:
        trainer.train_step(images, targets)
        held.append(sorted(trainer.state_dict()["gradients"]) == sorted(weights_of(trainer.model)))
        assert held[-1] or trainer.state_dict()["gradients"] == {}
    assert held == [True, False, True, False, False]


def test_the_random_state_is_part_of_the_state():
    trainer = trainer_of(tiny_net())
    state = copy.deepcopy(trainer.state_dict())
    drawn = torch.rand(3)
    trainer.load_state_dict(state)
    assert torch.equal(torch.rand(3), drawn)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_changed_learning_rate_scales_every_group(optimizer):
    trainer = trainer_of(tiny_net(), optimizer=optimizer, lr=0.1, head_lr=0.3, bias_lr=0.05)
    batch = next(train_batches().epoch(1))
    trainer.train_step(*batch)
    before = [group["lr"] for group in trainer.optimizer.param_groups]
    trainer.scale_lr(0.5)
    trainer.train_step(*batch)
    assert [group["lr"] for group in trainer.optimizer.param_groups] == pytest.approx(
        [0.5 * lr for lr in before]
    )


def test_a_rate_is_reached_by_its_factor():
    trainer = trainer_of(tiny_net(), lr=0.1, schedule="linear", final_lr=0.0)
    state = trainer.state_dict()
    trainer.load_state_dict({**state, "step": 5})  # half through
    assert trainer.factor_for(0.02) == pytest.approx(0.4)
    trainer.load_state_dict({**state, "step": 10})
    assert trainer.factor_for(0.02) is None


def test_a_state_of_an_earlier_version_has_no_changed_learning_rate():
    state = trainer_of(tiny_net()).state_dict()
    del state["lr_changes"]
    trainer = trainer_of(tiny_net())
    trainer.load_state_dict(state)
    assert trainer.lr_factor == 1.0


def test_nobody_else_writes_the_fields_of_a_trainer():
    files = [file for file in (PROJECT_ROOT / "cifar_core").rglob("*.py") if file.name != "trainer.py"]
    texts = {file: text for file in files if "trainer." in (text := file.read_text("utf-8"))}
    assert texts
    nodes = [(file, node) for file, text in texts.items() for node in ast.walk(ast.parse(text))]
    written = [
        f"{file}:{node.lineno}"
        for file, node in nodes
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
        if ast.unparse(node.value).split(".")[-1] == "trainer"
    ]
    assert not written


def test_outliers_are_drawn_towards_equal_probabilities_and_counted_nowhere():
    images, targets = next(train_batches().epoch(1))
    model = tiny_net()
    trainer = Trainer(model, toy_config(), DEVICE, 5)
    logits = model(images)
    expected = cross_entropy(logits[:5], targets[:5])
    expected = expected - OUTLIER_WEIGHT * logits[5:].log_softmax(dim=1).mean()
    trainer.train_step(images, targets[:5])
    assert trainer.epoch_sums.means()[0] == pytest.approx(expected.item(), rel=1e-5)
    assert trainer.epoch_sums.images == 5
