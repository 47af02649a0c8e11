"""Grad-CAM where the answer is known, and on every network."""

import pytest
import torch
from torch import Tensor

from cifar_core.explain.saliency import grad_cam
from cifar_core.models import ImageClassifier, create_model, list_models


class Colors(ImageClassifier):
    """Class k is the mean of the k-th color: all that speaks for red is where the picture is red."""

    num_classes = 3

    def forward_features(self, images: Tensor) -> Tensor:
        return images

    def forward_head(self, features: Tensor) -> Tensor:
        return features.mean(dim=(2, 3))


def patches() -> Tensor:
    """One image: a red square at the upper left, half as red at the lower right, green in between."""
    image = torch.zeros(1, 3, 32, 32)
    image[0, 0, 2:6, 2:6], image[0, 0, 20:24, 20:24], image[0, 1, 10:14, 10:14] = 1.0, 0.5, 1.0
    return image


def test_the_map_is_the_color_that_was_asked_for():
    image = patches()
    red, green, blue = (grad_cam(Colors(), image, torch.tensor([k]))[0] for k in range(3))
    assert torch.allclose(red, image[0, 0]) and torch.allclose(green, image[0, 1])
    assert (blue == 0).all()


def test_what_speaks_against_a_class_does_not_show():
    assert (grad_cam(Colors(), -patches(), torch.tensor([0])) == 0).all()


def test_each_image_of_a_batch_is_looked_at_alone():
    images = torch.cat([patches(), patches().flip(-1), 0.1 * patches()])
    together = grad_cam(Colors(), images, torch.tensor([0, 1, 0]))
    alone = [grad_cam(Colors(), images[i : i + 1], torch.tensor([k]))[0] for i, k in enumerate((0, 1, 0))]
    assert torch.allclose(together, torch.stack(alone))
    assert together.amax(dim=(1, 2)).tolist() == [1, 1, 1]


def test_a_coarse_map_is_enlarged_to_the_image():
    class Coarse(Colors):
        def forward_features(self, images: Tensor) -> Tensor:
            return torch.nn.functional.avg_pool2d(images, 8)

    heat = grad_cam(Coarse(), patches(), torch.tensor([0]))[0]
    assert heat.shape == (32, 32)
    assert heat[3, 3] == 1 and 0.3 < heat[20, 20] < 0.7 and heat[3, 28] == 0


@pytest.mark.parametrize("name", list_models())
def test_every_network_can_be_looked_into_and_is_left_as_it_was(name):
    model = create_model(name).eval()
    generator = torch.Generator().manual_seed(0)
    with torch.inference_mode():  # as pages may call it
        images = torch.randn(2, 3, 16, 16, generator=generator)
    heat = grad_cam(model, images.clone(), torch.tensor([1, 0]))
    assert heat.shape == (2, 16, 16) and heat.isfinite().all()
    assert heat.min() >= 0 and heat.max() <= 1 and not heat.requires_grad
    assert all(parameter.grad is None for parameter in model.parameters())
