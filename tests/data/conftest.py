"""Toy data in every layout that is read, and a server on this machine that stands in for the network."""

import dataclasses
import hashlib
import http.server
import io
import json
import pickle
import re
import struct
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import ClassVar

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image
from pyarrow import parquet

from cifar_core.data import Split
from cifar_core.datasets import CIFAR10, DATA_SETS, DataSet
from tests.support.ports import serving

ARCHIVE = CIFAR10.archive
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def encode(pixels: np.ndarray, kind: str = "PNG", **options) -> bytes:
    """(3, H, W) uint8 -> an image file's bytes."""
    buffer = io.BytesIO()
    if kind == "PNG":
        options = {"compress_level": 0, **options}  # noise does not get smaller
    Image.fromarray(pixels.transpose(1, 2, 0)).save(buffer, kind, **options)
    return buffer.getvalue()


def write_shard(
    path: Path,
    images: list[bytes],
    labels: list[int | None],
    columns: tuple[str, str] = ("img", "label"),
) -> None:
    rows = [{"bytes": data, "path": None} for data in images]
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    path.parent.mkdir(parents=True, exist_ok=True)
    arrays = (pa.array(rows, kind), pa.array(labels, pa.int64()))
    parquet.write_table(pa.table(dict(zip(columns, arrays, strict=True))), path)


def write_parquet(
    folder: Path,
    train: Split,
    test: Split,
    shards: int = 2,
    kind: str = "PNG",
    columns: tuple[str, str] = ("img", "label"),
) -> Path:
    """The Hub's layout: train in `shards` files, test in one."""
    options = {"lossless": True} if kind == "WEBP" else {}
    pieces = [
        ("train", index, shards, part)
        for index, part in enumerate(np.array_split(np.arange(len(train)), shards))
    ]
    for split, index, total, rows in [*pieces, ("test", 0, 1, np.arange(len(test)))]:
        source = train if split == "train" else test
        encoded = [encode(source.images[row], kind, **options) for row in rows]
        labels = [int(source.targets[row]) for row in rows]
        write_shard(folder / f"{split}-{index:05d}-of-{total:05d}.parquet", encoded, labels, columns)
    return folder


class OldPickler(pickle._Pickler):
    """Writes bytes as Python 2 wrote its strings, which is what the published batches hold."""

    dispatch: ClassVar = dict(pickle._Pickler.dispatch)

    def save_string(self, data: bytes) -> None:
        self.write(pickle.BINSTRING + struct.pack("<i", len(data)) + data)
        self.memoize(data)

    dispatch[bytes] = save_string


def dump_old(content: object) -> bytes:
    buffer = io.BytesIO()
    OldPickler(buffer, protocol=2).dump(content)
    # Arrays of an old NumPy name its old place.
    return buffer.getvalue().replace(b"numpy._core.multiarray", b"numpy.core.multiarray")


def write_batches(folder: Path, train: Split, test: Split) -> dict[str, str]:
    """torchvision's layout with toy content; returns the md5 of each file."""
    folder.mkdir(parents=True, exist_ok=True)
    names = list(ARCHIVE.train)
    parts = dict(zip(names, np.array_split(np.arange(len(train)), len(names)), strict=True))
    sums = {}
    for name in (*names, "test_batch"):
        source, rows = (test, np.arange(len(test))) if name == "test_batch" else (train, parts[name])
        pixels = source.images[rows].reshape(len(rows), -1)
        content = dump_old({"data": pixels, "labels": source.targets[rows].tolist()})
        (folder / name).write_bytes(content)
        sums[name] = hashlib.md5(content).hexdigest()
    return sums


def pack(folder: Path, path: Path) -> Path:
    with tarfile.open(path, "w:gz") as file:
        file.add(folder, ARCHIVE.folder)
    return path


def write_folders(
    folder: Path, train: Split, test: Split, class_names: tuple[str, ...] = CIFAR10.class_names
) -> Path:
    for name, split in (("train", train), ("test", test)):
        for index, (image, target) in enumerate(zip(split.images, split.targets, strict=True)):
            path = folder / name / class_names[target] / f"{index:04d}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(encode(image))
    return folder


def random_split(count: int, seed: int) -> Split:
    generator = np.random.default_rng(seed)
    images = generator.integers(0, 256, (count, 3, 32, 32), np.uint8)
    return Split(images, generator.permutation(np.arange(count) % 10).astype(np.int64))


@pytest.fixture
def train() -> Split:
    return random_split(40, 1)


@pytest.fixture
def test() -> Split:
    return random_split(20, 2)


