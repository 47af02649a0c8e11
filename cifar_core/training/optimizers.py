"""The optimizers by name, each in the quickest form that torch has for it."""

from torch import nn
from torch.optim import SGD, AdamW, Optimizer, RMSprop

from cifar_core.config import TrainConfig


def create_optimizer(model: nn.Module, config: TrainConfig) -> Optimizer:
    """SGD and AdamW fused into one kernel, RMSprop over lists of tensors (torch has no fused one).

    Weight decay applies to every parameter, as in torch's own examples.
    """
    parameters = list(model.parameters())
    if config.optimizer == "sgd":
        nesterov = config.nesterov and config.momentum > 0
        return SGD(parameters, config.lr, config.momentum, 0, config.weight_decay, nesterov, fused=True)
    if config.optimizer == "adamw":
        return AdamW(parameters, config.lr, weight_decay=config.weight_decay, fused=True)
    return RMSprop(
        parameters, config.lr, weight_decay=config.weight_decay, momentum=config.momentum, foreach=True
    )
