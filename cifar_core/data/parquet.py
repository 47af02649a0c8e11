"""The Hub's Parquet layout: `train-*-of-*.parquet`, `test-*-of-*.parquet`, decoded and checked.

Columns: the images, a struct with `bytes` (an encoded image: PNG on the Hub, lossless WebP is read as well),
and the labels, from 0. What is not plain is refused, not guessed: pictures that people send are another
matter, see cifar_core/images/decode.py. https://huggingface.co/datasets/uoft-cs/cifar10
"""

import functools
import hashlib
import io
import os
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cifar_core.data.dataset import Progress, Remarks, Source, Split, data_error, place_key
from cifar_core.datasets import DataSet

if TYPE_CHECKING:
    import pyarrow

BATCH_ROWS = 1000
MAX_ROWS = 1_000_000  # far more than any set has: beyond it, memory runs out before anything is found wrong
FORMATS = ("PNG", "WEBP")

_SHARD = re.compile(r"(train|test)-(\d+)-of-(\d+)\.parquet")
_SHA256 = re.compile(r"[0-9a-f]{64}")


def subfolders(data_set: DataSet) -> tuple[str, ...]:
    """Places below a folder in which the files may lie."""
    return "", data_set.hub.folder, "data"


def find_parquet(folder: Path, data_set: DataSet) -> Source | None:
    """The Parquet layout in `folder`, or in one of its subfolders; None when there is none.

    Raises:
        DataError: when a split or one of its numbered files is missing.
    """
    for name in subfolders(data_set):
        place = folder / name
        if place.is_dir() and any(_SHARD.fullmatch(path.name) for path in place.iterdir()):
            return parquet_source(place, data_set)
    return None


def parquet_source(
    place: Path, data_set: DataSet, kind: str = "Parquet files", key: str | None = None
) -> Source:
    """The Parquet files that lie directly in `place`, complete by their names; raises DataError."""
    shards = {split: list_shards(place, split) for split in ("train", "test")}
    files = tuple(shards["train"] + shards["test"])
    decode = functools.partial(_decode, data_set, shards)
    return Source(data_set, key or place_key("parquet", place), kind, place, files, decode)


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
        lost = _SHARD.sub(rf"\g<1>-{missing:05d}-of-\g<3>.parquet", sample)
        raise data_error(place / lost, "this file is missing")
    return sorted(mine, key=lambda path: mine[path])


def _decode(
    data_set: DataSet, shards: dict[str, list[Path]], progress: Progress
) -> tuple[Split, Split, Remarks]:
    sizes = {path: _count_rows(path, data_set) for paths in shards.values() for path in paths}
    for path in sizes:
        _check_sha256(path, data_set, progress)
    total = sum(sizes.values())
    splits: list[Split] = []
    done = 0
    for split, paths in shards.items():
        images = np.empty((sum(sizes[path] for path in paths), *data_set.shape), np.uint8)  # (N, C, H, W)
        targets = np.empty(len(images), np.int64)  # (N,)
        start = 0
        for path in paths:
            stop = start + sizes[path]
            part = Split(images[start:stop], targets[start:stop])
            for rows in _read_shard(path, data_set, part):
                progress(f"decoding {path.name}", done + rows, total)
            start, done = stop, done + sizes[path]
        _check_counts(data_set, paths, split, targets)
        splits.append(Split(images, targets))
    return splits[0], splits[1], Remarks()


def _count_rows(path: Path, data_set: DataSet) -> int:
    """Rows by the file's footer, its columns checked: a file cut short is noticed before any is decoded."""
    import pyarrow as pa
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(path) as file:
            schema, rows = file.schema_arrow, int(file.metadata.num_rows)
    except (pa.ArrowException, OSError) as error:
        trouble = f"not a readable Parquet file, cut short or altered ({first_line(error)})"
        raise data_error(path, trouble) from error
    hub = data_set.hub
    named = {field.name: field.type for field in schema}
    columns = ", ".join(named) or "none"
    image, label = named.get(hub.image), named.get(hub.label)
    if image is None or not pa.types.is_struct(image) or image.get_field_index("bytes") < 0:
        raise data_error(path, f"no column '{hub.image}' with 'bytes'; its columns are {columns}")
    if label is None or not pa.types.is_integer(label):
        raise data_error(path, f"no column '{hub.label}' of whole numbers; its columns are {columns}")
    if not 0 < rows <= MAX_ROWS:
        raise data_error(path, f"the file has {rows} rows, where 1 to {MAX_ROWS} are allowed")
    return rows


