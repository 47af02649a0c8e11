"""Uploads: nothing outside their folder is read, names lose their folders, what is old is swept away."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cifar_core.files import PROJECT_ROOT
from cifar_core.images.decode import ImageError
from demo.classify import uploads as subject
from demo.classify.uploads import name_of, read_upload, sweep, uploads_folder


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the uploads; a secret lies beside it."""
    folder = tmp_path / "uploads"
    folder.mkdir()
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(folder))
    (tmp_path / "secret.png").write_bytes(b"secret")
    (folder / "link.png").symlink_to(tmp_path / "secret.png")
    return folder


@pytest.mark.parametrize(
    "path", ["../secret.png", "link.png", "/etc/passwd", "\0", "", "a" * 5000, None, "gone.png"]
)
def test_only_an_upload_is_read(path: str | None, folder: Path) -> None:
    with pytest.raises(ImageError, match=r"choose (it|the picture) again"):
        read_upload({"path": path and str(folder / path)})


@pytest.mark.parametrize("payload", [None, "text", 5, []])
def test_what_is_no_upload_is_a_sentence(payload: object, folder: Path) -> None:
    with pytest.raises(ImageError, match="upload"):
        read_upload(payload)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("sent", "name"),
    [("../../b.png", "b.png"), ("C:\\x\\c.png", "c.png"), ("", "picture.png"), ("x" * 200, "x" * 120)],
)
def test_a_name_loses_its_folders(sent: str, name: str) -> None:
    assert name_of({"orig_name": sent}) == name
    assert name_of(None) == name_of("text") == "picture.png"  # type: ignore[arg-type]


def written(file: Path) -> Path:
    file.parent.mkdir(exist_ok=True, parents=True)
    file.write_bytes(b"12345")
    return file


def pass_time() -> float:
    """A moment between the files before and those after, whose own clock is coarse."""
    time.sleep(0.05)
    moment = time.time()
    time.sleep(0.05)
    return moment


def test_sweeping_deletes_what_is_old_and_keeps_the_pages_own(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, old = written(folder / "own" / "drawing.png"), written(folder / "sha" / "someone.png")
    broken_off = written(folder / "tmp1234")
    moment = pass_time()
    young = written(folder / "sha2" / "young.png")
    with monkeypatch.context() as patch:
        patch.setattr(subject.time, "time", lambda: moment)
        assert sweep(folder, 0, {str(own)}) == 10
    assert own.exists() and young.exists() and (folder.parent / "secret.png").exists()
    assert not old.exists() and not broken_off.exists() and not (folder / "link.png").is_symlink()
    for _ in range(2):
        pass_time()
        sweep(folder, 0.05, {str(own)})
    assert [path.name for path in folder.iterdir()] == ["own"], "emptied folders go as well"


PAGE = """
import sys
from demo.classify.uploads import uploads_folder
with uploads_folder() as folder:
    (folder / "photo.jpg").write_bytes(b"a visitor's")
    print(folder, flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize("named", [False, True], ids=["the system's", "one that was named"])
def test_the_next_page_deletes_what_a_killed_one_left(
    named: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "named") if named else "")
    environment = os.environ.copy()

    @contextmanager
    def page() -> Iterator[tuple[subprocess.Popen[str], Path]]:
        command = [sys.executable, "-c", PAGE]
        pipe = subprocess.PIPE
        with subprocess.Popen(
            command, env=environment, cwd=PROJECT_ROOT, stdin=pipe, stdout=pipe, text=True
        ) as process:
            assert process.stdout
            yield process, Path(process.stdout.readline().strip()) / "photo.jpg"
            process.kill()

    with page() as (killed, first), page() as (_, second):
        killed.kill()
        killed.wait()
        old = time.time() - 60
        os.utime(first.parent.parent, (old, old))
        assert first.exists() and second.exists()
        with uploads_folder() as folder:
            assert folder.is_dir() and folder.is_relative_to(tmp_path / "named") == named
            assert not first.parent.parent.exists() and second.exists()
        assert not folder.parent.exists() and second.exists()


@pytest.mark.parametrize("named", [None, "", "named"])
def test_what_the_environment_named_is_named_again(
    named: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GRADIO_TEMP_DIR", raising=False)
    if named is not None:
        monkeypatch.setenv("GRADIO_TEMP_DIR", named)
    with uploads_folder() as folder:
        assert os.environ["GRADIO_TEMP_DIR"] == str(folder)
    assert os.environ.get("GRADIO_TEMP_DIR") == named
