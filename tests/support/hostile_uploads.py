"""Uploads of strangers, as bytes, and what has to come of each: the right colors, or one sentence."""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from PIL import Image

from cifar_core.images.decode import FORMATS, pillow_name
from tests.support.camera_pictures import (
    GAIN_MAPS,
    PREVIEW,
    RAW,
    STEREO,
    cut_jpeg,
    hdr_photograph,
    jpeg_of_bits,
    tiff,
    two_in_one,
)
from tests.support.made_pictures import (
    BLACK,
    BLUE,
    GREEN,
    HEIGHT,
    PINK,
    QUARTERS,
    RED,
    WHITE,
    WIDTH,
    YELLOW,
    Color,
    announced,
    chunk,
    deep_png,
    exif,
    huge_webp,
    interlaced_png,
    lying_jpeg,
    lying_png,
    many_parts,
    many_scans_jpeg,
    offset_gif,
    plain_bmp,
    png,
    quarters,
    rle_bmp,
    saved,
    two_headed_png,
    wide_packed_bmp,
    ycck_jpeg,
)


@dataclass(frozen=True)
class Upload:
    """`corners` (top left, top right, bottom left, bottom right) or `sentence` (a part of it) is expected."""

    name: str
    data: bytes
    corners: tuple[Color, Color, Color, Color] | None = None
    sentence: str = ""
    note: str = ""
    tolerance: int = 2  # levels of 0..255 that a corner may be off


def good_formats() -> Iterator[Upload]:
    plain = quarters()
    gray = (BLACK, (85,) * 3, (170,) * 3, WHITE)
    grays = quarters("L", (0, 85, 170, 255))
    for kind, options in (("PNG", {}), ("BMP", {}), ("WEBP", {"lossless": True}), ("GIF", {})):
        yield Upload(f"plain {kind}", saved(plain, kind, **options), QUARTERS)
    yield Upload("JPEG", saved(plain, "JPEG", quality=95), QUARTERS, tolerance=4)
    yield Upload("progressive JPEG", saved(plain, "JPEG", progressive=True), QUARTERS, tolerance=8)
    yield Upload("gray JPEG", saved(grays, "JPEG"), gray, tolerance=4)
    yield Upload("CMYK JPEG", saved(plain.convert("CMYK"), "JPEG", quality=95), QUARTERS, tolerance=8)
    yield Upload("YCCK JPEG", ycck_jpeg(), QUARTERS, tolerance=8)
    yield Upload("one-bit PNG", saved(quarters("1", (0, 1, 1, 0)), "PNG"), (BLACK, WHITE, WHITE, BLACK))
    yield Upload("16-bit gray PNG", deep_png(0, ((0,), (85,), (170,), (255,))), gray)
    yield Upload("16-bit RGB PNG", deep_png(2, QUARTERS), QUARTERS)
    yield Upload("RGB JPEG", saved(plain, "JPEG", quality=95, keep_rgb=True), QUARTERS, tolerance=4)
    restarts = saved(plain, "JPEG", quality=95, restart_marker_blocks=1)
    yield Upload("JPEG with restarts", restarts, QUARTERS, tolerance=4)
    yield Upload("interlaced PNG", interlaced_png(), QUARTERS)
    yield Upload("GIF, not interlaced", saved(plain, "GIF", interlace=0), QUARTERS)
    yield Upload("palette BMP", saved(plain.quantize(4), "BMP"), QUARTERS)
    yield Upload("top-down BMP", plain_bmp(top_down=True), QUARTERS)
    yield Upload("16-bit BMP", plain_bmp(bits=16), QUARTERS, tolerance=8)
    yield Upload("8-bit packed BMP", rle_bmp(8), QUARTERS)
    yield Upload("4-bit packed BMP", rle_bmp(4), QUARTERS)
    yield Upload("PNG with bytes after its end", saved(plain, "PNG") + b"<script>" * 50, QUARTERS)
    for name, more in (("ZIP", b"PK\3\4" + bytes(60)), ("PDF", b"%PDF-1.7\n"), ("web page", b"<html>")):
        yield Upload(f"a picture that is a {name} as well", saved(plain, "GIF") + more, QUARTERS)
    script = saved(plain, "GIF", comment=b"*/=1;alert(document.domain);/*")
    yield Upload("a picture that is a script as well", script, QUARTERS)
    drawing = saved(plain, "JPEG", comment=b"<?php echo 1 ?><svg onload=alert(1)>", quality=95)
    yield Upload("a picture with code in its comment", drawing, QUARTERS, tolerance=4)


