"""The contract that every registered network keeps, whatever family it is of."""

import pytest
import torch
from torch.nn.functional import cross_entropy

from cifar_core.models import create_model, list_models


@pytest.fixture(scope="module", params=list_models())
def name(request):
    return request.param


@pytest.fixture(scope="module")
def shared_model(name):
    torch.manual_seed(0)
    return create_model(name)


@pytest.fixture
def model(shared_model):
    """The network in eval mode, without gradients."""
    shared_model.zero_grad()
    return shared_model.eval()


def pictures(n, seed=0):
    return torch.randn(n, 3, 32, 32, generator=torch.Generator().manual_seed(seed))


@torch.no_grad()
def probs_of(model, images):
    return model(images).softmax(dim=1)


@pytest.mark.parametrize("n", [1, 3])
@torch.no_grad()
def test_the_forward_pass_is_features_then_head(model, n):
    images = pictures(n)
    features = model.forward_features(images)
    logits = model(images)
    assert features.ndim == 4 and len(features) == n
    assert torch.equal(logits, model.forward_head(features))
    assert logits.shape == (n, model.num_classes) == (n, 10)
    assert logits.dtype == torch.float32
    assert logits.isfinite().all()
    assert model.in_channels == 3


def test_it_takes_channels_last_and_answers_alike(name, model):
    before = {key: parameter.shape for key, parameter in model.named_parameters()}
    there = create_model(name).eval()
    there.load_state_dict(model.state_dict())
    assert there.to(memory_format=torch.channels_last) is there
    assert {key: parameter.shape for key, parameter in there.named_parameters()} == before
    images = pictures(2).contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(probs_of(there, images), probs_of(model, pictures(2)), rtol=1e-3, atol=1e-4)
    assert all(torch.equal(value, there.state_dict()[key]) for key, value in model.state_dict().items())


def test_it_has_as_many_classes_as_asked_for(name):
    with torch.device("meta"):
        small = create_model(name, num_classes=7)
        assert small.num_classes == 7
        assert small(torch.zeros(2, 3, 32, 32)).shape == (2, 7)


def test_its_head_alone_depends_on_the_number_of_classes(name):
    with torch.device("meta"):
        shapes = [
            {key: value.shape for key, value in create_model(name, num_classes=n).state_dict().items()}
            for n in (2, 3)
        ]
        head = create_model(name, num_classes=2).head_names()
    assert sorted(head) == sorted(key for key, shape in shapes[0].items() if shape != shapes[1][key])


def test_it_answers_alike_each_time_and_learns_nothing_from_it(model):
    state = {key: value.clone() for key, value in model.state_dict().items()}
    assert torch.equal(probs_of(model, pictures(2)), probs_of(model, pictures(2)))
    assert all(torch.equal(value, state[key]) for key, value in model.state_dict().items())


def test_its_answer_does_not_depend_on_the_pictures_beside(model):
    images = pictures(3)
    together = probs_of(model, images)
    others = torch.cat([images[:1], 5 * pictures(2, seed=1)])
    torch.testing.assert_close(probs_of(model, others)[0], together[0], rtol=1e-3, atol=1e-4)
    alone = torch.cat([probs_of(model, image[None]) for image in images])
    torch.testing.assert_close(alone, together, rtol=1e-3, atol=1e-4)


def test_the_gradient_reaches_every_parameter(model):
    model.train()
    cross_entropy(model(pictures(4)), torch.tensor([0, 3, 3, 9])).backward()
    for key, parameter in model.named_parameters():
        assert parameter.grad is not None, key
        assert parameter.grad.isfinite().all(), key
        assert parameter.grad.any(), key


def test_equal_seeds_give_equal_weights_and_others_do_not(name, shared_model):
    for seed in (0, 1):
        torch.manual_seed(seed)
        pairs = zip(create_model(name).parameters(), shared_model.parameters(), strict=True)
        assert all(torch.equal(mine, shared) for mine, shared in pairs) == (seed == 0)


def test_coefficients_are_read_from_the_pass_itself(model):
    calls = []
    leaves = [module for module in model.modules() if not list(module.children())]
    counters = [leaf.register_forward_hook(lambda *_: calls.append(1)) for leaf in leaves]
    plain = probs_of(model, pictures(3))
    once = len(calls)
    with model.record_mixing() as record:
        recorded = probs_of(model, pictures(3))
    for counter in counters:
        counter.remove()
    assert len(calls) == 2 * once  # one pass each
    assert torch.equal(recorded, plain)
    names = model.mixing_blocks()
    assert len(record) == len(names) == len(set(names))
    for block in record:
        assert block.ndim == 2 and len(block) == 3
        assert block.isfinite().all() and (block >= 0).all()


def test_the_record_holds_the_latest_pass_of_its_time(model):
    with model.record_mixing() as record:
        model(pictures(2))
        model(pictures(4, seed=1))
        second = [block.clone() for block in record]
    probs_of(model, pictures(3))  # after its time
    assert [len(block) for block in record] == [4] * len(model.mixing_blocks())
    assert all(torch.equal(block, kept) for block, kept in zip(record, second, strict=True))
    assert not any(block.requires_grad for block in record)


def test_the_temperature_is_saved_with_the_weights(name, model):
    copy, images = create_model(name).eval(), pictures(2)
    before = probs_of(model, images)
    model.set_mixing_temperature(4.0)
    copy.load_state_dict(model.state_dict())
    assert torch.equal(probs_of(copy, images), probs_of(model, images))
    assert torch.equal(probs_of(copy, images), before) == (not model.mixing_blocks())
    model.set_mixing_temperature(1.0)
    assert torch.equal(probs_of(model, images), before)
