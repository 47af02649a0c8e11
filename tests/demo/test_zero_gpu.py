"""The page of a ZeroGPU Space: small batches stay on the processor, a batch of the page is one loan."""

import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from cifar_core.inference.classifier import Classifier
from demo.classify.answers import MOST_PICTURES, Answers
from demo.classify.api import Endpoints
from demo.classify.page import batch_view
from tests.support.hostile_uploads import quarters, saved
from tests.support.toy_checkpoints import save_toy


@pytest.fixture
def loans() -> list[int]:
    """The number of pictures in each loan."""
    return []


@pytest.fixture
def zero_gpu(loans: list[int], monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module, loaded beside a `spaces` that lends what this machine has."""

    def lend(duration: int) -> Callable[[Any], Any]:
        def lent(look: Callable[..., Any]) -> Callable[..., Any]:
            return lambda *given: loans.append(len(given[2])) or look(*given)

        return lent

    monkeypatch.setitem(sys.modules, "spaces", SimpleNamespace(GPU=lend))
    monkeypatch.setenv("CIFAR_LAB_DEVICE", "cpu")  # which the module sets, for good
    monkeypatch.delitem(sys.modules, "demo.zero_gpu", raising=False)
    return importlib.import_module("demo.zero_gpu")


@pytest.fixture
def checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    return str(save_toy(tmp_path / "toy.v1"))


def test_only_large_batches_borrow_and_answers_are_the_same(
    zero_gpu: ModuleType, loans: list[int], checkpoint: str
) -> None:
    borrowing, plain = zero_gpu.BorrowingClassifier.load(checkpoint), Classifier.load(checkpoint)
    pixels = torch.randint(0, 256, (40, 3, 32, 32), dtype=torch.uint8)
    for count in (1, 15, 16, 40):
        look, expected = borrowing.look(pixels[:count]), plain.look(pixels[:count])
        torch.testing.assert_close(look.logits, expected.logits, atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(look.blocks, expected.blocks, atol=1e-4, rtol=1e-4)
        assert len(look.mixing) == len(expected.mixing) > 0 and look.logits.device.type == "cpu"
    assert loans == [16, 40] and borrowing.device.type == "cpu"


def test_a_batch_of_the_page_is_one_loan(
    zero_gpu: ModuleType, loans: list[int], checkpoint: str, tmp_path: Path
) -> None:
    answers, plain = Answers(checkpoint, kind=zero_gpu.BorrowingClassifier), Answers(checkpoint)
    uploads = []
    for number in range(MOST_PICTURES):
        picture = quarters().resize((96, 64) if number < 10 else (48, 32)).rotate(number)
        data = saved(picture, "PNG") if number != 5 else b"damaged"
        (tmp_path / f"{number}.png").write_bytes(data)
        uploads.append({"path": str(tmp_path / f"{number}.png"), "orig_name": f"{number}.png"})
    loans.clear()
    responses = Endpoints(answers).classify_batch(uploads)
    assert loans == [23 + 9], "24 pictures, one of which cannot be read, nine large ones with two crops"
    assert ["error" in one for one in responses] == [number == 5 for number in range(MOST_PICTURES)]
    for upload, response in zip(uploads, responses, strict=True):
        alone = Endpoints(plain).classify(upload)
        assert response.keys() == alone.keys() and response["picture"] == alone["picture"]
        top, expected = response.get("top", []), alone.get("top", [])
        assert [one["label"] for one in top] == [one["label"] for one in expected]
        probabilities = [[one["probability"] for one in answer] for answer in (top, expected)]
        np.testing.assert_allclose(*probabilities, atol=1e-5)
    assert batch_view(answers, uploads, None).count("<tr") == 1 + MOST_PICTURES and loans == [32, 32]
