"""A network's parts add up to the network, and say what they are."""

import pytest
import torch

from cifar_core.models import count_macs, count_parameters, create_model, list_models
from cifar_core.models.summary import parts_of


@pytest.fixture(scope="module", params=list_models())
def network(request):
    with torch.device("meta"):
        return create_model(request.param)


def test_the_parts_add_up_to_the_network(network):
    parts = parts_of(network)
    assert sum(part.parameters for part in parts) == count_parameters(network)
    assert sum(part.macs for part in parts) == count_macs(network)


def test_the_last_part_gives_the_classes_and_every_part_has_words(network):
    parts = parts_of(network)
    assert parts[-1].shape == (10,)
    assert len(parts) == len({part.name for part in parts}) <= 25
    assert all(part.layers for part in parts)


def test_looking_leaves_no_trace(network):
    network.train()
    before = len(list(network.modules())), sum(len(module._forward_hooks) for module in network.modules())
    parts_of(network)
    assert network.training
    after = len(list(network.modules())), sum(len(module._forward_hooks) for module in network.modules())
    assert after == before


def test_parts_of_a_small_network_in_full():
    parts = parts_of(create_model("plain_cnn_2"))
    assert [part.name for part in parts] == ["layers.0", "layers.1", "classifier"]
    assert parts[0].layers == ("convolution 3×3, 3 → 16", "ReLU", "max pool")
    assert parts[0].shape == (16, 16, 16)
    assert (parts[0].parameters, parts[0].macs) == (16 * 27 + 16, 32 * 32 * 16 * 27)


def test_a_mixing_block_is_one_part_and_names_its_kernels():
    first = parts_of(create_model("mixing_2"))[0]
    assert first.layers[0] == "mixing convolution 3×3, 3 → 64, 3 kernels"
    assert first.layers[-1] == "ReLU" and first.shape == (64, 32, 32)


def test_another_image_size_gives_other_shapes():
    assert parts_of(create_model("plain_cnn_2"), size=20)[0].shape == (16, 10, 10)
