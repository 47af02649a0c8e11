"""Untrusted bytes give the right picture or one clear sentence; the square cut from it is exact."""

import contextlib
import random
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFile

from cifar_core.images import decode as decoder
from cifar_core.images import formats
from cifar_core.images.decode import (
    FORMATS,
    ImageError,
    decode,
    decode_image,
    fit_square,
    open_image,
    pillow_name,
)
from tests.support.camera_pictures import cut_jpeg
from tests.support.hostile_uploads import HEIGHT, QUARTERS, UPLOADS, WIDTH, Upload, deep_png, quarters, saved

ACCEPTED = [upload for upload in UPLOADS if upload.corners]
REFUSED = [upload for upload in UPLOADS if not upload.corners]


def name_of(upload: Upload) -> str:
    return upload.name


def corners_of(image: Image.Image) -> list[np.ndarray]:
    """The colors a sixteenth in from each corner: top left, top right, bottom left, bottom right."""
    across, down = image.width // 16, image.height // 16
    places = [(x, y) for y in (down, image.height - 1 - down) for x in (across, image.width - 1 - across)]
    return [np.array(image.getpixel(place), dtype=int) for place in places]


def check_picture(upload: Upload, image: Image.Image) -> None:
    assert image.mode == "RGB"
    assert upload.corners
    for found, wanted in zip(corners_of(image), upload.corners, strict=True):
        assert np.abs(found - wanted).max() <= upload.tolerance, (upload.name, found, wanted)


def check_sentence(text: str) -> None:
    assert text.endswith(".") and text.count(". ") == 0 and "\n" not in text, text
    assert "Traceback" not in text and "Error" not in text and "0x" not in text, text


def test_there_are_enough_hostile_uploads() -> None:
    assert len({upload.name for upload in UPLOADS}) == len(UPLOADS) >= 100
    assert len({upload.data for upload in UPLOADS}) == len(UPLOADS)


@pytest.mark.parametrize("upload", ACCEPTED, ids=name_of)
def test_the_right_picture(upload: Upload) -> None:
    decoded = decode(upload.data)
    check_picture(upload, decoded.image)
    assert bool(decoded.notes) == bool(upload.note)
    if upload.note:
        assert upload.note in decoded.notes[0]
        check_sentence(decoded.notes[0])


@pytest.mark.parametrize("upload", REFUSED, ids=name_of)
def test_one_clear_sentence(upload: Upload) -> None:
    with pytest.raises(ImageError) as caught:
        decode_image(upload.data)
    assert upload.sentence in str(caught.value)
    check_sentence(str(caught.value))


def test_16_bit_gray_is_rounded_over_its_whole_range() -> None:
    values = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    decoded = decode_image(saved(Image.fromarray(values), "PNG"))
    assert np.array_equal(np.asarray(decoded)[..., 0], np.round(values / 257).astype(np.uint8))


