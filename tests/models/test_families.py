"""The families of earlier work have exactly the sizes that it states, and their stated peculiarities."""

import pytest
import torch
from torch import nn

from cifar_core.models import ModelError, count_macs, count_parameters, create_model
from cifar_core.models.densenet import DenseBlock
from cifar_core.models.plain_cnn import PlainCNN

STATED = {  # parameters, million multiply-accumulates
    "vgg": (1_110_826, 87.9),
    "resnet_light": (310_474, 69.4),
    "resnet_heavy": (3_921_994, 130.2),
    "resnext_3": (1_087_114, 148.3),
    "resnext_4": (3_090_058, 164.2),
    "densenet_g12": (508_447, 126.5),
    "densenet_g16": (1_098_724, 223.6),
}


@pytest.mark.parametrize("name", STATED)
def test_sizes_are_those_stated(name):
    model = create_model(name)
    assert count_parameters(model) == STATED[name][0]
    assert round(count_macs(model) / 1e6, 1) == STATED[name][1]


def test_the_scale_network_has_its_stated_size():
    model = create_model("scale_resnet", num_classes=2)
    assert count_parameters(model) == 108_208
    assert round(count_macs(model) / 1e6, 1) == 16.2


@pytest.mark.parametrize("name", [*STATED, "plain_cnn_2", "plain_cnn_3", "plain_cnn_4"])
def test_all_convolutions_keep_their_bias(name):
    convolutions = [module for module in create_model(name).modules() if isinstance(module, nn.Conv2d)]
    assert convolutions and all(convolution.bias is not None for convolution in convolutions)


@pytest.mark.parametrize("name", [*STATED, "scale_resnet", "plain_cnn_2", "plain_cnn_3", "plain_cnn_4"])
@pytest.mark.parametrize("size", [20, 26, 40])
def test_images_of_another_size_are_answered_too(name, size):
    with torch.device("meta"):
        assert create_model(name)(torch.zeros(2, 3, size, size)).shape == (2, 10)


@pytest.mark.parametrize("depth", [2, 3, 4])
def test_a_plain_network_has_as_many_layers_as_its_name_says(depth):
    modules = list(create_model(f"plain_cnn_{depth}").modules())
    assert sum(isinstance(module, nn.Conv2d) for module in modules) == depth
    assert sum(isinstance(module, nn.MaxPool2d) for module in modules) == depth
    assert sum(isinstance(module, nn.Linear) for module in modules) == 2


@pytest.mark.parametrize("depth", [0, 6, 2.5, "two"])
def test_a_plain_network_of_no_depth_is_refused(depth):
    with pytest.raises(ValueError, match="must be 1 to 5"):
        PlainCNN(depth)


def test_the_scale_network_starts_within_its_bounds_and_scales_its_logits():
    torch.manual_seed(0)
    model = create_model("scale_resnet", num_classes=2)
    for parameter in model.parameters():
        bound = parameter[0].numel() ** -0.5
        assert 0.95 * bound < parameter.abs().max() <= bound
        assert abs(parameter.mean()) < 0.15 * bound
    features = torch.randn(3, 128, 8, 8)
    expected = features.amax(dim=(2, 3)) @ model.linear.weight.T / 8
    torch.testing.assert_close(model.forward_head(features), expected)


def test_by_batch_statistics_an_answer_depends_on_the_batch_as_in_training():
    torch.manual_seed(0)
    images = torch.randn(6, 3, 32, 32)
    original = create_model("scale_resnet", num_classes=2, batch_statistics=True)
    with torch.no_grad():
        in_training, answered = original.train()(images), original.eval()(images)
        assert torch.equal(in_training, answered)
        assert not torch.allclose(original(images[:2]), answered[:2], atol=1e-3)
    own = create_model("scale_resnet", num_classes=2)
    own.load_state_dict(original.state_dict())  # the same weights, the same averages
    assert not torch.allclose(own.eval()(images), answered, atol=1e-3)


@pytest.mark.parametrize("layout", [torch.channels_last, torch.contiguous_format])
def test_a_dense_layer_gets_its_gradient_without_gaps(layout):
    seen = []
    block = DenseBlock(8, growth=4)
    for layer in block.layers:
        layer.register_full_backward_pre_hook(lambda _, gradients: seen.extend(gradients))
    result = block(torch.randn(2, 8, 6, 6).to(memory_format=layout))
    result.backward(torch.randn(2, 40, 6, 6).to(memory_format=layout))
    assert len(seen) == len(block.layers)
    assert all(gradient.is_contiguous(memory_format=layout) for gradient in seen)


def test_bad_arguments_are_answered_in_a_sentence():
    with pytest.raises(ModelError, match="'vgg' does not take these arguments"):
        create_model("vgg", dropout=2.0)
