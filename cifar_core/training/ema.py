"""The running average of a network's weights and buffers (Polyak & Juditsky 1992), by torch's own class."""

from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn


def create_ema(model: nn.Module, decay: float) -> AveragedModel | None:
    """A copy that follows `model` by `decay` at each `update_parameters`; None when decay is 0 (off)."""
    if decay == 0:
        return None
    return AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(decay), use_buffers=True)
