"""`ship` copies a finished run beside the project's checkpoints, with a card that is true to the copy."""

import pytest
import torch

from cifar_core import checkpoint
from cifar_core.checkpoint import load_card, load_checkpoint, load_tensors
from cifar_core.cli import main
from cifar_core.cli import ship as ship_module
from cifar_core.recipes import get_recipe
from cifar_core.runs import store as store_module
from cifar_core.runs.results import FILE, read_results
from cifar_core.runs.store import Run, RunStore
from cifar_core.training.runner import train_run

TINY = {"model_args": {"widths": [4, 8], "num_kernels": 2}, "train_size": 150, "val_size": 50}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    store = RunStore(tmp_path_factory.mktemp("runs"))
    made = store.create(get_recipe("smoke").config.replace(**TINY, batch_size=50, epochs=1, precision="fp32"))
    train_run(made)
    return made


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    """An empty folder in the place of the project's checkpoints."""
    folder = tmp_path / "checkpoints"
    folder.mkdir()
    for module in (checkpoint, ship_module, store_module):
        monkeypatch.setattr(module, "checkpoints_dir", lambda: folder)
    return folder


def call(run, *arguments):
    return main(["ship", run.id, *arguments, "--runs-dir", str(run.path.parent)])


def test_a_finished_run_is_copied_with_what_its_copy_reaches(run, shipped, capsys):
    assert call(run, "toy.v1", "--note", "A note.") == 0
    folder = shipped / "toy.v1"
    assert {path.name for path in folder.iterdir()} == {
        "weights.safetensors",
        "card.json",
        "config.json",
        "events.jsonl",
        "strangeness.safetensors",
    }
    card = load_card(folder)
    assert card.calibration and card.calibration.images == 50 and card.ood and card.ood.images == 50
    assert card.metrics.keys() == {"val", "test"} and card.notes == ["A note."]
    assert Run(folder).events() == run.events()
    (result,) = read_results(shipped / FILE)
    assert (result.run_id, result.recipe, result.accuracy) == (
        "toy.v1",
        "smoke",
        card.metrics["test"]["accuracy"],
    )
    assert "of 500 test images" in capsys.readouterr().out


def test_the_page_of_the_checkpoints_gets_the_new_row(run, shipped):
    page = shipped / "README.md"
    page.write_text("<!-- generated: networks -->\n<!-- end -->\n<!-- generated: own -->\n<!-- end -->\n")
    assert call(run, "toy.v1") == 0
    networks, own = page.read_text().split("<!-- generated: own -->")
    assert "toy.v1" in networks and "| 150 " in networks and "smoke" in own


def test_weights_in_16_bits_load_as_a_network_of_32(run, shipped):
    assert call(run, "toy.v2", "--half") == 0
    stored = load_tensors(shipped / "toy.v2" / "weights.safetensors")
    assert {tensor.dtype for tensor in stored.values() if tensor.ndim > 1} == {torch.float16}
    model, card = load_checkpoint(shipped / "toy.v2")
    assert all(parameter.dtype == torch.float32 for parameter in model.parameters())
    assert "16 bits" in card.notes[0]
    original, _ = load_checkpoint(run.best_checkpoint)
    for own, other in zip(model.parameters(), original.parameters(), strict=True):
        torch.testing.assert_close(own, other, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("name", ["toy", "Toy.v1", "../toy.v1", "toy.v1.v2", "toy v1"])
def test_a_name_without_a_version_is_refused(run, shipped, name, capsys):
    assert call(run, name) == 2
    assert "is no name for a checkpoint" in capsys.readouterr().err
    assert not list(shipped.iterdir())


def test_nothing_is_replaced(run, shipped, capsys):
    (shipped / "toy.v1").mkdir()
    assert call(run, "toy.v1") == 2
    assert "already" in capsys.readouterr().err


def test_a_run_that_is_not_finished_is_refused(shipped, tmp_path, capsys):
    unfinished = RunStore(tmp_path).create(get_recipe("smoke").config)
    assert call(unfinished, "toy.v1") == 2
    assert "not a finished run" in capsys.readouterr().err


def test_what_is_too_large_is_refused_and_leaves_nothing(run, shipped, monkeypatch, capsys):
    monkeypatch.setattr(ship_module, "MAX_BYTES", 100)
    assert call(run, "toy.v1") == 2
    assert "try --half" in capsys.readouterr().err
    assert not list(shipped.iterdir())
