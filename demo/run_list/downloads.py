"""What a run gives away: its best weights as one archive, and its events as they were written."""

import io
import zipfile
from pathlib import Path

from cifar_core.runs.store import Run

CHECKPOINT_FILES = ("weights.safetensors", "card.json")


def has_checkpoint(run: Run) -> bool:
    """True where the run has kept weights."""
    return all((run.best_checkpoint / name).exists() for name in CHECKPOINT_FILES)


def checkpoint_archive(run: Run) -> bytes:
    """A zip with a folder that `Classifier.load` reads once unpacked, and the run's settings in it.

    Raises:
        OSError: when a file is gone, as while a better checkpoint takes the place of this one.
    """
    files = [run.best_checkpoint / name for name in CHECKPOINT_FILES]
    buffer = io.BytesIO()
    # stored: weights hardly shrink, and packing them would take seconds
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for path in (*files, run.path / "config.json"):
            archive.writestr(f"{run.id}/{path.name}", path.read_bytes())
    return buffer.getvalue()


def events_of(run: Run) -> bytes:
    """events.jsonl as it is now, without a last line that is still being written."""
    content = _bytes(run.path / "events.jsonl")
    return content[: content.rfind(b"\n") + 1]


def _bytes(path: Path) -> bytes:
    return path.read_bytes() if path.exists() else b""
