"""torchvision's layout: folder or archive, md5 first, and a reader of pickles that runs nothing."""

import ast
import hashlib
import importlib.util
import io
import pickle
from pathlib import Path

import numpy as np
import pytest

from cifar_core.data import DataError, load_data, torchvision_layout
from cifar_core.data.torchvision_layout import PlainUnpickler
from cifar_core.datasets import CIFAR10, CIFAR100, DATA_SETS

ARCHIVE, FOLDER = CIFAR10.archive.name, CIFAR10.archive.folder


def same(split, expected) -> bool:
    return np.array_equal(split.images, expected.images) and np.array_equal(split.targets, expected.targets)


@pytest.mark.parametrize("place", [".", FOLDER])
def test_folder_or_its_parent_is_read(batches_dir, place, cache_dir, train, test):
    data = load_data(batches_dir / place, cache_dir=cache_dir)
    assert same(data.train, train) and same(data.test, test)


@pytest.mark.parametrize("given", ["archive", "parent"])
def test_archive_or_its_parent_is_read_and_not_unpacked(packed, given, cache_dir, train, test, progress):
    place = packed if given == "archive" else packed.parent
    data = load_data(place, cache_dir=cache_dir, progress=progress)
    assert same(data.train, train) and same(data.test, test)
    assert list(packed.parent.iterdir()) == [packed]
    assert any(what == f"checking {ARCHIVE}" for what, _, _ in progress.calls)


def test_all_layouts_have_one_fingerprint(packed, batches_dir, folders_dir, parquet_dir, cache_dir):
    places = (packed, batches_dir, parquet_dir)
    assert len({load_data(place, cache_dir=cache_dir).fingerprint for place in places}) == 1
    # Class folders have their own order: by file name.
    in_order = load_data(folders_dir, cache_dir=cache_dir)
    assert in_order.fingerprint == load_data(parquet_dir, cache_dir=cache_dir).fingerprint


def refused(place, cache_dir) -> str:
    with pytest.raises(DataError) as caught:
        load_data(place, cache_dir=cache_dir)
    message = str(caught.value)
    assert "\n" not in message and "There are three ways" in message
    assert [path.name for path in cache_dir.glob("*") if path.suffix != ".lock"] == []
    return message


def test_missing_batch_is_named(batches_dir, cache_dir):
    (batches_dir / FOLDER / "data_batch_3").unlink()
    assert "data_batch_3: this file is missing" in refused(batches_dir, cache_dir)


@pytest.mark.parametrize("name", ["data_batch_2", "test_batch"])
def test_altered_batch_is_named_and_never_opened(batches_dir, cache_dir, name, monkeypatch):
    path = batches_dir / FOLDER / name
    content = bytearray(path.read_bytes())
    content[-1000] ^= 1
    path.write_bytes(content)
    opened = []
    read = torchvision_layout._read_batch
    monkeypatch.setattr(
        torchvision_layout, "_read_batch", lambda at, *rest: opened.append(at.name) or read(at, *rest)
    )
    assert f"{name}: its md5 is" in refused(batches_dir, cache_dir)
    assert name not in opened


@pytest.mark.parametrize("keep", [0.0, 0.5])
def test_truncated_archive_is_named(packed, cache_dir, keep):
    packed.write_bytes(packed.read_bytes()[: int(packed.stat().st_size * keep)])
    assert f"{packed}: its md5 is" in refused(packed, cache_dir)


def test_archive_of_something_else_is_refused_even_with_its_md5(tmp_path, cache_dir, publish):
    path = tmp_path / ARCHIVE
    path.write_bytes(b"\x1f\x8b nothing")
    publish({"md5": hashlib.md5(path.read_bytes()).hexdigest()})
    assert "cannot be unpacked" in refused(path, cache_dir)


class Evil:
    def __reduce__(self):
        return exec, ("raise SystemExit('a pickle ran code')",)


def test_evil_batch_is_refused_even_with_its_md5(batches_dir, cache_dir, publish):
    path = batches_dir / FOLDER / "data_batch_1"
    path.write_bytes(pickle.dumps({"data": Evil(), "labels": [1]}, protocol=2))
    known = DATA_SETS["cifar10"].archive.train
    publish({"train": {**known, "data_batch_1": hashlib.md5(path.read_bytes()).hexdigest()}})
    assert "__builtin__.exec, which is refused" in refused(batches_dir, cache_dir)


@pytest.mark.parametrize("name", ["os.system", "builtins.getattr", "numpy.load", "numpy.f2py.os.system"])
def test_unpickler_knows_arrays_only(name):
    module, _, attribute = name.rpartition(".")
    with pytest.raises(pickle.UnpicklingError, match="refused"):
        PlainUnpickler(io.BytesIO(f"c{module}\n{attribute}\n.".encode())).load()


@pytest.mark.parametrize(
    "batch",
    [
        {"data": np.zeros((2, 3072), np.uint8), "labels": [0, 10]},
        {"data": np.zeros((2, 3072), np.uint8), "labels": [0, 1, 2]},
        {"data": np.zeros((2, 3072), np.float32), "labels": [0, 1]},
        {"data": np.zeros((2, 100), np.uint8), "labels": [0, 1]},
        {"data": np.zeros((0, 3072), np.uint8), "labels": []},
        {"labels": [0, 1]},
        ["data"],
    ],
    ids=["label", "count", "type", "width", "empty", "keys", "list"],
)
def test_batch_of_other_content_is_refused(batches_dir, cache_dir, publish, toy, batch):
    path = batches_dir / FOLDER / "test_batch"
    path.write_bytes(toy.dump_old(batch))
    publish({"test": {"test_batch": hashlib.md5(path.read_bytes()).hexdigest()}})
    assert "test_batch: it" in refused(batches_dir, cache_dir)


@pytest.mark.parametrize(("known", "name"), [(CIFAR10, "CIFAR10"), (CIFAR100, "CIFAR100")])
def test_constants_are_those_of_torchvision(known, name):
    """By its source: importing torchvision takes seconds."""
    spec = importlib.util.find_spec("torchvision")
    source = (Path(spec.submodule_search_locations[0]) / "datasets" / "cifar.py").read_text("utf-8")
    (body,) = [node.body for node in ast.parse(source).body if getattr(node, "name", "") == name]
    assigned = {node.targets[0].id: node.value for node in body if isinstance(node, ast.Assign)}
    published = {key: ast.literal_eval(value) for key, value in assigned.items() if key != "meta"}
    archive = known.archive
    assert published == {
        "base_folder": archive.folder,
        "url": archive.url,
        "filename": archive.name,
        "tgz_md5": archive.md5,
        "train_list": [[name, md5] for name, md5 in archive.train.items()],
        "test_list": [[name, md5] for name, md5 in archive.test.items()],
    }
