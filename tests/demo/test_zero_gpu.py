"""The page of a ZeroGPU Space: small batches stay on the processor, large ones borrow a GPU."""

import os
import subprocess
import sys

import pytest

from cifar_core.files import PROJECT_ROOT

SCRIPT = """
import torch
from demo import zero_gpu
from cifar_core.inference.classifier import Classifier
loans = []
lent = zero_gpu.look_on_gpu
zero_gpu.look_on_gpu = lambda *arguments: loans.append(len(arguments[2])) or lent(*arguments)
classifier = Classifier.load()
pixels = torch.randint(0, 256, (40, 3, 32, 32), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
for count in (1, 15, 16, 40):
    seen, expected = zero_gpu.look(classifier, pixels[:count]), classifier.look(pixels[:count])
    torch.testing.assert_close(seen.logits, expected.logits, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(seen.blocks, expected.blocks, atol=1e-4, rtol=1e-4)
    assert len(seen.mixing) == len(expected.mixing) > 0 and seen.logits.device.type == "cpu"
assert loans == [16, 40], loans
assert classifier.device.type == "cpu"
"""


@pytest.mark.timeout(300)  # torch and gradio are imported anew
def test_only_large_batches_borrow_and_answers_are_the_same():
    """In a process of its own: the module is for a Space's start, before torch."""
    pytest.importorskip("spaces")
    environment = {**os.environ, "SPACES_ZERO_GPU": "", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", SCRIPT]
    ended = subprocess.run(
        command, cwd=PROJECT_ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
