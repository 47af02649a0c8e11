"""What strangers upload, as bytes, and what has to come of each: the right colors, or one sentence."""

import io
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from PIL import Image

RED, GREEN, BLUE, YELLOW = (220, 30, 40), (20, 160, 60), (30, 50, 200), (240, 220, 30)
PINK, WHITE, BLACK = (238, 143, 148), (255, 255, 255), (0, 0, 0)  # pink: red at half strength on white
WIDTH, HEIGHT = 48, 32
Color = tuple[int, int, int]
# Adam7's passes: left, top, and the steps across and down
ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))


@dataclass(frozen=True)
class Upload:
    """`corners` (top left, top right, bottom left, bottom right) or `sentence` (a part of it) is expected."""

    name: str
    data: bytes
    corners: tuple[Color, Color, Color, Color] | None = None
    sentence: str = ""
    note: str = ""
    tolerance: int = 2  # levels of 0..255 that a corner may be off


QUARTERS = (RED, GREEN, BLUE, YELLOW)


def quarters(mode: str = "RGB", colors: tuple = QUARTERS) -> Image.Image:
    """A 48 × 32 picture of four plain quarters."""
    image = Image.new(mode, (WIDTH, HEIGHT))
    for index, color in enumerate(colors):
        left, top = (index % 2) * WIDTH // 2, (index // 2) * HEIGHT // 2
        image.paste(color, (left, top, left + WIDTH // 2, top + HEIGHT // 2))
    return image


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(size: tuple[int, int], depth: int, color_type: int, rows: bytes, extra: bytes = b"") -> bytes:
    """A PNG of any kind; `rows` are the raw bytes, each row led by its filter byte 0."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", *size, depth, color_type, 0, 0, 0))
    signature = b"\x89PNG\r\n\x1a\n"
    return signature + header + extra + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def deep_png(color_type: int, colors: tuple[tuple[int, ...], ...], extra: bytes = b"") -> bytes:
    """Four quarters with 16 bits a channel, of 8-bit `colors` (scaled by 257)."""
    pixels = [struct.pack(f">{len(color)}H", *(257 * value for value in color)) for color in colors]
    upper, lower = (b"\0" + pixels[i] * (WIDTH // 2) + pixels[i + 1] * (WIDTH // 2) for i in (0, 2))
    return png((WIDTH, HEIGHT), 16, color_type, upper * (HEIGHT // 2) + lower * (HEIGHT // 2), extra)


def exif(orientation: int) -> bytes:
    tags = Image.Exif()
    tags[0x0112] = orientation
    return tags.tobytes()


def ycck_jpeg() -> bytes:
    """A JPEG in YCCK, which Pillow cannot write: channels by hand, then the Adobe marker's last byte.

    A reader turns the first three channels into RGB, takes these for inverted ink, and inverts once more.
    """
    inverted = quarters(colors=tuple(tuple(255 - value for value in color) for color in QUARTERS))
    stored = [channel.point(lambda value: 255 - value) for channel in inverted.convert("YCbCr").split()]
    data = saved(Image.merge("CMYK", [*stored, Image.new("L", (WIDTH, HEIGHT))]), "JPEG", quality=98)
    marker = data.index(b"Adobe")
    return data[: marker + 11] + b"\2" + data[marker + 12 :]


def interlaced_png() -> bytes:
    """Four quarters by Adam7: seven passes, each over its own pixels."""
    rows = bytearray()
    for left, top, across, down in ADAM7:
        for y in range(top, HEIGHT, down):
            rows += b"\0" + b"".join(bytes(quarter_at(x, y)) for x in range(left, WIDTH, across))
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 2, 0, 0, 1))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def quarter_at(x: int, y: int) -> Color:
    return QUARTERS[y // (HEIGHT // 2) * 2 + x // (WIDTH // 2)]


def bmp(
    height: int, bits: int, packing: int, pixels: bytes, masks: bytes = b"", palette: bytes = b""
) -> bytes:
    """A BMP of WIDTH pixels across; `masks` make the header longer, as its fifth version has them."""
    size = 124 if masks else 40
    facts = struct.pack("<IiiHHIIiiII", size, WIDTH, height, 1, bits, packing, len(pixels), 0, 0, 0, 0)
    head = (facts + masks).ljust(size, b"\0") + palette
    return b"BM" + struct.pack("<IHHI", 14 + len(head) + len(pixels), 0, 0, 14 + len(head)) + head + pixels


def plain_bmp(bits: int = 24, top_down: bool = False, alpha: bool = False) -> bytes:
    """Four quarters without packing: 16 bits (5, 6 and 5), 24, or 32 with alpha (of `HALF`)."""

    def pixel(color: Color) -> bytes:
        red, green, blue = color
        if bits == 16:
            return struct.pack("<H", red >> 3 << 11 | green >> 2 << 5 | blue >> 3)
        return bytes((blue, green, red, *([128] if alpha else [])))

    rows = [b"".join(pixel(quarter_at(x, y)) for x in range(WIDTH)) for y in range(HEIGHT)]
    masks = b""
    if bits != 24:
        masks = struct.pack(
            "<4I", *((0xF800, 0x7E0, 0x1F, 0) if bits == 16 else (0xFF0000, 0xFF00, 0xFF, 0xFF << 24))
        )
    pixels = b"".join(rows if top_down else rows[::-1])
    return bmp(-HEIGHT if top_down else HEIGHT, bits, 3 if masks else 0, pixels, masks)


def rle_bmp(bits: int) -> bytes:
    """Four quarters as runs of 4 or 8 bits: a run for each half of a row, an end of line, an end."""
    palette = b"".join(bytes((blue, green, red, 0)) for red, green, blue in QUARTERS).ljust(4 << bits, b"\0")
    lines = []
    for y in reversed(range(HEIGHT)):
        left, right = (
            ((0, 1) if y < HEIGHT // 2 else (2, 3))
            if bits == 8
            else ((0, 0x11) if y < HEIGHT // 2 else (0x22, 0x33))
        )
        lines.append(bytes((WIDTH // 2, left, WIDTH // 2, right, 0, 0)))
    return bmp(HEIGHT, bits, 1 if bits == 8 else 2, b"".join(lines) + b"\0\1", palette=palette)


def lying_png(width: int, height: int) -> bytes:
    """A few bytes that announce width × height pixels."""
    return png((width, height), 8, 2, b"\0" * 100)


def huge_webp() -> bytes:
    """An extended WebP that announces a canvas of 40,000 × 40,000."""
    canvas = (40_000 - 1).to_bytes(3, "little") * 2
    body = b"WEBP" + b"VP8X" + struct.pack("<I", 10) + bytes(4) + canvas
    return b"RIFF" + struct.pack("<I", len(body)) + body


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
    yield Upload("palette BMP", saved(plain.quantize(4), "BMP"), QUARTERS)
    yield Upload("PNG with bytes after its end", saved(plain, "PNG") + b"<script>" * 50, QUARTERS)
    multi = saved(plain, "MPO", save_all=True, append_images=[quarters(colors=QUARTERS[::-1])], quality=95)
    yield Upload("two pictures in a JPEG", multi, QUARTERS, note="first frame", tolerance=4)


def transparency() -> Iterator[Upload]:
    half = (*RED, 128)
    clear = (*BLUE, 0)
    on_white = (PINK, GREEN, WHITE, YELLOW)
    layered = (half, (*GREEN, 255), clear, (*YELLOW, 255))
    for kind, options in (("PNG", {}), ("WEBP", {"lossless": True, "exact": True})):
        yield Upload(f"transparent {kind}", saved(quarters("RGBA", layered), kind, **options), on_white)
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
        "an AVIF picture": b"\0\0\0\x20ftypavif" + bytes(50),
        "a HEIC picture": b"\0\0\0\x20ftypheic" + bytes(50),
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
        sentence = f"This {kind} picture is cut short or damaged"
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
    *transparency(),
    *metadata(),
    *several_frames(),
    *odd_sizes(),
    *other_kinds(),
    *damaged(),
]
