"""The report of `python -m cifar_core data check`: what was found, whether it is whole."""

import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cifar_core.data.dataset import ImageData, Progress, Split
from cifar_core.data.sources import load_data
from cifar_core.datasets import CIFAR10, DATA_SETS, OWN, DataSet
from cifar_core.format import padded, places

CHUNK = 5000
LISTED = 20  # skipped files, and duplicates, that a terminal shows


def check_data(
    data_dir: Path | str | None = None,
    *,
    source: str = "auto",
    cache_dir: Path | None = None,
    progress: Progress | None = None,
    download: bool = True,
) -> dict[str, Any]:
    """Loads the data as `load_data` does and describes it, in plain JSON values.

    Returns:
        `source` (words), `fingerprint` (sha256 of pixels and labels), `official_counts` (whether there are as
        many images of each class as were published; None of own pictures), `class_names`, `seconds` (to
        load), of own pictures `skipped` (files, each with why) and `duplicates` (pairs of files, one in each
        split), and, for `train` and `test` each, `n`, `per_class` {name: n}, `mean` [3] and `std` [3] (R, G,
        B, of pixels in 0..1).

    Raises:
        DataError: as `load_data`.
    """
    start = time.perf_counter()
    data = load_data(data_dir, source=source, cache_dir=cache_dir, progress=progress, download=download)
    seconds = time.perf_counter() - start
    published = OWN if source == OWN.name else DATA_SETS.get(source, CIFAR10)
    return {
        "source": data.source,
        "fingerprint": data.fingerprint,
        "official_counts": None if published.is_own else _has_counts(data, published),
        "class_names": list(data.class_names),
        "seconds": round(seconds, 3),
        "skipped": list(data.remarks.skipped),
        "duplicates": list(data.remarks.duplicates),
        "train": _describe(data.train, data.class_names),
        "test": _describe(data.test, data.class_names),
    }


def format_check(report: dict[str, Any]) -> str:
    """The report of `check_data` as lines for a terminal."""
    train, test = report["train"], report["test"]
    wide = max(12, *(places(name) + 2 for name in report["class_names"]))
    lines = [
        f"source       {report['source']}",
        f"loaded in    {report['seconds']:.2f} s",
        f"fingerprint  {report['fingerprint']}",
        f"counts       {_describe_counts(report)}",
        "",
        f"{'':{wide}}{'train':>7}{'test':>8}",
    ]
    lines += [
        f"{padded(name, wide)}{n:>7,}{test['per_class'][name]:>8,}" for name, n in train["per_class"].items()
    ]
    lines += [
        f"{'all':{wide}}{train['n']:>7,}{test['n']:>8,}",
        "",
        f"{'pixels 0..1':12}{'R':>7}{'G':>8}{'B':>8}",
    ]
    for split in ("train", "test"):
        for figure in ("mean", "std"):
            values = "".join(f"{value:>8.4f}" for value in report[split][figure])
            lines.append(f"{split + ' ' + figure:11}{values}")
    lines += _listed("skipped files", report["skipped"])
    return "\n".join(
        lines + _listed("pairs of equal pictures, one to train on and one to test with", report["duplicates"])
    )


def _describe_counts(report: dict[str, Any]) -> str:
    each = [sorted(report[split]["per_class"].values()) for split in ("train", "test")]
    if report["official_counts"]:
        return f"{each[0][0]:,} and {each[1][0]:,} a class, as published"
    spans = [f"{n[0]:,}" if n[0] == n[-1] else f"{n[0]:,} to {n[-1]:,}" for n in each]
    other = "" if report["official_counts"] is None else "; not those that were published"
    return f"{spans[0]} to train on and {spans[1]} to test with, a class{other}"


def _listed(what: str, items: list[str]) -> list[str]:
    """The first of some remarks under a title with their number; no line where there is none."""
    more = [f"  and {len(items) - LISTED:,} more; --json lists all"] if len(items) > LISTED else []
    return ["", f"{what}: {len(items):,}", *(f"  {item}" for item in items[:LISTED]), *more] if items else []


def channel_figures(images: NDArray[np.uint8]) -> tuple[list[float], list[float]]:
    """Mean [3] and standard deviation [3] of images (N, 3, H, W) in 0..1, over all pixels, summed exactly."""
    total, squares = np.zeros(3, np.int64), np.zeros(3, np.int64)
    for start in range(0, len(images), CHUNK):
        chunk = images[start : start + CHUNK].astype(np.uint32)  # (n, 3, H, W)
        total += chunk.sum(axis=(0, 2, 3), dtype=np.int64)
        squares += np.square(chunk).sum(axis=(0, 2, 3), dtype=np.int64)
    count = max(images.size // 3, 1)
    mean = total / count
    std = np.sqrt(np.maximum(squares / count - mean**2, 0))
    return [float(value) for value in mean / 255], [float(value) for value in std / 255]


def _describe(split: Split, class_names: tuple[str, ...]) -> dict[str, Any]:
    counts = np.bincount(split.targets, minlength=len(class_names))
    mean, std = channel_figures(split.images)
    per_class = {name: int(count) for name, count in zip(class_names, counts, strict=True)}
    return {"n": len(split), "per_class": per_class, "mean": mean, "std": std}


def _has_counts(data: ImageData, published: DataSet) -> bool:
    classes = len(published.class_names)
    pairs = ((data.train, published.train_images), (data.test, published.test_images))
    return not published.is_drawn and all(
        np.bincount(split.targets).tolist() == [size // classes] * classes for split, size in pairs
    )
