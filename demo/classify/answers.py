"""Networks' answers to pictures, as data: `render` makes HTML of them, `api` hands out their JSON."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cifar_core.checkpoint import Card, CheckpointError
from cifar_core.explain.saliency import heat_maps
from cifar_core.images.crop import Crop, CropError, crop_box, cropped, turned
from cifar_core.images.decode import Decoded, ImageError, decode
from cifar_core.inference.classifier import Classifier
from cifar_core.inference.crops import Crops, crops_of
from cifar_core.inference.prediction import Prediction
from cifar_core.inference.responses import error_response, prediction_response
from cifar_core.runs.history import Shares, average_for
from demo.classify.networks import NetworkError, Served, ServedNetworks
from demo.classify.uploads import Payload, name_of, read_upload
from demo.shared.pictures import heated
from demo.shared.sandbox import decode_isolated, decoder

WHOLE = Crop()
MOST_PICTURES = 24  # at once: a second's work
SHOWN = 5  # classes with a bar
MOST_TOP = 100  # classes that a caller may ask for
HEAT_MAP_SIDE = 320  # pixels of the longer side of a heat map
DIM = 0.3  # brightness of what the network did not see
PROBLEMS = (ImageError, CheckpointError, CropError, NetworkError)


@dataclass(frozen=True)
class Asked:
    """A caller's request, unchecked: a network, one beside it or none, classes to name, crop.

    heatmap: whether the one who shows the answer wants a heat map, which nobody outside chooses.
    """

    network: str | None = None
    beside: str | None = None
    top: Any = SHOWN
    turn: Any = 0
    zoom: Any = 1
    right: Any = 0
    down: Any = 0
    heatmap: bool = False


@dataclass(frozen=True)
class Answer:
    """One network's answer to one picture.

    average: the mean coefficients of its class, block by block, empty where unknown; heatmap: see heat_map,
    None where it was not asked for; response: its JSON.
    """

    network: str
    card: Card
    prediction: Prediction
    average: Shares
    heatmap: NDArray[np.uint8] | None
    response: dict[str, Any]


@dataclass(frozen=True)
class Answered:
    """One picture's outcome: an answer of each network that was asked, or why there is none.

    name: of its file; notes: the decoder's; crop: what was asked about.
    """

    name: str
    answers: tuple[Answer, ...] = ()
    problem: str = ""
    notes: tuple[str, ...] = ()
    crop: Crop = WHOLE

    @property
    def responses(self) -> list[dict[str, Any]]:
        """The JSON of each answer, or of the problem."""
        if self.problem:
            return [error_response(self.name, self.problem)]
        return [answer.response for answer in self.answers]


@dataclass(frozen=True)
class _Seen:
    """A picture that could be read: what networks see of it, and the whole where a heat map needs it."""

    crops: Crops
    notes: tuple[str, ...]
    whole: Image.Image | None


class Answers:
    """Answers of networks to pictures. Raises CheckpointError.

    checkpoint, kind, quick: see ServedNetworks; public: decode in a separate process.
    """

    def __init__(
        self,
        checkpoint: str | None = None,
        *,
        public: bool = False,
        kind: type[Classifier] = Classifier,
        quick: bool = False,
    ) -> None:
        self.networks = ServedNetworks(checkpoint, kind, quick=quick)
        self._decode: Callable[[bytes], Decoded] = decode_isolated if public else decode
        if public:
            decoder.start()
        self.card: Card = self.networks.get().classifier.card

    def to_uploads(
        self, uploads: Sequence[Payload | None] | None, asked: Asked | None = None
    ) -> list[Answered]:
        """The outcome for each upload; nothing in the payloads or in `asked` can be trusted.

        A picture that cannot be read has its problem; too many, or a wrong choice, are everybody's.
        """
        uploads = uploads or []
        if len(uploads) > MOST_PICTURES:
            return [Answered("", problem=describe_too_many(len(uploads)))]
        return self.to_pictures(((name_of(one), self._decoded(one)) for one in uploads), asked)

    def to_pictures(
        self, pictures: Iterable[tuple[str, Decoded | ImageError]], asked: Asked | None = None
    ) -> list[Answered]:
        """The outcome for each picture, (name, decoded or why not); each network is asked once, about all."""
        asked = asked or Asked()
        try:
            crop, top = crop_of(asked), top_of(asked.top)
            names = [asked.network or None, *([asked.beside] if asked.beside else [])]
            networks = [self.networks.get(name) for name in names]
        except PROBLEMS as error:
            return [Answered(name, problem=str(error)) for name, _ in pictures]
        # Only what networks see of each picture is kept: 24 of the largest would take 3.6 GB.
        seen = [(name, _seen(picture, crop, keep=asked.heatmap)) for name, picture in pictures]
        good = [(name, one) for name, one in seen if isinstance(one, _Seen)]
        rows = zip(*(_answers(served, good, crop, top) for served in networks), strict=True)
        return [
            Answered(name, next(rows), notes=one.notes, crop=crop)
            if isinstance(one, _Seen)
            else Answered(name, problem=str(one))
            for name, one in seen
        ]

    def _decoded(self, upload: Payload | None) -> Decoded | ImageError:
        try:
            return self._decode(read_upload(upload))
        except ImageError as error:
            return error


def describe_too_many(number: int) -> str:
    """A sentence that refuses so many pictures."""
    return f"{number} pictures came; send at most {MOST_PICTURES} at once."


def crop_of(asked: Asked) -> Crop:
    """The crop that a caller asks for; raises CropError."""
    try:
        numbers = {name: float(getattr(asked, name) or usual) for name, usual in WHOLE.to_json().items()}
    except (TypeError, ValueError):
        raise CropError("turn, zoom, right and down must be numbers.") from None
    return Crop(**numbers)


def top_of(top: Any) -> int:
    """The number of classes that a caller wants named; raises CropError."""
    is_number = isinstance(top, int | float) and not isinstance(top, bool)
    if not is_number or not 1 <= top <= MOST_TOP or top != int(top):
        raise CropError(f"top is {top!r:.60}; it must be a whole number from 1 to {MOST_TOP}.")
    return int(top)


def _seen(picture: Decoded | ImageError, crop: Crop, *, keep: bool) -> _Seen | ImageError:
    if isinstance(picture, ImageError):
        return picture
    crops = crops_of([cropped(picture.image, crop)], beside=crop.whole)
    return _Seen(crops, picture.notes, picture.image if keep else None)


def _answers(served: Served, pictures: Sequence[tuple[str, _Seen]], crop: Crop, top: int) -> list[Answer]:
    """One network's answers to pictures, by name."""
    classifier = served.classifier
    crops = [seen.crops for _, seen in pictures]
    # A network that normalizes by the batch at hand would answer otherwise in company.
    alone = bool(classifier.card.model_args.get("batch_statistics"))
    groups = crops if alone else [Crops.joined(crops)] if crops else []
    predictions = [one for group in groups for one in classifier.predict(group, top=top)]
    return [
        Answer(
            classifier.name,
            classifier.card,
            prediction,
            average_for(served.averages, prediction.label, prediction.mixing),
            heat_map(classifier, seen.whole, prediction.part.crop if prediction.part else crop, prediction)
            if seen.whole
            else None,
            prediction_response(name, prediction, classifier, crop, seen.notes),
        )
        for (name, seen), prediction in zip(pictures, predictions, strict=True)
    ]


