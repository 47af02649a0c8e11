"""Grad-CAM: which places of an image speak for a class (Selvaraju et al. 2017, arXiv 1610.02391).

On the contract that every network keeps (models/base.py): the channels of the last feature map, weighted by
how much each raises the class's logit on average over the places, negative sums set to zero.
"""

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from cifar_core.models import ImageClassifier


def grad_cam(model: ImageClassifier, images: Tensor, classes: Tensor) -> Tensor:
    """Heat maps (N, H, W) in 0..1 for normalized images (N, C, H, W) and one class number each (N,).

    model: in eval mode; its parameters get no gradients. The most telling place of each image is 1; a map is
    0 all over where nothing speaks for the class.
    """
    with torch.no_grad():
        features = model.forward_features(images)  # (N, C', H', W')
    with torch.enable_grad():
        features = features.detach().requires_grad_()
        logits = model.forward_head(features.clone())  # a clone, since heads may work in place
        chosen = logits.gather(1, classes[:, None]).sum()
        (gradients,) = torch.autograd.grad(chosen, features)
    weights = gradients.mean(dim=(2, 3), keepdim=True)
    maps = (weights * features.detach()).sum(dim=1, keepdim=True).relu()  # (N, 1, H', W')
    maps = interpolate(maps, images.shape[2:], mode="bilinear", align_corners=False)[:, 0]
    top = maps.amax(dim=(1, 2), keepdim=True)
    return torch.where(top > 0, maps / top.clamp_min(torch.finfo(maps.dtype).tiny), 0.0)
