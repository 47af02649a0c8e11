"""Counting right answers under one mix after another gives what each mix gives alone."""

import numpy as np
import pytest

from cifar_core.explain.hand_mix import HandMixed
from cifar_core.explain.mixing import Mix, WhatIf
from cifar_core.inference.classifier import Classifier
from tests.support.toy_checkpoints import save_toy

MODELS = {
    "mixing_lite": {"widths": [4, 8], "num_kernels": 2},
    "speed_mixing": {"widths": [4, 6, 6], "num_kernels": 2},
}
EVEN, FIRST = (0.5, 0.5), (1.0, 0.0)
MIXES = [
    Mix(),
    Mix({"B1": EVEN}),
    Mix({"B1": EVEN, "B3": FIRST}),
    Mix({"B1": EVEN, "B3": EVEN}),
    Mix({"B1": EVEN}, {"B2": (0,)}),
    Mix({"B1": EVEN}, {"B2": (1,)}),
    Mix(dict.fromkeys(("B1", "B2", "B3"), FIRST)),
    Mix({"B2": (0.2, 0.8)}),
    Mix(),
]


@pytest.fixture(scope="module", params=MODELS)
def classifier(request, tmp_path_factory):
    arguments = MODELS[request.param]
    folder = save_toy(tmp_path_factory.mktemp("toy") / "net", model=request.param, model_args=arguments)
    return Classifier.load(folder, device="cpu")


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (70, 3, 32, 32), dtype=np.uint8)


def answers(what_if, images, mix):
    return np.array([answer.probs.argmax() for answer in what_if.predict(images, mix)])


def test_hits_are_those_of_each_mix_alone(classifier, images):
    """Asked with the answers under each mix as the truth, so that one wrong image shows."""
    what_if = WhatIf(classifier)
    for truth in MIXES[:7]:
        targets = answers(what_if, images, truth).astype(np.int64)
        asked = HandMixed(classifier, images, targets)
        assert [asked.hits(mix) for mix in MIXES] == [what_if.hits(images, targets, mix) for mix in MIXES]
        assert asked.hits(truth) == len(images)


def test_a_mix_that_cannot_be_leaves_the_next_answer_right(classifier, images):
    what_if, targets = WhatIf(classifier), np.zeros(70, np.int64)
    asked = HandMixed(classifier, images, targets)
    for wrong in (Mix({"B9": EVEN}), Mix({"B1": (1.0,)}), Mix(off={"B1": (0, 1)})):
        with pytest.raises(ValueError, match=r"B1|B9"):
            asked.hits(wrong)
        assert asked.hits(MIXES[2]) == what_if.hits(images, targets, MIXES[2])


def test_the_classifier_stays_as_it_is(classifier, images):
    before = classifier.probs(images[:4])
    HandMixed(classifier, images, np.zeros(70, np.int64)).hits(MIXES[6])
    assert np.array_equal(classifier.probs(images[:4]), before)


def test_a_network_that_does_not_mix_is_refused(tmp_path, images):
    folder = save_toy(tmp_path / "net", model="speed94", model_args={"widths": [4, 6, 6]})
    with pytest.raises(ValueError, match="does not mix"):
        HandMixed(Classifier.load(folder, device="cpu"), images, np.zeros(70, np.int64))
