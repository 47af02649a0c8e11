"""Class folders, and what is said about a place that holds no data."""

import io

import numpy as np
import pytest
from PIL import Image

from cifar_core.data import CLASS_NAMES, DataError, load_data
from tests.support.camera_pictures import cut_jpeg


def test_images_are_read_in_the_order_of_their_names(folders_dir, cache_dir, train, test):
    data = load_data(folders_dir, cache_dir=cache_dir)
    assert np.array_equal(data.train.images, train.images) and np.array_equal(
        data.train.targets, train.targets
    )
    assert np.array_equal(data.test.images, test.images) and np.array_equal(data.test.targets, test.targets)
    assert data.class_names == CLASS_NAMES


def test_files_of_the_desktop_are_passed_over(folders_dir, cache_dir):
    (folders_dir / "train" / "cat" / ".DS_Store").write_bytes(b"x")
    (folders_dir / "train" / "cat" / "Thumbs.db").write_bytes(b"x")
    (folders_dir / "train" / "labels.txt").write_text("airplane")
    assert len(load_data(folders_dir, cache_dir=cache_dir).train) == 40


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "BMP", "GIF"])
def test_ordinary_formats_and_sizes_are_resized(folders_dir, cache_dir, toy, kind):
    wide = np.full((3, 64, 100), 200, np.uint8)
    wide[:, :, :10] = 0  # outside the central square
    path = folders_dir / "train" / "cat" / f"9999.{kind.lower()}"
    path.write_bytes(toy.encode(wide, kind))
    data = load_data(folders_dir, cache_dir=cache_dir)
    assert data.train.targets[-1] == CLASS_NAMES.index("cat")
    assert abs(data.train.images[-1].astype(int) - 200).max() <= 3


def test_exif_turns_an_image_upright(folders_dir, cache_dir):
    image = Image.new("RGB", (32, 32))
    image.paste((255, 255, 255), (0, 0, 32, 16))  # white above
    exif = Image.Exif()
    exif[0x0112] = 3  # taken upside down
    image.save(folders_dir / "train" / "cat" / "9999.png", exif=exif)
    seen = load_data(folders_dir, cache_dir=cache_dir).train.images[-1]
    assert seen[:, 20:].min() == 255 and seen[:, :12].max() == 0


def refused(place, cache_dir) -> str:
    with pytest.raises(DataError) as caught:
        load_data(place, cache_dir=cache_dir)
    message = str(caught.value)
    assert "\n" not in message and "There are three ways" in message
    return message


@pytest.mark.parametrize("split", ["train", "test"])
def test_missing_split_is_named(folders_dir, cache_dir, split):
    (folders_dir / split).rename(folders_dir / "other")
    assert f"{folders_dir / split}: this folder is missing" in refused(folders_dir, cache_dir)


def test_missing_class_is_named(folders_dir, cache_dir):
    (folders_dir / "test" / "frog").rename(folders_dir / "frog")
    assert f"{folders_dir / 'test' / 'frog'}: this folder is missing" in refused(folders_dir, cache_dir)


def test_unknown_class_is_named(folders_dir, cache_dir):
    (folders_dir / "train" / "a-zebra").mkdir()
    message = refused(folders_dir, cache_dir)
    assert "a-zebra: this folder is not a class; the classes are airplane" in message


def test_class_without_images_is_named(folders_dir, cache_dir):
    for path in (folders_dir / "train" / "ship").iterdir():
        path.unlink()
    assert f"{folders_dir / 'train' / 'ship'}: this folder has no images" in refused(folders_dir, cache_dir)


def test_file_that_is_no_image_is_named(folders_dir, cache_dir):
    (folders_dir / "train" / "ship" / "notes.txt").write_text("x")
    assert "notes.txt: this is not an image of a known kind" in refused(folders_dir, cache_dir)


def png(mode: str, size: tuple[int, int] = (32, 32)) -> bytes:
    buffer = io.BytesIO()
    Image.new(mode, size).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"not an image", "not read here"),
        (png("RGB")[:60], "damaged"),
        (cut_jpeg(17), "damaged"),  # which a page would show with a note
        (png("1", (8000, 8000)), "8000 × 8000 pixels"),
    ],
    ids=["empty", "text", "truncated", "cut", "huge"],
)
def test_image_that_cannot_be_used_is_named(folders_dir, cache_dir, content, words):
    path = folders_dir / "test" / "ship" / "bad.png"
    path.write_bytes(content)
    message = refused(folders_dir, cache_dir)
    assert f"{path}: The " in message or f"{path}: This " in message
    assert words in message


def test_place_that_does_not_exist_is_named(tmp_path, cache_dir):
    assert f"{tmp_path / 'no'}: there is no such file or folder" in refused(tmp_path / "no", cache_dir)


def test_empty_folder_is_told_what_it_lacks(tmp_path, cache_dir):
    assert "this folder holds no CIFAR-10" in refused(tmp_path, cache_dir)


@pytest.mark.parametrize(
    ("name", "words"), [("cifar.zip", "a ZIP archive; unpack it"), ("x.bin", "this file is not")]
)
def test_other_files_are_refused(tmp_path, cache_dir, name, words):
    (tmp_path / name).write_bytes(b"PK\3\4")
    assert words in refused(tmp_path / name, cache_dir)


def test_bad_folder_is_never_replaced_by_another_source(tmp_path, cache_dir, network, parquet_dir):
    network.hub(parquet_dir)
    refused(tmp_path / "no", cache_dir)
    assert network.log == []