def young_formats() -> Iterator[Upload]:
    """AVIF, and HEIC where it is read."""
    gray = (BLACK, (85,) * 3, (170,) * 3, WHITE)
    grays, turned = quarters("L", (0, 85, 170, 255)), (BLUE, RED, YELLOW, GREEN)
    layered = quarters("RGBA", ((*RED, 128), (*GREEN, 255), (*BLUE, 0), (*YELLOW, 255)))
    for kind in sorted({"AVIF", "HEIC"} & {*FORMATS}):
        name, options = pillow_name(kind), {"quality": 95}
        yield Upload(kind, saved(quarters(), name, **options), QUARTERS, tolerance=8)
        yield Upload(f"gray {kind}", saved(grays, name, **options), gray, tolerance=8)
        clear = saved(layered, name, **options)
        yield Upload(f"transparent {kind}", clear, (PINK, GREEN, WHITE, YELLOW), tolerance=8)
        sideways = saved(quarters(), name, exif=exif(6), **options)
        yield Upload(f"{kind}, EXIF orientation 6", sideways, turned, tolerance=8)
        huge = announced(saved(quarters(), name), 60_000, 50_000)
        yield Upload(f"{kind} of 60000 × 50000, announced", huge, sentence="more than the 50 million pixels")
        whole = saved(Image.effect_noise((64, 64), 90).convert("RGB"), name)
        for what, part in {
            "half of it missing": whole[: len(whole) // 2],
            "its first bytes": whole[:40],
        }.items():
            yield Upload(f"{kind}, {what}", part, sentence=f"This {kind} picture is cut short or damaged")
        more = [quarters(colors=QUARTERS[::-1])]
        film = saved(quarters(), name, save_all=True, append_images=more, **options)
        note = "first frame" if kind == "AVIF" else "several pictures"
        yield Upload(f"two pictures in a {kind}", film, QUARTERS, note=note, tolerance=8)
    if "AVIF" in FORMATS:
        lie = announced(saved(Image.new("L", (2000, 2000), 200), "AVIF", speed=10), 64, 64)
        yield Upload("AVIF of more pixels than announced", lie, ((200,) * 3,) * 4, tolerance=4)
    if "HEIC" not in FORMATS:
        for brand in (b"heic", b"mif1"):
            data = b"\0\0\0\x18ftyp" + brand + b"\0\0\0\0mif1heic" + bytes(50)
            yield Upload(
                f"HEIC, {brand.decode()}", data, sentence="This is a HEIC picture, which is read only"
            )


def cameras() -> Iterator[Upload]:
    plain = saved(quarters(), "JPEG", quality=95)
    progressive = saved(quarters(), "JPEG", quality=95, progressive=True)
    for name, data in {"JPEG": plain, "progressive JPEG": progressive}.items():
        for missing in (1, 2):
            early = data[:-missing]
            yield Upload(f"{name} without its last {missing}", early, QUARTERS, "", "ends too early", 8)
    rest = (*QUARTERS[:2], *((128,) * 3,) * 2)
    yield Upload("JPEG without its last strips", cut_jpeg(17), rest, "", "of the picture is missing", 4)
    yield Upload("JPEG with a quarter of its strips", cut_jpeg(5), sentence="of it is missing")
    for name in GAIN_MAPS:
        yield Upload(f"Ultra HDR, named {name}", hdr_photograph(name), QUARTERS, tolerance=4)
    yield Upload("MPO with a preview", two_in_one(PREVIEW), QUARTERS, tolerance=4)
    for name, kind in {"stereo pictures": STEREO, "two pictures": 0}.items():
        yield Upload(f"{name} in a JPEG", two_in_one(kind), QUARTERS, note="several pictures", tolerance=4)
    for name, data in RAW.items():
        yield Upload(name, data, sentence=f"This is a raw camera file ({name})")
    yield Upload("TIFF of a camera", tiff("NIKON"), sentence="This is a TIFF picture")
    for bits in (12, 16):
        yield Upload(f"{bits}-bit JPEG", jpeg_of_bits(bits), sentence=f"This is a {bits}-bit JPEG picture")


def transparency() -> Iterator[Upload]:
    half = (*RED, 128)
    clear = (*BLUE, 0)
    on_white = (PINK, GREEN, WHITE, YELLOW)
    layered = (half, (*GREEN, 255), clear, (*YELLOW, 255))
    for kind, options in (("PNG", {}), ("WEBP", {"lossless": True, "exact": True})):
        yield Upload(f"transparent {kind}", saved(quarters("RGBA", layered), kind, **options), on_white)
    on_half = tuple(tuple((value + 255) / 2 for value in color) for color in QUARTERS)
    yield Upload("BMP with alpha", plain_bmp(bits=32, alpha=True), on_half)
    lossy = saved(quarters("RGBA", layered), "WEBP", quality=95, exact=True)
    yield Upload("transparent lossy WEBP", lossy, on_white, tolerance=8)
    yield Upload("GIF, a frame in a corner", offset_gif(), (WHITE, WHITE, WHITE, RED))
    yield Upload("16-bit transparent PNG", deep_png(6, layered), on_white)
    gray_alpha = ((0, 255), (100, 255), (100, 0), (0, 51))
    grays = (BLACK, (100,) * 3, WHITE, (204,) * 3)
    yield Upload("gray PNG with alpha", saved(quarters("LA", gray_alpha), "PNG"), grays)
    yield Upload("16-bit gray PNG with alpha", deep_png(4, gray_alpha), grays)
    palette = quarters("P", (0, 1, 2, 3))
    palette.putpalette([value for color in QUARTERS for value in color])
    yield Upload("palette PNG, one clear color", saved(palette, "PNG", transparency=2), on_white_but(BLUE))
    alphas = bytes((128, 255, 0, 255))
    yield Upload("palette PNG, alpha a color", saved(palette, "PNG", transparency=alphas), on_white)
    yield Upload("GIF, one clear color", saved(palette, "GIF", transparency=2), on_white_but(BLUE))
    blue_key = chunk(b"tRNS", struct.pack(">3H", *(257 * value for value in BLUE)))
    yield Upload("16-bit RGB PNG, one clear color", deep_png(2, QUARTERS, blue_key), on_white_but(BLUE))
    gray_key = chunk(b"tRNS", struct.pack(">H", 257 * 170))
    deep_gray = deep_png(0, ((0,), (85,), (170,), (255,)), gray_key)
    yield Upload("16-bit gray PNG, one clear gray", deep_gray, (BLACK, (85,) * 3, WHITE, WHITE))
    row = b"\0" + b"\x33" * (WIDTH // 4) + b"\x66" * (WIDTH // 4)
    four_bit = png((WIDTH, HEIGHT), 4, 0, row * HEIGHT, chunk(b"tRNS", b"\0\3"))
    yield Upload("4-bit gray PNG, one clear gray", four_bit, (WHITE, (102,) * 3, WHITE, (102,) * 3))
    nothing = saved(Image.new("RGBA", (WIDTH, HEIGHT), clear), "PNG")
    yield Upload("nothing but transparency", nothing, (WHITE,) * 4, note="fully transparent")


def on_white_but(hidden: Color) -> tuple:
    return tuple(WHITE if color == hidden else color for color in QUARTERS)


def metadata() -> Iterator[Upload]:
    plain = quarters()
    a, b, c, d = QUARTERS
    upright = {1: (a, b, c, d), 2: (b, a, d, c), 3: (d, c, b, a), 4: (c, d, a, b)}
    upright |= {5: (a, c, b, d), 6: (c, a, d, b), 7: (d, b, c, a), 8: (b, d, a, c)}
    for orientation, corners in upright.items():
        data = saved(plain, "JPEG", exif=exif(orientation), quality=95)
        yield Upload(f"JPEG, EXIF orientation {orientation}", data, corners, tolerance=4)
    yield Upload("PNG, EXIF orientation 6", saved(plain, "PNG", exif=exif(6)), upright[6])
    yield Upload("WebP, EXIF orientation 3", saved(plain, "WEBP", lossless=True, exif=exif(3)), upright[3])
    yield Upload("EXIF orientation 77", saved(plain, "PNG", exif=exif(77)), QUARTERS)
    for name, tags in (("cut", exif(6)[:9]), ("random", b"Exif\0\0" + bytes(range(200)))):
        data = saved(plain, "JPEG", exif=tags, quality=95)
        yield Upload(f"JPEG, {name} EXIF", data, QUARTERS, tolerance=4)
    profile = saved(plain, "JPEG", icc_profile=b"no profile" * 30, quality=95)
    yield Upload("JPEG, broken color profile", profile, QUARTERS, tolerance=4)
    yield Upload("PNG, broken color profile", saved(plain, "PNG", icc_profile=b"\0" * 9), QUARTERS)


def several_frames() -> Iterator[Upload]:
    frames = [quarters(), quarters(colors=QUARTERS[::-1]), quarters(colors=(BLACK,) * 4)]
    for kind, options in (("GIF", {}), ("PNG", {}), ("WEBP", {"lossless": True})):
        data = saved(frames[0], kind, save_all=True, append_images=frames[1:], duration=100, **options)
        yield Upload(f"animated {kind}", data, QUARTERS, note="first frame")

    still = saved(frames[0], "PNG", save_all=True, append_images=frames[1:], default_image=True)
    yield Upload("animated PNG behind a still one", still, QUARTERS, note="first frame")


def odd_sizes() -> Iterator[Upload]:
    for size in ((1, 1), (1, 10_000), (10_000, 1)):
        name = f"{size[0]} × {size[1]} pixels"
        yield Upload(name, saved(Image.new("RGB", size, RED), "PNG"), (RED,) * 4, note="too few")
    too_many = "more than the 50 million pixels"
    black = saved(Image.new("1", (12_000, 9_000)), "PNG")  # 108 million pixels in 15 kB
    yield Upload("108 megapixels in a few bytes", black, sentence="12000 × 9000 pixels, " + too_many)
    yield Upload("400 megapixels, announced", lying_png(20_000, 20_000), sentence=too_many)
    gif = bytearray(saved(quarters(), "GIF"))
    gif[6:10] = b"\xff" * 4
    yield Upload("GIF with a canvas of 65535 × 65535", bytes(gif), sentence=too_many)
    yield Upload("WebP with a canvas of 40000 × 40000", huge_webp(), sentence=too_many)
    for kind, size in (("VP8L", b"\x2f\xff\xff\xff\x0f"), ("VP8 ", bytes(3) + b"\x9d\1\x2a\xff\x3f\xff\x3f")):
        body = b"WEBP" + kind.encode() + struct.pack("<I", 90) + size.ljust(90, b"\0")
        data = b"RIFF" + struct.pack("<I", len(body)) + body
        yield Upload(f"WebP of 16383 × 16383, {kind}", data, sentence=too_many)
    yield Upload("JPEG of 65000 × 65000, announced", lying_jpeg(65_000, 65_000), sentence=too_many)
    large_bmp = bytearray(plain_bmp())
    large_bmp[18:26] = struct.pack("<ii", 30_000, -30_000)
    yield Upload("BMP of 30000 × 30000, announced", bytes(large_bmp), sentence=too_many)
    for animated in (False, True):
        name = f"{'animated ' if animated else ''}PNG with a second, large header"
        yield Upload(name, two_headed_png(animated), sentence=too_many)
    for kind, data in many_parts().items():
        yield Upload(f"{kind} in too many parts", data, sentence=f"This {kind} picture is in far more parts")
    yield Upload("BMP in long runs", wide_packed_bmp(), sentence="BMP picture is in far more parts")
    yield Upload("JPEG with 400 scans", many_scans_jpeg(), sentence="JPEG picture is in far more parts")
    yield Upload("PNG without width", lying_png(0, 5), sentence="PNG picture is cut short or damaged")
    yield Upload("more than 20 MB", saved(quarters(), "PNG") + bytes(20 * 2**20), sentence="20 MB")


def other_kinds() -> Iterator[Upload]:
    svg = b'<?xml version="1.0"?>\n<!-- c --><svg xmlns="http://www.w3.org/2000/svg"><rect width="9"/></svg>'
    kinds = {
        "an SVG drawing": svg,
        "a web page": b"\n<!DOCTYPE html><html><body>404</body></html>",
        "a text file": "Grüße, this is no picture.".encode(),
        "a PDF document": b"%PDF-1.7\n" + bytes(50),
        "a TIFF picture": saved(quarters(), "TIFF"),
        "a Windows icon": saved(quarters(), "ICO"),
        "a JPEG 2000 picture": saved(quarters(), "JPEG2000"),
        "a video": b"\0\0\0\x20ftypisom" + bytes(50),
        "a ZIP archive": b"PK\3\4" + bytes(50),
        "a file of an unknown kind": bytes(range(256)),
    }
    for name, data in kinds.items():
        yield Upload(name, data, sentence=f"This is {name}")
    yield Upload("text that begins like a BMP", b"BMW builds cars.", sentence="This is a text file")
    yield Upload("an empty file", b"", sentence="The file is empty")


def damaged() -> Iterator[Upload]:
    noise = Image.effect_noise((64, 64), 90).convert("RGB")
    for kind in ("PNG", "JPEG", "GIF", "WEBP", "BMP"):
        data = saved(noise, kind)
        sentence = f"This {kind} picture is cut short"
        yield Upload(f"{kind}, half of it missing", data[: len(data) // 2], sentence=sentence)
        yield Upload(f"{kind}, only its first bytes", data[:20], sentence=sentence)
    pixels = bytearray(saved(quarters(), "PNG", compress_level=0))
    pixels[200] ^= 0xFF  # one pixel changed, which the decoder itself would not notice
    yield Upload("PNG with a wrong checksum", bytes(pixels), sentence="PNG picture is cut short or damaged")
    bomb = chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(3_000_000)))
    row = b"\0" + bytes(3 * WIDTH)
    text_bomb = png((WIDTH, HEIGHT), 8, 2, row * HEIGHT, bomb)
    yield Upload("PNG with a text that swells", text_bomb, sentence="PNG picture is cut short or damaged")


UPLOADS = [
    *good_formats(),
    *young_formats(),
    *cameras(),
    *transparency(),
    *metadata(),
    *several_frames(),
    *odd_sizes(),
    *other_kinds(),
    *damaged(),
]