def heat_map(
    classifier: Classifier, picture: Image.Image, crop: Crop, prediction: Prediction
) -> NDArray[np.uint8]:
    """LayerCAM for the likeliest class, laid on the RGB picture as it was sent: (H, W, 3) uint8.

    The picture is gray and dim; its square is bright where it speaks for the answer.
    """
    whole = turned(picture, crop.turn)
    shrink = min(1.0, HEAT_MAP_SIDE / max(whole.size))
    left, top, right, bottom = (round(edge * shrink) for edge in crop_box(whole.size, crop))
    side = (max(1, right - left), max(1, bottom - top))
    size = (max(1, round(whole.width * shrink)), max(1, round(whole.height * shrink)))
    small = whole.resize(size, reducing_gap=2.0)  # 48 megapixels in a tenth of the time
    number = np.array([classifier.class_names.index(prediction.label)])
    (places,) = heat_maps(classifier, prediction.seen.transpose(2, 0, 1)[None], number)
    heat = Image.fromarray(places).resize(side, Image.Resampling.BICUBIC)
    part = np.asarray(small.crop((left, top, left + side[0], top + side[1])))
    shown = small.convert("L").point(lambda value: round(DIM * value)).convert("RGB")
    shown.paste(Image.fromarray(heated(part, np.asarray(heat).clip(0, 1))), (left, top))
    return np.asarray(shown)
