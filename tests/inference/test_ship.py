"""Shipping copies a finished run beside other checkpoints, with a card that is true to the copy."""

import pytest
import torch

from cifar_core.checkpoint import load_card, load_checkpoint, load_tensors
from cifar_core.config import ConfigError
from cifar_core.data import load_data
from cifar_core.inference import ship as subject
from cifar_core.recipes import get_recipe
from cifar_core.runs.events import LearningRate
from cifar_core.runs.results import FILE, read_results
from cifar_core.runs.run import Run
from cifar_core.runs.store import RunStore, Status
from cifar_core.training.runner import train_run

TINY = {"model_args": {"widths": [4, 8], "num_kernels": 2}, "train_size": 150, "val_size": 50}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    store = RunStore(tmp_path_factory.mktemp("runs"))
    made = store.create(get_recipe("smoke").config.replace(**TINY, batch_size=50, epochs=1, precision="fp32"))
    train_run(made)
    return made


@pytest.fixture(scope="module")
def data():
    return load_data(source="synthetic")


@pytest.fixture
def put(run, tmp_path, data):
    """Ship the run into `tmp_path / "checkpoints"`; gives the folder of the copy."""
    into = tmp_path / "checkpoints"
    into.mkdir()

    def put(name, run=run, **options):
        subject.ship(run, into, name, lambda card: data, **options)
        return into / name

    return put


def test_a_finished_run_is_copied_with_what_its_copy_reaches(run, put):
    folder = put("toy.v1", notes=["A note."])
    assert {path.name for path in folder.iterdir()} == {
        "weights.safetensors",
        "card.json",
        "config.json",
        "events.jsonl",
        "strangeness.safetensors",
    }
    card = load_card(folder)
    assert card.calibration and card.calibration.images == 50 and card.ood and card.ood.images == 50
    assert card.metrics.keys() == {"val", "test"} and card.notes[-1] == "A note."
    assert Run(folder).events() == run.events()
    (result,) = read_results(folder.with_name(FILE))
    assert (result.run_id, result.recipe, result.accuracy) == (
        "toy.v1",
        "smoke",
        card.metrics["test"]["accuracy"],
    )


def test_the_page_of_the_checkpoints_gets_the_new_row(put, tmp_path):
    page = tmp_path / "checkpoints" / "README.md"
    page.write_text("<!-- generated: networks -->\n<!-- end -->\n<!-- generated: own -->\n<!-- end -->\n")
    put("toy.v1")
    networks, own = page.read_text().split("<!-- generated: own -->")
    assert "toy.v1" in networks and "| 150 " in networks and "smoke" in own


def test_weights_in_16_bits_load_as_a_network_of_32(run, put):
    folder = put("toy.v2", half=True)
    stored = load_tensors(folder / "weights.safetensors")
    assert {tensor.dtype for tensor in stored.values() if tensor.ndim > 1} == {torch.float16}
    model, card = load_checkpoint(folder)
    assert all(parameter.dtype == torch.float32 for parameter in model.parameters())
    assert any("16 bits" in note for note in card.notes)
    original, _ = load_checkpoint(run.best_checkpoint)
    for own, other in zip(model.parameters(), original.parameters(), strict=True):
        torch.testing.assert_close(own, other, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("name", ["toy", "Toy.v1", "../toy.v1", "toy.v1.v2", "toy v1"])
def test_a_name_without_a_version_is_refused(put, tmp_path, name):
    with pytest.raises(ConfigError, match=r"no name for a checkpoint.*mixing_lite\.v2"):
        put(name)
    assert not list((tmp_path / "checkpoints").iterdir())


def test_nothing_is_replaced(put, tmp_path):
    (tmp_path / "checkpoints" / "toy.v1").mkdir()
    with pytest.raises(ConfigError, match=r"'toy\.v1' already"):
        put("toy.v1")


def test_a_run_that_is_not_finished_or_was_changed_by_hand_is_refused(put, tmp_path):
    unfinished = RunStore(tmp_path).create(get_recipe("smoke").config)
    with pytest.raises(ConfigError, match="not a finished run"):
        put("toy.v1", unfinished)
    unfinished.append(LearningRate(1, 0.5, 0.0))
    unfinished.write_status(Status("finished"))
    with pytest.raises(ConfigError, match="changed the learning rate"):
        put("toy.v1", unfinished)


def test_what_is_too_large_is_refused_and_leaves_nothing(put, tmp_path, monkeypatch):
    monkeypatch.setattr(subject, "MAX_BYTES", 100)
    with pytest.raises(ConfigError, match=r"weights\.safetensors has .* try --half"):
        put("toy.v1")
    assert not list((tmp_path / "checkpoints").iterdir())
