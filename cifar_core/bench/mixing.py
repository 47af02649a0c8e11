"""`bench mixing`: what mixing costs, beside the loop of K convolutions and beside one plain convolution."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from unittest.mock import patch

import torch
from torch import Tensor
from torch.nn.functional import conv2d

from cifar_core.bench.plain import with_form, with_plain_convolutions
from cifar_core.bench.report import Report, Row, Section, setting_of
from cifar_core.config import ConfigError, TrainConfig
from cifar_core.data.dataset import silent
from cifar_core.device import Device, find_device
from cifar_core.estimate.speed import FULL_SIZE
from cifar_core.estimate.steps import Steps, create_network
from cifar_core.estimate.timing import Notify, Statistic, interleave, ratios
from cifar_core.models import ImageClassifier
from cifar_core.models.convolution import Conv2d
from cifar_core.models.mixing import MixingConv2d
from cifar_core.models.ops.mix import FORMS, mix
from cifar_core.runs.store import RunStore

SHIPPED, LOOP = "as shipped", "loop of K convolutions"
PLAIN, TORCHS = "plain, our convolutions", "plain, torch's"
STEP_SHARE = 0.6  # of the time; the layers get the rest
LAYER_BATCH = (
    32  # at most so many images in the table of layers, so that every form of every layer gets its turn
)


def bench_mixing(config: TrainConfig, size: int, seconds: float, store: RunStore, notify: Notify) -> Report:
    """The training step of a config's mixing network on images of `size` pixels, and each of its layers.

    The step is the config's own, with its optimizer, without teachers and outliers.

    Raises:
        ModelError: when there is no such network. ConfigError: when it does not mix.
    """
    config = config.replace(teachers="", outliers=0.0)
    network = create_network(config)
    if not any(isinstance(module, MixingConv2d) for module in network.modules()):
        raise ConfigError(f"The network '{config.model}' does not mix; `models` lists the networks.")
    device = find_device(config.precision)
    setting = setting_of(device, store)
    layers, batch = layers_of(network, size), min(config.batch_size, LAYER_BATCH)
    step = step_section(config, size, network, device, seconds * STEP_SHARE, notify)  # moves it to the device
    table = layer_section(layers, batch, device, seconds * (1 - STEP_SHARE), notify)
    return Report("mixing", setting, [step, table], _conclusion(config, size, step))


def step_section(
    config: TrainConfig, size: int, network: ImageClassifier, device: Device, seconds: float, notify: Notify
) -> Section:
    """The whole training step, with the mixing convolutions in two ways and plain ones in two."""
    variants = {
        TORCHS: with_plain_convolutions(network),
        PLAIN: with_plain_convolutions(network, Conv2d),
        LOOP: with_form(network, FORMS["loop"]),
        SHIPPED: network,
    }
    steps = {name: partial(Steps(config, device, model).step, size) for name, model in variants.items()}
    samples = interleave(steps, seconds, "training steps", notify, device.synchronize)
    rows = [
        Row(
            name,
            {
                "ms": Statistic.of([1000 * value for value in samples[name]]),
                "times_plain": ratios(samples[name], samples[PLAIN]),
                "times_torch": ratios(samples[name], samples[TORCHS]),
                "loop_over": ratios(samples[LOOP], samples[name]),
            },
        )
        for name in (SHIPPED, LOOP, PLAIN, TORCHS)
    ]
    columns = {"ms": "ms a step", "times_plain": "times our plain", "times_torch": "times torch's"}
    title = f"Training step of {_name(config)} at {size}×{size}, batch {config.batch_size}"
    return Section(title, columns, rows)


def _name(config: TrainConfig) -> str:
    return config.recipe or config.model


def _conclusion(config: TrainConfig, size: int, section: Section) -> str:
    own = {row.name: row.figures for row in section.rows}[SHIPPED]
    loop, plain, torchs = (own[name].median for name in ("loop_over", "times_plain", "times_torch"))
    return (
        f"Here a training step of {_name(config)} on {config.batch_size} images of {size}×{size} is "
        f"{loop:.2f} times as quick as with the loop. It takes {plain:.2f} times as long as with one plain "
        f"convolution of ours in the place of the mixed ones, and {torchs:.2f} times as long as with torch's."
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


def layers_of(network: ImageClassifier, size: int = FULL_SIZE) -> list[Layer]:
    """The distinct shapes of a network's mixing convolutions for images of `size` pixels, in its order."""
    found: list[Layer] = []

    def note(module: torch.nn.Module, inputs: tuple[Tensor], output: Tensor) -> None:
        assert isinstance(module, MixingConv2d)
        num_kernels, c_out, c_in, kernel, _ = module.weight.shape
        side = inputs[0].shape[2]
        found.append(Layer(num_kernels, c_in, c_out, kernel, module.stride, module.padding, side))

    modules = [module for module in network.modules() if isinstance(module, MixingConv2d)]
    handles = [module.register_forward_hook(note) for module in modules]
    was_training = network.training
    with torch.no_grad():
        network.eval()(torch.zeros(1, network.in_channels, size, size))
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
