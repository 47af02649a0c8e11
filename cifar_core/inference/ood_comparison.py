"""A network's OOD scores side by side, also against the classes of its data set that it never learned.

The latter needs no picture from elsewhere: a network that learned some of the classes (the setting `classes`)
is asked about the held-out images of the others.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from cifar_core.config import ConfigError
from cifar_core.data import ImageData, held_out
from cifar_core.data.split import only_classes
from cifar_core.inference.classifier import Classifier
from cifar_core.inference.crops import crops_of
from cifar_core.inference.held_out import config_of, select_images, training_images
from cifar_core.inference.prediction import Prediction
from cifar_core.inference.preprocess import Images, parts_of
from cifar_core.metrics.ood import distance_to_nearest, energy, unit
from cifar_core.metrics.ood_comparison import LEARNED, NEIGHBOR, OOD, Measure, Scores, compare_scores
from cifar_core.models import ImageClassifier

Floats = NDArray[np.floating]


class Scorer:
    """The OOD scores of a network, averaged over a picture's crops as its answers are.

    learned: training images (M, 3, 32, 32), among which near ones are looked for; without them there is no
    kNN score, and without the card's OOD score not that.
    """

    def __init__(self, classifier: Classifier, learned: NDArray[np.uint8] | None = None) -> None:
        self.classifier = classifier
        self.learned: Floats | None = None
        if learned is not None:
            self.learned = np.concatenate([unit(self._look(part)[1]) for part in parts_of(learned)])

    def scores(self, images: Images, answers: Sequence[Prediction]) -> Scores:
        """The scores of images, at least one, by name; answers: the network's to each of them."""
        crops = crops_of(images, beside=False)
        looks = [self._look(part) for part in parts_of(crops.pixels)]
        of_crops = {"energy": np.concatenate([energy(logits) for logits, _ in looks])}
        if self.learned is not None:
            near = [distance_to_nearest(features, self.learned, NEIGHBOR) for _, features in looks]
            of_crops["knn"] = np.concatenate(near)
        counts = np.bincount(crops.owners)
        means = {name: np.bincount(crops.owners, values) / counts for name, values in of_crops.items()}
        own = [answer.ood_score for answer in answers if answer.ood_score is not None]
        return {
            **({OOD: np.array(own)} if len(own) == len(answers) else {}),
            "max_softmax": np.array([-answer.probs.max() for answer in answers]),
            **means,
        }

    def _look(self, pixels: Tensor) -> tuple[Floats, Floats]:
        images = self.classifier.normalize(pixels.to(self.classifier.device))
        logits, features = logits_and_features(self.classifier.model, images)
        return logits.float().cpu().numpy(), features.float().cpu().numpy()


@torch.inference_mode()
def logits_and_features(model: ImageClassifier, images: Tensor) -> tuple[Tensor, Tensor]:
    """Images (N, 3, 32, 32), normalized -> logits (N, num_classes), and what its last layer takes (N, F)."""
    layers = [layer for layer in model.modules() if isinstance(layer, nn.Linear)]
    last = next(layer for layer in layers[::-1] if layer.out_features == model.num_classes)
    inputs: list[Tensor] = []
    handle = last.register_forward_pre_hook(lambda _layer, given: inputs.append(given[0]))
    try:
        logits = model(images)
    finally:
        handle.remove()
    return logits, inputs[-1]


@dataclass(frozen=True)
class UnknownClasses:
    """AUROC of each OOD score on held-out images of a split: a network's classes against others.

    auroc: "all", or the name of an unknown class -> score -> AUROC.
    """

    split: str
    known: list[str]
    unknown: list[str]
    auroc: dict[str, dict[str, Measure]]

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values: each measure with `value`, `error` and `n`."""
        return asdict(self)


def compare_on_unknown_classes(
    classifier: Classifier, data: ImageData, split: str = "test"
) -> UnknownClasses:
    """Measure the scores of a network that learned some classes of `data`, which holds others as well.

    Raises:
        ConfigError: when it knows all of them, or the split is "val" and the run set no images aside.
        DataError: when the data lacks one of the network's classes.
    """
    card = classifier.card
    config = config_of(card, split)
    unknown = [name for name in data.class_names if name not in card.class_names]
    if not unknown:
        raise ConfigError("This network knows all classes of its data; train one with the setting classes.")
    own, others = (only_classes(data, names) for names in (card.class_names, unknown))
    scorer = Scorer(classifier, training_images(card, own, LEARNED))
    source, places = held_out(others, split, config.val_size, config.split_seed)
    pictures = select_images(card, own, split).images, np.asarray(source.images[places])
    known, strange = (scorer.scores(images, classifier.predict(images)) for images in pictures)
    kinds = {name: source.targets[places] == number for number, name in enumerate(unknown)}
    kinds = {"all": np.ones(len(places), np.bool_), **kinds}
    auroc = {
        kind: compare_scores(known, {name: scores[chosen] for name, scores in strange.items()})
        for kind, chosen in kinds.items()
        if chosen.any()
    }
    return UnknownClasses(split, card.class_names, unknown, auroc)
