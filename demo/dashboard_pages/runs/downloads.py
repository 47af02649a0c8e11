"""Downloads of a run: best weights, events, all of it, and ONNX, which a process of its own makes."""

import hashlib
import io
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from cifar_core.data.cache import default_cache_dir
from cifar_core.errors import reason_of
from cifar_core.files import PROJECT_ROOT
from cifar_core.runs.archive import write_archive
from cifar_core.runs.launch import SPEAKS
from cifar_core.runs.run import EVENTS, Run
from demo.shared.host import is_public
from demo.widgets.panels import plain

CHECKPOINT_FILES = ("weights.safetensors", "card.json")
LOOK_SECONDS = 1.0
BEING_MADE = "Being exported and checked; this takes about half a minute."
WHOLE_HELP = (
    "Settings, curves, best network, name, log and the twelve pictures of Live as a zip, which this page "
    "brings in again, here or elsewhere; without the states that Resume needs."
)
ONNX_HELP = "A file for other programs: pixels in, logits and mixing coefficients out, any number of images."


def show_downloads(run: Run) -> None:
    """Best weights, events, the whole run and ONNX; each file is made when it is asked for."""
    if has_checkpoint(run):
        tip = "The best weights with their card and the run's settings, as a zip."
        _offer("Checkpoint", lambda: checkpoint_archive(run), f"{run.id}.zip", "application/zip", tip)
    if run.events_size():
        tip = "Everything the run recorded, one JSON object a line."
        _offer("Events", lambda: events_of(run), f"{run.id}.{EVENTS}", "application/x-ndjson", tip)
    if is_public():
        return
    if not run.shipped:
        _offer("Whole run", lambda: whole_run(run), f"{run.id}.run.zip", "application/zip", WHOLE_HELP)
    if has_checkpoint(run):
        show_export(run)


def _offer(label: str, content: Callable[[], bytes], name: str, kind: str, tip: str) -> None:
    icon = ":material/download:"
    st.download_button(label, content, name, kind, key=name, on_click="ignore", icon=icon, help=tip)


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


def whole_run(run: Run) -> bytes:
    """The run's zip, which `bring_in` takes; in memory, as Streamlit keeps it; raises as `write_archive`."""
    buffer = io.BytesIO()
    write_archive(run, buffer)
    return buffer.getvalue()


def events_of(run: Run) -> bytes:
    """events.jsonl as it is now, without a last line that is still being written."""
    path = run.path / EVENTS
    content = path.read_bytes() if path.exists() else b""
    return content[: content.rfind(b"\n") + 1]


@dataclass
class Export:
    """One export under way, or one that failed; what it prints goes to `log`."""

    process: "subprocess.Popen[bytes]"
    log: Path

    @property
    def trouble(self) -> str:
        """The last line that a failed process printed, empty while it runs or when it succeeded."""
        if not self.process.poll():
            return ""
        lines = self.log.read_text("utf-8", errors="replace").split("\n") if self.log.exists() else []
        last = next((line for line in reversed(lines) if line.strip()), "The export failed.")
        return last.removeprefix("error: ")


_exports: dict[Path, Export] = {}  # by the file that is made, for all tabs of this server


def export_path(run: Run) -> Path:
    """The place of these very weights' file in the cache; other weights have another."""
    card = run.best_checkpoint / "card.json"
    stamp = hashlib.sha256(f"{card} {card.stat().st_mtime_ns}".encode()).hexdigest()[:12]
    return default_cache_dir() / "exports" / f"{run.id}-{stamp}.onnx"


def export_command(run: Run, output: Path) -> list[str]:
    """The command line that makes the file."""
    what = ["--checkpoint", str(run.best_checkpoint), "--format", "onnx", "--output", str(output)]
    return [sys.executable, "-m", "cifar_core", "export", *what]


def start_export(run: Run, output: Path) -> Export:
    """Start the process, one thread beside what else runs; raises OSError when it cannot start."""
    output.parent.mkdir(parents=True, exist_ok=True)
    log = output.with_suffix(".log")
    with open(log, "wb") as file:
        process = subprocess.Popen(
            export_command(run, output),
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            cwd=PROJECT_ROOT,
            env={**os.environ, **SPEAKS, "OMP_NUM_THREADS": "1"},
        )
    return Export(process, log)


def show_export(run: Run) -> None:
    """A button that makes the file, what becomes of it, and at last the file."""
    path = export_path(run)
    if path.exists():
        _offer("ONNX", path.read_bytes, f"{run.id}.onnx", "application/octet-stream", ONNX_HELP)
        return
    export = _exports.get(path)
    if export is not None and export.process.poll() is None:
        st.fragment(_wait, run_every=LOOK_SECONDS)(path)
        return
    st.button("Export to ONNX", on_click=_start, args=(run, path), help=ONNX_HELP)
    if export is not None and export.trouble:
        st.error(plain(export.trouble))


def _wait(path: Path) -> None:
    st.caption(BEING_MADE)
    export = _exports.get(path)
    if export is None or export.process.poll() is not None:
        st.rerun()


def _start(run: Run, path: Path) -> None:
    try:
        _exports[path] = start_export(run, path)
    except OSError as error:
        st.session_state["runs_trouble"] = [f"The export cannot start: {reason_of(error)}."]
