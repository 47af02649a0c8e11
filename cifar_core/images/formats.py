"""The kind of file that some bytes are, and the sizes they announce, read without a decoder."""

import re
from typing import Literal

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP")
ALLOWED = "PNG, JPEG, WebP, GIF or BMP"

_BMP_HEADER_SIZES = (12, 40, 52, 56, 64, 108, 124)
_SIGNATURES = (
    (b"%PDF", "a PDF document"),
    (b"II*\0", "a TIFF picture"),
    (b"MM\0*", "a TIFF picture"),
    (b"8BPS", "a Photoshop file"),
    (b"%!PS", "a PostScript file"),
    (b"\0\0\1\0", "a Windows icon"),
    (b"\0\0\0\x0cjP  ", "a JPEG 2000 picture"),
    (b"\0\0\0\x0cJXL ", "a JPEG XL picture"),
    (b"\xff\x0a", "a JPEG XL picture"),
    (b"PK\3\4", "a ZIP archive or an office document"),
    (b"\x1f\x8b", "a compressed archive"),
    (b"\x1aE\xdf\xa3", "a video"),
)
_JPEG_MARKER = re.compile(
    rb"\xff[^\x00\x01\xd0-\xd8\xff]"
)  # neither stuffing nor a restart, without a length


def identify(data: bytes) -> str:
    """One of FORMATS by the first bytes, else some words for people, such as "an SVG drawing"."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if data.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "GIF"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    if data.startswith(b"BM") and int.from_bytes(data[14:18], "little") in _BMP_HEADER_SIZES:
        return "BMP"
    return _identify_other(data)


def _identify_other(data: bytes) -> str:
    for signature, name in _SIGNATURES:
        if data.startswith(signature):
            return name
    if data[4:8] == b"ftyp":
        brand = data[8:12]
        if brand in (b"avif", b"avis"):
            return "an AVIF picture"
        return "a HEIC picture" if brand[:3] in (b"hei", b"hev", b"mif", b"msf") else "a video"
    head = data[:4096].lower()
    if b"<svg" in head:
        return "an SVG drawing"
    if b"<html" in head or b"<!doctype html" in head:
        return "a web page"
    is_text = head.startswith((b"\xff\xfe", b"\xfe\xff")) or not any(b < 9 or 13 < b < 27 for b in head)
    return "a text file" if is_text else "a file of an unknown kind"


def announced_sizes(data: bytes) -> list[tuple[int, int]]:
    """Every (width, height) for which a decoder may reserve memory before it tells the picture's size.

    Pillow fills an animated PNG's canvas as it opens one, as the last of its headers has it; libwebp reserves
    two. Empty where nothing of the kind happens.
    """
    kind = identify(data)
    if kind == "PNG":
        headers = [found.end() for found in re.finditer(b"IHDR", data)]
        return [(_number(data, at, 4, "big"), _number(data, at + 4, 4, "big")) for at in headers]
    if kind != "WEBP":
        return []
    if data[12:16] == b"VP8X":
        return [(1 + _number(data, 24, 3), 1 + _number(data, 27, 3))]
    if data[12:16] == b"VP8L":
        bits = _number(data, 21, 4)
        return [(1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF))]
    return [(_number(data, 26, 2) & 0x3FFF, _number(data, 28, 2) & 0x3FFF)]


def _number(data: bytes, start: int, size: int, order: Literal["little", "big"] = "little") -> int:
    return int.from_bytes(data[start : start + size], order)


def has_more_scans(data: bytes, most: int) -> bool:
    """True where a JPEG goes over its pixels more often than that: most do once, some 10 times."""
    scans, place = 0, 2 if identify(data) == "JPEG" else len(data)
    while (found := _JPEG_MARKER.search(data, place)) and found[0] != b"\xff\xd9":  # the picture's end
        scans += found[0] == b"\xff\xda"
        if scans > most:
            return True
        place = found.end() + max(2, int.from_bytes(data[found.end() : found.end() + 2]))
    return False
