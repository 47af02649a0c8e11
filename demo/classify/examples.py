"""The pictures that the classify page offers to try: photographs that may be shipped, and two drawings.

examples/README.md names the author and the terms of each photograph. Of a deer, a frog and a horse none was
found; a ship and a truck are drawn. Each is answered as `shows` says, by the default network.
"""

from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from cifar_core.images.decode import Decoded, decode
from demo.shared.drawings import DRAWINGS

FOLDER = Path(__file__).with_name("examples")


@dataclass(frozen=True)
class Example:
    """One picture.

    shows: its class, or "" for none of the ten; by: author and terms; file: in FOLDER, "" for a drawing.
    """

    name: str
    shows: str
    by: str
    file: str = ""

    @property
    def path(self) -> Path:
        """The photograph's file."""
        return FOLDER / self.file

    def decoded(self) -> Decoded:
        """The picture, as an upload of it would be read."""
        return decode(self.path.read_bytes()) if self.file else Decoded(DRAWINGS[self.shows]())

    def value(self) -> str | Image.Image:
        """The picture as Gradio takes it."""
        return str(self.path) if self.file else DRAWINGS[self.shows]()


DRAWN = "drawn for this page"
EXAMPLES = (
    Example("dog", "dog", "Snapwire (CC0)", "dog.jpg"),
    Example("cat", "cat", "Stéfan van der Walt (CC0)", "cat.jpg"),
    Example("parrot", "bird", "Skitterphoto (CC0)", "parrot.jpg"),
    Example("jet", "airplane", "US Air Force, TSgt Ben Bloker (public domain)", "jet.jpg"),
    Example("car", "automobile", "Pixabay (CC0)", "car.jpg"),
    Example("ship", "ship", DRAWN),
    Example("truck", "truck", DRAWN),
    Example("sushi", "", "Skitterphoto (CC0)", "sushi.jpg"),
)


def credits_line() -> str:
    """Who made the examples, and on what terms they are shipped."""
    photographs = "; ".join(f"{one.name} by {one.by}" for one in EXAMPLES if one.file)
    drawn = " and ".join(one.name for one in EXAMPLES if not one.file)
    return f"Example photographs: {photographs}. The {drawn} are drawings."
