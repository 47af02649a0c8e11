"""From an upload to the parts of an answer, for the page, and to its JSON document, for its API."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any

from cifar_core.checkpoint import Card, CheckpointError
from cifar_core.images.crop import Crop, CropError, cropped
from cifar_core.images.decode import Decoded, ImageError, decode
from cifar_core.inference.prediction import Prediction
from cifar_core.inference.responses import error_response, prediction_response
from cifar_core.runs.history import average_for
from demo.classify.heatmap import heatmap_uri
from demo.classify.networks import NetworkError, Served, ServedNetworks
from demo.classify.render import (
    about_html,
    answer_html,
    describe_alarm,
    head_html,
    inside_html,
    is_none,
    networks_html,
    pair_html,
    problem_html,
)
from demo.classify.share import share_html
from demo.classify.uploads import read_upload
from demo.shared.format import listed
from demo.shared.sandbox import decode_isolated, decoder

SHOWN = 5  # classes with a bar
MOST_TOP = 100  # classes that a caller may ask for
ASK = "Choose a picture, paste one, take one with the camera, or try a drawing."
Parts = tuple[str, str, str, Any]  # answer, what happened inside, how to share it (HTML); the document (JSON)
Payload = dict[str, Any]  # what Gradio knows of an upload; it comes from the caller
PROBLEMS = (ImageError, CheckpointError, CropError, NetworkError)


@dataclass(frozen=True)
class Asked:
    """Which network, which beside it (or none), which part of the picture, and whether to add a heat map."""

    network: str | None = None
    beside: str | None = None
    crop: Crop = field(default_factory=Crop)
    look: bool = False


@dataclass(frozen=True)
class Answer:
    """One network's answer to one picture, with all that a view needs to tell of it."""

    served: Served
    decoded: Decoded
    crop: Crop
    prediction: Prediction

    def document(self, path: str) -> dict[str, Any]:
        """See prediction_response."""
        return prediction_response(
            path, self.prediction, self.served.classifier, self.crop, self.decoded.notes
        )

    def html(self, title: str = "") -> str:
        """The class in words, bars and remarks."""
        prediction, card = self.prediction, self.served.classifier.card
        notes = [*self.decoded.notes, *_remark(self.crop)]
        if is_none(prediction.top, prediction.known):
            notes += describe_alarm(card)
        return answer_html(prediction.top, card.class_names, notes, prediction.known, title)

    def inside(self, look: bool, title: str = "") -> str:
        """What it saw, where it looked if that is asked for, and how it mixed beside its class's average."""
        prediction = self.prediction
        label = prediction.label
        average = average_for(self.served.averages, label, prediction.mixing)
        heatmap = ""
        if look:
            heatmap = heatmap_uri(self.served.classifier, self.decoded.image, self.crop, prediction)
        return inside_html(prediction.seen, prediction.mixing, heatmap, average, label, title)


