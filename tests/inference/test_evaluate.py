"""Measuring a checkpoint gives the classifier's figures, and its card keeps them where that is asked for."""

import dataclasses

import numpy as np
import pytest

from cifar_core.checkpoint import load_card
from cifar_core.data import load_data
from cifar_core.inference.classifier import Classifier
from cifar_core.inference.evaluate import evaluate_checkpoint, result_of
from cifar_core.recipes import get_recipe
from cifar_core.runs.store import RunStore, StoreError
from tests.support.fake_runs import make_run
from tests.support.toy_checkpoints import save_toy


@pytest.fixture(scope="module")
def data():
    return load_data(source="synthetic")


@pytest.fixture
def toy(tmp_path, data):
    return save_toy(tmp_path / "toy", class_names=list(data.class_names), config={"data": "synthetic"})


def test_figures_are_the_classifiers_and_are_kept_when_asked(toy, data):
    before = load_card(toy)
    result = evaluate_checkpoint(toy, data)
    assert load_card(toy) == before
    expected = Classifier.load(toy).evaluate(data.test.images, data.test.targets)
    assert (result.accuracy, result.loss, result.n) == (expected.accuracy, expected.loss, 500)
    assert np.array_equal(result.confusion, expected.confusion)
    evaluate_checkpoint(toy, data, note=True)
    noted = {"accuracy": result.accuracy, "loss": result.loss, "n": 500}
    assert load_card(toy) == dataclasses.replace(before, metrics={**before.metrics, "test": noted})


def test_a_result_states_what_card_and_events_say(tmp_path):
    run = make_run(RunStore(tmp_path), epochs=2)
    save_toy(run.best_checkpoint, recipe="s2-vgg")
    result, stated = result_of(run), get_recipe("s2-vgg").stated
    assert (result.run_id, result.recipe, result.seed, result.epochs) == (run.id, "s2-vgg", 3, 2)
    assert (result.accuracy, result.stated, result.stated_epochs) == (0.9123, stated.accuracy, stated.epochs)
    save_toy(run.best_checkpoint, metrics={})
    with pytest.raises(StoreError, match="evaluate it first"):
        result_of(run)
