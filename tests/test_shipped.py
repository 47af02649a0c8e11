"""The shipped checkpoints: small, whole, with their run beside them, and as good as their cards say."""

import json
import re

import pytest

from cifar_core.checkpoint import (
    list_checkpoints,
    load_card,
    load_checkpoint,
    resolve_checkpoint,
    weights_version,
)
from cifar_core.cli import main
from cifar_core.config import TrainConfig
from cifar_core.data import DATA_SETS
from cifar_core.explain.portraits import read_portraits
from cifar_core.explain.robustness import load
from cifar_core.files import DEFAULT_CHECKPOINT, checkpoints_dir
from cifar_core.hub.overview import DELETION
from cifar_core.inference.classifier import Classifier
from cifar_core.models import count_macs, count_parameters
from cifar_core.runs.events import Epoch, RunEnd, RunStart
from cifar_core.runs.history import class_averages
from cifar_core.runs.results import FILE, read_results
from cifar_core.runs.store import RunStore

MAX_BYTES = 10_000_000  # of a file
ABSOLUTE_PATH = re.compile(r"""(^|["' ])(/\w|[A-Za-z]:\\)""", re.MULTILINE)
SHIPPED = list_checkpoints()
CARDS = {name: load_card(resolve_checkpoint(name)) for name in SHIPPED}
RECOGNIZING = [  # whose heat maps are held to account
    name
    for name, card in CARDS.items()
    if len(card.class_names) == 10 and card.metrics["test"]["accuracy"] > 0.6
]


def test_the_default_is_shipped_and_listed_first():
    assert SHIPPED[0] == DEFAULT_CHECKPOINT


@pytest.mark.parametrize("name", SHIPPED)
def test_folder_is_small_and_names_no_place_of_the_machine_it_was_made_on(name):
    folder = resolve_checkpoint(name)
    measure = {"strangeness.safetensors"} if load_card(folder).ood else set()
    if name in RECOGNIZING:
        measure.add(DELETION)
    if name in (DEFAULT_CHECKPOINT, "mixing_large.v1"):  # what `prepare` measured
        measure |= {"portraits.json", "robustness.json"}
    assert {path.name for path in folder.iterdir()} == measure | {
        "card.json",
        "config.json",
        "events.jsonl",
        "weights.safetensors",
    }
    assert max(path.stat().st_size for path in folder.iterdir()) < MAX_BYTES
    for path in (folder / "card.json", folder / "config.json", folder / "events.jsonl"):
        assert not ABSOLUTE_PATH.search(path.read_text())


def test_the_default_comes_with_all_that_the_pages_show_of_it():
    """Run `python -m cifar_core prepare` again when the default changes."""
    folder = resolve_checkpoint(DEFAULT_CHECKPOINT)
    card, version = load_card(folder), weights_version(folder)
    measured = load(folder / "robustness.json")
    assert {one.n for one in measured} == {200, 1000} and {one.weights for one in measured} == {version}
    assert all(one.is_whole and one.mean[0] > one.mean[-1] for one in measured)
    portraits = read_portraits(folder)
    assert portraits is not None and portraits.split == "val"
    assert list(portraits.blocks) == load_checkpoint(folder)[0].mixing_blocks()
    assert set(class_averages(folder, card.epoch, card.class_names)) == set(card.class_names)


@pytest.mark.parametrize("name", RECOGNIZING)
def test_heat_maps_find_what_counts(name):
    """Run `python -m cifar_core evaluate --heat-map --write-card` for a new network."""
    folder = resolve_checkpoint(name)
    document = json.loads((folder / DELETION).read_text())
    falls = {method: fall["value"] for method, fall in document["falls"].items()}
    assert document["weights"] == weights_version(folder) and document["images"].startswith("test-")
    assert falls["heat map"] >= max(1.5 * falls["random patches"], falls["disc"])


