"""Some hundred damaged files of every format; `python -m tests.tools.fuzz_images` sends 20,000 of each."""

import subprocess
import sys

import pytest

from cifar_core.images.decode import FORMATS, decode
from tests.support.picture_mutations import (
    join_boxes,
    join_png,
    join_webp,
    mutant,
    split_boxes,
    split_jpeg,
    split_png,
    split_webp,
)
from tests.support.picture_seeds import SEEDS
from tests.tools import fuzz_images
from tests.tools.fuzz_images import fuzz, is_good

YOUNG = sorted({"AVIF", "HEIC"} & {*FORMATS})
pytestmark = pytest.mark.slow


@pytest.mark.parametrize("kind", FORMATS)
def test_damaged_files_give_a_picture_or_a_sentence(kind: str) -> None:
    result = fuzz(kind, seed=1, count=300)
    assert is_good(result), result
    assert min(float(result["pictures"]), float(result["refused"])) > 10, "damage of no use"


@pytest.mark.parametrize("kind", FORMATS)
def test_the_seeds_are_whole_and_the_damage_repeats_itself(kind: str) -> None:
    assert all(min(decode(data).image.size) > 1 for data in SEEDS[kind])
    files = [mutant(kind, 5, index) for index in range(50)]
    assert files == [mutant(kind, 5, index) for index in range(50)]
    assert len(set(files)) > 40


def test_parts_join_to_the_same_file() -> None:
    assert all(join_png(split_png(data)) == data for data in SEEDS["PNG"])
    assert all(join_webp(split_webp(data)) == data for data in SEEDS["WEBP"])
    assert all(b"".join(split_jpeg(data)) == data for data in SEEDS["JPEG"])
    assert all(join_boxes(split_boxes(data)) == data for kind in YOUNG for data in SEEDS[kind])


def test_what_it_must_find_it_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fuzz_images, "decode", lambda data: 1 / 0)
    with pytest.raises(AssertionError, match="index 0: ZeroDivisionError"):
        fuzz("PNG", seed=0, count=1)
    assert not is_good({"slowest_ms": 2100, "growth_mb": 0.0})
    assert not is_good({"slowest_ms": 9, "growth_mb": 40.0})


def test_a_crash_of_the_process_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    def die(command: list[str], **_: object) -> "subprocess.CompletedProcess[str]":
        return subprocess.CompletedProcess(command, -11, stdout="")

    monkeypatch.setattr(fuzz_images.subprocess, "run", die)
    monkeypatch.setattr(sys, "argv", ["fuzz_images", "--format", "PNG", "GIF"])
    assert fuzz_images.main() == 1
