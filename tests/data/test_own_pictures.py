"""Sets of own pictures: names, classes, pictures that are kept once and without what a camera adds."""

import io

import numpy as np
import pytest
from PIL import Image

from cifar_core.data.dataset import DataError
from cifar_core.data.own_pictures import SHORT_SIDE, checked_name, create_set, own_sets
from cifar_core.datasets import MOST_CLASSES
from cifar_core.images.decode import decode


def photo(seed=0, size=(400, 300)):
    """A JPEG with a place in its EXIF."""
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), np.uint8)
    exif = Image.Exif()
    exif.get_ifd(0x8825)[1] = "N"
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", exif=exif)
    return file.getvalue()


@pytest.fixture
def made(tmp_path):
    one = create_set(tmp_path, "My desk")
    for name in ("Schlüssel", "cup"):
        one.add_class(name)
    return one


def test_sets_and_classes_are_listed(made, tmp_path):
    create_set(tmp_path, "another")
    assert [one.name for one in own_sets(tmp_path)] == ["My desk", "another"]
    assert {name: len(files) for name, files in made.classes().items()} == {"Schlüssel": 0, "cup": 0}
    assert own_sets(tmp_path / "nowhere") == []


def test_a_picture_is_kept_once_small_and_without_its_place(made):
    content = photo()
    assert made.add("cup", content, decode(content))
    assert not made.add("Schlüssel", content, decode(content))
    (path,) = made.classes()["cup"]
    with Image.open(path) as kept:
        assert min(kept.size) == SHORT_SIDE and not kept.getexif()


def test_a_small_picture_keeps_its_pixels(made):
    file = io.BytesIO()
    small = Image.new("RGB", (20, 10), (1, 2, 3))
    small.save(file, "PNG")
    made.add("cup", file.getvalue(), decode(file.getvalue()))
    with Image.open(made.classes()["cup"][0]) as kept:
        assert kept.size == (20, 10)


def test_a_class_goes_with_its_pictures(made):
    made.add("cup", photo(), decode(photo()))
    made.remove_class("cup")
    made.remove_class("no such class")
    assert list(made.classes()) == ["Schlüssel"]


def test_classes_keep_their_places_when_pictures_come(made):
    before = list(made.classes())
    made.add(before[0], photo(), decode(photo()))
    assert list(made.classes()) == before


def test_a_name_is_kept_in_one_form():
    assert checked_name("  Tu\u0308r   zwei ") == "T\u00fcr zwei"


@pytest.mark.parametrize(
    "name", ["", "  ", "a/b", ".hidden", "x" * 61, "a\0b", "dot.", "a\u200bb", "..", "a:b"]
)
def test_what_cannot_name_a_folder_is_refused(name, tmp_path):
    with pytest.raises(DataError):
        create_set(tmp_path, name)
    assert own_sets(tmp_path) == []


def test_names_that_differ_in_case_alone_are_one(made, tmp_path):
    with pytest.raises(DataError, match="already"):
        made.add_class("CUP")
    with pytest.raises(DataError, match="already"):
        create_set(tmp_path, "my DESK")


def test_no_set_has_too_many_classes(made):
    for number in range(MOST_CLASSES - 2):
        made.add_class(f"class {number}")
    with pytest.raises(DataError, match=str(MOST_CLASSES)):
        made.add_class("one more")
