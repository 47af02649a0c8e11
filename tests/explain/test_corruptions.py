"""Damage to pictures: nothing at strength 0, more at each further one, and the same for the same seed."""

import numpy as np
import pytest
from PIL import Image
from PIL.ImageFilter import GaussianBlur

from cifar_core.data.synthetic import make_synthetic
from cifar_core.explain.corruptions import CORRUPTIONS, STRENGTHS, Corruption, corrupt

KINDS = list(CORRUPTIONS)


@pytest.fixture(scope="module")
def images():
    return make_synthetic(train_size=60, test_size=10).train.images


def gray(level: int, count: int = 3) -> np.ndarray:
    return np.full((count, 3, 32, 32), level, np.uint8)


@pytest.mark.parametrize("kind", KINDS)
def test_each_strength_changes_more_and_keeps_the_form(images, kind):
    changes = []
    for strength in range(STRENGTHS + 1):
        changed = corrupt(images, kind, strength)
        assert changed.shape == images.shape and changed.dtype == np.uint8
        changes.append(np.abs(changed.astype(float) - images).mean())
    assert changes[0] == 0 and changes == sorted(set(changes))


@pytest.mark.parametrize("kind", KINDS)
def test_the_seed_decides_and_the_pictures_stay_as_they_were(images, kind):
    before = images.copy()
    assert np.array_equal(corrupt(images, kind, 3), corrupt(images, kind, 3))
    assert np.array_equal(images, before)


@pytest.mark.parametrize("kind", ["noise", "rotation", "shift"])
def test_another_seed_gives_other_chances(images, kind):
    assert not np.array_equal(corrupt(images, kind, 3, seed=0), corrupt(images, kind, 3, seed=1))


@pytest.mark.parametrize("kind", ["blur", "contrast", "rotation", "shift", "pixelation"])
def test_an_even_picture_has_nothing_to_lose(kind):
    for level in (0, 100, 255):
        assert np.array_equal(corrupt(gray(level), kind, 5), gray(level))


def test_noise_has_the_stated_deviation():
    difference = corrupt(gray(128, 50), "noise", 5).astype(float) - 128
    assert difference.std() == pytest.approx(0.10 * 255, rel=0.02) and abs(difference.mean()) < 0.5


def at(kind: str, level: float):
    """The kind of damage with one number of its own."""
    return Corruption("", (level,), CORRUPTIONS[kind].apply)


def test_blur_agrees_with_pillow_inside_and_keeps_the_mean(images):
    """Pillow's Gaussian, three box blurs, is near ours; the mirrored border loses no light."""
    blurred = corrupt(images, "blur", 5)
    assert np.allclose(images.mean(axis=(2, 3)), blurred.mean(axis=(2, 3)), atol=0.1)
    by_pillow = [Image.fromarray(image.transpose(1, 2, 0)).filter(GaussianBlur(1.0)) for image in images]
    difference = np.stack(by_pillow).transpose(0, 3, 1, 2).astype(int) - blurred
    assert np.abs(difference[:, :, 3:-3, 3:-3]).mean() < 1


def test_a_quarter_turn_and_none_are_exact(images, monkeypatch):
    for degrees, turns in ((90, {1, -1}), (0, {0})):
        monkeypatch.setitem(CORRUPTIONS, "turn", at("rotation", degrees))
        for before, after in zip(images, corrupt(images, "turn", 1), strict=True):
            found = {k for k in (-1, 0, 1) if np.array_equal(np.rot90(before, k, (1, 2)), after)}
            assert len(found) == 1 and found <= turns


def test_what_a_shift_uncovers_is_the_mirrored_image(images):
    mirrored = np.pad(images, ((0, 0), (0, 0), (2, 2), (2, 2)), mode="reflect")
    for before, after in zip(mirrored, corrupt(images, "shift", 2), strict=True):
        assert any(
            np.array_equal(before[:, y : y + 32, x : x + 32], after) for y in (0, 2, 4) for x in (0, 2, 4)
        )


def test_a_further_kind_is_a_function_in_the_table(images, monkeypatch):
    dark = Corruption("share", (0.9, 0.7, 0.5, 0.3, 0.0), lambda pixels, share, _: pixels * share)
    monkeypatch.setitem(CORRUPTIONS, "dark", dark)
    assert not corrupt(images, "dark", 5).any() and corrupt(images, "dark", 1).any()


def test_blur_spreads_a_point_as_a_gaussian():
    point = gray(0, 1)
    point[:, :, 16, 16] = 255
    blurred = corrupt(point, "blur", 5)[0, 0].astype(float)
    assert blurred.sum() == pytest.approx(255, abs=13)  # rounding, a half each of its 25 pixels at the most
    assert blurred[16, 17] / blurred[16, 16] == pytest.approx(np.exp(-0.5), abs=0.02)
    assert np.array_equal(blurred, blurred.T)


def test_contrast_keeps_the_mean_and_the_stated_share(images):
    before, after = images.astype(float), corrupt(images, "contrast", 2).astype(float)
    assert np.allclose(before.mean(axis=(2, 3)), after.mean(axis=(2, 3)), atol=0.5)
    assert np.allclose(before.std(axis=(2, 3)) * 0.5, after.std(axis=(2, 3)), atol=0.5)


def test_brightness_is_added_and_ends_at_white():
    assert (corrupt(gray(100), "brightness", 4) == 100 + 51).all()
    assert (corrupt(gray(250), "brightness", 1) == 255).all()


def test_a_rotation_turns_about_the_middle_by_the_stated_angle():
    line = gray(0, 40)
    line[:, :, :, 15:17] = 255
    turned = corrupt(line, "rotation", 5).astype(float)  # 30 degrees
    columns = np.arange(32) - 15.5
    places = (turned * columns).sum(axis=3) / turned.sum(axis=3)  # (N, 3, 32): where the line is in each row
    slopes = [np.polyfit(np.arange(10, 22), row[0][10:22], 1)[0] for row in places]
    assert np.allclose(np.abs(slopes), np.tan(np.deg2rad(30)), atol=0.03)
    assert {np.sign(slope) for slope in slopes} == {-1, 1}


def test_a_shift_moves_by_the_stated_pixels(images):
    moved = corrupt(images, "shift", 4)  # 4 pixels
    inner = (slice(None), slice(8, 24), slice(8, 24))
    for before, after in zip(images, moved, strict=True):
        found = [
            (y, x)
            for y in (-4, 0, 4)
            for x in (-4, 0, 4)
            if (y or x) and np.array_equal(np.roll(before, (y, x), (1, 2))[inner], after[inner])
        ]
        assert len(found) == 1


def test_pixelation_leaves_blocks():
    ramp = np.broadcast_to(np.arange(32, dtype=np.uint8) * 8, (1, 3, 32, 32))
    assert len(np.unique(corrupt(ramp, "pixelation", 5))) <= 2 * 20


@pytest.mark.parametrize(("kind", "strength"), [("rain", 1), ("noise", 6), ("noise", -1)])
def test_what_there_is_not_is_refused_with_what_there_is(images, kind, strength):
    with pytest.raises(ValueError, match=r"there are: noise, blur|from 0 to 5"):
        corrupt(images, kind, strength)


def test_no_images_are_no_trouble():
    for kind in KINDS:
        assert corrupt(gray(0, 0), kind, 5).shape == (0, 3, 32, 32)