@pytest.mark.parametrize("name", SHIPPED)
def test_card_is_true_to_the_network(name):
    classifier = Classifier.load(name)
    card = classifier.card
    known = DATA_SETS[card.config["data"]]
    assert card.class_names == list(known.class_names)
    assert card.parameters == count_parameters(classifier.model)
    assert card.macs == count_macs(classifier.model)
    monitored = TrainConfig.from_json(card.config).monitored
    assert {monitored, "test"} == set(card.metrics) and card.metrics["test"]["n"] == known.test_images


@pytest.mark.parametrize("text", ['{"x": "Parquet files in /data/cifar"}', '{"x": "/data"}', r'"C:\data"'])
def test_a_place_would_be_found(text):
    assert ABSOLUTE_PATH.search(text)


@pytest.mark.parametrize("name", SHIPPED)
def test_networks_of_ten_classes_are_fitted_to_pictures_they_did_not_learn(name):
    classifier = Classifier.load(name)
    card = classifier.card
    if len(card.class_names) < 10:
        pytest.skip("it knows two classes, and looks at a batch of images together")
    assert card.calibration and card.ood and classifier.reference
    assert card.calibration.images == card.ood.images == card.config["val_size"]
    assert card.calibration.ece_after < card.calibration.ece_before + 0.005  # fitted to the loss, not to it
    assert 0 < card.ood.false_alarms <= 0.035


def test_default_mixes_and_reaches_ninety_four_percent_below_five_million_parameters():
    card = load_card(resolve_checkpoint())
    assert card.metrics["test"]["accuracy"] >= 0.94 and card.parameters < 5_000_000
    assert Classifier.load().model.mixing_blocks()


@pytest.mark.parametrize("name", SHIPPED)
def test_run_beside_it_is_the_run_of_the_card(name, tmp_path):
    run, card = RunStore(tmp_path).get(name), load_card(resolve_checkpoint(name))
    events = run.events()
    epochs = [event for event in events if isinstance(event, Epoch)]
    start, end = events[0], events[-1]
    assert isinstance(start, RunStart) and isinstance(end, RunEnd) and end.state == "finished"
    assert (start.parameters, start.data_fingerprint) == (card.parameters, card.data_fingerprint)
    config = run.config()
    assert config == TrainConfig.from_json(card.config) and len(epochs) == config.epochs
    best = max(epochs, key=lambda event: event.val_accuracy)
    kept = epochs[-1] if config.keeps_last else best
    assert kept.epoch == card.epoch
    if config.monitored == "val":  # the test images are measured again, with the card's views and weights
        assert kept.val_accuracy == card.metrics["val"]["accuracy"]


def test_shipped_results_are_those_of_the_cards_beside_them():
    results = read_results(checkpoints_dir() / FILE)
    assert len({(one.recipe, one.seed) for one in results}) == len(results)
    for one in results:
        if one.run_id in SHIPPED:
            card = load_card(resolve_checkpoint(one.run_id))
            assert (one.recipe, one.seed, one.accuracy) == (
                card.recipe,
                card.seed,
                card.metrics["test"]["accuracy"],
            )


@pytest.mark.timeout(900)  # 20,000 passes on one thread, and the data may be decoded first
@pytest.mark.parametrize("name", SHIPPED)
def test_evaluation_gives_the_cards_number(name, real_data_dir, capsys):
    arguments = ["evaluate", "--checkpoint", name, "--data-dir", str(real_data_dir), "--json"]
    assert main(arguments) == 0
    measured = json.loads(capsys.readouterr().out)
    card = load_card(resolve_checkpoint(name))
    stated = card.metrics["test"]
    assert measured["n"] == stated["n"]
    assert measured["accuracy"] == pytest.approx(stated["accuracy"], abs=0.001)
    assert measured["loss"] == pytest.approx(stated["loss"], abs=0.01)
    assert (measured["called_none"] is None) == (card.ood is None)
    if name == DEFAULT_CHECKPOINT:
        assert 0 < measured["called_none"] < 0.05
