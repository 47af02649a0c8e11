"""A run's best weights as ONNX: a process makes the file, the page then offers it."""

import hashlib
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from cifar_core.data.cache import default_cache_dir
from cifar_core.files import PROJECT_ROOT
from cifar_core.runs.store import Run
from demo.widgets.panels import plain

LOOK_SECONDS = 1.0
BEING_MADE = "Being exported and checked; about half a minute."
HELP = "A file for other programs: pixels in, logits and mixing coefficients out, any number of images."


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
        lines = self.log.read_text(errors="replace").split("\n") if self.log.exists() else []
        last = next((line for line in reversed(lines) if line.strip()), "The export failed.")
        return last.removeprefix("error: ")


_exports: dict[Path, Export] = {}  # by the file that is made, for all tabs of this server


def export_path(run: Run) -> Path:
    """Where the file of these very weights lies, in the cache; other weights have another place."""
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
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
    return Export(process, log)


def show_export(run: Run) -> None:
    """A button that makes the file, what becomes of it, and at last the file."""
    path = export_path(run)
    if path.exists():
        st.download_button(
            "ONNX",
            path.read_bytes,
            f"{run.id}.onnx",
            "application/octet-stream",
            key=f"onnx:{run.id}",
            on_click="ignore",
            icon=":material/download:",
            help=HELP,
        )
        return
    export = _exports.get(path)
    if export is not None and export.process.poll() is None:
        st.fragment(_wait, run_every=LOOK_SECONDS)(path)
        return
    st.button("Export to ONNX", on_click=_start, args=(run, path), help=HELP)
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
        st.session_state["runs_trouble"] = [f"The export cannot start: {error.strerror}."]
