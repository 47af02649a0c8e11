"""Own pictures: which folders are read and how, what is cut, skipped and reported, what is refused."""

import os
import shutil
import sys
import unicodedata

import numpy as np
import pytest
from PIL import Image

from cifar_core.config import TrainConfig
from cifar_core.data import DataError, check_data, format_check, load_data
from cifar_core.data.cache import forget
from cifar_core.data.own import find_own
from cifar_core.data.sources import find_local
from cifar_core.datasets import OWN
from cifar_core.images.decode import fit_square, open_image
from tests.support.own_pictures import NAMES, make_own, save_pictures


@pytest.fixture
def load(cache_dir):
    def load(place, source="own", **options):
        return load_data(place, source=source, cache_dir=cache_dir, **options)

    return load


def per_class(split, classes=3):
    return np.bincount(split.targets, minlength=classes).tolist()


def refused(place) -> str:
    with pytest.raises(DataError) as caught:
        find_own(place)
    message = str(caught.value)
    assert "\n" not in message and message.endswith(".")
    return message


@pytest.mark.parametrize("test", ["test", "val", "Valid", "validation"])
def test_the_splits_of_a_folder_are_kept(tmp_path, load, test):
    place = make_own(tmp_path / "own", train=6, test=3)
    (place / "test").rename(place / test)
    data = load(place)
    assert data.class_names == tuple(sorted(NAMES))
    assert per_class(data.train) == [6, 6, 6] and per_class(data.test) == [3, 3, 3]
    first = place / "train" / data.class_names[0] / "000.png"
    assert np.array_equal(
        data.train.images[0], np.asarray(fit_square(open_image(first), 32)).transpose(2, 0, 1)
    )
    assert str(place) in data.source and str(place) not in data.kind


def test_validation_images_beside_a_test_split_are_trained_on(tmp_path, load):
    place = make_own(tmp_path / "own", train=6, test=3)
    for label, name in enumerate(NAMES):
        save_pictures(place / "val" / name, label, 2, first=20)
    data = load(place)
    assert per_class(data.train) == [8, 8, 8] and per_class(data.test) == [3, 3, 3]


def test_a_test_split_is_cut_with_the_share_of_each_class(tmp_path, load):
    place = make_own(tmp_path / "own", train=10)
    save_pictures(place / NAMES[0], 0, 10, first=10)
    data = load(place)
    many = sorted(NAMES).index(NAMES[0])
    expected = [[8, 2], [8, 2], [8, 2]]
    expected[many] = [16, 4]
    assert [list(pair) for pair in zip(per_class(data.train), per_class(data.test), strict=True)] == expected
    found = find_own(place).data_set
    assert (found.class_names, found.train_images, found.test_images) == (data.class_names, 32, 8)
    assert data.train.targets[:3].tolist() == [0, 1, 2]  # in turns


def test_the_cut_does_not_depend_on_names_and_other_classes(tmp_path, load):
    place = make_own(tmp_path / "own")
    before = load(place)
    for number, path in enumerate(sorted((place / NAMES[0]).iterdir(), reverse=True)):
        path.rename(path.with_name(f"new {number}{path.suffix}"))
    save_pictures(place / "zebras", 3, 10)
    after = load(place)

    def tested(data):
        rows = zip(data.test.images, data.test.targets, strict=True)
        return {image.tobytes() for image, target in rows if data.class_names[target] in NAMES}

    assert tested(before) == tested(after) and len(tested(before)) == 6
    assert load(place, source=TrainConfig(data="own").data_set).fingerprint == after.fingerprint
    cut = load(place, source=TrainConfig(data="own", classes=sorted(NAMES)).data_set)
    assert cut.class_names == before.class_names and tested(cut) == tested(before)


def test_names_in_two_unicode_forms_are_one_class(tmp_path, load):
    place = make_own(tmp_path / "own", train=6, test=3)
    (place / "test" / NAMES[0]).rename(place / "test" / unicodedata.normalize("NFD", NAMES[0]))
    data = load(place)
    assert data.class_names == tuple(sorted(NAMES)) and per_class(data.test) == [3, 3, 3]


def test_folders_within_a_class_belong_to_it_and_files_of_the_desktop_do_not(tmp_path, load):
    place = make_own(tmp_path / "own")
    save_pictures(place / NAMES[0] / "summer" / "2025", 0, 5, first=30)
    for hidden in (place / ".git", place / "__MACOSX", place / NAMES[0] / ".thumbs"):
        save_pictures(hidden, 0, 3)
    (place / NAMES[1] / "Thumbs.db").write_bytes(b"x")
    (place / NAMES[1] / ".DS_Store").write_bytes(b"x")
    if hasattr(os, "mkfifo"):
        os.mkfifo(place / NAMES[1] / "pipe.png")  # to open it would wait for ever
    (place / "notes.txt").write_text("x")
    data = load(place)
    assert data.class_names == tuple(sorted(NAMES)) and data.remarks.skipped == ()
    assert len(data.train) + len(data.test) == 35


