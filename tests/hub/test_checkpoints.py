"""A checkpoint goes to the Hub and comes back the same; what is not whole, or not honest, is refused."""

import dataclasses
import json
import pickle

import numpy as np
import pytest
from huggingface_hub import ModelCard

from cifar_core.checkpoint import (
    OOD_REFERENCE,
    CheckpointError,
    load_card,
    load_checkpoint,
    write_card,
    write_reference,
)
from cifar_core.cli import main
from cifar_core.hub import checkpoints as subject
from cifar_core.hub.checkpoints import CONFIG, HUB_WEIGHTS, fetch_checkpoint
from cifar_core.hub.model_card import model_card
from cifar_core.hub.publish import HubError
from cifar_core.inference.classifier import Classifier
from cifar_core.metrics.ood import SCORE, OodThreshold, fit_reference
from cifar_core.models.blocks import block_names
from tests.support.toy_checkpoints import CARD, save_toy

# huggingface_hub 2.4 sends what goes by LFS in the old words of its HTTP library
pytestmark = pytest.mark.filterwarnings("ignore:Use .content=:DeprecationWarning")

REPO = "someone/toy"


@pytest.fixture
def toy(tmp_path):
    return save_toy(tmp_path / "toy", config={"data": "synthetic", "epochs": 3, "optimizer": "sgd"})


@pytest.fixture
def published(hub, toy):
    """The files of a repository with the toy, to be changed by those who mean ill."""
    files = {
        CONFIG: (toy / "card.json").read_bytes(),
        HUB_WEIGHTS: (toy / "weights.safetensors").read_bytes(),
        "README.md": model_card(load_card(toy), REPO).encode(),
    }
    hub.repositories["models", REPO] = files
    return files


def asked_for(hub, name):
    return [line for line in hub.log if line.endswith(f"/{name}")]


def test_from_pretrained_answers_as_the_checkpoint(hub, published, toy):
    pictures = np.random.default_rng(0).integers(0, 256, (3, 3, 32, 32), np.uint8)
    fetched = Classifier.from_pretrained(REPO, device="cpu")
    np.testing.assert_array_equal(fetched.probs(pictures), Classifier.load(toy, "cpu").probs(pictures))
    assert fetched.card == load_card(toy)


def test_a_commit_that_is_here_needs_no_network(hub, published):
    commit = hub.commit("models", REPO)
    folder = fetch_checkpoint(REPO, commit)
    hub.log.clear()
    assert fetch_checkpoint(REPO, commit) == folder and hub.log == []
    assert fetch_checkpoint(REPO) == folder and len(hub.log) == 1  # which commit main is


def test_a_revision_that_is_not_there_is_said(hub, published):
    with pytest.raises(HubError, match="no such repository or revision"):
        fetch_checkpoint(REPO, "v9")


def test_nothing_but_its_own_files_is_fetched(hub, published):
    published["pytorch_model.bin"] = pickle.dumps({"weights": 1})
    fetch_checkpoint(REPO)
    assert {line.rpartition("/")[2] for line in hub.log if "/resolve/" in line} == {CONFIG, HUB_WEIGHTS}


@pytest.mark.parametrize("missing", [CONFIG, HUB_WEIGHTS])
def test_a_missing_file_is_named(hub, published, missing):
    del published[missing]
    published["pytorch_model.bin"] = b"pickle"
    with pytest.raises(HubError, match=rf"has no {missing}.*pickles are never read"):
        fetch_checkpoint(REPO)
    assert not asked_for(hub, "pytorch_model.bin")


@pytest.mark.parametrize("name", [CONFIG, HUB_WEIGHTS])
def test_a_file_with_another_hash_is_refused(hub, published, name, tmp_path):
    hub.states[name] = {"blobId": "0" * 40}
    if name == HUB_WEIGHTS:
        hub.states[name]["lfs"] = {"sha256": "0" * 64, "size": len(published[name]), "pointerSize": 1}
    with pytest.raises(HubError, match=f"{name} of {REPO} is not what the Hub states"):
        fetch_checkpoint(REPO, folder=tmp_path / "kept")
    assert not (tmp_path / "kept").exists() and not (tmp_path / "kept.new").exists()


@pytest.mark.parametrize("name", [CONFIG, HUB_WEIGHTS])
def test_a_file_that_is_too_large_is_not_fetched(hub, published, name, monkeypatch):
    monkeypatch.setitem(subject.LIMITS, name, 10)
    with pytest.raises(HubError, match="at most 10 are fetched"):
        fetch_checkpoint(REPO)
    assert not asked_for(hub, name)


def test_a_size_that_nobody_states_is_refused(hub, published):
    hub.states[HUB_WEIGHTS] = {"size": None, "lfs": None}
    with pytest.raises(HubError, match="an unknown number of bytes"):
        fetch_checkpoint(REPO)


