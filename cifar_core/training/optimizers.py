"""The optimizers by name, each in the quickest form that torch has for it."""

from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor, nn, zeros_like
from torch.optim import SGD, AdamW, Optimizer, RMSprop

from cifar_core.config import TrainConfig
from cifar_core.settings import choose
from cifar_core.training.muon import Muon

SGD_MOMENTUM = 0.85  # beside Muon, as in airbench94


class Optimizers:
    """Several optimizers as one, each group's learning rate a multiple, `lr_scale`, of the run's.

    Raises:
        ValueError: from `load_state_dict`, when the state is another set's.
    """

    def __init__(self, optimizers: Sequence[Optimizer]) -> None:
        self.optimizers = list(optimizers)

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        """All groups, in the order of the optimizers."""
        return [group for optimizer in self.optimizers for group in optimizer.param_groups]

    def set_lr(self, lr: float) -> None:
        """Set the run's learning rate; each group takes its multiple of it."""
        for group in self.param_groups:
            group["lr"] = lr * group.get("lr_scale", 1.0)

    def start_momentum(self) -> None:
        """Set SGD's momentum to 0, so that some parameters may learn later: torch begins all at once."""
        for optimizer in self.optimizers:
            for group in optimizer.param_groups if isinstance(optimizer, SGD) else []:
                for parameter in group["params"] if group["momentum"] else []:
                    optimizer.state[parameter]["momentum_buffer"] = zeros_like(parameter)

    def step(self) -> None:
        """Change the weights."""
        for optimizer in self.optimizers:
            optimizer.step()

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for optimizer in self.optimizers:
            optimizer.zero_grad()

    def state_dict(self) -> dict[str, Any]:
        """State by the optimizer's position: {"0": …}."""
        return {str(number): optimizer.state_dict() for number, optimizer in enumerate(self.optimizers)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """The state that `state_dict` gave."""
        if len(state) != len(self.optimizers):
            raise ValueError(f"The state is that of {len(state)} optimizers, not of {len(self.optimizers)}.")
        for number, optimizer in enumerate(self.optimizers):
            optimizer.load_state_dict(state[str(number)])


def create_optimizer(model: nn.Module, config: TrainConfig) -> Optimizers:
    """Return the optimizers that the config names; raises ConfigError where none has that name."""
    return Optimizers(choose(OPTIMIZERS, "optimizer", config.optimizer)(model, config))


def _sgd(model: nn.Module, config: TrainConfig) -> list[Optimizer]:
    nesterov = config.nesterov and config.momentum > 0
    return [SGD(model.parameters(), config.lr, config.momentum, 0, config.weight_decay, nesterov, fused=True)]


def _adamw(model: nn.Module, config: TrainConfig) -> list[Optimizer]:
    return [AdamW(model.parameters(), config.lr, weight_decay=config.weight_decay, fused=True)]


def _rmsprop(model: nn.Module, config: TrainConfig) -> list[Optimizer]:
    """RMSprop over lists of tensors: torch has no fused one."""
    decay, momentum = config.weight_decay, config.momentum
    return [RMSprop(model.parameters(), config.lr, weight_decay=decay, momentum=momentum, foreach=True)]


def _muon(model: nn.Module, config: TrainConfig) -> list[Optimizer]:
    """Muon for the filters, SGD with Nesterov's momentum for the rest, each kind at its own rate.

    Weight decay is divided by the rate, as in airbench94: a step pulls by `weight_decay` times the schedule,
    whatever the kind. The filters have none; Muon sets their norm.
    """
    filters = [parameter for parameter in model.parameters() if parameter.ndim >= 4]
    groups: dict[float, list[Tensor]] = {}
    for name, parameter in model.named_parameters():
        if parameter.ndim < 4:
            groups.setdefault(_rate(name, parameter, config), []).append(parameter)
    rest = [
        {
            "params": group,
            "lr": rate,
            "lr_scale": rate / config.lr,
            "weight_decay": config.weight_decay / rate,
        }
        for rate, group in groups.items()
    ]
    parts: list[Optimizer] = [Muon(filters, config.lr, config.momentum)] if filters or not rest else []
    if rest:
        parts.append(SGD(rest, config.lr, momentum=SGD_MOMENTUM, nesterov=True, fused=True))
    return parts


def _rate(name: str, parameter: Tensor, config: TrainConfig) -> float:
    """The learning rate of a parameter that is no filter bank."""
    if "coefficients" in name or (parameter.ndim == 2 and name.endswith("bias")):  # of a mixing convolution
        return config.mixing_lr
    return config.bias_lr if parameter.ndim == 1 else config.head_lr


# Name in a config -> the optimizers of a network's parameters. Weight decay applies to every parameter, as in
# torch's own examples; see `_muon` for the exception.
OPTIMIZERS: dict[str, Callable[[nn.Module, TrainConfig], list[Optimizer]]] = {
    "sgd": _sgd,
    "adamw": _adamw,
    "rmsprop": _rmsprop,
    "muon": _muon,
}