def test_what_cannot_be_read_is_skipped_and_listed_also_from_the_cache(tmp_path, load):
    place = make_own(tmp_path / "own")
    whole = (place / NAMES[0] / "001.jpg").read_bytes()
    bad = {"notes.txt": b"hello", "cut.jpg": whole[: len(whole) // 2], "empty.png": b""}
    for name, content in bad.items():
        (place / NAMES[1] / name).write_bytes(content)
    (place / NAMES[1] / os.fsdecode(b"\xff.png")).write_bytes(b"x")  # a name that is no text
    first, second = load(place), load(place)
    assert len(first.train) + len(first.test) == 30
    assert first.remarks == second.remarks and len(first.remarks.skipped) == 4
    for name in bad:
        assert any(f"{os.path.join(NAMES[1], name)}: " in line for line in first.remarks.skipped)
    report = check_data(place, source="own")
    assert report["skipped"] == list(first.remarks.skipped)
    text = format_check(report)
    assert "cut.jpg" in text and "\ufffd" not in NAMES[1] and text.encode()


def test_equal_pictures_in_both_splits_are_reported(tmp_path, load):
    place = make_own(tmp_path / "own", train=6, test=3)
    shutil.copy(place / "train" / NAMES[0] / "002.webp", place / "test" / NAMES[0] / "again.webp")
    data = load(place)
    (pair,) = data.remarks.duplicates
    assert "002.webp" in pair and "again.webp" in pair
    assert pair in format_check(check_data(place, source="own"))


def test_a_cut_leaves_equal_pictures_on_one_side(tmp_path, load):
    place = make_own(tmp_path / "own")
    for path in list((place / NAMES[0]).iterdir()):
        shutil.copy(path, path.with_name(f"copy of {path.name}"))
    assert load(place).remarks.duplicates == ()


def test_a_changed_folder_is_read_anew_and_a_kept_one_can_be_forgotten(tmp_path, load, cache_dir):
    place = make_own(tmp_path / "own")
    before = load(place)
    (place / NAMES[0] / "000.png").unlink()
    after = load(place)
    assert len(after.train) + len(after.test) == 29 and after.fingerprint != before.fingerprint
    del before, after  # Windows deletes no file that is mapped
    forget(find_own(place).key, cache_dir)
    assert list(cache_dir.iterdir()) == []


def test_a_hundred_classes_of_three_pictures(tmp_path, load):
    place = tmp_path / "own"
    colors = np.random.default_rng(0).integers(0, 256, (300, 3))
    for number, color in enumerate(colors):
        folder = place / f"{number % 100:02d}"
        folder.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (32, 32), tuple(color.tolist())).save(folder / f"{number}.png")
    data = load(place)
    assert per_class(data.train, 100) == [2] * 100 and per_class(data.test, 100) == [1] * 100
    (place / "one more").mkdir()
    assert "2 to 100" in refused(place)


def test_nothing_one_class_and_no_folder_are_told_what_is_needed(tmp_path, load):
    place = tmp_path / "own"
    place.mkdir()
    assert "2 to 100" in refused(place)
    save_pictures(place / "apples", 0, 5)
    assert "2 to 100" in refused(place) and "apples" in refused(place)
    (tmp_path / "file").write_text("x")
    assert "no folder" in refused(tmp_path / "file")
    for bad in (None, tmp_path / "gone", place):
        with pytest.raises(DataError, match="--data-dir") as caught:
            load(bad)
        assert "hf download" not in str(caught.value)


@pytest.mark.parametrize("test", [0, 3])
def test_who_asks_for_cifar_10_there_is_told_of_own_classes(tmp_path, load, test):
    with pytest.raises(DataError, match="data=own"):
        load(make_own(tmp_path / "own", train=6, test=test), source="cifar10")


def test_the_folder_of_another_data_set_is_not_taken_for_own_pictures(load, folders_dir, monkeypatch):
    monkeypatch.setenv("CIFAR_DATA", str(folders_dir))
    with pytest.raises(DataError, match="--data-dir"):
        load(None)
    assert (
        find_local(folders_dir, OWN).data_set.class_names == load(folders_dir, source="cifar10").class_names
    )


@pytest.mark.parametrize(("files", "words"), [(0, "no picture"), (1, "one picture"), (2, "2 pictures")])
def test_a_class_with_too_few_pictures_is_named_with_what_is_needed(tmp_path, files, words):
    place = make_own(tmp_path / "own")
    save_pictures(place / "pears", 3, files)
    message = refused(place)
    assert "'pears'" in message and words in message and "3 or more" in message


def test_a_class_whose_files_cannot_be_read_is_named(tmp_path, load):
    place = make_own(tmp_path / "own")
    for path in (place / NAMES[1]).iterdir():
        path.write_bytes(b"x")
    with pytest.raises(DataError, match=r"'pears, ripe' has no picture \(10 files were skipped\)"):
        load(place)


def test_classes_that_differ_between_the_splits_are_named(tmp_path):
    place = make_own(tmp_path / "own", train=6, test=3)
    shutil.rmtree(place / "test" / NAMES[2])
    assert NAMES[2] in refused(place) and "not in test" in refused(place)
    save_pictures(place / "test" / NAMES[2], 2, 3)
    save_pictures(place / "test" / "apples", 3, 3)
    assert "apples" in refused(place) and "not in train" in refused(place)
    shutil.rmtree(place / "test" / "apples")
    shutil.rmtree(place / "test" / NAMES[2])
    (place / "test" / NAMES[2]).mkdir()
    assert "no picture to test with" in refused(place)


def test_a_split_without_the_other_or_without_classes_is_no_class(tmp_path):
    place = make_own(tmp_path / "own", train=6, test=3)
    shutil.rmtree(place / "train")
    assert "without train/<class>" in refused(place)
    for split in ("train", "test"):
        shutil.rmtree(place / split, ignore_errors=True)
        save_pictures(place / split, 0, 5)
    assert "2 to 100" in refused(place)
    save_pictures(place / "car", 1, 5)  # now `train` is a kind of vehicle
    assert find_own(place).data_set.class_names == ("car", "test", "train")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names themselves")
@pytest.mark.parametrize("name", [b"a\nb", b"a\xff"])
def test_a_name_that_no_page_can_write_is_refused(tmp_path, name):
    place = make_own(tmp_path / "own")
    save_pictures(place / os.fsdecode(name), 3, 5)
    assert "rename its folder" in refused(place)
    assert refused(place).encode()
