"""The Hub's Parquet layout: read to the pixel, and each kind of damage named."""

import hashlib

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet as pq

from cifar_core.data import CLASS_NAMES, DataError, Split, load_data
from cifar_core.data import parquet as subject
from cifar_core.datasets import CIFAR10, Hub


def same(split, expected) -> bool:
    return np.array_equal(split.images, expected.images) and np.array_equal(split.targets, expected.targets)


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
@pytest.mark.parametrize("subfolder", ["", "plain_text", "data"])
def test_pixels_and_labels_come_back_in_order(tmp_path, toy, train, test, cache_dir, kind, subfolder):
    toy.write_parquet(tmp_path / "hub" / subfolder, train, test, shards=3, kind=kind)
    data = load_data(tmp_path / "hub", cache_dir=cache_dir)
    assert same(data.train, train) and same(data.test, test)
    assert data.train.images.dtype == np.uint8 and data.train.targets.dtype == np.int64
    assert data.class_names == CLASS_NAMES and str(tmp_path / "hub") in data.source


def test_environment_variable_names_the_folder(parquet_dir, cache_dir, train, monkeypatch):
    monkeypatch.setenv("CIFAR_DATA", str(parquet_dir))
    assert same(load_data(cache_dir=cache_dir).train, train)


def test_progress_counts_every_image(parquet_dir, cache_dir, progress):
    load_data(parquet_dir, cache_dir=cache_dir, progress=progress)
    decoding = [call for call in progress.calls if call[0].startswith("decoding")]
    assert [done for _, done, _ in decoding] == sorted(done for _, done, _ in decoding)
    assert decoding[-1][1:] == (60, 60)


def refused(folder, cache_dir) -> str:
    """The message; it always names the three ways, and leaves nothing in the cache."""
    with pytest.raises(DataError) as caught:
        load_data(folder, cache_dir=cache_dir)
    message = str(caught.value)
    assert "\n" not in message
    for way in (
        "--data-dir",
        "CIFAR_DATA",
        "hf download uoft-cs/cifar10",
        "cifar-10-python.tar.gz",
        "synthetic",
    ):
        assert way in message
    left = [path.name for path in cache_dir.glob("*") if path.suffix != ".lock"]
    assert left == []
    return message


def test_missing_shard_is_named(parquet_dir, cache_dir):
    (parquet_dir / "train-00001-of-00002.parquet").unlink()
    assert "train-00001-of-00002.parquet: this file is missing" in refused(parquet_dir, cache_dir)


@pytest.mark.parametrize("split", ["train", "test"])
def test_missing_split_is_named(parquet_dir, cache_dir, split):
    for path in parquet_dir.glob(f"{split}-*"):
        path.unlink()
    assert f"there is no {split}-*-of-*.parquet" in refused(parquet_dir, cache_dir)


def test_shards_of_two_sets_are_refused(parquet_dir, cache_dir):
    (parquet_dir / "train-00001-of-00002.parquet").rename(parquet_dir / "train-00001-of-00004.parquet")
    assert "different sets" in refused(parquet_dir, cache_dir)


@pytest.mark.parametrize("keep", [0.0, 0.5, 0.99])
def test_truncated_file_is_named(parquet_dir, cache_dir, keep):
    path = parquet_dir / "train-00001-of-00002.parquet"
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * keep)])
    message = refused(parquet_dir, cache_dir)
    assert f"{path}: not a readable Parquet file, cut short or altered" in message


