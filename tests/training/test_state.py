"""What is saved between two processes comes back to the last bit, or is refused."""

import json
import math
import os

import pytest
import torch
from torch import Tensor

from cifar_core import checkpoint
from cifar_core.checkpoint import CheckpointError
from cifar_core.training.state import SKELETON, TENSORS, load_state, save_state


def bits(value):
    """The structure with each tensor as its type, shape and bytes, so that NaN equals NaN and -0 is not 0."""
    if isinstance(value, Tensor):
        flat = value.detach().contiguous().flatten()
        return (
            str(value.dtype),
            tuple(value.shape),
            bytes(flat.view(torch.uint8).numpy()) if len(flat) else b"",
        )
    if isinstance(value, dict):
        return {key: bits(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [bits(item) for item in value]
    return value


def same(state, folder):
    save_state(folder, state)
    assert bits(load_state(folder)) == bits(state)


def test_values_of_every_kind_come_back(tmp_path):
    values = [None, True, False, 0, -(2**70), 0.1, -0.0, 5e-324, 1.7976931348623157e308, "", "é\n\0", [], {}]
    state = {"values": values, "nested": {"a": {"b": [{"c": (1, 2)}]}}, "tensor": {"tensor": "word"}}
    same(state, tmp_path)
    assert math.copysign(1, load_state(tmp_path)["values"][6]) == -1


def test_keys_stay_words_or_numbers(tmp_path):
    same({"state": {0: {"step": torch.ones(())}, 1: {}, "0": "word"}}, tmp_path)


@pytest.mark.parametrize(
    "dtype",
    [torch.float32, torch.float64, torch.bfloat16, torch.float16, torch.int64, torch.uint8, torch.bool],
)
def test_tensors_of_every_type_come_back(tmp_path, dtype):
    torch.manual_seed(0)
    numbers = (torch.randn(3, 4) * 100).to(dtype)
    same({"some": numbers, "one": numbers[0, 0], "none": numbers[:0], "turned": numbers.t()}, tmp_path)


def test_unusual_numbers_come_back(tmp_path):
    same({"x": torch.tensor([math.nan, math.inf, -math.inf, -0.0, 1e-45])}, tmp_path)


def test_tensors_that_share_memory_come_back_apart(tmp_path):
    shared = torch.zeros(4)
    save_state(tmp_path, {"whole": shared, "part": shared[:2], "again": shared})
    loaded = load_state(tmp_path)
    loaded["whole"].fill_(1)
    assert loaded["part"].tolist() == [0, 0] and loaded["again"].tolist() == [0] * 4


def test_keys_with_dots_are_not_mixed_up(tmp_path):
    state = {"a": {"b.c": torch.tensor(1)}, "a.b": {"c": torch.tensor(2)}, "a.b.c": torch.tensor(3)}
    same(state, tmp_path)


def test_the_state_is_that_of_the_moment(tmp_path):
    weight = torch.nn.Parameter(torch.ones(2))
    save_state(tmp_path, {"weight": weight})
    with torch.no_grad():
        weight.zero_()
    assert (
        load_state(tmp_path)["weight"].tolist() == [1, 1] and not load_state(tmp_path)["weight"].requires_grad
    )


def test_saving_over_an_older_state_leaves_nothing_of_it(tmp_path):
    save_state(tmp_path, {"old": torch.ones(100), "both": 1})
    same({"both": torch.zeros(1)}, tmp_path)


def optimizers(model):
    yield torch.optim.SGD(model.parameters(), 0.1, momentum=0.9, nesterov=True)
    yield torch.optim.AdamW(model.parameters(), 0.1, betas=(0.8, 0.99))
    yield torch.optim.RMSprop(model.parameters(), 0.1, momentum=0.5, centered=True)


def test_states_of_optimizers_go_on_equally(tmp_path):
    torch.manual_seed(0)
    model = torch.nn.Linear(3, 2)
    for optimizer in optimizers(model):
        model(torch.rand(4, 3)).sum().backward()
        optimizer.step()
        save_state(tmp_path, {"optimizer": optimizer.state_dict(), "model": model.state_dict()})
        twin_model = torch.nn.Linear(3, 2)
        twin = next(two for two in optimizers(twin_model) if type(two) is type(optimizer))
        saved = load_state(tmp_path)
        twin_model.load_state_dict(saved["model"])
        twin.load_state_dict(saved["optimizer"])
        for one, other in ((model, optimizer), (twin_model, twin)):
            one.weight.grad, one.bias.grad = torch.full((2, 3), 0.3), torch.full((2,), -0.7)
            other.step()
        assert bits(model.state_dict()) == bits(twin_model.state_dict())


# Damage


@pytest.fixture
def saved(tmp_path):
    save_state(tmp_path, {"weights": {"a": torch.rand(100)}, "step": 5})
    return tmp_path


@pytest.mark.parametrize("name", [TENSORS, SKELETON])
def test_a_missing_file_is_named(saved, name):
    (saved / name).unlink()
    with pytest.raises(CheckpointError, match=name):
        load_state(saved)


@pytest.mark.parametrize("name", [TENSORS, SKELETON])
@pytest.mark.parametrize("share", [0.0, 0.5, 0.99])
def test_a_truncated_file_is_refused(saved, name, share):
    content = (saved / name).read_bytes()
    (saved / name).write_bytes(content[: int(len(content) * share)])
    with pytest.raises(CheckpointError):
        load_state(saved)


SKELETONS = ["[]", "5", "null", '{"tensor": "gone"}', '{"tensor": ["a"]}', '{"items": 5}', '{"items": [5]}',
             '{"items": [[1, 2, 3]]}', '{"items": [[{}, 1]]}', '{"other": 1}', "[" * 100_000]  # fmt: skip


@pytest.mark.parametrize("skeleton", SKELETONS, ids=lambda text: text[:20])
def test_a_skeleton_that_makes_no_sense_is_refused(saved, skeleton):
    (saved / SKELETON).write_text(skeleton)
    with pytest.raises(CheckpointError, match=r"The saved state in .* is damaged"):
        load_state(saved)


def test_a_state_that_json_cannot_hold_is_an_error(tmp_path):
    for value in (math.nan, math.inf, object(), {1, 2}):
        with pytest.raises((ValueError, TypeError)):
            save_state(tmp_path, {"value": value})


def test_a_full_disk_is_said(tmp_path, monkeypatch):
    def half(tensors, path):
        original(tensors, path)
        os.truncate(path, os.path.getsize(path) // 2)

    original = checkpoint.save_file
    monkeypatch.setattr(checkpoint, "save_file", half)
    with pytest.raises(CheckpointError):
        save_state(tmp_path, {"a": torch.ones(5)})


def test_nothing_is_pickled(saved):
    """The two files are plain: safetensors with a JSON header, and JSON."""
    json.loads((saved / SKELETON).read_text())
    content = (saved / TENSORS).read_bytes()
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    assert {entry["dtype"] for entry in header.values()} == {"F32"}
    assert sorted(path.name for path in saved.iterdir()) == sorted([TENSORS, SKELETON])
