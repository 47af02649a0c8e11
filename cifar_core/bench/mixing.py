"""`bench mixing`: what mixing costs, beside the loop of K convolutions and beside one plain convolution."""

from collections.abc import Callable
from dataclasses import dataclass
from unittest.mock import patch

import torch
from torch import Tensor
from torch.nn.functional import conv2d

from cifar_core.bench.plain import with_form, with_plain_convolutions
from cifar_core.bench.report import Report, Row, Section, setting_of
from cifar_core.config import ConfigError, TrainConfig
from cifar_core.data.dataset import silent
from cifar_core.device import Device, find_device
from cifar_core.estimate.steps import Steps, create_network
from cifar_core.estimate.timing import Notify, Statistic, interleave, ratios
from cifar_core.models import ImageClassifier
from cifar_core.models.mixing import MixingConv2d
from cifar_core.models.ops.mix import FORMS, mix
from cifar_core.runs.store import RunStore

SHIPPED, LOOP, PLAIN = "as shipped", "loop of K convolutions", "plain convolutions"
STEP_SHARE = 0.6  # of the time; the layers get the rest
LAYER_BATCH = (
    32  # at most so many images in the table of layers, so that every form of every layer gets its turn
)


def bench_mixing(model: str, batch: int, seconds: float, store: RunStore, notify: Notify) -> Report:
    """The training step of a mixing network at `batch` images, and each of its layers in every form.

    Raises:
        ModelError: when there is no such network. ConfigError: when it does not mix.
    """
    config = TrainConfig(model=model, batch_size=batch, lr=0.01, schedule="constant")
    network = create_network(config)
    if not any(isinstance(module, MixingConv2d) for module in network.modules()):
        raise ConfigError(f"The network '{model}' does not mix; `models` lists the networks.")
    device = find_device(config.precision)
    setting = setting_of(device, store)
    layers = layers_of(network)
    step = step_section(config, network, device, seconds * STEP_SHARE, notify)
    table = layer_section(layers, min(batch, LAYER_BATCH), device, seconds * (1 - STEP_SHARE), notify)
    return Report("mixing", setting, [step, table], _conclusion(model, batch, step))


def step_section(
    config: TrainConfig, network: ImageClassifier, device: Device, seconds: float, notify: Notify
) -> Section:
    """The whole training step, with the mixing convolutions in three ways."""
    variants = {
        PLAIN: with_plain_convolutions(network),
        LOOP: with_form(network, FORMS["loop"]),
        SHIPPED: network,
    }
    steps = {name: Steps(config, device, model).step for name, model in variants.items()}
    samples = interleave(steps, seconds, "training steps", notify, device.synchronize)
    rows = [
        Row(
            name,
            {
                "ms": Statistic.of([1000 * value for value in samples[name]]),
                "times_plain": ratios(samples[name], samples[PLAIN]),
                "loop_over": ratios(samples[LOOP], samples[name]),
            },
        )
        for name in (SHIPPED, LOOP, PLAIN)
    ]
    columns = {"ms": "ms a step", "times_plain": "times plain", "loop_over": "loop takes times"}
    return Section(f"Training step of {config.model}, batch {config.batch_size}", columns, rows)


def _conclusion(model: str, batch: int, section: Section) -> str:
    figures = {row.name: row.figures for row in section.rows}
    loop, plain = figures[SHIPPED]["loop_over"].median, figures[SHIPPED]["times_plain"].median
    share = figures[LOOP]["times_plain"].median
    return (
        f"Here a training step of {model} at batch {batch} is {loop:.2f} times as quick as with the loop, "
        f"and takes {plain:.2f} times as long as with plain convolutions (the loop: {share:.2f} times)."
    )


# Layers


