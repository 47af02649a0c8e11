"""Test-time augmentation (TTA): answers averaged over a picture, its mirror image and both moved by a pixel.

After airbench94 (Jordan 2024, arXiv 2404.00498), with its weights; there the mean is of logits, here it is
of probabilities. The further views may be kept for pictures of which the network is unsure.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn.functional import pad

from cifar_core.checkpoint import VIEW_WEIGHTS

# Views in one batch; ten took 0.68 of the time of five batches of two (one thread, AVX-512; 0.9 with AVX2's
# instructions), while many more leave the processor's cache.
FEW_IMAGES = 64


def views_of(images: Tensor, views: int) -> list[Tensor]:
    """The first `views` views (a key of VIEW_WEIGHTS) of images (N, C, H, W), each of that shape."""
    if views == 1:
        return [images]
    _, _, height, width = images.shape
    frame = pad(images, (1, 1, 1, 1), mode="reflect") if views > 2 else images
    moved = [frame[:, :, i : i + height, i : i + width] for i in (2, 0)] if views > 2 else []
    return [view for one in (images, *moved) for view in (one, one.flip(-1))]


def tta_logits(
    network: Callable[[Tensor], Tensor],
    images: Tensor,
    logits: Tensor,
    views: int = 1,
    tta_below: float = 1.0,
) -> Tensor:
    """Logits (N, num_classes) of the weighted mean of the probabilities for the views of images (N, C, H, W).

    logits: the network's for the images as they are. The further views are asked for only where their top
    probability lies below `tta_below`; 1 asks for all. The rule looks at each image alone.
    """
    if views == 1:
        return logits
    unsure = logits.softmax(dim=1).amax(dim=1) < tta_below  # (N,)
    if tta_below >= 1:
        unsure = torch.ones_like(unsure)  # also where the top probability is rounded to 1
    if not unsure.any():
        return logits
    averaged = logits.clone()
    averaged[unsure] = mean_of([logits[unsure], *_answers(network, views_of(images[unsure], views)[1:])])
    return averaged


def _answers(network: Callable[[Tensor], Tensor], views: list[Tensor]) -> list[Tensor]:
    """The network's logits for each view; those of few images in one batch."""
    if len(views) * len(views[0]) <= FEW_IMAGES:
        return list(network(torch.cat(views)).split(len(views[0])))
    return [network(view) for view in views]


def mean_of(answers: Sequence[Tensor]) -> Tensor:
    """Logits of the weighted mean of the views' probabilities; answers: a view's logits (N, num_classes)."""
    log_probs = torch.stack(tuple(answers)).log_softmax(dim=2)  # (V, N, num_classes)
    weights = log_probs.new_tensor(VIEW_WEIGHTS[len(answers)])[:, None, None]
    return (log_probs + weights.log()).logsumexp(dim=0)
