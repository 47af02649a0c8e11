"""A record holder's training script beside a recipe of ours, on this machine.

The script is one that defines `CifarNet` and `main(run, model)`, as airbench94_muon.py and hiverge's
cifar10_speedrun.py do. It runs as it is on a GPU; on a CPU with its own 16-bit numbers as bfloat16 or float32
and without compiling. Its steps and ours are timed in turn; with --whole it trains once, to its end.

python -m tests.tools.record_holder airbench94_muon.py --epochs 8 --recipe speed94 --rounds 7
"""

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import IO, Any

import torch
from torch import nn

from cifar_core.data.sources import load_data
from cifar_core.device import find_device, keep_freed_memory
from cifar_core.estimate.speed import images_an_epoch, phases_of
from cifar_core.estimate.steps import Steps
from cifar_core.recipes import get_recipe

WARM_UP = 3  # calls of each that are not counted: the first ones may compile
IMAGES = 50_000  # in an epoch of theirs, of which the rest of a batch is left out
Turn = Callable[[int], None]


def adapted(source: str, device: str, precision: str) -> str:
    """The script's text for a device: on a CPU its half precision becomes `precision`, bf16 or fp32."""
    if device == "cuda":
        return source
    kind = {"bf16": "torch.bfloat16", "fp32": "torch.float32"}[precision]
    source = re.sub(r"\.half\(\)", f".to({kind})", source).replace("torch.half", kind)
    source = re.sub(r"([\"'])cuda(:0)?\1", '"cpu"', source)
    return source.replace(".cuda()", "").replace(".pin_memory()", "")


class Clock:
    """Stands in for torch.cuda.Event where there is no GPU."""

    def __init__(self, enable_timing: bool = False) -> None:
        self.at = 0.0

    def record(self) -> None:
        """Keep the time."""
        self.at = time.perf_counter()

    def elapsed_time(self, other: "Clock") -> float:
        """Milliseconds from this to the other."""
        return 1000 * (other.at - self.at)


def without_gpu() -> None:
    """What the scripts ask of CUDA and of the compiler, as a CPU can answer it."""
    torch.cuda.Event = Clock  # type: ignore[assignment, misc]
    for name in ("synchronize", "empty_cache", "_sleep"):
        setattr(torch.cuda, name, lambda *_: None)
    torch.compile = lambda model=None, **_: model or (lambda function: function)  # type: ignore[assignment]
    nn.Module.compile = lambda *_, **__: None  # type: ignore[method-assign, assignment]


def run(path: Path, precision: str, turn: Turn | None) -> float:
    """The script's accuracy after one training; `turn` is called with each step's batch, before its loss."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cpu":
        without_gpu()
    if turn:
        inner = nn.functional.cross_entropy

        def cross_entropy(outputs: torch.Tensor, *arguments: Any, **named: Any) -> torch.Tensor:
            turn(len(outputs))
            return inner(outputs, *arguments, **named)

        nn.functional.cross_entropy = cross_entropy  # type: ignore[assignment]
    sys.argv = [str(path)]  # which it reads
    script = SimpleNamespace(__name__="record")
    exec(compile(adapted(path.read_text(), device, precision), str(path), "exec"), script.__dict__)
    model = script.CifarNet().to(device).to(memory_format=torch.channels_last)
    model.compile(mode="max-autotune")
    return float(script.main(0, model))


def write_data(folder: Path) -> None:
    """CIFAR-10 as their loaders keep it."""
    folder.mkdir()
    data = load_data()
    for name, split in (("train", data.train), ("test", data.test)):
        images = torch.tensor(split.images).permute(0, 2, 3, 1).contiguous()
        content = {"images": images, "labels": torch.tensor(split.targets), "classes": list(data.class_names)}
        torch.save(content, folder / f"{name}.pt")


def child(path: Path, precision: str, allocator: bool, gated: bool) -> None:
    """Run the script; gated, take a step for each line that comes in, and tell batch and seconds of it."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what the script prints goes elsewhere
    if allocator:
        keep_freed_memory()
    began = 0.0

    def turn(batch: int) -> None:
        nonlocal began
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        print(batch, time.perf_counter() - began, file=answers)
        if not sys.stdin.readline():
            sys.exit()
        began = time.perf_counter()

    began = time.perf_counter()
    accuracy = run(path, precision, turn if gated else None)
    print(f"{accuracy:.4f}", time.perf_counter() - began, file=answers)


