"""Evaluation gives the numbers of a plain computation, and leaves the network as it was."""

import math

import pytest
import torch
from torch.nn.functional import cross_entropy

from cifar_core.device import Device
from cifar_core.models import create_model
from cifar_core.runs.events import ANSWERED
from cifar_core.training.evaluation import MixingSums, evaluate
from tests.support.toy_trainers import CLASSES, CPU, DEVICE, tiny_net, val_batches


def finish(generator):
    """(number of yields, returned value) of a generator."""
    yields = 0
    while True:
        try:
            next(generator)
        except StopIteration as done:
            return yields, done.value
        yields += 1


def measured(model, batches=None, device=DEVICE):
    return finish(evaluate(model, (batches or val_batches()).in_order(), device))[1]


def mixing_net(**arguments):
    torch.manual_seed(0)
    return create_model("mixing_lite", num_classes=CLASSES, widths=[4, 6], num_kernels=3, **arguments)


@torch.no_grad()
def test_loss_and_accuracy_are_those_of_a_plain_pass_over_all_images():
    model = tiny_net(batch_norm=True)
    result = measured(model, val_batches(n=18, batch_size=10))  # a smaller last batch
    images, targets = next(val_batches(n=18, batch_size=18).in_order())
    logits = model.eval()(images)
    assert result.n == 18
    assert result.loss == pytest.approx(cross_entropy(logits, targets).item(), rel=1e-5)
    assert result.accuracy == (logits.argmax(dim=1) == targets).sum().item() / 18
    assert 0 < result.accuracy < 1
    assert result.mixing == []


@torch.no_grad()
@pytest.mark.parametrize(("n", "batch_size"), [(18, 5), (18, 18), (7, 5)])
def test_the_first_images_are_answered_whatever_the_batches(n, batch_size):
    model = tiny_net(batch_norm=True)
    answers = measured(model, val_batches(n=n, batch_size=batch_size)).answers
    images, _ = next(val_batches(n=n, batch_size=n).in_order())
    expected = model.eval()(images).softmax(dim=1)[:ANSWERED].tolist()
    assert len(answers) == min(n, ANSWERED)
    assert all(row == pytest.approx(other, abs=2e-4) for row, other in zip(answers, expected, strict=True))


def test_it_stops_after_each_batch():
    yields, result = finish(evaluate(tiny_net(), val_batches(n=25, batch_size=10).in_order(), DEVICE))
    assert (yields, result.n) == (3, 25)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("batches_seen", [1, 2])
def test_the_network_comes_back_as_it_was(training, batches_seen):
    model = mixing_net().train(training)
    state = {name: value.clone() for name, value in model.state_dict().items()}
    if batches_seen == 2:
        measured(model)
    else:  # the caller leaves after the first
        generator = evaluate(model, val_batches().in_order(), DEVICE)
        next(generator)
        assert not model.training
        generator.close()
    assert model.training == training
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())
    assert not any(module._forward_hooks for module in model.modules())
    assert all(parameter.grad is None for parameter in model.parameters())


def test_the_caller_may_learn_between_two_batches():
    generator = evaluate(tiny_net(), val_batches().in_order(), DEVICE)
    next(generator)
    assert torch.is_grad_enabled()


def test_dropout_is_off():
    assert measured(tiny_net(dropout=0.9)).loss == measured(tiny_net(dropout=0.0)).loss


def test_in_bf16_the_numbers_are_close():
    model = tiny_net()
    rounded = measured(model, device=Device(CPU, "bf16", "a CPU"))
    assert rounded.loss == pytest.approx(measured(model).loss, rel=0.02)
    assert rounded.loss != measured(model).loss


@pytest.mark.parametrize("activation", ["softmax", "sigmoid"])
@torch.no_grad()
def test_mixing_is_the_mean_over_images_and_over_those_of_each_class(activation):
    model, batches = mixing_net(activation=activation), val_batches(n=18, batch_size=5)
    result = measured(model, batches)
    coefficients, targets = [], []
    with model.eval().record_mixing() as record:
        for images, labels in batches.in_order():
            for image, label in zip(images, labels, strict=True):
                model(image[None])
                coefficients.append([block[0].double() for block in record])
                targets.append(label.item())
    assert [block.block for block in result.mixing] == ["B1", "B2", "B3"]
    for number, block in enumerate(result.mixing):
        rows = torch.stack([row[number] for row in coefficients])  # (18, K)
        assert block.mean == pytest.approx(rows.mean(dim=0).tolist(), abs=2e-6)
        for label in range(CLASSES):
            chosen = torch.tensor([target == label for target in targets])
            assert block.per_class[label] == pytest.approx(rows[chosen].mean(dim=0).tolist(), abs=2e-6)
        shares = rows / rows.sum(dim=1, keepdim=True)
        entropy = -(shares * shares.log()).sum(dim=1).mean().item() / math.log(3)
        assert block.entropy == pytest.approx(entropy, abs=2e-6)


def sums_of(rows, targets=None, num_classes=3):
    sums = MixingSums(["B1"], num_classes)
    rows = torch.tensor(rows)
    sums.add([rows], torch.zeros(len(rows), dtype=torch.int64) if targets is None else torch.tensor(targets))
    return sums.result()[0]


@pytest.mark.parametrize(
    ("rows", "entropy"),
    [
        ([[0.25] * 4] * 3, 1.0),
        ([[0.9] * 4], 1.0),  # sigmoids: their shares count
        ([[0.0, 1.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0]], 0.0),
        ([[0.5, 0.5, 0.0, 0.0]], 0.5),
        ([[0.25] * 4, [1.0, 0.0, 0.0, 0.0]], 0.5),  # the mean of entropies, not the entropy of the mean
        ([[1.0]], 0.0),
        ([[0.0, 0.0]], 0.0),
    ],
)
def test_entropy_is_1_for_an_even_mix_and_0_for_one_kernel_alone(rows, entropy):
    assert sums_of(rows).entropy == pytest.approx(entropy, abs=1e-6)


def test_a_class_without_images_has_zeros():
    block = sums_of([[0.2, 0.8], [0.4, 0.6]], targets=[2, 0])
    assert block.per_class == [pytest.approx([0.4, 0.6]), [0.0, 0.0], pytest.approx([0.2, 0.8])]
    assert block.mean == pytest.approx([0.3, 0.7])


def test_without_batches_there_is_no_mixing():
    assert MixingSums(["B1"], 3).result() == []
