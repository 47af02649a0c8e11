"""The drawings that the classify page opens with, and what the shipped networks say of them."""

from itertools import combinations

import numpy as np
import pytest

from cifar_core.checkpoint import list_checkpoints, load_card, resolve_checkpoint
from cifar_core.data import CLASS_NAMES
from cifar_core.images.decode import fit_square
from cifar_core.inference.classifier import Classifier
from demo.classify.render import headline
from demo.shared.drawings import DRAWINGS, SIZE


def accuracy_of(name: str) -> float:
    """Test accuracy by the card; the networks of first lessons do not know drawings."""
    return load_card(resolve_checkpoint(name)).metrics["test"]["accuracy"]


def test_each_drawing_means_a_class_and_looks_the_same_each_time() -> None:
    assert set(DRAWINGS) <= set(CLASS_NAMES)
    for draw in DRAWINGS.values():
        picture = draw()
        assert picture.mode == "RGB" and picture.size == (SIZE, SIZE)
        assert picture.tobytes() == draw().tobytes()


def test_drawings_differ_even_when_small() -> None:
    small = [np.asarray(fit_square(draw()), dtype=float) for draw in DRAWINGS.values()]
    assert all(np.abs(one - other).mean() > 10 for one, other in combinations(small, 2))


@pytest.mark.parametrize("name", [name for name in list_checkpoints() if accuracy_of(name) > 0.85])
def test_the_good_ones_of_the_shipped_networks_are_right(name: str) -> None:
    network = Classifier.load(name)
    known = {label: draw() for label, draw in DRAWINGS.items() if label in network.class_names}
    answers = network.predict(list(known.values()), top=2)
    assert known and [answer.label for answer in answers] == list(known)


def test_the_default_network_is_sure_as_well() -> None:
    """The page opens with it; others may say that a drawing is no photo."""
    answers = Classifier.load().predict([draw() for draw in DRAWINGS.values()], top=2)
    assert [headline(answer, 10) for answer in answers] == [name.capitalize() for name in DRAWINGS]
