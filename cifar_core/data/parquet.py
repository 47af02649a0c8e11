"""The Hub's Parquet layout of CIFAR-10: `train-*-of-*.parquet`, `test-*-of-*.parquet`, decoded and checked.

Columns: `img`, a struct with `bytes` (an encoded 32x32 image: PNG on the Hub, lossless WebP is read as well),
and `label`, 0 to 9. https://huggingface.co/datasets/uoft-cs/cifar10
"""

import functools
import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cifar_core.data.checksums import check_sha256
from cifar_core.data.dataset import CLASS_NAMES, IMAGE_SHAPE, Progress, Source, Split, data_error, place_key
from cifar_core.data.pixels import PixelError, decode_pixels

if TYPE_CHECKING:
    import pyarrow

SUBFOLDERS = ("", "plain_text", "data")
OFFICIAL_SIZE = {"train": 50_000, "test": 10_000}
BATCH_ROWS = 1000
MAX_ROWS = 1_000_000  # ten times the whole set: beyond it, memory runs out before anything is found wrong

_SHARD = re.compile(r"(train|test)-(\d+)-of-(\d+)\.parquet")


def find_parquet(folder: Path) -> Source | None:
    """The Parquet layout in `folder`, or in its `plain_text` or `data`; None when there is none.

    Raises:
        DataError: when a split or one of its numbered files is missing.
    """
    for name in SUBFOLDERS:
        place = folder / name
        if place.is_dir() and any(_SHARD.fullmatch(path.name) for path in place.iterdir()):
            return parquet_source(place)
    return None


def parquet_source(place: Path, kind: str = "Parquet files", key: str | None = None) -> Source:
    """The Parquet files that lie directly in `place`, complete by their names; raises DataError."""
    shards = {split: list_shards(place, split) for split in OFFICIAL_SIZE}
    files = tuple(shards["train"] + shards["test"])
    key = key or place_key("parquet", place)
    return Source(key, kind, place, files, functools.partial(_decode, shards))


def list_shards(place: Path, split: str) -> list[Path]:
    """The files of one split in order; raises DataError unless all that the names promise are there."""
    found = [(path, match) for path in sorted(place.iterdir()) if (match := _SHARD.fullmatch(path.name))]
    mine = {path: (int(match[2]), int(match[3])) for path, match in found if match[1] == split}
    if not mine:
        raise data_error(place, f"there is no {split}-*-of-*.parquet")
    numbers, totals = {number for number, _ in mine.values()}, {total for _, total in mine.values()}
    if len(totals) > 1 or len(numbers) < len(mine):
        names = ", ".join(path.name for path in mine)
        raise data_error(place, f"the {split} files are of different sets: {names}")
    missing = next((number for number in range(totals.pop()) if number not in numbers), None)
    if missing is not None:
        sample = next(iter(mine)).name
        raise data_error(place / _SHARD.sub(_renumbered(missing), sample), "this file is missing")
    return sorted(mine, key=lambda path: mine[path])


def _renumbered(number: int) -> str:
    return rf"\g<1>-{number:05d}-of-\g<3>.parquet"


def _decode(shards: dict[str, list[Path]], progress: Progress) -> tuple[Split, Split]:
    sizes = {path: _count_rows(path) for paths in shards.values() for path in paths}
    for path in sizes:
        check_sha256(path, progress)
    total = sum(sizes.values())
    splits: list[Split] = []
    done = 0
    for split, paths in shards.items():
        images = np.empty((sum(sizes[path] for path in paths), *IMAGE_SHAPE), np.uint8)  # (N, 3, 32, 32)
        targets = np.empty(len(images), np.int64)  # (N,)
        start = 0
        for path in paths:
            stop = start + sizes[path]
            _read_shard(path, images[start:stop], targets[start:stop], done, total, progress)
            start, done = stop, done + sizes[path]
        _check_counts(paths, split, targets)
        splits.append(Split(images, targets))
    return splits[0], splits[1]