def _read_shard(path: Path, data_set: DataSet, part: Split) -> Iterator[int]:
    """Fills `part` from one file, and yields how many rows are read so far.

    One thread: on images as small as these two threads were measured slower than one, waiting for each other.
    """
    import pyarrow as pa
    from pyarrow import parquet

    image, label, start = data_set.hub.image, data_set.hub.label, 0
    try:
        with parquet.ParquetFile(path, page_checksum_verification=True) as file:
            for batch in file.iter_batches(BATCH_ROWS, columns=[f"{image}.bytes", label], use_threads=False):
                stop = start + batch.num_rows
                yield start
                part.targets[start:stop] = _labels(path, data_set, batch.column(label), start)
                for row, data in enumerate(batch.column(image).field("bytes").to_pylist(), start):
                    try:
                        part.images[row] = _pixels(data or b"", data_set)
                    except PixelError as error:
                        raise data_error(path, f"the image of row {row} {error}") from error
                start = stop
    except (pa.ArrowException, OSError) as error:
        raise data_error(path, f"cut short or altered after row {start} ({first_line(error)})") from error
    if start != len(part):
        raise data_error(path, f"{start} rows could be read where its footer promises {len(part)}")
    yield start


def _labels(path: Path, data_set: DataSet, column: "pyarrow.Array", start: int) -> NDArray[np.int64]:
    if column.null_count:
        raise data_error(path, f"a label is missing in rows {start} to {start + len(column) - 1}")
    labels: NDArray[np.int64] = column.to_numpy(zero_copy_only=False).astype(np.int64)
    last = len(data_set.class_names) - 1
    bad = np.flatnonzero((labels < 0) | (labels > last))
    if len(bad):
        raise data_error(path, f"row {start + bad[0]} has label {labels[bad[0]]}; labels go from 0 to {last}")
    return labels


class PixelError(ValueError):
    """Bytes that are no usable image; the message goes on from "this image", and the caller says which."""


def _pixels(data: bytes, data_set: DataSet) -> NDArray[np.uint8]:
    """One encoded RGB image -> (3, H, W) uint8; raises PixelError.

    The size is read from the header before any pixel is decoded, so a huge picture costs nothing.
    """
    from PIL import Image

    side = data_set.image_size
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            if image.size != (side, side) or image.mode != "RGB":
                found = f"{image.width}x{image.height} {image.mode}"
                raise PixelError(f"is {found} instead of {side}x{side} RGB")
            if image.format == "PNG":
                _check_png(data)
            return np.asarray(image).transpose(2, 0, 1)
    except PixelError:
        raise
    except Exception as error:  # Pillow's decoders raise nearly anything on damaged bytes
        raise PixelError(f"does not decode as {', '.join(FORMATS)}") from error


def _check_png(data: bytes) -> None:
    """Raises PixelError where a checksum of the file is wrong: Pillow decodes without looking at them."""
    start = len(b"\x89PNG\r\n\x1a\n")
    while start < len(data):
        stop = start + 8 + int.from_bytes(data[start : start + 4], "big")  # length, name, content, checksum
        if zlib.crc32(data[start + 4 : stop]) != int.from_bytes(data[stop : stop + 4], "big"):
            raise PixelError("has a wrong checksum, so it is altered")
        if data[start + 4 : start + 8] == b"IEND":
            return
        start = stop + 4
    raise PixelError("is cut short")


def _check_counts(data_set: DataSet, paths: list[Path], split: str, targets: NDArray[np.int64]) -> None:
    """A small set is a subset somebody cut; one of nearly the official size has lost or gained something."""
    official = {"train": data_set.train_images, "test": data_set.test_images}[split]
    classes = len(data_set.class_names)
    counts = np.bincount(targets, minlength=classes)
    if len(targets) >= 0.9 * official and not np.all(counts == official // classes):
        listed = ", ".join(str(count) for count in counts)
        trouble = f"{len(targets)} images ({listed} a class) instead of {official}, equally"
        raise data_error(paths[0].parent / f"{split}-*.parquet", trouble)


def _check_sha256(path: Path, data_set: DataSet, progress: Progress) -> None:
    """Raises DataError when the file's sha256 is known and its content has another."""
    expected = _expected_sha256(path, data_set)
    if expected is None:
        return
    progress(f"checking {path.name}", 0, 1)
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != expected:
        trouble = f"its sha256 is {found[:12]}… instead of {expected[:12]}…, so it is altered; delete it"
        raise data_error(path, trouble)


def _expected_sha256(path: Path, data_set: DataSet) -> str | None:
    """The sha256 that is known of the file, from three places, or None.

    The Hub's cache names a file by its sha256 and links to it; `hf download --local-dir` leaves a note in
    `.cache/huggingface`; and the data set knows the files of a copy.
    """
    size, of_copy = data_set.hub.known.get(path.name, (-1, ""))
    candidates = (
        Path(os.readlink(path)).name if path.is_symlink() else None,
        _hub_note(path),
        of_copy if path.stat().st_size == size else None,
    )
    return next((name for name in candidates if name and _SHA256.fullmatch(name)), None)


def _hub_note(path: Path) -> str | None:
    """The second line (commit, etag, time) of the note beside the file or above its folder."""
    for root in path.parents[:2]:
        note = root / ".cache" / "huggingface" / "download" / f"{path.relative_to(root)}.metadata"
        if note.is_file():
            lines = note.read_text("utf-8", errors="replace").splitlines()
            return lines[1].strip() if len(lines) > 1 else None
    return None


def first_line(error: BaseException) -> str:
    """An error of a library, as a part of a sentence."""
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
