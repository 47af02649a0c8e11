"""The pictures that the classify page offers to try: photographs that may be shipped, and two drawings.

examples/README.md names the author and the terms of each photograph.
"""

from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from cifar_core.images.decode import Decoded, decode
from demo.shared.drawings import DRAWINGS

FOLDER = Path(__file__).with_name("examples")


@dataclass(frozen=True)
class Example:
    """One picture by what it shows. by: author and terms; file: in FOLDER, "" for one of DRAWINGS."""

    name: str
    by: str
    file: str = ""

    @property
    def path(self) -> Path:
        """The photograph's file."""
        return FOLDER / self.file

    def decoded(self) -> Decoded:
        """The picture, as an upload of it would be read."""
        return decode(self.path.read_bytes()) if self.file else Decoded(DRAWINGS[self.name]())

    def value(self) -> str | Image.Image:
        """The picture as Gradio takes it."""
        return str(self.path) if self.file else DRAWINGS[self.name]()


DRAWN = "drawn for this page"
EXAMPLES = (
    Example("dog", "Snapwire (CC0)", "dog.jpg"),
    Example("cat", "Stéfan van der Walt (CC0)", "cat.jpg"),
    Example("parrot", "Skitterphoto (CC0)", "parrot.jpg"),
    Example("jet", "US Air Force, TSgt Ben Bloker (public domain)", "jet.jpg"),
    Example("car", "Pixabay (CC0)", "car.jpg"),
    Example("ship", DRAWN),
    Example("truck", DRAWN),
    Example("sushi", "Skitterphoto (CC0)", "sushi.jpg"),
)


def credits_line() -> str:
    """Who made the examples, and on what terms they are shipped."""
    photographs = "; ".join(f"{one.name} by {one.by}" for one in EXAMPLES if one.file)
    drawn = " and ".join(one.name for one in EXAMPLES if not one.file)
    return f"Example photographs: {photographs}. The {drawn} are drawings."
