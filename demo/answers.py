"""From an upload to the three parts of an answer; the networks that have answered once stay loaded."""

from functools import lru_cache
from typing import Any

from cifar_core.checkpoint import CheckpointError, list_checkpoints
from cifar_core.images import Decoded, ImageError, decode
from cifar_core.inference import Classifier, Prediction
from demo.answer_view import answer_html, inside_html, problem_html
from demo.card_view import about_html, head_html
from demo.isolation import decode_isolated, decoder
from demo.uploads import read_upload

SHOWN = 5  # classes with a bar
ASK = "Choose a picture, paste one, take one with the camera, or try a drawing."
Parts = tuple[str, str, dict[str, Any]]  # answer (HTML), what happened inside (HTML), the numbers (JSON)


class Answers:
    """What the networks in `names` say about a picture; the first is the default.

    `checkpoint`: a name or a folder to put first. `public`: decode in a separate process.
    Raises CheckpointError.
    """

    def __init__(self, checkpoint: str | None = None, *, public: bool = False) -> None:
        first = [checkpoint] if checkpoint else []
        self.names = [*first, *(name for name in list_checkpoints() if name not in first)]
        self._decode = decode_isolated if public else decode
        if public:
            decoder.start()
        self._load = lru_cache(maxsize=4)(Classifier.load)
        self.card = self._classifier(None).card

    def for_upload(self, picture: dict[str, Any] | None, name: str | None) -> Parts:
        """The parts for gr.Image's payload and a network's name, neither of which can be trusted."""
        if picture is None:
            return problem_html(ASK), "", {}
        if name not in (None, *self.names):
            return _problem(f"There is no network {name!r} here; choose one of: {', '.join(self.names)}.")
        try:
            return self.for_image(self._decode(read_upload(picture)), name)
        except (ImageError, CheckpointError) as error:
            return _problem(str(error))

    def for_image(self, decoded: Decoded, name: str | None = None) -> Parts:
        """The parts for a decoded picture."""
        classifier = self._classifier(name)
        (prediction,) = classifier.predict([decoded.image], top=SHOWN)
        answer = answer_html(prediction.top, classifier.class_names, decoded.notes)
        return answer, inside_html(prediction.seen, prediction.mixing), _numbers(prediction, decoded.notes)

    def describe(self, name: str | None) -> tuple[str, str]:
        """The head of the page and the network's card, both HTML; a problem where it cannot be read."""
        try:
            card = self._classifier(name).card
        except CheckpointError as error:
            return head_html(self.card), problem_html(str(error))
        return head_html(card), about_html(card)

    def _classifier(self, name: str | None) -> Classifier:
        """The network of that name, or the default; where there is none at all, load says what to do."""
        return self._load(name or next(iter(self.names), None))


def _problem(sentence: str) -> Parts:
    return problem_html(sentence), "", {"error": sentence}


def _numbers(prediction: Prediction, notes: tuple[str, ...]) -> dict[str, Any]:
    return {
        "top": [{"label": label, "probability": round(float(value), 6)} for label, value in prediction.top],
        "mixing": {
            block: [round(float(a), 6) for a in values] for block, values in prediction.mixing.items()
        },
        "notes": list(notes),
    }
