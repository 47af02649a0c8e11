"""All that is to be measured when an accelerator is at hand, in ten minutes, with torch alone.

In turn: the suite's tests that take the device; every form of mixing, checked and timed; steps of speed94 as
it is, compiled, and as a CUDA graph; speed94 whole, and record holders' scripts whole; then the recipes of
the earlier works as stated, as far as the time goes. Figures, outputs and checkpoints go to a folder.

python -m tests.tools.on_accelerator OUT --scripts airbench94_muon.py cifar10_speedrun.py
"""

import argparse
import importlib.util
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from torch import Tensor

from cifar_core.bench.mixing import Layer
from cifar_core.config import TrainConfig
from cifar_core.device import Device, find_device, versions
from cifar_core.estimate.speed import phases_of
from cifar_core.estimate.steps import Steps
from cifar_core.estimate.timing import timed
from cifar_core.models.ops.mix import FORMS
from cifar_core.recipes import get_recipe
from cifar_core.recipes.registry import list_works

TESTS = ["tests/models", "tests/training", "tests/test_device.py"]
# Layers of mixing_large and of mixing_6, on whole images
LAYERS = [Layer(2, 64, 256, 3, 1, 1, 15), Layer(2, 256, 256, 3, 1, 1, 7), Layer(3, 64, 64, 3, 1, 1, 32)]
WAYS: dict[str, dict[str, Any] | None] = {
    "as it is": None,
    "compiled": {},
    "CUDA graph": {"mode": "reduce-overhead"},
}
ROUNDS = 20


def mixing(device: Device, batch: int = 500) -> Iterator[dict[str, Any]]:
    """Milliseconds of each form of each layer, and how far it lies from the loop, as a share of its norm."""
    for layer in LAYERS:
        tensors = layer.tensors(batch, device.torch_device)
        exact = FORMS["loop"](*(one.detach() for one in tensors), layer.stride, layer.padding)
        for name in FORMS:
            step = partial(mixing_step, name, layer, tensors, device)
            error = float((step() - exact).norm() / exact.norm())
            yield {"layer": str(layer), "form": name, "error": error, "ms": milliseconds(step, device)}


def mixing_step(name: str, layer: Layer, tensors: list[Tensor], device: Device) -> Tensor:
    """A form's result, after its backward pass."""
    with device.autocast():
        result = FORMS[name](*tensors, layer.stride, layer.padding)
    result.sum().backward()
    return result.detach().float()


def steps(config: TrainConfig, device: Device) -> Iterator[dict[str, Any]]:
    """Milliseconds of a training step at each of the recipe's sizes, in each of WAYS."""
    for way, options in WAYS.items():
        one = Steps(config, device)
        if options is not None:
            one.trainer.model.compile(**options)
        for _, size in phases_of(config):
            step = partial(one.step, size)
            yield {"way": way, "size": size, "ms": milliseconds(step, device)}


def milliseconds(call: Callable[[], object], device: Device) -> float:
    """The median of ROUNDS calls, after three that may compile."""
    times = [timed(call, device.synchronize) for _ in range(3 + ROUNDS)]
    return 1000 * statistics.median(times[3:])


def commands(scripts: list[Path], out: Path) -> Iterator[tuple[str, list[str]]]:
    """Name and arguments of what runs in a process of its own."""
    runs = ["--now", "--runs-dir", str(out / "runs")]
    yield "speed94", ["cifar_core", "train", "--recipe", "speed94", *runs]
    for script in scripts:
        yield script.stem, ["tests.tools.record_holder", str(script), "--whole"]
    for name in list_works():
        yield name, ["cifar_core", "train", "--recipe", name, *runs]


def call(arguments: list[str], output: Path, seconds: float) -> int | str:
    """Run a module, its words to a file: its exit code, or why it has none."""
    with output.open("w") as file:
        try:
            command = [sys.executable, "-m", *arguments]
            return subprocess.run(command, stdout=file, stderr=subprocess.STDOUT, timeout=seconds).returncode
        except subprocess.TimeoutExpired:
            return "the time was up"


def main(out: Path, scripts: list[Path], seconds: float) -> None:
    """Measure one after another; figures.json is written anew after each, so that nothing is lost."""
    end = time.monotonic() + seconds
    device = find_device("auto")
    out.mkdir(parents=True, exist_ok=True)
    figures: dict[str, Any] = {"device": device.name, "precision": device.precision, **versions()}

    def keep(name: str, found: object) -> None:
        figures[name] = found
        (out / "figures.json").write_text(json.dumps(figures, indent=1))
        print(f"{name}: {end - time.monotonic():.0f} s left", flush=True)

    if importlib.util.find_spec("pytest"):
        arguments = ["pytest", "-q", "-o", "addopts=", "-m", "not slow", *TESTS]
        keep("tests", call(arguments, out / "tests.txt", seconds / 5))
    for name, found in (("mixing", mixing(device)), ("steps", steps(get_recipe("speed94").config, device))):
        try:
            keep(name, list(found))
        except Exception as error:  # whatever a new device says; the rest is worth having
            keep(name, f"{type(error).__name__}: {error}")
    for name, arguments in commands(scripts, out):
        if end - time.monotonic() > 10:
            keep(name, call(arguments, out / f"{name}.txt", end - time.monotonic()))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("out", type=Path)
    parser.add_argument("--scripts", type=Path, nargs="*", default=[])
    parser.add_argument("--seconds", type=float, default=570.0)
    options = parser.parse_args()
    main(options.out, options.scripts, options.seconds)
