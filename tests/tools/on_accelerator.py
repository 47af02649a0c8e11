"""All that is to be measured when an accelerator is at hand, in ten minutes, without the pages' packages.

In turn: tests of networks and training; every form of mixing, checked and timed; speed94 whole; its steps as
they are, compiled, and as a CUDA graph; record holders' scripts whole; then the recipes of the earlier works
as stated, as far as the time goes. Figures, outputs and checkpoints go to a folder.

It takes torch, numpy, pillow, safetensors, filelock and tqdm, and CIFAR_DATA: nothing is downloaded. Without
pytest and pytest-timeout the tests are left out.

python -m tests.tools.on_accelerator OUT --scripts airbench94_muon.py cifar10_speedrun.py
"""

import argparse
import importlib.util
import json
import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from cifar_core.bench.mixing import Layer
from cifar_core.config import TrainConfig
from cifar_core.data.sources import load_data
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
    "compiled": {"dynamic": False},
    "CUDA graph": {"dynamic": False, "mode": "reduce-overhead"},
}
ROUNDS = 20


def mixing(device: Device, batch: int = 500) -> Iterator[dict[str, Any]]:
    """Milliseconds of each form of each layer, and how far result and gradients lie from the loop's.

    Errors are shares of the norm, the largest of all.
    """
    for layer in LAYERS:
        tensors = layer.tensors(batch, device.torch_device)
        exact = mixing_step("loop", layer, tensors, replace(device, precision="fp32"))
        for name in FORMS:
            step = partial(mixing_step, name, layer, tensors, device)
            with kept({"layer": str(layer), "form": name}) as row:
                pairs = zip(step(), exact, strict=True)
                row["error"] = max(float((own - one).norm() / one.norm()) for own, one in pairs)
                row["ms"] = milliseconds(step, device)
            yield row


def mixing_step(name: str, layer: Layer, tensors: list[Tensor], device: Device) -> list[Tensor]:
    """A form's result, and its gradients of x, weights, biases and coefficients."""
    with device.autocast():
        result = FORMS[name](*tensors, layer.stride, layer.padding)
    # all of one sign: a sum of it that cancels out would make rounding look large
    upstream = torch.linspace(0, 1, result.numel(), device=result.device).view(result.shape)
    gradients = torch.autograd.grad(result, tensors, upstream.to(result.dtype))
    return [one.detach().float() for one in (result, *gradients)]


def steps(config: TrainConfig, device: Device) -> Iterator[dict[str, Any]]:
    """Milliseconds of a training step at each of the recipe's sizes, in each of WAYS."""
    for way, options in WAYS.items():
        one = Steps(config, device)
        for _, size in phases_of(config):
            with kept({"way": way, "size": size}) as row:
                if options is not None:
                    one.trainer.model.compile(**options)
                row["ms"] = milliseconds(partial(one.step, size), device)
            yield row


@contextmanager
def kept(row: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A row of figures, with what went wrong where something did: the other rows are worth having."""
    try:
        yield row
    except Exception as error:  # whatever a new device says
        row["trouble"] = f"{type(error).__name__}: {error}"


def milliseconds(call: Callable[[], object], device: Device) -> float:
    """The median of ROUNDS calls, after three that may compile."""
    times = [timed(call, device.synchronize) for _ in range(3 + ROUNDS)]
    return 1000 * statistics.median(times[3:])


def commands(scripts: list[Path], out: Path) -> Iterator[tuple[str, list[str]]]:
    """Name and arguments of what runs in a process of its own, after speed94."""
    for script in scripts:
        yield script.stem, ["tests.tools.record_holder", str(script), "--whole"]
    for name in list_works():
        yield name, training(name, out)


def training(recipe: str, out: Path) -> list[str]:
    """The command that trains a recipe into the folder."""
    return ["cifar_core", "train", "--recipe", recipe, "--now", "--runs-dir", str(out / "runs")]


def call(arguments: list[str], output: Path, seconds: float) -> int | str:
    """Run a module, its words to a file: its exit code, or why it has none."""
    command = [sys.executable, "-m", *arguments]
    with (
        output.open("w") as file,
        subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT, start_new_session=True) as process,
    ):
        try:
            return process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)  # and what it has started
            return "the time was up"


def main(out: Path, scripts: list[Path], seconds: float) -> None:
    """Measure one after another; figures.json is written anew after each row, so that nothing is lost."""
    end = time.monotonic() + seconds
    load_data(download=False)  # says what is missing before time is spent
    device = find_device("auto")
    out.mkdir(parents=True, exist_ok=True)
    figures: dict[str, Any] = {"device": device.name, "precision": device.precision, **versions()}

    def left() -> float:
        return end - time.monotonic()

    def keep(name: str, found: object) -> None:
        figures[name] = found
        (out / "figures.json").write_text(json.dumps(figures, indent=1))
        print(f"{name}: {left():.0f} s left", flush=True)

    def keep_rows(name: str, rows: Iterator[dict[str, Any]], until: float) -> None:
        found: list[dict[str, Any]] = []
        for row in rows:
            keep(name, [*found, row])
            found.append(row)
            if left() < until:
                break

    if all(map(importlib.util.find_spec, ("pytest", "pytest_timeout"))):
        arguments = ["pytest", "-q", "-o", "addopts=", "-m", "not slow", *TESTS]
        keep("tests", call(arguments, out / "tests.txt", seconds / 5))
    keep_rows("mixing", mixing(device), seconds / 2)
    keep("speed94", call(training("speed94", out), out / "speed94.txt", left()))
    keep_rows("steps", steps(get_recipe("speed94").config, device), seconds / 4)
    for name, arguments in commands(scripts, out):
        if left() > 10:
            keep(name, call(arguments, out / f"{name}.txt", left()))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("out", type=Path)
    parser.add_argument("--scripts", type=Path, nargs="*", default=[])
    parser.add_argument("--seconds", type=float, default=570.0)
    options = parser.parse_args()
    main(options.out, options.scripts, options.seconds)