class Answers:
    """What networks say about pictures; `public`: decode in a separate process. Raises CheckpointError."""

    def __init__(self, checkpoint: str | None = None, *, public: bool = False) -> None:
        self.networks = ServedNetworks(checkpoint)
        self.names = self.networks.names
        self._decode: Callable[[bytes], Decoded] = decode_isolated if public else decode
        if public:
            decoder.start()
        self.card: Card = self.networks.get().classifier.card

    def for_upload(
        self,
        picture: Payload | None,
        network: str | None = None,
        beside: str | None = None,
        turn: float = 0,
        zoom: float = 1,
        right: float = 0,
        down: float = 0,
        look: bool = False,
    ) -> Parts:
        """The page's parts for gr.Image's payload and the page's choices, none of which can be trusted."""
        if picture is None:
            return problem_html(ASK), "", "", {}
        try:
            asked = Asked(network, beside or None, crop_of(turn, zoom, right, down), bool(look))
            return self.for_image(self.decoded(picture), asked, name_of(picture))
        except PROBLEMS as error:
            return problem_html(str(error)), "", "", error_response(name_of(picture), str(error))

    def for_image(self, decoded: Decoded, asked: Asked | None = None, path: str = "picture.png") -> Parts:
        """The page's parts for a decoded picture; raises NetworkError, CheckpointError."""
        asked = asked or Asked()
        names = [asked.network, asked.beside] if asked.beside else [asked.network]
        answers = [self.answer(decoded, name, asked.crop, SHOWN) for name in names]
        documents = [answer.document(path) for answer in answers]
        share = share_html(documents, asked.crop, SHOWN)
        if len(answers) == 1:
            return answers[0].html(), answers[0].inside(asked.look), share, documents[0]
        titles = [answer.served.classifier.name for answer in answers]
        both = list(zip(answers, titles, strict=True))
        labels = [answer.prediction.label for answer in answers]
        head = pair_html([answer.html(title) for answer, title in both], labels, titles)
        return head, "".join(answer.inside(asked.look, title) for answer, title in both), share, documents

    def answer(
        self, decoded: Decoded, network: str | None = None, crop: Crop | None = None, top: int = SHOWN
    ) -> Answer:
        """One network's answer; raises NetworkError, CheckpointError."""
        served, crop = self.networks.get(network), crop or Crop()
        (prediction,) = served.classifier.predict([cropped(decoded.image, crop)], top=top)
        return Answer(served, decoded, crop, prediction)

    def document(self, picture: Payload | None, network: str | None, top: Any, crop: Crop) -> dict[str, Any]:
        """The JSON document for an upload, or one that says why there is none."""
        name = name_of(picture)
        try:
            if picture is None:
                raise ImageError("Send a picture: upload it first, then name its path.")
            return self.answer(self.decoded(picture), network or None, crop, top_of(top)).document(name)
        except PROBLEMS as error:
            return error_response(name, str(error))

    def decoded(self, picture: Payload) -> Decoded:
        """The picture of an upload; raises ImageError."""
        return self._decode(read_upload(picture))

    def describe(self, name: str | None, beside: str | None = None) -> tuple[str, str]:
        """The head of the page, and the networks with the chosen one's card, both HTML; a problem as such.

        beside: the second network, loaded here as well, so that the table has its speed.
        """
        try:
            if beside:
                self.networks.get(beside)
            card = self.networks.get(name).classifier.card
            return head_html(card), self.about(name)
        except (CheckpointError, NetworkError) as error:
            return head_html(self.card), problem_html(str(error))

    def about(self, name: str | None = None) -> str:
        """All networks in a table, then the facts of the chosen one, as HTML; raises CheckpointError."""
        chosen = name or next(iter(self.names), "")
        table = networks_html(self.networks.cards(), self.networks.speeds, chosen)
        return table + about_html(self.networks.get(name).classifier.card)


def crop_of(turn: Any, zoom: Any, right: Any, down: Any) -> Crop:
    """A crop from what a caller sent; raises CropError."""
    try:
        return Crop(float(turn or 0), float(zoom or 1), float(right or 0), float(down or 0))
    except CropError:
        raise
    except (TypeError, ValueError):
        raise CropError("turn, zoom, right and down must be numbers.") from None


def top_of(top: Any) -> int:
    """How many classes to name, from what a caller sent; raises CropError."""
    if isinstance(top, bool) or not isinstance(top, int | float) or not 1 <= top <= MOST_TOP:
        raise CropError(f"top is {top!r:.60}; it must be from 1 to {MOST_TOP}.")
    return int(top)


def name_of(picture: Payload | None) -> str:
    """The name that a file came with, without its folders."""
    name = str((picture or {}).get("orig_name") or "picture.png") if isinstance(picture, dict) else ""
    return PurePath(name.replace("\\", "/")).name[-120:] or "picture.png"


def _remark(crop: Crop) -> list[str]:
    """What was done to the picture before it was answered."""
    if crop.whole:
        return []
    turned = [f"turned by {crop.turn:g}°"] if crop.turn else []
    near = [f"{crop.zoom:g} times as near"] if crop.zoom != 1 else []
    moved = ["moved off the middle"] if crop.right or crop.down else []
    return [f"The picture was {listed(turned + near + moved)}; see Crop and turn."]
