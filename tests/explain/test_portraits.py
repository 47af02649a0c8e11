"""Portraits of kernels: patches are those with the strongest answers, boxes what these rest on."""

import json

import numpy as np
import pytest
import torch
from torch.nn.functional import conv2d

from cifar_core.explain.portraits import (
    Field,
    NoPortraits,
    Search,
    find_portraits,
    read_portraits,
    write_portraits,
)
from cifar_core.files import PORTRAITS
from cifar_core.inference.classifier import Classifier
from cifar_core.inference.held_out import HeldOut
from cifar_core.models.mixing import MixingConv2d
from tests.support.toy_checkpoints import CARD, save_toy

MODELS = {
    "mixing_lite": {"widths": [4, 8], "num_kernels": 2},
    "speed_mixing": {"widths": [4, 6, 6], "num_kernels": 3},
}


def some_images(n=12):
    images = np.random.default_rng(0).integers(0, 256, (n, 3, 32, 32), dtype=np.uint8)
    return HeldOut(images, np.zeros(n, np.int64), tuple(CARD.class_names), "val", n, f"val-{n}-toy")


@pytest.fixture(scope="module", params=MODELS)
def folder(request, tmp_path_factory):
    arguments = MODELS[request.param]
    return save_toy(tmp_path_factory.mktemp("toy") / "net", model=request.param, model_args=arguments)


@pytest.fixture(scope="module")
def classifier(folder):
    return Classifier.load(folder, device="cpu")


@pytest.fixture(scope="module")
def portraits(classifier):
    return find_portraits(classifier, some_images(), patches=5)


def inputs_of(classifier, images):
    """What comes into each mixing convolution."""
    seen = []
    layers = [module for module in classifier.model.modules() if isinstance(module, MixingConv2d)]
    hooks = [layer.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0])) for layer in layers]
    with torch.no_grad():
        classifier.model(classifier.normalize(torch.from_numpy(images)))
    for hook in hooks:
        hook.remove()
    return list(zip(layers, seen, strict=True))


@torch.no_grad()
def test_the_patches_are_the_images_that_a_kernel_answers_most_beyond_its_siblings(classifier, portraits):
    for kernels, (layer, x) in zip(
        portraits.blocks.values(), inputs_of(classifier, some_images().images), strict=True
    ):
        pairs = zip(layer.weight, layer.bias, strict=True)
        answers = [conv2d(x, weight, bias, padding=1).abs().mean(dim=1) for weight, bias in pairs]
        scaled = torch.stack([answer / answer.mean() for answer in answers])  # (K, N, H, W)
        for number, patches in enumerate(kernels):
            rest = [index for index in range(len(scaled)) if index != number]
            lead = (scaled[number] - scaled[rest].mean(dim=0)).flatten(1).amax(dim=1)  # (N,)
            strengths, images = lead.sort(descending=True)
            assert [patch.image for patch in patches] == images[:5].tolist()
            assert [patch.strength for patch in patches] == pytest.approx(strengths[:5].tolist(), abs=2e-4)


def test_blocks_and_kernels_are_those_of_the_network(classifier, portraits):
    assert list(portraits.blocks) == classifier.model.mixing_blocks()
    kernels = classifier.model.mixing_kernels()
    assert [len(block) for block in portraits.blocks.values()] == kernels
    assert (portraits.pictures, portraits.split, portraits.n) == ("val-12-toy", "val", 12)


def test_what_lies_outside_the_box_does_not_move_the_answer(classifier, portraits):
    """With coefficients that rest on nothing: these look at the whole image."""
    images = some_images().images
    even = {
        block: [1 / k] * k
        for block, k in zip(portraits.blocks, classifier.model.mixing_kernels(), strict=True)
    }
    for place, kernels in enumerate(portraits.blocks.values()):
        patch = kernels[0][0]
        top, left, bottom, right = patch.box
        other = 255 - images[patch.image]
        other[:, top:bottom, left:right] = images[patch.image, :, top:bottom, left:right]
        with classifier.model.fixed_mixing(even):
            layer, x = inputs_of(classifier, images[patch.image][None])[place]
            _, changed = inputs_of(classifier, other[None])[place]
        answers = [conv2d(one, layer.weight[0], padding=1)[0] for one in (x, changed)]
        same = (answers[0] - answers[1]).abs().amax(dim=0) < 1e-4  # (H, W)
        assert same.any(), f"no position of block {place + 1} rests on {patch.box} alone"


def test_a_field_grows_with_each_layer_and_ends_at_the_border():
    field = Field().behind(2, 1, 0).behind(3, 1, 1).behind(2, 2, 0).behind(3, 1, 1)
    assert (field.size, field.jump, field.start) == (9, 2, -3)
    assert field.span(0, 32) == (0, 6) and field.span(5, 32) == (7, 16) and field.span(14, 32) == (25, 32)


def test_more_patches_than_images_are_not_made_up():
    search = Search(9)
    for seed in range(2):
        search.add(torch.rand(2, 3, 4, 4, generator=torch.Generator().manual_seed(seed)))
    found = search.patches_in(Field(), 4)
    assert [sorted(patch.image for patch in kernel) for kernel in found] == [[0, 1, 2, 3]] * 3


def test_they_are_read_as_they_were_written_and_only_beside_their_weights(folder, portraits, tmp_path):
    write_portraits(folder, portraits)
    assert read_portraits(folder) == portraits
    other = save_toy(tmp_path / "other", seed=1)
    write_portraits(other, portraits)
    assert read_portraits(other) is None and read_portraits(tmp_path) is None


DAMAGED = {
    "an image that is not there": {"image": 12},
    "an image before the first": {"image": -1},
    "a box without an inside": {"box": [4, 4, 4, 8]},
    "a box beyond the image": {"box": [0, 0, 8, 33]},
    "three edges": {"box": [0, 0, 8]},
    "words": {"box": ["a", 0, 8, 8]},
    "another value": {"password": 1},
}


@pytest.mark.parametrize("change", DAMAGED.values(), ids=DAMAGED.keys())
def test_damaged_ones_are_none(folder, portraits, change):
    write_portraits(folder, portraits)
    document = json.loads((folder / PORTRAITS).read_text())
    document["blocks"]["B1"][0][0] |= change
    (folder / PORTRAITS).write_text(json.dumps(document))
    assert read_portraits(folder) is None


def test_a_network_that_does_not_mix_is_refused(tmp_path):
    arguments = {"widths": [4, 8, 8]}
    plain = Classifier.load(save_toy(tmp_path / "net", model="speed94", model_args=arguments), device="cpu")
    with pytest.raises(NoPortraits, match="speed94"):
        find_portraits(plain, some_images())
