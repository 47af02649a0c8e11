"""LayerCAM: which places of an image speak for a class (Jiang et al. 2021, IEEE TIP 30, 5875).

At each place of a feature map, how much its channels raise the class's logit: gradient times activation, the
positive ones summed; and the mean of this over a network's parts, from fine to coarse. A departure: there the
gradient's sign decides, here that of the product. Behind a ReLU both are the same; behind a SiLU, whose
activations may be negative, it is better. All this was chosen by deletion (deletion.py) on validation images,
for the network whose map came least far above the disc in the middle.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import interpolate

from cifar_core.explain.corruptions import blur
from cifar_core.inference.classifier import Classifier
from cifar_core.inference.preprocess import Images, to_pixels
from cifar_core.inference.tta import views_of
from cifar_core.models import ImageClassifier
from cifar_core.models.recording import record_outputs
from cifar_core.models.summary import part_modules

SMOOTHING = 2.0  # pixels, standard deviation: coarse maps lie in squares, fine ones in grains
PART = 50  # images at a time, for all their maps are kept for the way back


def heat_maps(classifier: Classifier, images: Images, classes: NDArray[np.int64]) -> NDArray[np.float32]:
    """Heat maps (N, 32, 32) of what the classifier sees of one picture or more, for class numbers (N,).

    `layer_cam`, its mean with the mirror image's where the network's answers are always such a mean.
    """
    views = 2 if classifier.card.tta > 1 and classifier.card.tta_below >= 1 else 1
    parts = (one.to(classifier.device).split(PART) for one in (to_pixels(images), torch.tensor(classes)))
    maps = [
        _of_views(classifier.model, views_of(classifier.normalize(pixels), views), numbers)
        for pixels, numbers in zip(*parts, strict=True)
    ]
    return np.asarray(torch.cat(maps).float().cpu().numpy())


def _of_views(model: ImageClassifier, views: Sequence[Tensor], classes: Tensor) -> Tensor:
    """Heat maps (N, S, S) of images, or of these and their mirror images."""
    heats = layer_cam(model, torch.cat(list(views)), classes.repeat(len(views))).split(len(classes))
    return _scaled(heats[0] if len(heats) == 1 else heats[0] + heats[1].flip(-1))


def layer_cam(model: ImageClassifier, images: Tensor, classes: Tensor) -> Tensor:
    """Heat maps (N, S, S) in 0..1 for normalized images (N, C, S, S) and one class number each (N,).

    The mean over the maps that the network's parts answer with, at most half as fine as the image (the others
    show its edges), the most telling place of each being 1, smoothed; of the image itself where there is
    none. model: in eval mode; its parameters get no gradients. The most telling place of each image is 1; a
    map is 0 all over where nothing speaks for the class.
    """
    with torch.enable_grad(), record_outputs(list(part_modules(model).values()), _as_it_is) as outputs:
        images = images.clone().requires_grad_()  # so that each map has a gradient, whatever is frozen
        chosen = model(images).gather(1, classes[:, None]).sum()
        side = images.shape[-1]
        features = [one for one in outputs if one.ndim == 4 and one.shape[-1] <= side / 2] or [images]
        gradients = torch.autograd.grad(chosen, features)
    telling = [
        (gradient * maps.detach()).relu().sum(dim=1, keepdim=True)
        for gradient, maps in zip(gradients, features, strict=True)
    ]
    heats = [
        _scaled(interpolate(heat, (side, side), mode="bilinear", align_corners=False)) for heat in telling
    ]
    return _scaled(blur(torch.stack(heats).mean(dim=0), SMOOTHING))[:, 0]


def _scaled(heat: Tensor) -> Tensor:
    """Maps (…, S, S) with the highest place of each at 1, or 0 all over as before."""
    top = heat.amax(dim=(-2, -1), keepdim=True)
    return torch.where(top > 0, heat / top.clamp_min(torch.finfo(heat.dtype).tiny), 0.0)


def _as_it_is(output: Tensor) -> Tensor:
    return output
