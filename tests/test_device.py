"""A device is taken only when it works, and a number format only when it pays."""

import platform

import pytest
import torch

from cifar_core import device as device_module
from cifar_core.device import (
    BF16_ERROR,
    BF16_GAIN,
    Device,
    bf16_pays,
    describe,
    find_device,
    gpu_load,
    keep_freed_memory,
    versions,
    works,
)
from cifar_core.runs.status import Resources

CPU = torch.device("cpu")


@pytest.fixture
def visible_gpu(monkeypatch):
    """An accelerator that is there, be it of use or not."""
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: True)
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda: torch.device("cuda"))


def test_the_cpu_works():
    assert works(CPU)


def test_a_gpu_that_cannot_compute_is_left_with_one_line(visible_gpu, monkeypatch, capsys):
    def fail(*_args, **_options):
        raise RuntimeError("no kernel image is available for execution on the device\nsecond line")

    monkeypatch.setattr(device_module, "_convolve", fail)
    found = find_device("fp32")
    assert found.torch_device == CPU
    said = capsys.readouterr().err
    assert "cuda device does not work here (no kernel image is available" in said
    assert said.count("\n") == 1


def test_a_gpu_that_computes_is_taken(visible_gpu, monkeypatch):
    monkeypatch.setattr(device_module, "_convolve", lambda *_args, **_options: (1.0, []))
    monkeypatch.setattr(device_module, "describe", lambda device: f"a {device.type}")
    found = find_device("bf16")
    assert (found.torch_device.type, found.precision, found.name) == ("cuda", "bf16", "a cuda")


def test_the_cpu_can_be_asked_for_beside_a_gpu(visible_gpu):
    assert find_device("fp32", only_cpu=True).torch_device == CPU


@pytest.fixture
def probe(monkeypatch):
    """A device whose bf16 is `gain` times as quick as fp32; `spoil` changes what it computes."""
    exact = [torch.randn(6, generator=torch.Generator().manual_seed(number)) for number in range(3)]

    def make(gain, spoil=lambda part, values: values):
        found = {
            torch.float32: (gain, exact),
            torch.bfloat16: (1.0, [spoil(part, values) for part, values in enumerate(exact)]),
        }
        monkeypatch.setattr(device_module, "_convolve", lambda _device, dtype: found[dtype])

    return make


@pytest.mark.parametrize(("gain", "taken"), [(BF16_GAIN * 1.01, "bf16"), (BF16_GAIN * 0.99, "fp32")])
def test_bf16_is_taken_where_it_is_quicker_by_the_stated_factor(probe, gain, taken):
    probe(gain, lambda part, values: values.bfloat16().float())
    assert find_device("auto", only_cpu=True).precision == taken


WRONG = {
    "another sign": lambda values: -values,
    "nothing": torch.zeros_like,
    "an order of its own": lambda values: values.flip(0),
    "too large by a tenth": lambda values: 1.1 * values,
    "not a number": lambda values: values * float("nan"),
    "one infinity": lambda values: torch.cat([values[1:], torch.tensor([float("inf")])]),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG.keys())
@pytest.mark.parametrize("part", range(3), ids=["output", "weight gradient", "input gradient"])
def test_bf16_that_is_quick_and_wrong_is_not_taken(probe, wrong, part):
    probe(10.0, lambda number, values: wrong(values) if number == part else values)
    assert find_device("auto", only_cpu=True).precision == "fp32"


def test_bf16_is_not_taken_where_it_does_not_run(monkeypatch):
    def convolve(_device, dtype):
        if dtype == torch.bfloat16:
            raise NotImplementedError("no bf16 here")
        return 1.0, []

    monkeypatch.setattr(device_module, "_convolve", convolve)
    assert not bf16_pays(CPU)


def test_the_measurement_itself_runs_here():
    assert bf16_pays(CPU) in (True, False)
    (seconds, exact), (_, rounded) = (
        device_module._convolve(CPU, dtype, channels=4, repeats=1)
        for dtype in (torch.float32, torch.bfloat16)
    )
    assert seconds > 0
    for one, other in zip(rounded, exact, strict=True):
        assert 0 < device_module._differ(one, other) < BF16_ERROR / 2


@pytest.mark.parametrize(("precision", "dtype"), [("fp32", torch.float32), ("bf16", torch.bfloat16)])
def test_convolutions_count_in_the_devices_precision(precision, dtype):
    device = Device(CPU, precision, "a CPU")
    convolution = torch.nn.Conv2d(3, 4, 3)
    with device.autocast():
        assert convolution(torch.zeros(1, 3, 8, 8)).dtype == dtype
    assert convolution(torch.zeros(1, 3, 8, 8)).dtype == torch.float32


def test_a_named_precision_is_not_measured(monkeypatch):
    def measured(_device):
        raise AssertionError("measured")

    monkeypatch.setattr(device_module, "bf16_pays", measured)
    assert find_device("fp32", only_cpu=True).precision == "fp32"


def test_the_cpus_words_count_its_threads(monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: 3)
    assert describe(CPU).endswith(", 3 threads")
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
    assert describe(CPU).endswith(", 1 thread")
    assert len(describe(CPU)) > len(", 1 thread")


def test_freed_memory_is_kept_where_glibc_can(monkeypatch):
    assert keep_freed_memory() == (platform.libc_ver()[0] == "glibc")

    def no_library(_name):
        raise OSError("libc.so.6: cannot open shared object file")

    monkeypatch.setattr(device_module.ctypes, "CDLL", no_library)
    assert keep_freed_memory() is False


def test_versions_are_those_in_use():
    assert versions()["torch"] == torch.__version__
    assert set(versions()) == {"python", "torch", "numpy"}


def test_the_load_of_a_gpu_is_told_with_the_names_of_a_load(monkeypatch):
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (60e9, 80e9))
    monkeypatch.setattr(torch.cuda, "utilization", lambda device: 45)
    figures = gpu_load(torch.device("cuda"))
    assert figures == {"gpu_memory_mb": 20_000.0, "gpu_total_mb": 80_000.0, "gpu": 0.45}
    assert Resources(**figures).gpu == 0.45


def test_what_a_gpu_does_not_tell_is_left_out(monkeypatch):
    def refuse(device):
        raise ModuleNotFoundError("pynvml")

    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (60e9, 80e9))
    monkeypatch.setattr(torch.cuda, "utilization", refuse)
    assert "gpu" not in gpu_load(torch.device("cuda"))
    assert gpu_load(CPU) == {}
