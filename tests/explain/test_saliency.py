"""Heat maps where the answer is known, and on every network."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from cifar_core.explain.corruptions import blur
from cifar_core.explain.saliency import PART, SMOOTHING, heat_maps, layer_cam
from cifar_core.inference.classifier import Classifier
from cifar_core.models import ImageClassifier, create_model, list_models
from tests.support.toy_checkpoints import save_toy


class Colors(ImageClassifier):
    """Class k is the mean of the k-th color: all that speaks for red is where the picture is red."""

    num_classes = 3

    def __init__(self, coarse: int = 1) -> None:
        super().__init__()
        self.pool = nn.AvgPool2d(coarse)

    def forward_features(self, images: Tensor) -> Tensor:
        features: Tensor = self.pool(images)
        return features

    def forward_head(self, features: Tensor) -> Tensor:
        return features.mean(dim=(2, 3))


def patches() -> Tensor:
    """One image: a red square at the upper left, half as red at the lower right, green in between."""
    image = torch.zeros(1, 3, 32, 32)
    image[0, 0, 4:8, 4:8], image[0, 0, 20:24, 20:24], image[0, 1, 12:16, 12:16] = 1.0, 0.5, 1.0
    return image


def smoothed(image: Tensor) -> Tensor:
    heat = blur(image, SMOOTHING)
    return heat / heat.max()


def test_the_map_is_the_color_that_was_asked_for():
    image = patches()
    red, green, blue = (layer_cam(Colors(), image, torch.tensor([k]))[0] for k in range(3))
    assert torch.allclose(red, smoothed(image)[0, 0], atol=1e-6)
    assert torch.allclose(green, smoothed(image[:, 1:])[0, 0], atol=1e-6)
    assert (blue == 0).all()


def test_what_speaks_against_a_class_does_not_show():
    assert (layer_cam(Colors(), -patches(), torch.tensor([0])) == 0).all()


def test_each_image_of_a_batch_is_looked_at_alone():
    images = torch.cat([patches(), patches().flip(-1), 0.1 * patches()])
    together = layer_cam(Colors(), images, torch.tensor([0, 1, 0]))
    alone = [layer_cam(Colors(), images[i : i + 1], torch.tensor([k]))[0] for i, k in enumerate((0, 1, 0))]
    assert torch.allclose(together, torch.stack(alone))
    assert together.amax(dim=(1, 2)).tolist() == [1, 1, 1]


def test_a_coarse_map_is_enlarged_to_the_image():
    heat = layer_cam(Colors(coarse=4), patches(), torch.tensor([0]))[0]
    assert heat.shape == (32, 32) and heat[4:8, 4:8].max() == 1
    assert 0.3 < heat[21, 21] < 0.7 and heat[4, 28] < 0.01


class Twice(Colors):
    """Two parts see red alike, but the second one in the upper half alone."""

    def __init__(self) -> None:
        super().__init__(coarse=2)
        self.upper = UpperHalf()

    def forward_features(self, images: Tensor) -> Tensor:
        features: Tensor = self.pool(images) + 3 * self.upper(images)
        return features


class UpperHalf(nn.Module):
    def forward(self, images: Tensor) -> Tensor:
        pooled = nn.functional.avg_pool2d(images, 2)
        return torch.cat([pooled[:, :, :8], 0 * pooled[:, :, 8:]], dim=2)


def test_every_part_of_a_network_has_its_share():
    heat = layer_cam(Twice(), patches(), torch.tensor([0]))[0]
    once = layer_cam(Colors(coarse=2), patches(), torch.tensor([0]))[0]
    assert heat[21, 21] == pytest.approx(float(once[21, 21]) / 2, abs=0.02), (
        "the second part sees nothing there"
    )


@pytest.mark.parametrize(("views", "below", "alike"), [(2, 1.0, True), (6, 0.7, False), (1, 1.0, False)])
def test_the_mirror_image_is_looked_at_where_every_answer_looks_at_it(tmp_path, views, below, alike):
    classifier = Classifier.load(save_toy(tmp_path / "toy", tta=views, tta_below=below), device="cpu")
    images = np.random.default_rng(0).integers(0, 256, (3, 3, 32, 32), dtype=np.uint8)
    heats, mirrored = (heat_maps(classifier, x, np.array([0, 1, 2])) for x in (images, images[..., ::-1]))
    assert np.allclose(heats, mirrored[..., ::-1], atol=1e-4) == alike


@pytest.mark.parametrize("name", list_models())
def test_every_network_can_be_looked_into_and_is_left_as_it_was(name):
    model = create_model(name).eval()
    generator = torch.Generator().manual_seed(0)
    with torch.inference_mode():  # as pages may call it
        images = torch.randn(2, 3, 16, 16, generator=generator)
    heat = layer_cam(model, images.clone(), torch.tensor([1, 0]))
    assert heat.shape == (2, 16, 16) and heat.isfinite().all()
    assert heat.min() >= 0 and heat.max() <= 1 and not heat.requires_grad
    assert all(parameter.grad is None for parameter in model.parameters())


def test_maps_of_many_images_are_those_of_each(tmp_path):
    classifier = Classifier.load(save_toy(tmp_path / "toy"), device="cpu")
    images = np.random.default_rng(0).integers(0, 256, (PART + 2, 3, 32, 32), dtype=np.uint8)
    classes = np.arange(len(images)) % 10
    maps = heat_maps(classifier, images, classes)
    assert maps.shape == (len(images), 32, 32) and (maps.max(axis=(1, 2)) > 0).any()
    assert np.allclose(heat_maps(classifier, images[-1:], classes[-1:]), maps[-1:], atol=1e-5)
