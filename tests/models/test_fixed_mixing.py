"""Mixing by hand: exact while it lasts, gone afterwards, refused in a sentence where it makes no sense."""

import pytest
import torch

from cifar_core.inference.folding import fold_batch_norm
from cifar_core.inference.quick_mixing import quicken
from cifar_core.models import create_model
from cifar_core.models.mixing import MixingNet


@pytest.fixture
def net():
    torch.manual_seed(0)
    return MixingNet((4, 5, "pool", 6), num_kernels=3, standardize=True).eval()


def images(n=2):
    return torch.randn(n, 3, 8, 8, generator=torch.Generator().manual_seed(1))


@torch.no_grad()
def answer(model, batch):
    with model.record_mixing() as record:
        logits = model(batch)
    return logits, list(record)


@pytest.mark.parametrize("form", ["as trained", "folded", "laid out for inference"])
@pytest.mark.parametrize("name", ["mixing_lite", "speed_mixing"])
def test_fixed_at_the_predicted_values_it_answers_the_same(name, form):
    torch.manual_seed(0)
    model = create_model(name, widths=[4, 8]).eval()
    model = model if form == "as trained" else fold_batch_norm(model)
    model = quicken(model) if form == "laid out for inference" else model
    batch = torch.randn(1, 3, 32, 32)
    logits, predicted = answer(model, batch)
    mix = dict(zip(model.mixing_blocks(), (row[0].tolist() for row in predicted), strict=True))
    with model.fixed_mixing(mix):
        fixed, used = answer(model, batch)
    assert torch.equal(fixed, logits)
    assert all(torch.equal(one, other) for one, other in zip(used, predicted, strict=True))


def test_a_kernel_alone_is_a_plain_convolution(net):
    convolution, x = net.blocks[0][0].conv, images()
    with torch.no_grad(), net.fixed_mixing({"B1": [0, 0, 1]}):
        mixed = convolution(x)
    plain = torch.nn.functional.conv2d(x, convolution.weight[2], convolution.bias[2], padding=1)
    torch.testing.assert_close(mixed, plain)


def test_other_blocks_go_on_predicting(net):
    _, before = answer(net, images())
    with net.fixed_mixing({"B2": [0.2, 0.3, 0.5]}):
        _, used = answer(net, images())
    assert torch.equal(used[0], before[0])
    torch.testing.assert_close(used[1], torch.tensor([[0.2, 0.3, 0.5]] * 2))
    assert not torch.equal(used[2], before[2]), "B3 sees another input and predicts from that"


def test_the_kernels_that_stay_on_keep_their_proportions_and_the_sum(net):
    _, before = answer(net, images())
    with net.fixed_mixing(off={"B1": [1]}):
        _, used = answer(net, images())
    rest = before[0][:, [0, 2]]
    torch.testing.assert_close(used[0][:, [0, 2]], rest / rest.sum(dim=1, keepdim=True))
    assert not used[0][:, 1].any()
    sigmoid = MixingNet((4,), num_kernels=3, activation="sigmoid").eval()
    _, (free,) = answer(sigmoid, images())
    with sigmoid.fixed_mixing(off={"B1": {0}}):
        _, (used,) = answer(sigmoid, images())
    torch.testing.assert_close(used.sum(dim=1), free.sum(dim=1))


def test_where_the_rest_has_nothing_it_shares_evenly(net):
    mixer = net.blocks[0][0].conv.coefficients
    with torch.no_grad():
        mixer.linear.weight.zero_()
        mixer.linear.bias.copy_(torch.tensor([500.0, 0.0, 0.0]))
    with net.fixed_mixing(off={"B1": [0]}):
        _, used = answer(net, images())
    assert used[0].tolist() == [[0, 0.5, 0.5]] * 2


def test_afterwards_everything_is_as_it_was_also_after_an_error(net):
    before, _ = answer(net, images())
    with pytest.raises(RuntimeError), net.fixed_mixing({"B1": [1, 0, 0]}, {"B3": [0]}):
        assert not torch.equal(answer(net, images())[0], before)
        raise RuntimeError
    assert torch.equal(answer(net, images())[0], before)
    assert not any(module._forward_hooks for module in net.modules())


def test_contexts_nest_and_the_inner_one_counts(net):
    with net.fixed_mixing({"B1": [1, 0, 0]}):
        with net.fixed_mixing({"B1": [0, 1, 0]}):
            assert answer(net, images())[1][0].tolist() == [[0, 1, 0]] * 2
        assert answer(net, images())[1][0].tolist() == [[1, 0, 0]] * 2


@pytest.mark.parametrize(
    ("fixed", "off", "sentence"),
    [
        ({"B9": [1, 0, 0]}, {}, "no mixing block 'B9'; the blocks are: B1, B2, B3"),
        ({}, {"conv": [0]}, "no mixing block 'conv'"),
        ({"B1": [1, 0]}, {}, r"B1 mixes 3 kernels; give 3 finite numbers, not \[1, 0\]"),
        ({"B1": [1, 0, float("nan")]}, {}, "3 finite numbers"),
        ({}, {"B2": [3]}, "switch off numbers from 0 to 2"),
        ({}, {"B2": [0, 1, 2]}, "not all of them"),
        ({"B1": [1, 0, 0]}, {"B1": [0]}, "give one of the two"),
    ],
)
def test_what_makes_no_sense_is_refused_and_changes_nothing(net, fixed, off, sentence):
    with pytest.raises(ValueError, match=sentence), net.fixed_mixing(fixed, off):
        pass
    assert not any(module._forward_hooks for module in net.modules())


def test_a_network_without_mixing_blocks_has_none_to_fix():
    plain = create_model("speed94", widths=[4]).eval()
    with pytest.raises(ValueError, match="the blocks are: none"), plain.fixed_mixing({"B1": [1]}):
        pass