def two(line: str) -> tuple[float, float]:
    """The two numbers of a child's line."""
    if not line:
        raise SystemExit("The script ended before its time; what it said stands above.")
    first, second = line.split()
    return float(first), float(second)


def compare(options: argparse.Namespace, theirs: subprocess.Popen[str]) -> None:
    """Print the steps' times in turn, and what whole trainings take by them."""
    config = get_recipe(options.recipe).config.replace(precision=options.precision or "auto")
    device = find_device(config.precision)
    steps = Steps(config, device)
    sizes = {size: share for share, size in phases_of(config)}
    into, out = theirs.stdin, theirs.stdout
    assert into and out
    batch, _ = two(out.readline())  # its first step stands at the door

    def their_step() -> float:
        print(file=into, flush=True)
        return two(out.readline())[1]

    def our_step(size: int) -> float:
        began = time.perf_counter()
        steps.step(size)
        device.synchronize()
        return time.perf_counter() - began

    calls: dict[str, Callable[[], float]] = {"theirs": their_step}
    calls |= {_ours(size): partial(our_step, size) for size in sizes}
    for call in (*calls.values(),) * WARM_UP:
        call()
    rounds = [{name: call() for name, call in calls.items()} for _ in range(options.rounds)]
    for name in calls:
        images = batch if name == "theirs" else steps.batch
        show(name, [one[name] for one in rounds], f"s a step of {images:.0f}")
    their_steps = options.epochs * (IMAGES // int(batch))
    our_steps = {
        size: share * images_an_epoch(config) * config.epochs / steps.batch for size, share in sizes.items()
    }
    whole(rounds, their_steps, our_steps)


def whole(rounds: list[dict[str, float]], their_steps: float, our_steps: dict[int, float]) -> None:
    """Print what whole trainings take by their steps."""
    theirs = [their_steps * one["theirs"] for one in rounds]
    ours = [sum(steps * one[_ours(size)] for size, steps in our_steps.items()) for one in rounds]
    show("their training", theirs, "s")
    show("our training", ours, "s")
    show("ours over theirs", [own / other for own, other in zip(ours, theirs, strict=True)], "")


def _ours(size: int) -> str:
    return f"ours at {size} pixels"


def show(name: str, values: list[float], unit: str) -> None:
    """Mean ± standard deviation."""
    spread = f" ± {statistics.stdev(values):.3f}" if len(values) > 1 else ""
    print(
        f"{name}: {statistics.mean(values):.3f}{spread} {unit}".rstrip() + f", n = {len(values)}", flush=True
    )


def start(options: argparse.Namespace, folder: str, out: int | IO[str]) -> "subprocess.Popen[str]":
    """The script in a process of its own, beside the data."""
    root = Path(__file__).parents[2]
    command = [sys.executable, "-m", "tests.tools.record_holder", str(options.script.resolve()), "--child"]
    command += ["--precision", options.precision or find_device("auto").precision]
    command += ["--allocator"] * options.allocator + ["--whole"] * options.whole
    environment = {**os.environ, "PYTHONPATH": str(root)}
    return subprocess.Popen(
        command, cwd=folder, env=environment, text=True, stdin=subprocess.PIPE, stdout=out, bufsize=1
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("script", type=Path)
    parser.add_argument("--epochs", type=float, default=8.0, help="that it trains for (default: 8)")
    parser.add_argument("--recipe", default="speed94")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--precision", choices=["bf16", "fp32"], default="", help="of both, on a CPU")
    parser.add_argument("--allocator", action="store_true", help="give it our setting of glibc's allocator")
    parser.add_argument("--whole", action="store_true", help="run it once, to its end, and nothing of ours")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(options.script, options.precision, options.allocator, not options.whole)
    else:
        keep_freed_memory()
        with tempfile.TemporaryDirectory() as folder:
            write_data(Path(folder, "cifar10"))
            with start(options, folder, subprocess.PIPE) as process:
                if options.whole:
                    output, _ = process.communicate()
                    accuracy, seconds = two(output)
                    print(f"accuracy {100 * accuracy:.2f} %, {seconds:.0f} s with all it does, compiling too")
                else:
                    compare(options, process)
                    process.kill()
