"""Feature maps and filters are those of the layer that was asked for."""

import pytest
import torch

from cifar_core.explain.layers import feature_maps, filters_of, map_layers
from cifar_core.models import create_model, list_models


@pytest.fixture(scope="module", params=list_models())
def network(request):
    return create_model(request.param).eval()


def images(count: int = 2) -> torch.Tensor:
    return torch.randn(count, 3, 32, 32, generator=torch.Generator().manual_seed(0))


def test_every_layer_of_every_network_gives_maps_of_its_shape_and_leaves_no_hook(network):
    layers = map_layers(network)
    assert layers
    first, last = layers[0], layers[-1]
    for part in (first, last):
        assert feature_maps(network, images(1), part.name).shape == (1, *part.shape)
    assert not any(module._forward_hooks for module in network.modules())


def test_every_network_has_filters_in_its_first_layers(network):
    found = [one for part in map_layers(network) for one in filters_of(network, part.name)]
    names = [one.name for one in found]
    assert len(names) == len(set(names)) > 0
    for one in found:
        assert one.weight.ndim == 5 and one.weight.shape[-1] > 1
        assert torch.equal(
            one.weight, torch.as_tensor(network.get_submodule(one.name).weight).reshape_as(one.weight)
        )


def test_the_maps_are_what_the_layer_computes():
    model = create_model("plain_cnn_2").eval()
    expected = model.layers[0](images())
    assert torch.equal(feature_maps(model, images(), "layers.0"), expected)


def test_a_later_layer_that_works_in_place_does_not_change_them():
    class Inplace(type(create_model("plain_cnn_2"))):
        def forward_features(self, pictures):
            return self.layers[1](self.layers[0](pictures).mul_(0))

    model = Inplace(2).eval()
    assert feature_maps(model, images(), "layers.0").abs().sum() > 0


def test_mixing_kernels_are_told_apart():
    (filters,) = filters_of(create_model("speed_mixing", num_kernels=3), "blocks.0")
    assert filters.name == "blocks.0.0" and filters.weight.shape == (3, 64, 24, 3, 3)


def test_an_unknown_layer_is_refused_with_those_there_are():
    with pytest.raises(ValueError, match=r"no layer 'attic'; the layers are: layers.0, layers.1"):
        feature_maps(create_model("plain_cnn_2"), images(), "attic")