def test_a_pickle_under_the_name_of_weights_is_refused(hub, published):
    published[HUB_WEIGHTS] = pickle.dumps({"weights": [1.0]})
    with pytest.raises(CheckpointError, match="not a whole safetensors file"):
        fetch_checkpoint(REPO)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"model": "os.system"}, "cannot be built"),
        ({"model_args": {"widths": [100_000, 200_000]}}, "has the shape"),
        ({"class_names": ["one"]}, "has the shape"),
        ({"surprise": 1}, "no value called 'surprise'"),
        ({"std": [0, 0, 0]}, "is damaged"),
    ],
)
def test_a_card_that_lies_is_refused(hub, published, change, words):
    published[CONFIG] = json.dumps({**json.loads(published[CONFIG]), **change}).encode()
    with pytest.raises(CheckpointError, match=words):
        fetch_checkpoint(REPO)


def test_a_body_shorter_than_stated_is_refused(hub, published):
    hub.states[HUB_WEIGHTS] = {"size": 7}
    with pytest.raises(HubError, match="is not what the Hub states"):
        fetch_checkpoint(REPO)


def test_no_network_is_said(hub, published, monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(HubError, match="did not answer"):
        fetch_checkpoint(REPO)


def test_pull_puts_a_checkpoint_where_it_is_told(hub, published, tmp_path, capsys):
    output = tmp_path / "mine"
    assert main(["hub", "pull", REPO, "--output", str(output)]) == 0
    assert {path.name for path in output.iterdir()} == {"card.json", "weights.safetensors"}
    assert f"{output}: mixing_lite, 10 classes, checked." in capsys.readouterr().out
    assert main(["hub", "pull", REPO, "--output", str(output)]) == 2
    assert "is there already" in capsys.readouterr().err


def test_what_was_pushed_can_be_pulled(hub, legacy_lfs, toy, tmp_path):
    assert main(["hub", "push", "someone/other", "--checkpoint", str(toy), "--yes"]) == 0
    folder = fetch_checkpoint("someone/other")
    assert load_card(folder) == load_card(toy)


def test_what_is_strange_to_a_network_goes_along(hub, legacy_lfs, tmp_path):
    toy = save_toy(tmp_path / "toy")
    model, card = load_checkpoint(toy)
    drawn = np.random.default_rng(0).integers(0, 256, (120, 3, 32, 32), np.uint8)
    recording = Classifier(model, card, "cpu", blocks=block_names(model))
    reference = fit_reference(recording.measure(drawn[:100]), recording.measure(drawn[100:]))
    write_reference(toy, reference)
    write_card(toy, dataclasses.replace(card, ood=OodThreshold(SCORE, 1.0, 0.1, 20, "val")))
    assert main(["hub", "push", "someone/judge", "--checkpoint", str(toy), "--yes"]) == 0
    fetched = Classifier.from_pretrained("someone/judge", device="cpu").predict(drawn[:3])
    assert [one.ood_score for one in fetched] == [
        one.ood_score for one in Classifier.load(toy, "cpu").predict(drawn[:3])
    ]
    hub.repositories["models", "someone/judge"][OOD_REFERENCE] = b"nothing"
    with pytest.raises(CheckpointError, match="someone/judge on the Hub cannot be used"):
        fetch_checkpoint("someone/judge", folder=tmp_path / "again")


def test_the_model_card_says_what_the_card_says(toy):
    text = model_card(load_card(toy), REPO)
    card = ModelCard(text)
    (result, loss) = card.data.eval_results
    assert (result.metric_type, result.metric_value, result.dataset_split) == ("accuracy", 0.9123, "test")
    assert loss.metric_type == "loss" and card.data.model_name == "toy" and card.data.license == "apache-2.0"
    for words in ("91.23 %", "10,000", "airplane, automobile", "2 min 10 s", "epoch 2 of 3", "## Limits"):
        assert words in text
    assert f'Classifier.from_pretrained("{REPO}")' in text


def test_a_card_without_figures_claims_none():
    text = model_card(dataclasses.replace(CARD, metrics={}), REPO)
    assert "Nothing has been measured yet" in text and "model-index" not in text


def test_the_model_card_says_whether_other_things_are_found_out():
    assert "shown anything else, it names one of them all the same" in model_card(CARD, REPO)
    unknown = OodThreshold(SCORE, threshold=1.25, false_alarms=0.035, images=2000, split="val")
    text = model_card(dataclasses.replace(CARD, ood=unknown), REPO)
    assert "(`known` is false), as do 3.50 % of 2,000 held-out images of its own classes" in text


def test_the_card_tells_what_was_measured_on_photographs():
    share = {"value": 0.7523, "error": 0.0386, "n": 125}
    others = {
        "far": {"auroc": {**share, "value": 0.8181}, "called_none": None, "sure": {**share, "value": 0.088}}
    }
    measured = {"accuracy": share, "sure_right": None, "others": others}
    lines = model_card(dataclasses.replace(CARD, photographs=measured), REPO).splitlines()
    rows = [line for line in lines if "±" in line]
    assert len(rows) == 4 and "photographs" in rows[0]  # the head; then what was measured, and nothing else
    wanted = (["right", "75.2 ± 3.9 %", "125"], ["far", "8.8"], ["far", "81.8"])
    for row, words in zip(rows[1:], wanted, strict=True):
        assert all(word in row for word in words)
