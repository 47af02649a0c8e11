"""Damages pictures the way a fuzzer does: anywhere, and where a format keeps its lengths, sizes and parts."""

import random
import struct
import zlib
from collections.abc import Callable

from tests.support.picture_seeds import SEEDS

INTERESTING = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x100, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 0x7FFFFFFF, 0xFFFFFFFF)
# Where a format keeps numbers of two or four bytes: offset, form (struct).
FIELDS = {
    "PNG": [(8, ">I"), (16, ">I"), (20, ">I"), (24, ">H"), (26, ">H"), (33, ">I")],
    "JPEG": [(4, ">H"), (20, ">H"), (22, ">H")],
    "WEBP": [(4, "<I"), (16, "<I"), (20, "<I"), (24, "<I"), (26, "<H"), (28, "<H"), (34, "<I")],
    "GIF": [(6, "<H"), (8, "<H"), (10, "<H"), (12, "<H")],
    "BMP": [(26, "<H"), (28, "<H"), *((at, "<I") for at in (2, 10, 14, 18, 22, 30, 34, *range(46, 70, 4)))],
}
FIELDS |= {
    kind: [(at, form) for at in range(0, 480, 2) for form in (">H", ">I")] for kind in ("AVIF", "HEIC")
}


def mutant(kind: str, seed: int, index: int) -> bytes:
    """The `index`-th damaged file of a format; the same for the same three."""
    chance = random.Random(f"{kind} {seed} {index}")
    data = chance.choice(SEEDS[kind])
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        data = chance.choice([*ANYWHERE, change_field, change_parts, change_parts])(data, kind, chance)
    if kind == "PNG" and chance.random() < 0.7:  # most checksums right, or little would get past them
        data = join_png(split_png(data))
    return data


