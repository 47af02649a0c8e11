"""The only image decoder: bytes that nobody trusts in, one upright RGB picture or one clear sentence out.

What every browser shows, and HEIC, as phones take pictures, where pillow-heif is installed. Not TIFF: its
codecs are many and old, and no phone or browser sends it. Color profiles are ignored: reading them means one
more parser on a stranger's bytes, for a change of shade lost at 32 × 32. Pillow's own settings stay as they
are.
"""

import functools
import io
import threading
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageChops, ImageFile

from cifar_core.errors import LabError
from cifar_core.images.formats import ALLOWED as ALLOWED
from cifar_core.images.formats import FORMATS as FORMATS
from cifar_core.images.formats import advise
from cifar_core.images.formats import identify as identify
from cifar_core.images.headers import announced_sizes, jpeg_facts

MAX_BYTES = 20 * 2**20  # a photo of a phone at full resolution has 3 to 12 MB
MAX_PIXELS = 50_000_000  # 48-megapixel phones pass; 200 MB decoded
MAX_READS = 200_000  # steps of Pillow's own loops over a file's parts; a large GIF takes 160,000
MAX_WORK = 1_000_000_000  # pixels times scans of a JPEG: a large progressive one has half of it
MAX_RUN_PIXELS = 8_000_000  # of a BMP packed in runs, which Pillow unpacks in Python
MOST_MISSING = 0.5  # of a JPEG that is cut short; with more, the network would be asked about gray
JPEG_STRIP = 12  # rows that end together: mostly 16, some of them blurred into their neighbors
JPEG_END = b"\xff\xd9"
TINY_SIDE = 8  # pixels; below this a note says that there is little to see
# How a PNG's one transparent color, stored at the file's own depth, reads at 8 bits (Pillow forgets to).
_TRANSPARENT_KEY: dict[str, Callable[[int], int]] = {
    "L;2": lambda value: value * 85,
    "L;4": lambda value: value * 17,
    "I;16B": lambda value: round(value / 257),
    "RGB;16B": lambda value: value >> 8,
}
_UPRIGHT = {  # EXIF orientation -> the operation that undoes it
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# In a file of several pictures, the marks of those that brighten the first one on an HDR screen: Google's and
# Apple's in XMP, and ISO 21496-1's.
_GAIN_MAPS = (b"hdrgm:", b"hdrgainmap", b"urn:iso:std:iso:ts:21496:-1")
_MPO_ENTRIES = 0xB002
SEVERAL = "The file holds several pictures; this is the first."
_quiet = threading.Lock()  # warnings.catch_warnings changes the whole process


class ImageError(LabError):
    """The bytes give no picture; the message is one sentence for the person who sent them."""


class _Bytes(io.BytesIO):
    """A file of limited patience: Pillow loops over chunks, markers and runs, which can be millions."""

    reads = 0

    def read(self, size: int | None = -1, /) -> bytes:
        self.reads += 1
        if self.reads > MAX_READS:
            raise _TooManyParts
        return super().read(size)


class _TooManyParts(BaseException):
    """Of another kind than Pillow catches and passes over."""


@dataclass(frozen=True)
class Decoded:
    """An upright RGB image and what a viewer should know about it, one sentence each (mostly none)."""

    image: Image.Image
    notes: tuple[str, ...] = ()


def decode_image(data: bytes) -> Image.Image:
    """The picture in `data`: RGB, upright, transparency laid on white, of an animation the first frame.

    Raises nothing but ImageError: one sentence with what was given, what is allowed and what to do.
    """
    return decode(data).image


def open_image(path: str | Path) -> Image.Image:
    """decode_image for a file; raises ImageError, naming the file, also when it cannot be read."""
    return open_decoded(path).image


def open_decoded(path: str | Path) -> Decoded:
    """open_image, together with its notes."""
    try:
        with open(path, "rb") as file:
            return decode(file.read(MAX_BYTES + 1))
    except OSError as error:
        raise ImageError(
            f"{path}: cannot be read ({error.strerror}); check the path and its permissions."
        ) from None
    except ImageError as error:
        raise ImageError(f"{path}: {error}") from None


def decode(data: bytes, *, whole: bool = False) -> Decoded:
    """decode_image, together with its notes; whole: refuse a JPEG that ends too early."""
    _check_bytes(data)
    with _quiet, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's remarks on broken metadata; errors still raise
        try:
            return _decode(data, whole)
        except ImageError:
            raise
        except MemoryError:
            raise ImageError(
                "The picture needs more memory than is allowed here; send a smaller copy."
            ) from None
        except _TooManyParts:
            raise ImageError(_too_many_parts(data)) from None
        except Image.DecompressionBombError:
            raise ImageError(_too_many_pixels("far more than")) from None
        except Exception as error:  # Pillow raises nearly every kind on broken files
            raise ImageError(_damaged(data)) from error


def fit_square(image: Image.Image, size: int = 32) -> Image.Image:
    """The central square of an RGB image as size × size pixels; one of that size passes bit for bit.

    The crop lies on whole pixels. Bilinear with Pillow's antialiasing (the kernel widens as the picture
    shrinks) leaves about the fine detail that CIFAR-10's images have: 2.9 % of the energy above 0.35 cycles a
    pixel against their 2.6 %, where Lanczos leaves 4.7 %, for which networks take photographs to be strange.
    (An image of 32 pixels that somebody enlarged comes back a little blurred: Lanczos is better for those.)

    What is more than six times as large is first averaged over whole pixels, to three times the size: a fifth
    of the time for 480 rows, and about one step of 255 away from a resize in one go.
    """
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    box = (left, top, left + side, top + side)
    return image.resize((size, size), Image.Resampling.BILINEAR, box, reducing_gap=3.0)


def _check_bytes(data: bytes) -> None:
    if not data:
        raise ImageError(f"The file is empty; send a {ALLOWED} picture.")
    if len(data) > MAX_BYTES:
        raise ImageError(
            f"The file has more than the {MAX_BYTES >> 20} MB that are allowed; send a smaller copy."
        )
    kind = identify(data)
    if kind not in FORMATS:
        raise ImageError(f"This is {kind}, {advise(kind)}.")


def _too_many_pixels(how_many: str) -> str:
    allowed = f"{MAX_PIXELS / 1e6:.0f} million pixels"
    return f"The picture has {how_many} the {allowed} that are allowed; send a smaller copy."


def _too_many_parts(data: bytes) -> str:
    return (
        f"This {identify(data)} picture is in far more parts than usual; save it anew, or send another one."
    )


def _damaged(data: bytes) -> str:
    return f"This {identify(data)} picture is cut short or damaged; export it again, or send another one."


def _decode(data: bytes, whole: bool) -> Decoded:
    kind, notes, scans = identify(data), [], 1
    if kind == "JPEG":
        facts = jpeg_facts(data)
        scans = facts.scans
        if whole and not facts.ends:
            raise ImageError(_damaged(data))
        if not facts.ends:  # the decoder makes the rest gray; browsers leave it blank
            data = data[: facts.whole_bytes] + JPEG_END
            notes = ["The file ends too early; the picture may lack its last details."]
    _check_header(data, kind, scans)
    with _opened(data, kind) as file:
        scale_key = _TRANSPARENT_KEY.get(str(file.tile[0].args)) if file.tile else None
        place = file.tile[0].extents if file.tile else None
        file.load()
        if notes and (missing := _missing(file)) >= 0.01:
            notes = [_describe_missing(missing)]
        rgb, more = _on_white(_to_8_bit(file, scale_key))
        notes += more
        if kind == "GIF" and place:
            rgb = _alone(rgb, place)
        method = _UPRIGHT.get(_orientation(file))
        notes += _more_pictures(file, data)  # last: to find out, Pillow may step to the next frame
    upright = rgb.transpose(method) if method is not None else rgb
    upright.info = {}
    if min(upright.size) < TINY_SIDE:
        size = f"{upright.width} × {upright.height}"
        notes.append(f"The picture has only {size} pixels: too few to recognize much.")
    return Decoded(upright, tuple(notes))


def pillow_name(kind: str) -> str:
    """Pillow's name of one of FORMATS; teaches it HEIC where that is asked for."""
    if kind != "HEIC":
        return kind
    if "HEIF" not in Image.OPEN:
        import pillow_heif

        plain = dict.fromkeys(("thumbnails", "depth_images", "aux_images"), False)
        pillow_heif.register_heif_opener(**plain, decode_threads=1)  # as one picture has one core
    return "HEIF"


def _opened(data: bytes, kind: str) -> ImageFile.ImageFile:
    return Image.open(_Bytes(data), formats=(pillow_name(kind),))


def _check_header(data: bytes, kind: str, scans: int) -> None:
    """Size, and for PNG the checksums (which Pillow skips when it decodes), before any pixel is decoded.

    scans: how often the decoder goes over all pixels.
    """
    for size in announced_sizes(data, kind):
        _check_size(*size)
    with _opened(data, kind) as file:
        _check_size(*file.size)
        if min(file.size) < 1:
            raise ImageError(_damaged(data))
        in_runs = bool(file.tile) and file.tile[0].codec_name == "bmp_rle"
        pixels = file.width * file.height
        if (in_runs and pixels > MAX_RUN_PIXELS) or scans * pixels > MAX_WORK:
            raise ImageError(_too_many_parts(data))
        file.verify()


def _check_size(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise ImageError(_too_many_pixels(f"{width} × {height} pixels, more than"))


def _to_8_bit(image: Image.Image, scale_key: Callable[[int], int] | None) -> Image.Image:
    """16-bit gray, and the one transparent color in `info`, scaled to 0..255; all else as it is."""
    key = image.info.get("transparency")
    scaled = image
    if image.mode.startswith("I"):  # convert("L") would clip at 255; + 0.5 rounds
        scaled = image.point(lambda value: value * (1 / 257) + 0.5).convert("L")
    if scale_key and isinstance(key, int | tuple):
        scaled.info["transparency"] = scale_key(key) if isinstance(key, int) else tuple(map(scale_key, key))
    return scaled


def _on_white(image: Image.Image) -> tuple[Image.Image, list[str]]:
    """RGB, transparency laid on white, and a note where nothing else is left."""
    if not image.has_transparency_data:
        return image.convert("RGB"), []
    layer = image if image.mode == "RGBA" else image.convert("RGBA")
    alpha = layer.getchannel("A")
    sheet = Image.new("RGB", layer.size, "white")
    sheet.paste(layer, mask=alpha)
    is_blank = alpha.getextrema() == (0, 0)
    return sheet, ["The picture is fully transparent, so it counts as plain white."] if is_blank else []


def _orientation(image: Image.Image) -> int:
    """EXIF orientation 1..8; 1 where there is none or it cannot be read."""
    try:
        value = image.getexif().get(0x0112, 1)
        return value if isinstance(value, int) else 1
    except Exception:  # broken metadata does not spoil a good picture
        return 1


def _alone(frame: Image.Image, place: tuple[int, int, int, int]) -> Image.Image:
    """A GIF's first frame, which may cover only a part of the canvas, on white as browsers show it."""
    if place == (0, 0, *frame.size):
        return frame
    sheet = Image.new("RGB", frame.size, "white")
    sheet.paste(frame.crop(place), place[:2])
    return sheet


def _missing(image: Image.Image) -> float:
    """Share of a JPEG, from its end backwards, that the decoder has left gray for want of bytes."""
    bands = [band.point(lambda value: 0 if 126 <= value <= 129 else 255) for band in image.split()]
    shown = functools.reduce(ImageChops.lighter, bands)
    end = (shown.getbbox() or (0, 0, 0, 0))[3]
    start = max(0, end - JPEG_STRIP)
    last = shown.crop((0, start, image.width, end)).getbbox()
    gap = (image.width - last[2]) * (end - start) if last else 0
    return 1 - (end * image.width - gap) / (image.width * image.height)


def _describe_missing(share: float) -> str:
    """A note that a part of a JPEG is missing; raises ImageError where that is most of it."""
    if share > MOST_MISSING:
        raise ImageError(
            f"This JPEG picture is cut short: about {100 * share:.0f} % of it is missing; send the whole "
            "file, or another one."
        )
    return f"The file ends too early: about {100 * share:.0f} % of the picture is missing and counts as gray."


def _more_pictures(file: Image.Image, data: bytes) -> list[str]:
    """A note where the file holds more than the picture that was read."""
    try:
        if not getattr(file, "is_animated", False):
            return []
        if file.format == "MPO":
            return _more_in_mpo(file, data)
    except Exception:  # a broken second frame does not spoil the first
        return []
    if file.format == "HEIF":
        return [SEVERAL]
    return ["The file is animated; this is its first frame."]


def _more_in_mpo(file: Image.Image, data: bytes) -> list[str]:
    """A note on views of the same thing, as of a stereo camera; previews and gain maps are no pictures."""
    others = file.mpinfo[_MPO_ENTRIES][1:]  # type: ignore[attr-defined]  # MpoImageFile has it
    only_previews = all(one["Attribute"]["MPType"].startswith("Large Thumbnail") for one in others)
    is_hdr = any(mark in data for mark in _GAIN_MAPS)
    return [] if only_previews or is_hdr else [SEVERAL]