@pytest.fixture
def parquet_dir(tmp_path: Path, train: Split, test: Split) -> Path:
    return write_parquet(tmp_path / "parquet", train, test)


@pytest.fixture
def publish(monkeypatch: pytest.MonkeyPatch) -> Callable[..., DataSet]:
    """Make something else count as what is published of CIFAR-10: changes of its archive or its sizes."""

    def change(archive: dict | None = None, **sizes: object) -> DataSet:
        known = DATA_SETS["cifar10"]
        changed = dataclasses.replace(
            known, archive=dataclasses.replace(known.archive, **archive or {}), **sizes
        )
        monkeypatch.setitem(DATA_SETS, "cifar10", changed)
        return changed

    return change


@pytest.fixture
def batches_dir(tmp_path: Path, train: Split, test: Split, publish: Callable) -> Path:
    """A folder with toy `cifar-10-batches-py`, whose sums count as the published ones."""
    sums = write_batches(tmp_path / "torchvision" / ARCHIVE.folder, train, test)
    publish({"test": {"test_batch": sums.pop("test_batch")}, "train": sums})
    return tmp_path / "torchvision"


@pytest.fixture
def packed(batches_dir: Path, tmp_path: Path, publish: Callable) -> Path:
    """The toy batches as an archive in a folder of its own."""
    folder = tmp_path / "packed"
    folder.mkdir()
    path = pack(batches_dir / ARCHIVE.folder, folder / ARCHIVE.name)
    publish({"md5": hashlib.md5(path.read_bytes()).hexdigest()})
    return path


@pytest.fixture
def folders_dir(tmp_path: Path, train: Split, test: Split) -> Path:
    return write_folders(tmp_path / "folders", train, test)


@pytest.fixture
def cache_dir(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def toy():
    """The functions above, for tests that write data of their own."""

    class Toy:
        dump_old = staticmethod(dump_old)
        encode = staticmethod(encode)
        write_shard = staticmethod(write_shard)
        write_folders = staticmethod(write_folders)
        write_parquet = staticmethod(write_parquet)
        random_split = staticmethod(random_split)

    return Toy


class StandIn:
    """A server with files by URL path; `hub` lays a folder out as the Hub does.

    Attributes:
        log: "METHOD path" of each request.
        cut_after: closes the connection after so many bytes of a body.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.log: list[str] = []
        self.cut_after: int | None = None
        stand_in = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                stand_in.answer(self, with_body=True)

            def do_HEAD(self) -> None:
                stand_in.answer(self, with_body=False)

            def log_message(self, *args: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def hub(self, folder: Path, repo: str = CIFAR10.hub.repo) -> None:
        names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.parquet"))
        info = {"id": repo, "sha": COMMIT, "siblings": [{"rfilename": name} for name in names]}
        self.files[f"/api/datasets/{repo}/revision/main"] = json.dumps(info).encode()
        for name in names:
            self.files[f"/datasets/{repo}/resolve/{COMMIT}/{name}"] = (folder / name).read_bytes()

    def answer(self, request: http.server.BaseHTTPRequestHandler, with_body: bool) -> None:
        path = request.path.partition("?")[0]
        self.log.append(f"{request.command} {path}")
        body = self.files.get(path)
        if body is None:
            request.send_error(404)
            return
        wanted = re.fullmatch(r"bytes=(\d+)-", request.headers.get("Range") or "")
        start = int(wanted[1]) if wanted else 0
        if start and start >= len(body):
            request.send_error(416)
            return
        request.send_response(206 if start else 200)
        request.send_header("Content-Length", str(len(body) - start))
        request.send_header("ETag", f'"{hashlib.sha256(body).hexdigest()}"')
        request.send_header("X-Repo-Commit", COMMIT)
        request.end_headers()
        if with_body:
            stop = len(body) if self.cut_after is None else start + self.cut_after
            request.wfile.write(body[start:stop])


@pytest.fixture
def stand_in() -> Iterator[StandIn]:
    stand_in = StandIn()
    with serving(stand_in.server):
        yield stand_in


@pytest.fixture
def network(stand_in: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, publish: Callable) -> StandIn:
    """Both download sources at the stand-in server, and an empty cache of the Hub."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", stand_in.url)
    template = stand_in.url + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub-cache"))
    publish({"url": f"{stand_in.url}/{ARCHIVE.name}"})
    return stand_in


@pytest.fixture
def progress() -> Callable:
    """A progress callback that keeps its calls in `.calls` and checks each."""

    def report(what: str, done: int, total: int) -> None:
        assert what and 0 <= done <= total
        report.calls.append((what, done, total))

    report.calls = []
    return report
