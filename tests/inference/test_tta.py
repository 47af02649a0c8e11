"""Views: the named shifts and mirror images, with airbench94's weights, for unsure ones alone if asked."""

import pytest
import torch
from torch.nn.functional import pad

from cifar_core.inference.tta import FEW_IMAGES, VIEW_WEIGHTS, tta_logits, views_of


@pytest.fixture
def images():
    return torch.rand(5, 3, 6, 6, generator=torch.Generator().manual_seed(0))


def network(images):
    """Logits that depend on where the light falls."""
    places = torch.linspace(-3, 3, 4 * images[0].numel()).sin().view(4, -1)
    return images.flatten(1) @ places.T


def airbench94(images):
    """The averages as airbench94 writes them, of probabilities instead of logits."""

    def mirror(inputs):
        return 0.5 * network(inputs).softmax(1) + 0.5 * network(inputs.flip(-1)).softmax(1)

    padded = pad(images, (1,) * 4, "reflect")
    moved = torch.stack([mirror(padded[:, :, 0:6, 0:6]), mirror(padded[:, :, 2:8, 2:8])]).mean(0)
    return 0.5 * mirror(images) + 0.5 * moved


def test_six_views_are_those_of_airbench94(images):
    averaged = tta_logits(network, images, network(images), 6)
    torch.testing.assert_close(averaged.softmax(1), airbench94(images))
    torch.testing.assert_close(averaged.exp().sum(1), torch.ones(5))  # logarithms of probabilities


def test_two_views_are_a_picture_and_its_mirror_image(images):
    first, second = views_of(images, 2)
    assert torch.equal(first, images) and torch.equal(second, images.flip(-1))
    expected = (network(first).softmax(1) + network(second).softmax(1)) / 2
    torch.testing.assert_close(tta_logits(network, images, network(images), 2).softmax(1), expected)


def test_the_moved_views_lack_one_row_and_column(images):
    views = views_of(images, 6)
    assert [view.shape for view in views] == [images.shape] * 6
    assert torch.equal(views[2][:, :, :5, :5], images[:, :, 1:, 1:])  # to the upper left
    assert torch.equal(views[4][:, :, 1:, 1:], images[:, :, :5, :5])  # to the lower right
    assert torch.equal(views[3], views[2].flip(-1)) and torch.equal(views[5], views[4].flip(-1))


def test_one_view_asks_for_nothing_more(images):
    logits = network(images)
    assert tta_logits(None, images, logits, 1) is logits


@pytest.mark.parametrize("views", VIEW_WEIGHTS)
def test_the_weights_sum_to_one(views):
    assert len(VIEW_WEIGHTS[views]) == views and sum(VIEW_WEIGHTS[views]) == 1


def test_only_unsure_pictures_get_further_views(images):
    logits = network(images)
    below = float(logits.softmax(1).amax(1).median())
    asked = []

    def counted(view):
        asked.append(len(view))
        return network(view)

    averaged = tta_logits(counted, images, logits, 6, below)
    unsure = logits.softmax(1).amax(1) < below
    assert asked == [2 * 5] and int(unsure.sum()) == 2
    assert torch.equal(averaged[~unsure], logits[~unsure])
    torch.testing.assert_close(averaged[unsure], tta_logits(network, images, logits, 6)[unsure])
    assert tta_logits(None, images, logits, 6, 0.0) is logits


def test_many_images_are_asked_view_by_view(images):
    many = images[:2].repeat(FEW_IMAGES, 1, 1, 1)
    asked = []

    def counted(view):
        asked.append(len(view))
        return network(view)

    averaged = tta_logits(counted, many, network(many), 2)
    assert asked == [len(many)]
    torch.testing.assert_close(averaged[:2], tta_logits(network, images[:2], network(images[:2]), 2))


def test_what_an_image_gets_does_not_depend_on_the_others(images):
    logits = network(images)
    together = tta_logits(network, images, logits, 2, 0.7)
    alone = [tta_logits(network, images[i : i + 1], logits[i : i + 1], 2, 0.7) for i in range(5)]
    torch.testing.assert_close(together, torch.cat(alone))


def test_all_are_asked_for_at_one_even_the_surest(images):
    sure = torch.tensor([[100.0, 0, 0, 0]]).expand(5, 4)
    averaged = tta_logits(network, images, sure, 2)
    assert (averaged.softmax(1)[:, 0] < 1).all()
