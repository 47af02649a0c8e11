"""A record holder's script is adapted to a CPU, takes its steps in turn with ours, and runs to its end."""

import subprocess
from argparse import Namespace

import pytest
import torch

from tests.tools.record_holder import adapted, compare, start, two

SCRIPT = """
import sys
with open(sys.argv[0]) as f:
    code = f.read()
import torch
from torch import nn
import torch.nn.functional as F

@torch.compile(fullgraph=True)
def double(x):
    return 2 * x

class CifarNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(3, 2)
        self.half()

    def forward(self, x):
        return self.head(double(x))

def main(run, model):
    print("a table of theirs")
    data = torch.load("cifar10/train.pt", map_location=torch.device("cuda"))
    images = data["images"].cuda().half()
    begin = torch.cuda.Event(enable_timing=True)
    begin.record()
    for _ in range(9):
        F.cross_entropy(model(images), data["labels"]).backward()
    torch.cuda.synchronize()
    assert begin.elapsed_time(begin) == 0
    return 0.9401

if __name__ == "__main__":
    raise AssertionError("200 trainings")
"""


@pytest.fixture
def options(tmp_path):
    script = tmp_path / "record.py"
    script.write_text(SCRIPT)
    (tmp_path / "cifar10").mkdir()
    torch.save({"images": torch.ones(6, 3), "labels": torch.zeros(6).long()}, tmp_path / "cifar10/train.pt")
    choices = {"precision": "bf16", "allocator": True, "recipe": "smoke", "epochs": 2, "rounds": 2}
    return Namespace(script=script, whole=False, **choices)


def test_half_precision_becomes_what_a_cpu_has():
    line = 'x.half().pin_memory().to("cuda", torch.half)'
    assert adapted(line, "cpu", "bf16") == 'x.to(torch.bfloat16).to("cpu", torch.bfloat16)'
    assert adapted(line, "cuda", "bf16") == line
    assert adapted("x.to('cuda:0')", "cpu", "fp32") == 'x.to("cpu")'


@pytest.mark.slow
@pytest.mark.skipif(torch.cuda.is_available(), reason="the script compiles its network there")
def test_its_steps_are_timed_in_turn_with_ours(options, capsys):
    with start(options, str(options.script.parent), subprocess.PIPE) as process:
        compare(options, process)
        process.kill()
    told = capsys.readouterr().out
    assert "s a step of 6, n = 2" in told and "ours at 32 pixels" in told and "ours over theirs" in told


@pytest.mark.slow
@pytest.mark.skipif(torch.cuda.is_available(), reason="the script compiles its network there")
def test_it_runs_to_its_end_and_tells_its_accuracy(options):
    options.whole = True
    with start(options, str(options.script.parent), subprocess.PIPE) as process:
        output, _ = process.communicate()
    assert two(output)[0] == 0.9401
