"""Pictures as phones and cameras make them: cut short, with a gain map or a preview, raw, of 12 bits."""

import struct

from PIL import Image

from tests.support.made_pictures import QUARTERS, quarters, saved

# The ways in which a photograph says that the second picture in its file is a gain map.
GAIN_MAPS = {
    "as an attribute": (0xE1, b'http://ns.adobe.com/xap/1.0/\0<rdf:Description hdrgm:Version="1.0"/>'),
    "as an element": (0xE1, b"http://ns.adobe.com/xap/1.0/\0<hdrgm:Version>1.0</hdrgm:Version>"),
    "by ISO 21496-1": (0xE2, b"urn:iso:std:iso:ts:21496:-1\0\0\0\0\0"),
    "by Apple": (0xE1, b"http://ns.adobe.com/xap/1.0/\0<urn:com:apple:photo:2020:aux:hdrgainmap/>"),
}
STEREO, PREVIEW = 0x020002, 0x010002  # types of a file's second picture, as CIPA DC-007 numbers them


def cut_jpeg(strips: int) -> bytes:
    """Four quarters of 480 × 320 pixels, of whose 20 strips only the first so many are in the file."""
    picture = quarters().resize((480, 320), Image.Resampling.NEAREST)
    data = saved(picture, "JPEG", quality=95, subsampling="4:2:0", restart_marker_rows=1)
    place = data.index(b"\xff\xda")
    for number in range(strips):
        place = data.index(bytes((0xFF, 0xD0 + number % 8)), place) + 2
    return data[: place - 2]


def two_in_one(kind: int = 0) -> bytes:
    """An MPO file whose second picture is of such a type; 0 is undefined."""
    more = [quarters(colors=QUARTERS[::-1])]
    data = bytearray(saved(quarters(), "MPO", save_all=True, append_images=more, quality=95))
    second = data.index(b"MPF\0") + 54 + 16  # behind its header and the first picture's 16 bytes
    data[second : second + 4] = struct.pack("<L", kind)
    return bytes(data)


def hdr_photograph(name: str) -> bytes:
    """An Ultra HDR photograph: a picture and its gain map, named in one of the GAIN_MAPS ways."""
    marker, text = GAIN_MAPS[name]
    data = two_in_one()
    return data[:2] + struct.pack(">BBH", 0xFF, marker, len(text) + 2) + text + data[2:]


def jpeg_of_bits(bits: int) -> bytes:
    """A JPEG that says it has so many bits a channel."""
    data = bytearray(saved(quarters(), "JPEG"))
    data[data.index(b"\xff\xc0") + 4] = bits
    return bytes(data)


def tiff(maker: str = "", tags: dict[int, int] | None = None, order: str = "<") -> bytes:
    """A TIFF file's header and first directory, without pixels; tags: number -> value."""
    entries = [struct.pack(order + "HHII", tag, 4, 1, value) for tag, value in (tags or {}).items()]
    text = maker.encode() + b"\0"
    if maker:
        entries.append(struct.pack(order + "HHII", 0x10F, 2, len(text), 8))
    start = b"II*\0" if order == "<" else b"MM\0*"
    head = start + struct.pack(order + "I", 8 + len(text)) + text
    return head + struct.pack(order + "H", len(entries)) + b"".join(entries) + bytes(300)


RAW = {
    "DNG": tiff("Google", {0xC612: 0x401}),
    "Canon CR2": b"II*\0\x10\0\0\0CR\2\0" + bytes(300),
    "Canon CR3": b"\0\0\0\x18ftypcrx \0\0\0\1crx isom" + bytes(300),
    "Canon CRW": b"II\x1a\0\0\0HEAPCCDR" + bytes(300),
    "Nikon NEF": tiff("NIKON CORPORATION", {0x14A: 500}, ">"),
    "Sony ARW": tiff("SONY", {0x14A: 500}),
    "Pentax PEF": tiff("PENTAX", {0x103: 65535}, ">"),
    "Kodak": tiff("Kodak", {0x14A: 500}),
    "Olympus ORF": b"IIRO\x08\0\0\0" + bytes(300),
    "Panasonic RW2": b"IIU\0\x18\0\0\0" + bytes(300),
    "Fujifilm RAF": b"FUJIFILMCCD-RAW 0201" + bytes(300),
}