def flip_bits(data: bytes, kind: str, chance: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(chance.randint(1, 8) if changed else 0):
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def set_bytes(data: bytes, kind: str, chance: random.Random) -> bytes:
    start, end = span(data, chance, 16)
    return (
        data[:start]
        + bytes([chance.choice((0, 0x7F, 0xFF, chance.randrange(256)))]) * (end - start)
        + data[end:]
    )


def cut_off(data: bytes, kind: str, chance: random.Random) -> bytes:
    return data[: chance.randrange(len(data) + 1)]


def take_out(data: bytes, kind: str, chance: random.Random) -> bytes:
    start, end = span(data, chance, 64)
    return data[:start] + data[end:]


def put_in(data: bytes, kind: str, chance: random.Random) -> bytes:
    start, _ = span(data, chance, 1)
    return data[:start] + chance.randbytes(chance.randint(1, 64)) + data[start:]


def repeat(data: bytes, kind: str, chance: random.Random) -> bytes:
    start, end = span(data, chance, 64)
    return data[:end] + data[start:end] * chance.choice((1, 1, 2, 50)) + data[end:]


def splice(data: bytes, kind: str, chance: random.Random) -> bytes:
    """The beginning of one file and the end of another of its format."""
    other = chance.choice(SEEDS[kind])
    return data[: chance.randrange(len(data) + 1)] + other[chance.randrange(len(other)) :]


def set_number(data: bytes, kind: str, chance: random.Random) -> bytes:
    """An extreme number anywhere."""
    form = chance.choice((">H", "<H", ">I", "<I"))
    return pack_at(data, chance.randrange(len(data) + 1), form, chance.choice(INTERESTING))


ANYWHERE: list[Callable[[bytes, str, random.Random], bytes]] = [
    *(flip_bits, flip_bits, set_bytes, cut_off, take_out, put_in, repeat, splice, set_number),
]


def change_field(data: bytes, kind: str, chance: random.Random) -> bytes:
    """An extreme number, or one close to the right one, in one of the format's own fields."""
    offset, form = chance.choice(FIELDS[kind])
    size = struct.calcsize(form)
    if len(data) < offset + size:
        return data
    (now,) = struct.unpack_from(form, data, offset)
    number = chance.choice((*INTERESTING, now + 1, now - 1, now * 2, -now, chance.randrange(1 << 8 * size)))
    changed = pack_at(data, offset, form, number)
    return join_png(split_png(changed)) if kind == "PNG" and chance.random() < 0.8 else changed


def change_parts(data: bytes, kind: str, chance: random.Random) -> bytes:
    """Leave out, double, swap, damage or borrow a part (a chunk, a segment), and put lengths right again."""
    if kind not in PARTS:
        return change_field(data, kind, chance)
    split, join = PARTS[kind]
    parts = split(data)
    if len(parts) < 2:
        return flip_bits(data, kind, chance)
    at, to = chance.randrange(1, len(parts)), chance.randrange(1, len(parts))
    what = chance.randrange(6)
    if what == 0:
        del parts[at]
    elif what == 1:
        parts.insert(to, parts[at])
    elif what == 2:
        parts[at], parts[to] = parts[to], parts[at]
    elif what == 3:
        parts.insert(to, chance.choice(split(chance.choice(SEEDS[kind]))[1:]))
    elif what == 4 and kind == "PNG" and parts[at][:4] in (b"IDAT", b"zTXt", b"iCCP"):
        parts[at] = repack(parts[at], chance)
    else:
        parts[at] = parts[at][:4] + chance.choice(ANYWHERE)(parts[at][4:] or b"\0", kind, chance)[: 1 << 16]
    return join(parts)


def repack(part: bytes, chance: random.Random) -> bytes:
    """A chunk whose packed contents are damaged, not the packing."""
    try:
        raw = zlib.decompress(part[4:])
    except zlib.error:
        return part
    return part[:4] + zlib.compress(chance.choice(ANYWHERE)(raw, "PNG", chance))


def span(data: bytes, chance: random.Random, longest: int) -> tuple[int, int]:
    start = chance.randrange(len(data) + 1)
    return start, min(len(data), start + chance.randint(1, longest))


def pack_at(data: bytes, offset: int, form: str, number: int) -> bytes:
    size = struct.calcsize(form)
    number &= (1 << 8 * size) - 1
    return data[:offset] + struct.pack(form.upper(), number)[:size] + data[offset + size :]


def split_png(data: bytes) -> list[bytes]:
    """The signature, then type and contents of each chunk."""
    parts, place = [data[:8]], 8
    while place + 8 <= len(data):
        (length,) = struct.unpack_from(">I", data, place)
        parts.append(data[place + 4 : place + 8 + length])
        place += 12 + length
    return parts


def join_png(parts: list[bytes]) -> bytes:
    chunks = [
        struct.pack(">I", max(0, len(part) - 4)) + part + struct.pack(">I", zlib.crc32(part))
        for part in parts[1:]
    ]
    return parts[0] + b"".join(chunks)


def split_jpeg(data: bytes) -> list[bytes]:
    """The start, then each segment with its marker and length; the pixels belong to the last."""
    parts, place = [data[:2]], 2
    while place + 4 <= len(data) and data[place] == 0xFF and data[place + 1] != 0xDA:
        end = place + 2 + int.from_bytes(data[place + 2 : place + 4])
        parts.append(data[place:end])
        place = end
    return [*parts, data[place:]]


def split_webp(data: bytes) -> list[bytes]:
    """The first 12 bytes, then each chunk with its name and length."""
    parts, place = [data[:12]], 12
    while place + 8 <= len(data):
        end = place + 8 + int.from_bytes(data[place + 4 : place + 8], "little")
        end += end & 1
        parts.append(data[place:end])
        place = end
    return parts


def join_webp(parts: list[bytes]) -> bytes:
    body = b"".join(part[:4] + struct.pack("<I", max(0, len(part) - 8)) + part[8:] for part in parts[1:])
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def split_boxes(data: bytes) -> list[bytes]:
    """Nothing, then name and contents of each outermost box."""
    parts, place = [b""], 0
    while place + 8 <= len(data):
        length = max(8, int.from_bytes(data[place : place + 4]) or len(data))
        parts.append(data[place + 4 : place + length])
        place += length
    return parts


def join_boxes(parts: list[bytes]) -> bytes:
    return b"".join(struct.pack(">I", len(part) + 4) + part for part in parts if part)


PARTS: dict[str, tuple[Callable[[bytes], list[bytes]], Callable[[list[bytes]], bytes]]] = {
    "PNG": (split_png, join_png),
    "JPEG": (split_jpeg, b"".join),
    "WEBP": (split_webp, join_webp),
    "AVIF": (split_boxes, join_boxes),
    "HEIC": (split_boxes, join_boxes),
}
