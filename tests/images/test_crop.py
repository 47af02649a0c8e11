"""Which part of a picture is seen: turned as asked, cut where asked, and nothing outside of it."""

import numpy as np
import pytest
from PIL import Image

from cifar_core.images.crop import Crop, CropError, crop_box, cropped, turned
from tests.support.hostile_uploads import BLUE, GREEN, RED, YELLOW, quarters


def corners(image: Image.Image) -> list[tuple[int, ...]]:
    right, bottom = image.width - 1, image.height - 1
    return [image.getpixel(place) for place in ((0, 0), (right, 0), (0, bottom), (right, bottom))]


def test_the_default_leaves_the_picture_as_it_is():
    picture = quarters()
    assert Crop().whole and cropped(picture, Crop()) is picture


@pytest.mark.parametrize(
    ("degrees", "expected"),
    [
        (90, [BLUE, RED, YELLOW, GREEN]),
        (180, [YELLOW, BLUE, GREEN, RED]),
        (-90, [GREEN, YELLOW, RED, BLUE]),
        (360, [RED, GREEN, BLUE, YELLOW]),
    ],
)
def test_quarters_turn_clockwise_and_keep_every_pixel(degrees, expected):
    picture = quarters()
    result = turned(picture, degrees)
    assert corners(result) == expected
    assert sorted(result.getcolors()) == sorted(picture.getcolors())


def test_corners_that_open_get_the_mean_color():
    picture = quarters()
    mean = np.asarray(picture).reshape(-1, 3).mean(axis=0)
    result = turned(picture, 30)
    assert result.width > picture.width and result.height > picture.height
    assert np.allclose(corners(result), mean, atol=1)


def test_the_square_moves_in_the_room_that_it_has():
    assert crop_box((48, 32), Crop()) == (8, 0, 40, 32)
    assert crop_box((48, 32), Crop(right=-1)) == (0, 0, 32, 32)
    assert crop_box((48, 32), Crop(zoom=2, right=1, down=1)) == (32, 16, 48, 32)
    assert crop_box((1, 1), Crop(zoom=8)) == (0, 0, 1, 1)


@pytest.mark.parametrize(
    ("right", "down", "color"), [(-1, -1, RED), (1, -1, GREEN), (-1, 1, BLUE), (1, 1, YELLOW)]
)
def test_a_close_square_holds_one_quarter_alone(right, down, color):
    part = cropped(quarters(), Crop(zoom=2, right=right, down=down))
    assert part.size == (16, 16) and part.getcolors() == [(256, color)]


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"zoom": 0.5}, "zoom is 0.5; it must be from 1 to 8"),
        ({"turn": 400}, "turn is 400; it must be from -360 to 360"),
        ({"right": float("nan")}, "right is nan; it must be from -1 to 1"),
        ({"down": -2}, "down is -2; it must be from -1 to 1"),
    ],
)
def test_what_lies_outside_is_a_sentence(values, sentence):
    with pytest.raises(CropError, match=sentence):
        Crop(**values)
