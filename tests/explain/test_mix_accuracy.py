"""Right answers under one mix after another: the same as from the start, whatever was asked before."""

import numpy as np
import pytest

from cifar_core.explain.mix_accuracy import CHUNK, MixAccuracy
from cifar_core.explain.mixing import AS_PREDICTED, Mix, WhatIf
from cifar_core.inference.classifier import Classifier
from tests.support.toy_checkpoints import save_toy

NETWORKS = {
    "mixing_lite": {"widths": [4, 8]},
    "speed_mixing": {"widths": [4, 8], "num_kernels": 3},
}


@pytest.fixture(scope="module", params=list(NETWORKS))
def classifier(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("toy") / request.param
    toy = save_toy(folder, model=request.param, model_args=NETWORKS[request.param])
    return Classifier.load(toy, device="cpu")


@pytest.fixture(scope="module")
def pixels():
    return np.random.default_rng(0).integers(0, 256, (CHUNK + 20, 3, 32, 32), dtype=np.uint8)


def labels(classifier, pixels, mix):
    return np.array([answer.probs.argmax() for answer in WhatIf(classifier).predict(pixels, mix)])


def test_it_counts_what_the_network_answers_under_the_mix(classifier, pixels):
    mix = Mix({"B1": (1.0, 0.0, 0.0)}, {"B2": (0,)})
    wanted = labels(classifier, pixels, mix)
    wanted[:2] = (wanted[:2] + 1) % 10
    first, rest = MixAccuracy(classifier, pixels, wanted).right(mix)
    assert (len(first), len(rest)) == (CHUNK, 20)
    assert not first[:2].any() and first[2:].all() and rest.all()


def test_what_was_kept_of_one_mix_never_enters_another(classifier, pixels):
    """Blocks are moved in every order; each time the answers are those of a network without a past."""
    wanted = labels(classifier, pixels, AS_PREDICTED)
    kept = MixAccuracy(classifier, pixels, wanted)
    b2, b3 = {"B2": (0.0, 0.9, 0.1)}, {"B3": (0.8, 0.1, 0.1)}
    mixes = [AS_PREDICTED, Mix(b3), Mix({"B3": (0.0, 0.0, 1.0)}), Mix(b2 | b3), Mix(b2), AS_PREDICTED]
    mixes += [Mix(b3), Mix({"B1": (0.0, 1.0, 0.0)} | b3), Mix(b3), Mix(off={"B3": (1,)})]
    for mix in mixes:
        anew = MixAccuracy(classifier, pixels, wanted)
        assert np.array_equal(np.concatenate([*kept.right(mix)]), np.concatenate([*anew.right(mix)]))


def test_a_moved_block_is_answered_from_its_own_input(classifier, pixels):
    """What lies before it is not computed again."""
    calls = []
    known = MixAccuracy(classifier, pixels, np.zeros(len(pixels), np.int64))
    known._stages[0].register_forward_hook(lambda *_: calls.append(1))
    for share in (0.1, 0.2, 0.3):
        list(known.right(Mix({"B3": (share, 1 - share, 0.0)})))
        calls.append(0)
    assert calls == [1, 1, 0, 1, 1, 0, 0], "the first mix, and the one that moves B3, go through all"


def test_it_may_be_left_in_the_middle(classifier, pixels):
    wanted = labels(classifier, pixels, AS_PREDICTED)
    known = MixAccuracy(classifier, pixels, wanted)
    next(known.right(Mix({"B3": (1.0, 0.0, 0.0)})))
    next(known.right(Mix({"B3": (0.5, 0.5, 0.0)})))
    assert np.concatenate([*known.right(AS_PREDICTED)]).all()
