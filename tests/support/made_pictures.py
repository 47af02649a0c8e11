"""Pictures made by hand, as bytes: kinds that Pillow cannot write, and files that lie about themselves."""

import io
import struct
import zlib

from PIL import Image

RED, GREEN, BLUE, YELLOW = (220, 30, 40), (20, 160, 60), (30, 50, 200), (240, 220, 30)
PINK, WHITE, BLACK = (238, 143, 148), (255, 255, 255), (0, 0, 0)  # pink: red at half strength on white
WIDTH, HEIGHT = 48, 32
Color = tuple[int, int, int]
# Adam7's passes: left, top, and the steps across and down
ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
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


def offset_gif() -> bytes:
    """A red frame of a quarter's size, in the lower right of its canvas; the rest is not painted at all."""
    data = bytearray(saved(Image.new("RGB", (WIDTH // 2, HEIGHT // 2), RED), "GIF"))
    data[6:10] = struct.pack("<HH", WIDTH, HEIGHT)
    at = data.index(b",")
    data[at + 1 : at + 5] = struct.pack("<HH", WIDTH // 2, HEIGHT // 2)
    return bytes(data)


def two_headed_png(animated: bool) -> bytes:
    """A PNG whose second header announces 30,000 × 30,000 pixels, which Pillow fills where it is animated."""
    data = saved(quarters("RGBA", tuple((*color, 255) for color in QUARTERS)), "PNG")
    large = chunk(b"IHDR", struct.pack(">IIBBBBB", 30_000, 30_000, 8, 6, 0, 0, 0))
    control = chunk(b"acTL", struct.pack(">II", 2, 0))
    frame = chunk(b"fcTL", struct.pack(">IIIIIHHBB", 0, WIDTH, HEIGHT, 0, 0, 1, 1, 1, 0))
    return data[:33] + large + (control + frame if animated else b"") + data[33:]


def wide_packed_bmp() -> bytes:
    """Runs that end after a pixel in lines of 1,000,000: few bytes, and every pixel is filled in Python."""
    data = bytearray(bmp(32, 8, 1, (b"\1\1\0\0" * 32) + b"\0\1", palette=bytes(1024)))
    data[18:22] = struct.pack("<i", 1_000_000)
    return bytes(data)


def lying_jpeg(width: int, height: int) -> bytes:
    data = bytearray(saved(quarters(), "JPEG"))
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 9] = struct.pack(">HH", height, width)
    return bytes(data)


def announced(data: bytes, width: int, height: int) -> bytes:
    """An AVIF or HEIC file whose pictures are said to be of another size."""
    changed, place = bytearray(data), -1
    while (place := changed.find(b"ispe", place + 1)) >= 0:
        changed[place + 8 : place + 16] = struct.pack(">II", width, height)
    return bytes(changed)


def many_scans_jpeg() -> bytes:
    """A large progressive JPEG whose last scan comes 400 times: few bytes, minutes of work."""
    data = saved(Image.new("RGB", (4000, 3000), RED), "JPEG", progressive=True)
    last = data.rindex(b"\xff\xda")
    return data[:-2] + data[last:-2] * 400 + data[-2:]


def many_parts() -> dict[str, bytes]:
    """Whole pictures in hundreds of thousands of parts, each of which Pillow looks at in Python."""
    png_data, jpeg, gif = (saved(quarters(), kind) for kind in ("PNG", "JPEG", "GIF"))
    before = gif.index(b",")
    return {
        "PNG": png_data[:33] + chunk(b"teSt", b"") * 200_000 + png_data[33:],
        "JPEG": jpeg[:2] + b"\xff\xfe\0\2" * 300_000 + jpeg[2:],
        "GIF": gif[:before] + b"!\xfe" + b"\1a" * 300_000 + b"\0" + gif[before:],
        "BMP": bmp(20_000, 8, 1, b"\1\1" * 480_000, palette=bytes(1024)),
    }
