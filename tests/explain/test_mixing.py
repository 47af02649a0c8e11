"""Answers under any mix, and what one block does with one picture."""

import numpy as np
import pytest

from cifar_core.explain.mixing import Mix, WhatIf
from cifar_core.inference.classifier import Classifier
from tests.support.toy_checkpoints import save_toy


@pytest.fixture(scope="module")
def classifier(tmp_path_factory):
    return Classifier.load(save_toy(tmp_path_factory.mktemp("toy") / "toy"), device="cpu")


@pytest.fixture(scope="module")
def pixels():
    return np.random.default_rng(0).integers(0, 256, (6, 3, 32, 32), dtype=np.uint8)


def test_without_a_mix_it_answers_as_the_classifier_does(classifier, pixels):
    what_if = WhatIf(classifier)
    for own, other in zip(what_if.predict(pixels), classifier.predict(pixels), strict=True):
        assert np.array_equal(own.probs, other.probs) and own.mixing == other.mixing


def test_a_mix_changes_the_answer_and_leaves_the_classifier_alone(classifier, pixels):
    before = classifier.probs(pixels)
    what_if = WhatIf(classifier)
    (changed,) = what_if.predict(pixels[:1], Mix({"B1": (1.0, 0.0, 0.0)}, {"B2": (1,)}))
    assert changed.mixing["B1"] == [1, 0, 0] and changed.mixing["B2"][1] == 0
    assert np.abs(changed.probs - before[0]).max() > 1e-3
    assert np.array_equal(classifier.probs(pixels), before)
    assert np.array_equal(what_if.predict(pixels)[0].probs, before[0])


def test_one_view_is_asked_for_whatever_the_card_says(tmp_path, pixels):
    several = Classifier.load(save_toy(tmp_path / "toy", tta=6), device="cpu")
    one = Classifier.load(save_toy(tmp_path / "one", tta=1), device="cpu")
    (answer,) = WhatIf(several).predict(pixels[:1])
    assert np.array_equal(answer.probs, one.probs(pixels[:1])[0])
    assert not np.array_equal(several.probs(pixels[:1])[0], answer.probs)
    assert several.card.tta == 6


def test_it_knows_its_blocks(classifier):
    what_if = WhatIf(classifier)
    assert what_if.blocks == {"B1": 3, "B2": 3, "B3": 3}
    assert what_if.shares_sum_to_one
    assert list(what_if.blocks) == classifier.model.mixing_blocks()


def test_the_first_block_sees_the_picture(classifier, pixels):
    view = WhatIf(classifier).look(pixels[:1], "B1")
    (prediction,) = classifier.predict(pixels[:1])
    assert view.kernels.shape == (3, 4, 3, 3, 3) and view.responses.shape == (3, 32, 32)
    assert view.coefficients == pytest.approx(prediction.mixing["B1"], abs=1e-5)
    expected = sum(share * kernel for share, kernel in zip(view.coefficients, view.kernels, strict=True))
    np.testing.assert_allclose(view.mixed_kernel, expected, rtol=1e-5, atol=1e-7)


def test_a_response_is_that_of_the_kernel_alone(classifier, pixels):
    """With one channel's worth of triangle inequality: the mix never exceeds the shares of its parts."""
    view = WhatIf(classifier).look(pixels[:1], "B2")
    weighted = np.tensordot(view.coefficients, view.responses, axes=1)
    assert (view.mixed <= weighted + 1e-6).all() and (view.mixed > 0).any()


@pytest.mark.parametrize(("name", "arguments"), [("plain_cnn_2", {}), ("speed94", {"widths": [4]})])
def test_a_network_that_does_not_mix_is_refused(tmp_path, name, arguments):
    plain = save_toy(tmp_path / "plain", model=name, model_args=arguments)
    with pytest.raises(ValueError, match=f"{name} does not mix"):
        WhatIf(Classifier.load(plain, device="cpu"))
