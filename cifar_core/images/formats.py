"""The kind of file that some bytes are, by the first of them; the kinds that are read, and their suffixes."""

from importlib.machinery import PathFinder
from importlib.util import find_spec

from cifar_core.images.headers import brands, jpeg_precision, tiff_tags

# Read where this package is found: Pillow can be built without AVIF's decoder.
_PILLOW = find_spec("PIL")  # which is not imported by that, as it would be by asking for "PIL._avif"
_OPTIONAL = {
    "AVIF": _PILLOW and PathFinder.find_spec("_avif", list(_PILLOW.submodule_search_locations or ())),
    "HEIC": find_spec("pillow_heif"),
}
_FOUND = (kind for kind, module in _OPTIONAL.items() if module)
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", *_FOUND)
_NAMES = ["WebP" if kind == "WEBP" else kind for kind in FORMATS]
ALLOWED = f"{', '.join(_NAMES[:-1])} or {_NAMES[-1]}"  # "PNG, JPEG, WebP, GIF, BMP or AVIF"

# Suffixes of files that are pictures to their owner: a page offers them and a folder is searched for them, so
# that one that is not read here gets its sentence and is not passed over.
_READ = ".jpg .jpeg .jpe .jfif .mpo .png .apng .webp .gif .bmp .dib .avif .avifs .heic .heif .hif"
_RAW = ".dng .cr2 .cr3 .crw .nef .nrw .arw .sr2 .srf .orf .rw2 .raf .pef .srw .x3f .3fr .iiq .rwl .erf .mrw"
_OTHERS = ".tif .tiff .jxl .jp2"
SUFFIXES = tuple(f"{_READ} {_RAW} {_OTHERS}".split())

_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"}
_BMP_HEADER_SIZES = (12, 40, 52, 56, 64, 108, 124)
_SIGNATURES = (
    (b"%PDF", "a PDF document"),
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
_RAW_SIGNATURES = {  # the other raw files are TIFF files, told apart by what is in them
    b"II\x1a\0\0\0HEAPCCDR": "Canon CRW",
    b"IIRO": "Olympus ORF",
    b"IIRS": "Olympus ORF",
    b"MMOR": "Olympus ORF",
    b"IIU\0": "Panasonic RW2",
    b"FUJIFILMCCD-RAW": "Fujifilm RAF",
    b"FOVb": "Sigma X3F",
    b"\0MRM": "Minolta MRW",
}
_RAW_TIFF_MARKS = {
    b"CR\2\0": "Canon CR2",
    b"IIII": "Phase One IIQ",
    b"MMMM": "Phase One IIQ",
}  # after 8 bytes
_RAW_MAKERS = {"NIKON": "Nikon NEF", "SONY": "Sony ARW", "PENTAX": "Pentax PEF", "RICOH": "Pentax PEF"}
_RAW_MAKERS |= {"SAMSUNG": "Samsung SRW", "HASSELBLAD": "Hasselblad 3FR", "EPSON": "Epson ERF"}
_COMPRESSION, _MAKE, _PARTS, _DNG_VERSION = 0x103, 0x10F, 0x14A, 0xC612  # TIFF's tags
_RAW_COMPRESSIONS = (32767, 34713, 65535)  # Sony's, Nikon's and Pentax's


def identify(data: bytes) -> str:
    """One of FORMATS by the first bytes, else some words for people, such as "an SVG drawing"."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if data.startswith(b"\xff\xd8\xff"):
        bits = jpeg_precision(data)
        return "JPEG" if bits == 8 else f"a {bits}-bit JPEG picture"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "GIF"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    if data.startswith(b"BM") and int.from_bytes(data[14:18], "little") in _BMP_HEADER_SIZES:
        return "BMP"
    return _identify_boxes(data) if data[4:8] == b"ftyp" else _identify_other(data)


def advise(kind: str) -> str:
    """What to do about a file of a kind that is not read, as the end of a sentence about it."""
    if kind.startswith("a raw"):
        return "which no browser shows either; send the JPEG that the camera or its program makes of it"
    if kind == "a HEIC picture":
        return "which is read only where the package pillow-heif is installed; save it as JPEG and try again"
    if kind.endswith("-bit JPEG picture"):
        return "where 8 bits a channel are read; save it as an ordinary JPEG or as PNG and try again"
    return f"which is not read here; save it as {ALLOWED} and try again"


def _identify_boxes(data: bytes) -> str:
    """The kind of a file in ISO's base media format, by its brands: a container of pictures or of films."""
    found = brands(data)
    if found[0] == b"crx ":
        return _raw("Canon CR3")
    if found[0] in (b"avif", b"avis") or (found[0] in (b"mif1", b"msf1") and b"avif" in found):
        return "AVIF" if "AVIF" in FORMATS else "an AVIF picture"
    if found[0] in _HEIC_BRANDS:
        return "HEIC" if "HEIC" in FORMATS else "a HEIC picture"
    return "a video"


def _identify_other(data: bytes) -> str:
    if data.startswith((b"II*\0", b"MM\0*")):
        return _identify_tiff(data)
    for signature, name in _RAW_SIGNATURES.items():
        if data.startswith(signature):
            return _raw(name)
    for signature, name in _SIGNATURES:
        if data.startswith(signature):
            return name
    head = data[:4096].lower()
    if b"<svg" in head:
        return "an SVG drawing"
    if b"<html" in head or b"<!doctype html" in head:
        return "a web page"
    is_text = head.startswith((b"\xff\xfe", b"\xfe\xff")) or not any(b < 9 or 13 < b < 27 for b in head)
    return "a text file" if is_text else "a file of an unknown kind"


def _identify_tiff(data: bytes) -> str:
    """A raw file names its camera, and has its pixels in a part of their own or packed as its maker does."""
    if data[8:12] in _RAW_TIFF_MARKS:
        return _raw(_RAW_TIFF_MARKS[data[8:12]])
    tags = tiff_tags(data)
    if _DNG_VERSION in tags:
        return _raw("DNG")
    maker = str(tags.get(_MAKE, "")).split(" ")[0]
    if maker and (_PARTS in tags or tags.get(_COMPRESSION) in _RAW_COMPRESSIONS):
        return _raw(_RAW_MAKERS.get(maker.upper(), maker.title()))
    return "a TIFF picture"


def _raw(name: str) -> str:
    return f"a raw camera file ({name})"