@pytest.mark.parametrize("kind", [kind for kind in FORMATS if kind != "JPEG"])
def test_a_cut_file_never_gives_another_picture(kind: str) -> None:
    data = saved(quarters(), pillow_name(kind))
    whole = decode_image(data).tobytes()
    for length in range(0, len(data), max(1, len(data) // 60)):
        try:
            assert decode_image(data[:length]).tobytes() == whole, length
        except ImageError as error:
            check_sentence(str(error))


@pytest.mark.parametrize("progressive", [False, True])
def test_a_cut_jpeg_says_so_and_shows_what_it_has(progressive: bool) -> None:
    chance = np.random.default_rng(2).integers(0, 256, (20, 15, 3), dtype=np.uint8)
    picture = Image.fromarray(chance).resize((300, 400), Image.Resampling.BICUBIC)
    data = saved(picture, "JPEG", quality=90, progressive=progressive)
    whole = np.asarray(decode_image(data), dtype=int)
    shown = []
    for length in range(0, len(data), max(1, len(data) // 60)):
        try:
            decoded = decode(data[:length])
        except ImageError as error:
            check_sentence(str(error))
            continue
        assert len(decoded.notes) == 1 and "too early" in decoded.notes[0]
        check_sentence(decoded.notes[0])
        shown.append(np.abs(np.asarray(decoded.image, dtype=int) - whole).mean(axis=(1, 2)))
    assert len(shown) > 20, "half of it is enough"
    assert all(rows[:150].max() < (40 if progressive else 1) for rows in shown)
    assert shown[-1].mean() < 2 and decode(data).notes == ()


@pytest.mark.parametrize("strips", [1, 8, 11, 17, 19])
def test_how_much_of_a_cut_jpeg_is_missing(strips: int) -> None:
    try:
        said = decode(cut_jpeg(strips)).notes[0]
    except ImageError as error:
        said = str(error)
    assert ("cut short" in said) == (strips < 10)
    assert int(said.split(" %")[0].split(" ")[-1]) == pytest.approx(100 - 5 * strips, abs=2)


def test_the_reader_of_heic_is_asked_only_where_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in for pillow-heif that knows one picture; hostile_uploads has others for the real one."""
    heic = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"

    class Reader(ImageFile.ImageFile):
        format = "HEIF"

        def _open(self) -> None:
            self._size, self._mode, self.tile = (WIDTH, HEIGHT), "RGB", []

        def load(self) -> None:
            self.im = quarters().im

    monkeypatch.setitem(Image.OPEN, "HEIF", (Reader, lambda prefix: heic.startswith(prefix)))
    monkeypatch.setattr(formats, "FORMATS", (*{*FORMATS, "HEIC"},))
    monkeypatch.setattr(decoder, "FORMATS", formats.FORMATS)
    assert decode_image(heic).tobytes() == quarters().tobytes()


@pytest.mark.parametrize("kind", FORMATS)
def test_random_damage_raises_nothing_else(kind: str) -> None:
    chance = random.Random(7)
    data = saved(quarters(), pillow_name(kind))
    for _ in range(150):
        broken = bytearray(data)
        for _ in range(chance.randint(1, 8)):
            broken[chance.randrange(len(broken))] = chance.randrange(256)
        try:
            assert decode_image(bytes(broken)).mode == "RGB"
        except ImageError as error:
            check_sentence(str(error))


def test_decoding_leaves_pillow_and_the_warnings_as_they_were() -> None:
    before = (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES, list(warnings.filters))
    for upload in UPLOADS:
        if "too many parts" not in upload.name:  # a second each
            with contextlib.suppress(ImageError):
                decode(upload.data)
    assert (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES, list(warnings.filters)) == before


def test_open_image_reads_a_file_and_names_it_when_it_cannot(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.png", tmp_path / "bad.png"
    good.write_bytes(saved(quarters(), "PNG"))
    bad.write_text("no picture")
    assert open_image(good).size == (WIDTH, HEIGHT)
    with pytest.raises(ImageError, match=r"bad\.png: This is a text file"):
        open_image(bad)
    with pytest.raises(ImageError, match=r"gone\.png: cannot be read \(No such file"):
        open_image(tmp_path / "gone.png")
    with pytest.raises(ImageError, match="cannot be read"):
        open_image(tmp_path)


def random_image(width: int, height: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8))


def test_an_image_of_the_right_size_passes_bit_for_bit() -> None:
    image = random_image(32, 32)
    assert fit_square(image).tobytes() == image.tobytes()
    assert decode_image(saved(image, "PNG")).tobytes() == image.tobytes()


@pytest.mark.parametrize(("size", "box"), [((75, 32), (21, 0, 53, 32)), ((32, 33), (0, 0, 32, 32))])
def test_the_crop_is_central_and_lies_on_whole_pixels(
    size: tuple[int, int], box: tuple[int, int, int, int]
) -> None:
    image = random_image(*size)
    assert fit_square(image).tobytes() == image.crop(box).tobytes()


@pytest.mark.parametrize("size", [(1, 1), (1, 10_000), (10_000, 1), (5, 7), (640, 480), (3000, 31)])
def test_any_shape_gives_a_square(size: tuple[int, int]) -> None:
    square = fit_square(Image.new("RGB", size, QUARTERS[0]))
    assert square.size == (32, 32)
    assert square.getcolors() == [(1024, QUARTERS[0])]


def test_fine_detail_is_averaged_and_not_picked_out() -> None:
    board = np.indices((256, 256)).sum(axis=0) % 2 * 255  # a chessboard of single pixels: gray from afar
    small = np.asarray(fit_square(Image.fromarray(board.astype(np.uint8)).convert("RGB")), dtype=int)
    assert np.abs(small[2:-2, 2:-2] - 127.5).max() < 2


@pytest.mark.parametrize("size", [(100, 100), (193, 200), (640, 480), (1600, 1200)])
def test_a_large_picture_is_fitted_as_by_a_resize_in_one_go(size: tuple[int, int]) -> None:
    scene = random_image(size[0] // 8, size[1] // 8).resize(size, Image.Resampling.BICUBIC)
    (left, top), side = ((size[0] - min(size)) // 2, (size[1] - min(size)) // 2), min(size)
    whole = scene.resize((32, 32), Image.Resampling.BILINEAR, (left, top, left + side, top + side))
    difference = np.abs(np.asarray(fit_square(scene), dtype=int) - np.asarray(whole, dtype=int))
    assert difference.mean() < 1.5 and difference.max() < 10


def test_a_deep_png_equals_its_8_bit_twin() -> None:
    assert decode_image(deep_png(2, QUARTERS)).tobytes() == quarters().tobytes()
