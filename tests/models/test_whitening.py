"""The whitening convolution really whitens, is frozen, and travels with the weights."""

import torch

from cifar_core.models import create_model
from cifar_core.models.speed_net import WhiteningConv2d


def correlated_images(n: int = 64) -> torch.Tensor:
    """Smooth random images (n, 3, 32, 32): neighbors and channels are alike, as in photographs."""
    noise = torch.randn(n, 3, 40, 40, generator=torch.Generator().manual_seed(0))
    smooth = torch.nn.functional.avg_pool2d(noise, 9, 1)
    return (smooth + 0.3 * smooth.mean(dim=1, keepdim=True)) * 5


def test_whitened_patches_are_uncorrelated_with_variance_one():
    images = correlated_images()
    whitening = WhiteningConv2d(3)
    before = whitening(images)
    whitening.fit(images)
    after = whitening(images)  # (N, 24, 31, 31)
    assert after.shape == before.shape == (64, 24, 31, 31)
    half = after[:, :12].transpose(0, 1).flatten(1)  # (12, positions)
    moments = half @ half.T / half.shape[1]
    strong = moments.diagonal() > 0.5  # variances far below EPSILON are not blown up
    assert strong.sum() >= 3 and (moments.diagonal() <= 1.01).all()
    off_diagonal = moments - moments.diagonal().diag()
    assert off_diagonal.abs().max() < 0.01
    assert torch.equal(after[:, 12:], -after[:, :12])


def test_whitening_is_frozen_and_saved():
    model = create_model("speed_mixing", widths=[8, 8, 8])
    names = {name for name, _ in model.named_parameters()}
    assert "whitening.weight" not in names and "whitening.weight" in model.state_dict()
    before = model.whitening.weight.clone()
    model.initialize_from_data(correlated_images())
    assert not torch.equal(model.whitening.weight, before)
