"""The report of a benchmark: figures with their spread, as JSON and as a table for a person."""

import dataclasses
import os
import textwrap
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import torch

from cifar_core.cores import processors
from cifar_core.device import Device, versions
from cifar_core.estimate.store import live_runs
from cifar_core.estimate.timing import Statistic
from cifar_core.runs.store import RunStore

TORCHVISION_MISSING = (
    "torchvision is not installed, so what compares with it is left out: pip install torchvision"
)


def setting_of(device: Device, store: RunStore) -> dict[str, Any]:
    """Plain JSON values; call it before the measuring, whose own load it would else see."""
    return {
        "device": device.name,
        "precision": device.precision,
        "threads": torch.get_num_threads(),
        "processors": processors(),
        "load": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        "beside": [run.id for run in live_runs(store)],
        "versions": {**versions(), **installed("torchvision", "pillow", "onnxruntime")},
    }


def installed(*names: str) -> dict[str, str]:
    """Versions of those of the distributions that are installed."""
    found = {}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def has_torchvision() -> bool:
    """True when torchvision can be imported; its absence costs rows, not the benchmark."""
    try:
        import torchvision.transforms  # noqa: F401
    except (ImportError, RuntimeError):  # built for another torch
        return False
    return True


WIDTH = 100  # columns of a terminal that the table fits


@dataclass(frozen=True)
class Row:
    """One measured thing: figures by column; `note` is a word or two behind them."""

    name: str
    figures: dict[str, Statistic]
    note: str = ""


@dataclass(frozen=True)
class Section:
    """A table: `columns` maps each figure's key to its heading, which holds the unit."""

    title: str
    columns: dict[str, str]
    rows: list[Row]
    spread: bool = True  # print the spread behind each median


@dataclass(frozen=True)
class Report:
    """One run of a benchmark: where it ran, its tables, what was left out, and what follows."""

    bench: str
    setting: dict[str, Any]
    sections: list[Section]
    conclusion: str
    left_out: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return dataclasses.asdict(self)

    def to_text(self) -> str:
        """Return the text for a person, in WIDTH columns where the names allow it; the conclusion ends it."""
        parts = [setting_lines(self.setting)]
        parts += [table(section) for section in self.sections]
        if self.left_out:
            parts.append("\n".join(wrapped(f"left out: {words}") for words in self.left_out))
        return "\n\n".join([*parts, wrapped(self.conclusion)])


def setting_lines(setting: dict[str, Any]) -> str:
    """The machine and the versions."""
    versions = ", ".join(f"{name} {number}" for name, number in setting["versions"].items())
    threads = f"{setting['threads']} of {setting['processors']} processors"
    lines = [f"{setting['device']}; {setting['precision']}; threads: {threads}", versions]
    if setting["beside"]:
        runs = ", ".join(setting["beside"])
        lines.append(f"A training runs beside it ({runs}): the ratios hold, the times are upper bounds.")
    return "\n".join(map(wrapped, lines))


def wrapped(text: str) -> str:
    """Text in lines of at most WIDTH columns, where its words allow it."""
    return textwrap.fill(text, WIDTH, break_long_words=False, break_on_hyphens=False)


def table(section: Section) -> str:
    """Return title, headings and rows with aligned columns; below, what the spread is."""
    wide = _table(section, "  ")
    fits = all(len(line) <= WIDTH for line in wide.splitlines())
    return wide if fits else _table(section, " ")


def _table(section: Section, gap: str) -> str:
    rows = [["", *section.columns.values(), ""]]
    for row in section.rows:
        cells = [_cell(row.figures.get(key), section.spread) for key in section.columns]
        rows.append([row.name, *cells, row.note])
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [section.title]
    for name, *middle, note in rows:
        cells = [cell.rjust(width) for cell, width in zip(middle, widths[1:-1], strict=True)]
        lines.append(gap.join([name.ljust(widths[0]), *cells, note]).rstrip())
    counts = sorted({figure.n for row in section.rows for figure in row.figures.values()})
    if counts and section.spread:
        lines.append(f"median [quartiles; extremes below 4 samples], n = {_range(counts)}")
    elif counts:
        lines.append(f"medians, n = {_range(counts)}; the spread is in --json")
    return "\n".join(lines)


def _range(counts: list[int]) -> str:
    return str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"


def _cell(figure: Statistic | None, spread: bool) -> str:
    if figure is None:
        return "–"
    words = number(figure.median)
    return f"{words} [{number(figure.low)}, {number(figure.high)}]" if spread else words


def number(value: float) -> str:
    """Three significant digits: "0.123", "12.3", "1,234"."""
    if abs(value) >= 99.95:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) < 1 else f"{value:#.3g}"
