"""Small pictures of every allowed format and kind, as bytes: what the fuzz test takes apart."""

import io
import random
import struct
from collections.abc import Iterator

from PIL import Image

from cifar_core.images.decode import FORMATS, pillow_name
from tests.support.made_pictures import (
    QUARTERS,
    announced,
    chunk,
    deep_png,
    exif,
    interlaced_png,
    plain_bmp,
    quarters,
    rle_bmp,
    saved,
    ycck_jpeg,
)


def detailed(mode: str = "RGB", size: tuple[int, int] = (40, 28)) -> Image.Image:
    """A picture with some of everything: a slope, an edge, noise."""
    chance = random.Random(3)
    image = Image.linear_gradient("L").resize(size).convert("RGBA")
    image.paste(quarters().resize((size[0] // 2, size[1])), (0, 0))
    for _ in range(60):
        color = tuple(chance.randrange(256) for _ in range(4))
        image.putpixel((chance.randrange(size[0]), chance.randrange(size[1])), color)
    return image.convert(mode)


def png_seeds() -> Iterator[bytes]:
    yield saved(detailed(), "PNG")
    yield saved(detailed("RGBA"), "PNG", exif=exif(6))
    yield saved(detailed("LA"), "PNG")
    yield saved(detailed("1"), "PNG")
    yield saved(detailed().quantize(13), "PNG", transparency=bytes(range(0, 130, 10)))
    yield saved(detailed("L"), "PNG", transparency=3, icc_profile=b"\0" * 140)
    yield deep_png(2, QUARTERS, chunk(b"tRNS", struct.pack(">3H", 1, 2, 3)))
    yield deep_png(4, tuple((red, 200) for red, _, _ in QUARTERS))
    yield interlaced_png()
    yield saved(
        detailed("RGBA"),
        "PNG",
        save_all=True,
        append_images=[quarters("RGBA").resize((40, 28))],
        default_image=True,
    )
    frames = [Image.new("RGBA", (40, 28), (9, 9, 9, alpha)) for alpha in (0, 90, 255)]
    yield saved(detailed("RGBA"), "PNG", save_all=True, append_images=frames, disposal=1, blend=1)


def jpeg_seeds() -> Iterator[bytes]:
    yield saved(detailed(), "JPEG")
    yield saved(detailed(), "JPEG", progressive=True, exif=exif(5))
    yield saved(detailed(), "JPEG", quality=95, subsampling=0, restart_marker_blocks=1)
    yield saved(detailed("L"), "JPEG", optimize=True, comment=b"a comment")
    yield saved(detailed("CMYK"), "JPEG", icc_profile=b"\1" * 200)
    yield saved(detailed("CMYK"), "JPEG", progressive=True)
    yield ycck_jpeg()
    yield saved(detailed(), "JPEG", keep_rgb=True)
    yield saved(detailed(), "MPO", save_all=True, append_images=[quarters()])


def webp_seeds() -> Iterator[bytes]:
    yield saved(detailed(), "WEBP")
    yield saved(detailed(), "WEBP", lossless=True)
    yield saved(detailed("RGBA"), "WEBP", exif=exif(8))
    yield saved(detailed("RGBA"), "WEBP", lossless=True, exact=True, icc_profile=b"\2" * 60)
    frames = [quarters("RGBA").resize((40, 28)), Image.new("RGBA", (40, 28), (0, 0, 0, 0))]
    yield saved(detailed("RGBA"), "WEBP", save_all=True, append_images=frames, duration=20)
    yield saved(detailed("RGBA"), "WEBP", save_all=True, append_images=frames, lossless=True, xmp=b"<x/>")


def gif_seeds() -> Iterator[bytes]:
    yield saved(detailed(), "GIF")
    yield saved(detailed("L"), "GIF", interlace=0, comment=b"a comment")
    yield saved(detailed().quantize(7), "GIF", transparency=2)
    frames = [quarters().resize((40, 28)), detailed("L"), Image.new("RGB", (40, 28))]
    yield saved(detailed(), "GIF", save_all=True, append_images=frames, duration=20, loop=0)
    yield saved(detailed("P"), "GIF", save_all=True, append_images=frames, disposal=2, transparency=1)
    small = bytearray(saved(detailed(size=(9, 7)), "GIF"))
    small[6:10] = struct.pack("<HH", 40, 28)
    yield bytes(small)


def young_seeds(kind: str) -> Iterator[bytes]:
    """AVIF and HEIC: boxes in boxes around a frame of a film."""
    name, more = pillow_name(kind), [quarters().resize((40, 28)), detailed()]
    yield saved(detailed(), name)
    yield saved(detailed("L"), name, quality=30)
    yield saved(detailed("RGBA"), name, exif=exif(6))
    yield saved(detailed(), name, quality=-1 if kind == "HEIC" else 100, subsampling="4:4:4")
    yield saved(detailed(), name, icc_profile=b"\2" * 60, xmp=b"<x/>")
    yield saved(detailed(), name, save_all=True, append_images=more)
    if kind == "AVIF":  # which is then enlarged; HEIC's reader refuses it
        yield announced(saved(detailed(), name), 900, 700)


def bmp_seeds() -> Iterator[bytes]:
    for mode in ("RGB", "L", "P", "1", "RGBA"):
        yield saved(detailed(mode), "BMP")
    yield from (plain_bmp(top_down=True), plain_bmp(bits=16), plain_bmp(bits=32, alpha=True))
    yield from (rle_bmp(8), rle_bmp(4))
    old = io.BytesIO(saved(detailed(), "BMP"))
    pixels = old.getvalue()[54:]
    yield (
        b"BM"
        + struct.pack("<IHHI", 26 + len(pixels), 0, 0, 26)
        + struct.pack("<IHHHH", 12, 40, 28, 1, 24)
        + pixels
    )


SEEDS = {
    "PNG": [*png_seeds()],
    "JPEG": [*jpeg_seeds()],
    "WEBP": [*webp_seeds()],
    "GIF": [*gif_seeds()],
    "BMP": [*bmp_seeds()],
}
SEEDS |= {kind: [*young_seeds(kind)] for kind in FORMATS if kind not in SEEDS}