def test_altered_pages_are_named(parquet_dir, cache_dir):
    path = parquet_dir / "train-00000-of-00002.parquet"
    content = bytearray(path.read_bytes())
    content[4 : len(content) // 3] = b"\xff" * (len(content) // 3 - 4)
    path.write_bytes(content)
    assert str(path) in refused(parquet_dir, cache_dir)


@pytest.mark.parametrize(("kind", "words"), [("PNG", "has a wrong checksum"), ("WEBP", "does not decode")])
def test_truncated_image_is_named_by_its_row(tmp_path, toy, train, test, cache_dir, kind, words):
    folder = toy.write_parquet(tmp_path / "hub", train, test, shards=1)
    images = [toy.encode(image, kind) for image in test.images]
    images[7] = images[7][: len(images[7]) // 2]
    toy.write_shard(folder / "test-00000-of-00001.parquet", images, test.targets.tolist())
    message = refused(folder, cache_dir)
    assert f"test-00000-of-00001.parquet: the image of row 7 {words}" in message


@pytest.mark.parametrize(
    ("image", "words"),
    [
        (np.zeros((3, 32, 31), np.uint8), "is 31x32 RGB instead of 32x32 RGB"),
        (np.zeros((3, 224, 224), np.uint8), "is 224x224 RGB instead of 32x32 RGB"),
        (np.zeros((4, 32, 32), np.uint8), "is 32x32 RGBA instead of 32x32 RGB"),
        (None, "does not decode"),
    ],
)
def test_other_images_are_refused(tmp_path, toy, train, test, cache_dir, image, words):
    folder = toy.write_parquet(tmp_path / "hub", train, test, shards=1)
    encoded = [toy.encode(each) for each in test.images]
    encoded[3] = None if image is None else toy.encode(image)
    toy.write_shard(folder / "test-00000-of-00001.parquet", encoded, test.targets.tolist())
    assert f"row 3 {words}" in refused(folder, cache_dir)


def test_other_formats_are_refused(tmp_path, toy, train, test, cache_dir):
    folder = toy.write_parquet(tmp_path / "hub", train, test, shards=1)
    encoded = [toy.encode(each, "TIFF") for each in test.images]
    toy.write_shard(folder / "test-00000-of-00001.parquet", encoded, test.targets.tolist())
    assert "does not decode as PNG, WEBP" in refused(folder, cache_dir)


@pytest.mark.parametrize(
    ("label", "words"), [(10, "has label 10"), (-1, "has label -1"), (None, "a label is missing")]
)
def test_labels_outside_the_classes_are_refused(tmp_path, toy, train, test, cache_dir, label, words):
    folder = toy.write_parquet(tmp_path / "hub", train, test, shards=1)
    labels = [*test.targets.tolist()[:-1], label]
    toy.write_shard(
        folder / "test-00000-of-00001.parquet", [toy.encode(image) for image in test.images], labels
    )
    assert words in refused(folder, cache_dir)


@pytest.mark.parametrize(
    "columns", [{"image": [b"x"], "label": [1]}, {"img": [b"x"], "label": [1]}, {"label": [1]}]
)
def test_other_columns_are_refused(parquet_dir, cache_dir, columns):
    pq.write_table(pa.table(columns), parquet_dir / "test-00000-of-00001.parquet")
    assert "no column 'img' with 'bytes'" in refused(parquet_dir, cache_dir)


def test_labels_that_are_no_numbers_are_refused(parquet_dir, cache_dir):
    table = pa.table({"img": [{"bytes": b"x", "path": None}], "label": ["cat"]})
    pq.write_table(table, parquet_dir / "test-00000-of-00001.parquet")
    assert "no column 'label' of whole numbers" in refused(parquet_dir, cache_dir)


def test_file_without_rows_is_refused(parquet_dir, cache_dir, toy):
    toy.write_shard(parquet_dir / "test-00000-of-00001.parquet", [], [])
    assert "has 0 rows" in refused(parquet_dir, cache_dir)


@pytest.mark.parametrize("change", ["a row lost", "a label changed"])
def test_set_of_nearly_the_official_size_must_be_exactly_so(
    tmp_path, toy, train, test, cache_dir, publish, change
):
    publish(train_images=40, test_images=20)
    whole = toy.write_parquet(tmp_path / "whole", train, test)
    assert len(load_data(whole, cache_dir=cache_dir / "whole").train) == 40
    if change == "a row lost":
        altered = Split(train.images[:-1], train.targets[:-1])
    else:
        altered = Split(train.images, np.where(np.arange(40) == 5, (train.targets + 1) % 10, train.targets))
    folder = toy.write_parquet(tmp_path / "altered", altered, test)
    assert f"{len(altered)} images (" in refused(folder, cache_dir / "altered")


def test_subset_far_below_the_official_size_is_read(parquet_dir, cache_dir, train):
    assert len(load_data(parquet_dir, cache_dir=cache_dir).train) == 40 < CIFAR10.train_images


def test_altered_png_is_named_though_it_would_decode(tmp_path, toy, train, test, cache_dir):
    folder = toy.write_parquet(tmp_path / "hub", train, test, shards=1)
    images = [toy.encode(image) for image in test.images]
    altered = bytearray(images[7])
    altered[len(altered) // 2] ^= 1
    images[7] = bytes(altered)
    toy.write_shard(folder / "test-00000-of-00001.parquet", images, test.targets.tolist())
    assert "the image of row 7 has a wrong checksum" in refused(folder, cache_dir)


@pytest.mark.parametrize("note_in", [".", ".."])
def test_altered_download_is_named_by_the_note_beside_it(tmp_path, toy, train, test, cache_dir, note_in):
    """`hf download --local-dir` writes such notes: commit, sha256, time."""
    folder = toy.write_parquet(tmp_path / "data" / "plain_text", train, test, shards=1, kind="WEBP")
    path = folder / "test-00000-of-00001.parquet"
    root = folder / note_in
    note = root.resolve() / ".cache" / "huggingface" / "download" / path.relative_to(root.resolve())
    note.parent.mkdir(parents=True)
    right = hashlib.sha256(path.read_bytes()).hexdigest()
    note.with_name(f"{note.name}.metadata").write_text(f"abc\n{right}\n1.5\n")
    assert len(load_data(folder.parent, cache_dir=cache_dir / "right").test) == 20
    note.with_name(f"{note.name}.metadata").write_text(f"abc\n{'0' * 64}\n1.5\n")
    assert f"{path}: its sha256 is {right[:12]}" in refused(folder.parent, cache_dir / "wrong")


def test_altered_file_of_a_known_copy_is_named(parquet_dir, cache_dir, publish):
    path = parquet_dir / "test-00000-of-00001.parquet"
    publish(hub=Hub(CIFAR10.hub.repo, known={path.name: (path.stat().st_size, "0" * 64)}))
    assert f"{path}: its sha256 is" in refused(parquet_dir, cache_dir)


def test_absurd_names_and_sizes_are_refused_at_once(parquet_dir, cache_dir, monkeypatch):
    monkeypatch.setattr(subject, "MAX_ROWS", 19)
    assert "20 rows" in refused(parquet_dir, cache_dir)
    path = parquet_dir / "test-00000-of-00001.parquet"
    path.rename(parquet_dir / "test-00000-of-99999999999999.parquet")
    assert "test-00001-of-99999999999999.parquet: this file is missing" in refused(parquet_dir, cache_dir)
