"""Simple drawings to try a network with, since no picture of the data set is shipped.

Each is drawn at four times its size and shrunk, for smooth edges. They are drawings, and the pages say so.
"""

from collections.abc import Callable

from PIL import Image, ImageDraw

SIZE = 256  # pixels a side
_SCALE = 4  # drawn this much larger, then shrunk
_UNITS = 64  # the drawings' own coordinates: 0..64, from the top left

Color = tuple[int, int, int]


class Sheet:
    """A picture to draw on in units of 1/64 of its side, with a background fading from top to bottom."""

    def __init__(self, top: Color, bottom: Color) -> None:
        side = SIZE * _SCALE
        fade = Image.linear_gradient("L").resize((side, side))
        self.image = Image.composite(
            Image.new("RGB", (side, side), bottom), Image.new("RGB", (side, side), top), fade
        )
        self._pen = ImageDraw.Draw(self.image)
        self._unit = side / _UNITS

    def shape(self, color: Color, *points: tuple[float, float]) -> None:
        self._pen.polygon([(x * self._unit, y * self._unit) for x, y in points], fill=color)

    def oval(self, color: Color, left: float, top: float, right: float, bottom: float) -> None:
        self._pen.ellipse([value * self._unit for value in (left, top, right, bottom)], fill=color)

    def box(self, color: Color, left: float, top: float, right: float, bottom: float) -> None:
        self._pen.rectangle([value * self._unit for value in (left, top, right, bottom)], fill=color)

    def finished(self) -> Image.Image:
        return self.image.resize((SIZE, SIZE), Image.Resampling.LANCZOS)


def airplane() -> Image.Image:
    sheet = Sheet((90, 150, 215), (190, 215, 240))
    white, shade, dark = (236, 238, 242), (176, 184, 196), (84, 96, 118)
    sheet.shape(shade, (30, 31), (41, 31), (33, 17), (28, 17))  # far wing
    sheet.shape(white, (8, 33), (13, 29), (46, 28), (57, 30), (58, 32), (46, 36), (14, 37))
    sheet.shape(dark, (48, 29), (60, 17), (63, 17), (57, 31))  # fin
    sheet.shape(shade, (50, 32), (60, 34), (63, 37), (58, 36))
    sheet.shape(shade, (26, 34), (39, 34), (31, 50), (25, 51))  # near wing
    sheet.oval(dark, 27, 38, 34, 42)
    sheet.shape(dark, (10, 31.5), (13, 30), (15, 30), (14, 32))
    return sheet.finished()


def ship() -> Image.Image:
    sheet = Sheet((168, 200, 228), (214, 228, 238))
    sheet.box((40, 84, 130), 0, 42, 64, 64)
    sheet.box((62, 110, 156), 0, 42, 64, 44)
    sheet.shape((150, 40, 36), (4, 36), (60, 34), (54, 48), (10, 48))
    sheet.shape((34, 40, 54), (4, 33), (61, 31), (59, 37), (5, 38))
    sheet.box((240, 240, 236), 16, 24, 48, 33)
    sheet.box((226, 226, 222), 22, 17, 42, 24)
    for left in range(18, 47, 5):
        sheet.box((70, 84, 104), left, 27, left + 2.5, 29.5)
    sheet.shape((200, 60, 40), (28, 17), (29, 8), (35, 8), (36, 17))
    sheet.box((30, 34, 44), 29, 8, 35, 10)
    return sheet.finished()


def automobile() -> Image.Image:
    sheet = Sheet((206, 214, 220), (228, 230, 230))
    sheet.box((122, 124, 128), 0, 44, 64, 64)
    red, glass, black = (186, 28, 34), (54, 70, 90), (22, 22, 26)
    sheet.shape((40, 40, 44), (6, 50), (58, 50), (60, 53), (4, 53))
    sheet.shape(red, (18, 32), (25, 21), (43, 21), (51, 32))
    sheet.shape(glass, (21, 31), (26, 23), (33, 23), (33, 31))
    sheet.shape(glass, (35, 31), (35, 23), (42, 23), (47, 31))
    sheet.shape(red, (4, 37), (8, 32), (52, 31), (60, 36), (61, 47), (4, 47))
    sheet.shape((240, 232, 180), (57, 37), (60.5, 37), (60.5, 40), (57, 40))
    for center in (17, 48):
        sheet.oval(black, center - 7, 40, center + 7, 54)
        sheet.oval((176, 180, 186), center - 3.5, 43.5, center + 3.5, 50.5)
    return sheet.finished()


def truck() -> Image.Image:
    sheet = Sheet((188, 208, 226), (224, 230, 234))
    sheet.box((128, 126, 122), 0, 48, 64, 64)
    black = (24, 24, 28)
    sheet.box((234, 234, 230), 3, 14, 42, 46)
    sheet.box((206, 206, 202), 3, 40, 42, 46)
    sheet.shape((34, 84, 160), (43, 46), (43, 22), (54, 22), (60, 33), (61, 46))
    sheet.shape((60, 76, 96), (46, 33), (46, 25), (53, 25), (57, 33))
    sheet.box((50, 52, 58), 3, 46, 61, 49)
    for center in (12, 23, 51):
        sheet.oval(black, center - 5.5, 43, center + 5.5, 54)
        sheet.oval((160, 164, 170), center - 2.5, 46, center + 2.5, 51)
    return sheet.finished()


DRAWINGS: dict[str, Callable[[], Image.Image]] = {  # the class that each means -> how to draw it
    "airplane": airplane,
    "automobile": automobile,
    "ship": ship,
    "truck": truck,
}
