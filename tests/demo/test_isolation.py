"""The separate process gives the same pictures and sentences, and being cut off is a sentence too."""

import os
import time
from pathlib import Path

import pytest

from cifar_core.images import ImageError, decode
from demo import isolation
from demo.isolation import decode_isolated
from tests.hostile_uploads import UPLOADS, Upload, quarters, saved

NAMES = ("plain PNG", "16-bit gray PNG", "animated WEBP", "nothing but transparency")
REFUSALS = (
    "an SVG drawing",
    "an empty file",
    "PNG, half of it missing",
    "WebP with a canvas of 40000 × 40000",
)


def named(names: tuple[str, ...]) -> list[Upload]:
    found = [upload for upload in UPLOADS if upload.name in names]
    assert len(found) == len(names)
    return found


@pytest.mark.parametrize("upload", named(NAMES), ids=lambda upload: upload.name)
def test_the_same_picture_and_notes(upload: Upload) -> None:
    here, apart = decode(upload.data), decode_isolated(upload.data)
    assert apart.image.size == here.image.size
    assert apart.image.tobytes() == here.image.tobytes()
    assert apart.notes == here.notes


@pytest.mark.parametrize("upload", named(REFUSALS), ids=lambda upload: upload.name)
def test_the_same_sentence(upload: Upload) -> None:
    with pytest.raises(ImageError) as here:
        decode(upload.data)
    with pytest.raises(ImageError) as apart:
        decode_isolated(upload.data)
    assert str(apart.value) == str(here.value)


def test_it_works_from_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert decode_isolated(saved(quarters(), "PNG")).image.size == (48, 32)


def test_too_slow_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(isolation, "TIME_LIMIT_SECONDS", 0.01)
    start = time.monotonic()
    with pytest.raises(ImageError, match="takes too much time or memory"):
        decode_isolated(saved(quarters(), "PNG"))
    assert time.monotonic() - start < 5


def serve_as(program: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Let decode_isolated start `program` (Python) in the place of the decoder."""
    script = tmp_path / "python"
    script.write_text(f"#!/bin/sh\nexec {isolation.sys.executable} -c '{program}'\n")
    script.chmod(0o755)
    monkeypatch.setattr(isolation.sys, "executable", str(script))


@pytest.mark.parametrize(
    "program",
    [
        "",
        "print(7)",
        'print("{}")',
        'import sys; print("""{"size": [9, 9], "notes": []}""")',
        "raise SystemExit(9)",
    ],
)
def test_a_broken_answer_is_a_sentence(program: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    serve_as(program, monkeypatch, tmp_path)
    with pytest.raises(ImageError, match="takes too much time or memory"):
        decode_isolated(saved(quarters(), "PNG") + bytes(1_000_000))


def test_the_process_is_not_told_the_hosts_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    assert "hf_secret" not in isolation._environment().values()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no resource limits")
def test_memory_is_limited(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = (
        "from demo import isolation; isolation._limit_resources(); import resource, json; "
        'print(json.dumps({"error": str(resource.getrlimit(resource.RLIMIT_AS)[1])}))'
    )
    serve_as(program, monkeypatch, tmp_path)
    with pytest.raises(ImageError, match=str(isolation.MEMORY_LIMIT_BYTES)):
        decode_isolated(b"anything")
