"""What the headers of picture files say, read from their bytes without a decoder. None of it is trusted."""

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

_JPEG_MARKER = re.compile(
    rb"\xff[^\x00\x01\xd0-\xd8\xff]"
)  # neither stuffing nor a restart, without a length
_END, _SCAN = 0xD9, 0xDA
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}  # markers of a JPEG's header with its size
_MOST_SEGMENTS = 1000  # that are passed over in the search for that header; a photograph has some ten
_MOST_BOXES = 1000  # in another one
_MOST_TAGS = 1000
_TIFF_TEXT, _TIFF_SHORT = 2, 3  # types of a tag's value


@dataclass(frozen=True)
class JpegFacts:
    """What a walk over a JPEG's segments finds.

    scans: how often it goes over its pixels: most do once, some 10 times. ends: whether its end is marked.
    whole_bytes: up to where all is there, so that a mark set behind it would be understood as one.
    """

    scans: int
    ends: bool
    whole_bytes: int


def jpeg_facts(data: bytes) -> JpegFacts:
    """Walk over the segments of a JPEG's first picture."""
    scans = 0
    for marker, start, end in _jpeg_segments(data):
        if marker == _END:
            return JpegFacts(scans, True, end)
        if end > len(data):  # cut within this segment, which is not one of pixels
            return JpegFacts(scans, False, start)
        scans += marker == _SCAN
    return JpegFacts(scans, False, len(data))


def jpeg_precision(data: bytes) -> int:
    """Bits a channel of a JPEG, 8 where its header is not found."""
    for marker, start, _ in itertools.islice(_jpeg_segments(data), _MOST_SEGMENTS):
        if marker in _FRAMES:
            return data[start + 4] if start + 4 < len(data) else 8
    return 8


def _jpeg_segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Marker, start and end of each segment, up to the end mark; pixels lie between a scan and the next."""
    place = 2
    while found := _JPEG_MARKER.search(data, place):
        marker, after = found[0][1], found.end()
        length = 0 if marker == _END else max(2, int.from_bytes(data[after : after + 2]))
        yield marker, found.start(), after + length
        if marker == _END:
            return
        place = after + length


def announced_sizes(data: bytes, kind: str) -> list[tuple[int, int]]:
    """Every (width, height) for which a decoder may reserve memory before it tells the picture's size.

    Pillow fills an animated PNG's canvas as it opens one, as the last of its headers has it; libwebp reserves
    two; an AVIF or HEIC picture may be put together from others. Empty where nothing of the kind happens.
    """
    if kind == "PNG":
        headers = [found.end() for found in re.finditer(b"IHDR", data)]
        return [(_number(data, at, 4, "big"), _number(data, at + 4, 4, "big")) for at in headers]
    if kind in ("AVIF", "HEIC"):
        starts = _boxes(data, (b"meta", b"iprp", b"ipco", b"ispe"), 0, len(data))
        return [(_number(data, at + 4, 4, "big"), _number(data, at + 8, 4, "big")) for at in starts]
    if kind != "WEBP":
        return []
    if data[12:16] == b"VP8X":
        return [(1 + _number(data, 24, 3), 1 + _number(data, 27, 3))]
    if data[12:16] == b"VP8L":
        bits = _number(data, 21, 4)
        return [(1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF))]
    return [(_number(data, 26, 2) & 0x3FFF, _number(data, 28, 2) & 0x3FFF)]


def brands(data: bytes) -> list[bytes]:
    """The brands of a file in ISO's base media format, the main one first: [b"avif", b"mif1", …]."""
    end = min(len(data), max(12, _number(data, 0, 4, "big")), 1024)
    return [data[8:12], *(data[at : at + 4] for at in range(16, end - 3, 4))]


def _boxes(data: bytes, path: tuple[bytes, ...], start: int, end: int) -> Iterator[int]:
    """Start of the contents of each box that `path` leads to, through the first of each box before it."""
    for _ in range(_MOST_BOXES):
        length, head = _number(data, start, 4, "big"), 8
        if length == 1:
            length, head = _number(data, start + 8, 8, "big"), 16
        stop = min(end, start + length) if length else end
        if stop < start + head:
            return
        if data[start + 4 : start + 8] == path[0]:
            if len(path) > 1:  # `meta` has a version before its boxes
                yield from _boxes(data, path[1:], start + head + 4 * (path[0] == b"meta"), stop)
                return
            yield start + head
        start = stop


def tiff_tags(data: bytes) -> dict[int, int | str]:
    """Tag -> value of a TIFF file's first directory: numbers, and text as such."""
    order: Literal["little", "big"] = "little" if data.startswith(b"II") else "big"
    at = _number(data, 4, 4, order)
    tags: dict[int, int | str] = {}
    for entry in range(at + 2, at + 2 + 12 * min(_MOST_TAGS, _number(data, at, 2, order)), 12):
        if entry + 12 > len(data):
            break
        tag, kind = _number(data, entry, 2, order), _number(data, entry + 2, 2, order)
        count, value = _number(data, entry + 4, 4, order), _number(data, entry + 8, 4, order)
        if kind == _TIFF_TEXT:
            place = value if count > 4 else entry + 8
            tags[tag] = data[place : place + min(count, 64)].split(b"\0")[0].decode("ascii", "replace")
        else:
            tags[tag] = _number(data, entry + 8, 2, order) if kind == _TIFF_SHORT else value
    return tags


def _number(data: bytes, start: int, size: int, order: Literal["little", "big"] = "little") -> int:
    return int.from_bytes(data[start : start + size], order)
