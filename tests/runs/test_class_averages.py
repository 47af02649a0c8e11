"""The average mix of a class is that of the epoch whose weights are kept, and absent where it is unknown."""

import dataclasses
import json
from pathlib import Path

import pytest

from cifar_core.checkpoint import load_card, resolve_checkpoint
from cifar_core.runs.events import BlockMixing, Epoch, to_json
from cifar_core.runs.history import EVENTS, average_for, class_averages
from tests.support.toy_checkpoints import CARD

SHARES = [[0.1 * row, 1 - 0.1 * row] for row in range(10)]


def epoch(number: int, per_class: list[list[float]]) -> Epoch:
    block = BlockMixing("B1", [0.5, 0.5], per_class, 0.9)
    return Epoch(number, 10, 1.0, 0.5, 1.0, 0.5, 0.1, 1.0, 0.1, 0.9, [block])


def record(folder: Path, *lines: str) -> Path:
    (folder / EVENTS).write_text("\n".join(lines), encoding="utf-8")
    return folder


def test_the_kept_epoch_is_read(tmp_path: Path) -> None:
    lines = [
        json.dumps(to_json(one)) for one in (epoch(1, SHARES[::-1]), epoch(2, SHARES), epoch(3, SHARES[::-1]))
    ]
    averages = class_averages(record(tmp_path, *lines), CARD.epoch, CARD.class_names)
    assert averages["airplane"] == {"B1": [0.0, 1.0]} and averages["truck"]["B1"] == pytest.approx([0.9, 0.1])


def test_what_is_unknown_is_absent(tmp_path: Path) -> None:
    assert class_averages(tmp_path, CARD.epoch, CARD.class_names) == {}
    torn = json.dumps(to_json(epoch(2, SHARES)))[:-9]
    assert class_averages(record(tmp_path, torn, '{"type": "epoch"}'), CARD.epoch, CARD.class_names) == {}
    other = json.dumps(to_json(epoch(2, SHARES[:2])))
    assert class_averages(record(tmp_path, other), CARD.epoch, CARD.class_names) == {}


def test_an_average_of_other_blocks_is_not_shown() -> None:
    averages = {"cat": {"B1": [0.5, 0.5]}}
    assert average_for(averages, "cat", {"B1": [0.1, 0.9]}) == {"B1": [0.5, 0.5]}
    assert average_for(averages, "cat", {"B1": [0.1, 0.1, 0.8]}) == {}
    assert average_for(averages, "dog", {"B1": [0.1, 0.9]}) == {}


def test_the_shipped_default_has_an_average_for_every_class() -> None:
    folder = resolve_checkpoint()
    averages = class_averages(folder, load_card(folder).epoch, load_card(folder).class_names)
    assert len(averages) == 10
    for blocks in averages.values():
        assert all(sum(shares) == pytest.approx(1, abs=1e-3) for shares in blocks.values())


def test_a_run_that_does_not_mix_gives_empty_averages(tmp_path: Path) -> None:
    plain = json.dumps(to_json(dataclasses.replace(epoch(2, SHARES), mixing=[])))
    assert average_for(class_averages(record(tmp_path, plain), CARD.epoch, CARD.class_names), "cat", {}) == {}
