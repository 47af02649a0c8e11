"""LayerCAM: which places of an image speak for a class (Jiang et al. 2021, IEEE TIP 30, 5875).

At each place of a feature map, how much its channels raise the class's logit: gradient times activation, the
positive ones summed. A departure: there the gradient's sign decides, here that of the product. Behind a ReLU
both are the same; SiLU's negative activations would count against a class by a positive gradient.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import interpolate

from cifar_core.inference.classifier import Classifier
from cifar_core.inference.preprocess import Images, to_pixels
from cifar_core.models import ImageClassifier
from cifar_core.models.recording import record_outputs
from cifar_core.models.summary import part_modules

# Places a side of the map at least. On maps of 3 x 3, Grad-CAM was no better than chance (see deletion.py).
LEAST_SIDE = 7
PART = 50  # images at a time, for all their maps are kept for the way back


def heat_maps(classifier: Classifier, images: Images, classes: NDArray[np.int64]) -> NDArray[np.float32]:
    """`layer_cam` (N, 32, 32) of what the classifier sees of one picture or more, for class numbers (N,)."""
    parts = (one.to(classifier.device).split(PART) for one in (to_pixels(images), torch.tensor(classes)))
    maps = [
        layer_cam(classifier.model, classifier.normalize(pixels), numbers)
        for pixels, numbers in zip(*parts, strict=True)
    ]
    return np.asarray(torch.cat(maps).float().cpu().numpy())


def layer_cam(model: ImageClassifier, images: Tensor, classes: Tensor) -> Tensor:
    """Heat maps (N, H, W) in 0..1 for normalized images (N, C, H, W) and one class number each (N,).

    From the last map of at least 7 x 7 places that a part of the network answers with, from the image itself
    where none is so fine. model: in eval mode; its parameters get no gradients. The most telling place of
    each image is 1; a map is 0 all over where nothing speaks for the class.
    """
    with torch.enable_grad(), record_outputs(list(part_modules(model).values()), _as_it_is) as outputs:
        images = images.clone().requires_grad_()  # so that each map has a gradient, whatever is frozen
        chosen = model(images).gather(1, classes[:, None]).sum()
        fine = [output for output in outputs if output.ndim == 4 and min(output.shape[2:]) >= LEAST_SIDE]
        features = [images, *fine][-1]
        (gradients,) = torch.autograd.grad(chosen, features)
    heat = (gradients * features.detach()).relu().sum(dim=1, keepdim=True)  # (N, 1, H', W')
    heat = interpolate(heat, images.shape[2:], mode="bilinear", align_corners=False)[:, 0]
    top = heat.amax(dim=(1, 2), keepdim=True)
    return torch.where(top > 0, heat / top.clamp_min(torch.finfo(heat.dtype).tiny), 0.0)


def _as_it_is(output: Tensor) -> Tensor:
    return output