@dataclass(frozen=True)
class Layer:
    """The shape of one mixing convolution: input (N, c_in, size, size)."""

    num_kernels: int
    c_in: int
    c_out: int
    kernel: int
    stride: int
    padding: int
    size: int

    def __str__(self) -> str:
        return f"{self.c_in} → {self.c_out} at {self.size}×{self.size}, K = {self.num_kernels}"

    def tensors(self, batch: int, device: torch.device) -> list[Tensor]:
        """x, weight, bias and coefficients, all with gradients; x has its channels last in memory."""
        shape = (self.num_kernels, self.c_out, self.c_in, self.kernel, self.kernel)
        x = torch.randn(batch, self.c_in, self.size, self.size, device=device)
        coefficients = torch.rand(batch, self.num_kernels, device=device).softmax(dim=1)
        weight = torch.randn(shape, device=device) * 0.05
        bias = torch.zeros(self.num_kernels, self.c_out, device=device)
        tensors = [x.contiguous(memory_format=torch.channels_last), weight, bias, coefficients]
        return [tensor.requires_grad_() for tensor in tensors]


def layers_of(network: ImageClassifier) -> list[Layer]:
    """The distinct shapes of a network's mixing convolutions for images of 32 x 32, in its order."""
    found: list[Layer] = []

    def note(module: torch.nn.Module, inputs: tuple[Tensor], output: Tensor) -> None:
        assert isinstance(module, MixingConv2d)
        num_kernels, c_out, c_in, kernel, _ = module.weight.shape
        size = inputs[0].shape[2]
        found.append(Layer(num_kernels, c_in, c_out, kernel, module.stride, module.padding, size))

    modules = [module for module in network.modules() if isinstance(module, MixingConv2d)]
    handles = [module.register_forward_hook(note) for module in modules]
    was_training = network.training
    with torch.no_grad():
        network.eval()(torch.zeros(1, network.in_channels, 32, 32))
    network.train(was_training)
    for handle in handles:
        handle.remove()
    return list(dict.fromkeys(found))


def layer_section(layers: list[Layer], batch: int, device: Device, seconds: float, notify: Notify) -> Section:
    """Forward and backward of every layer: one plain convolution, every form, and the form that is chosen."""
    columns = {"plain": "plain", **{name: name for name in FORMS}}
    rows = []
    for number, layer in enumerate(layers, start=1):
        tensors = layer.tensors(batch, device.torch_device)
        calls = _calls(layer, tensors, device)
        samples = interleave(calls, seconds / len(layers), "", silent, device.synchronize)
        notify("mixing convolutions", number, len(layers))
        figures = {name: Statistic.of([1000 * value for value in taken]) for name, taken in samples.items()}
        chosen = chosen_form(layer, tensors, device)
        rows.append(Row(str(layer), figures, f"chosen: {chosen}" if chosen else ""))
    title = f"Each mixing convolution, forward and backward, batch {batch}, ms"
    return Section(title, columns, rows, spread=False)


def _calls(layer: Layer, tensors: list[Tensor], device: Device) -> dict[str, Callable[[], None]]:
    x, weight, bias, coefficients = tensors

    def run(forward: Callable[[], Tensor]) -> None:
        for tensor in tensors:
            tensor.grad = None
        with device.autocast():
            y = forward()
        y.backward(torch.ones_like(y))

    def plain() -> Tensor:
        return conv2d(x, weight[0], bias[0], layer.stride, layer.padding)

    def form(name: str) -> Callable[[], Tensor]:
        return lambda: FORMS[name](x, weight, bias, coefficients, layer.stride, layer.padding)

    calls: dict[str, Callable[[], Tensor]] = {"plain": plain, **{name: form(name) for name in FORMS}}
    return {name: lambda forward=forward: run(forward) for name, forward in calls.items()}  # type: ignore[misc]


def chosen_form(layer: Layer, tensors: list[Tensor], device: Device) -> str:
    """The form that the operator's own rule takes for these tensors: the one that is called."""
    taken: list[str] = []

    def spy(name: str) -> Callable[..., Tensor]:
        form = FORMS[name]

        def call(*arguments: object, **named: object) -> Tensor:
            taken.append(name)
            return form(*arguments, **named)  # type: ignore[arg-type]

        return call

    with patch.dict(FORMS, {name: spy(name) for name in FORMS}), device.autocast():
        mix(*tensors, layer.stride, layer.padding)  # type: ignore[arg-type, call-arg]
    return taken[0] if taken else ""