def _count_rows(path: Path) -> int:
    """Rows by the file's footer, its columns checked: a file cut short is noticed before any is decoded."""
    import pyarrow as pa
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(path) as file:
            schema, rows = file.schema_arrow, int(file.metadata.num_rows)
    except (pa.ArrowException, OSError) as error:
        trouble = f"not a readable Parquet file, cut short or altered ({_first_line(error)})"
        raise data_error(path, trouble) from error
    named = {field.name: field.type for field in schema}
    columns = ", ".join(named) or "none"
    image, label = named.get("img"), named.get("label")
    if image is None or not pa.types.is_struct(image) or image.get_field_index("bytes") < 0:
        raise data_error(path, f"no column 'img' with 'bytes'; its columns are {columns}")
    if label is None or not pa.types.is_integer(label):
        raise data_error(path, f"no column 'label' of whole numbers; its columns are {columns}")
    if not 0 < rows <= MAX_ROWS:
        raise data_error(path, f"the file has {rows} rows, where 1 to {MAX_ROWS} are allowed")
    return rows


def _read_shard(
    path: Path,
    images: NDArray[np.uint8],
    targets: NDArray[np.int64],
    done: int,
    total: int,
    progress: Progress,
) -> None:
    """Fills images (n, 3, 32, 32) and targets (n,) from one file.

    One thread: on images as small as these two threads were measured slower than one, waiting for each other.
    """
    import pyarrow as pa
    from pyarrow import parquet

    start = 0
    try:
        with parquet.ParquetFile(path, page_checksum_verification=True) as file:
            for batch in file.iter_batches(BATCH_ROWS, columns=["img.bytes", "label"], use_threads=False):
                stop = start + batch.num_rows
                progress(f"decoding {path.name}", done + start, total)
                targets[start:stop] = _labels(path, batch.column("label"), start)
                images[start:stop] = _pixels(path, batch.column("img").field("bytes"), start)
                start = stop
    except (pa.ArrowException, OSError) as error:
        raise data_error(path, f"cut short or altered after row {start} ({_first_line(error)})") from error
    if start != len(targets):
        raise data_error(path, f"{start} rows could be read where its footer promises {len(targets)}")
    progress(f"decoding {path.name}", done + start, total)


def _labels(path: Path, column: "pyarrow.Array", start: int) -> NDArray[np.int64]:
    if column.null_count:
        raise data_error(path, f"a label is missing in rows {start} to {start + len(column) - 1}")
    labels: NDArray[np.int64] = column.to_numpy(zero_copy_only=False).astype(np.int64)
    bad = np.flatnonzero((labels < 0) | (labels >= len(CLASS_NAMES)))
    if len(bad):
        raise data_error(path, f"row {start + bad[0]} has label {labels[bad[0]]}; labels go from 0 to 9")
    return labels


def _pixels(path: Path, column: "pyarrow.Array", start: int) -> NDArray[np.uint8]:
    """(n, 3, 32, 32) uint8 of a column of encoded images."""
    rows = np.empty((len(column), 32, 32, 3), np.uint8)  # (n, H, W, 3)
    for index, data in enumerate(column.to_pylist()):
        try:
            rows[index] = decode_pixels(data or b"", ("PNG", "WEBP"))
        except PixelError as error:
            raise data_error(path, f"the image of row {start + index} {error}") from error
    return rows.transpose(0, 3, 1, 2)


def _check_counts(paths: list[Path], split: str, targets: NDArray[np.int64]) -> None:
    """A small set is a subset somebody cut; one of nearly the official size has lost or gained something."""
    official = OFFICIAL_SIZE[split]
    counts = np.bincount(targets, minlength=len(CLASS_NAMES))
    if len(targets) >= 0.9 * official and not np.all(counts == official // len(CLASS_NAMES)):
        where = paths[0].parent / f"{split}-*.parquet"
        listed = ", ".join(str(count) for count in counts)
        raise data_error(where, f"{len(targets)} images ({listed} a class) instead of {official}, equally")


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
