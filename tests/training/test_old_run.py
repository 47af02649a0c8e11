"""A run that an earlier version wrote, killed in the middle of an epoch: it opens, and goes on to its end.

A mixing network under Muon, with averaged weights, gradients that waited for their group, image sizes that
grow and a learning rate changed by hand. The earlier version's own end is the reference.
"""

import json
import shutil
from pathlib import Path

import pytest
import torch

from cifar_core.checkpoint import load_tensors
from cifar_core.inference.classifier import Classifier
from cifar_core.runs.events import Epoch
from cifar_core.runs.history import History
from cifar_core.runs.run import Run
from cifar_core.training.runner import train_run

OLD = Path(__file__).resolve().parents[1] / "fixtures" / "old_run"
VAL_LOSSES = [1.6354603576660156, 1.4128167724609375, 1.0837772369384766, 0.9994983673095703]  # an epoch each
VAL_ACCURACIES = [0.475, 0.585, 0.735, 0.74]


@pytest.fixture
def old_run(tmp_path: Path) -> Run:
    return Run(shutil.copytree(OLD, tmp_path / "old-muon-mixing"))


def test_it_opens(old_run: Run) -> None:
    history = History.of(old_run)
    assert history.start is not None and history.start.monitored == "val" and history.mixes
    assert [epoch.epoch for epoch in history.epochs] == [1] and history.lr_factor == 0.5
    assert old_run.config().optimizer == "muon" and old_run.status().state == "failed"
    assert Classifier.load(old_run.best_checkpoint, "cpu").card.tta == old_run.config().tta


def change_settings(run: Run, **changes: object) -> None:
    path = run.path / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param(
            {"epochs": 2, "schedule_epochs": 4, "image_sizes": [20, 26]}, id="to its next epoch's end"
        ),
        pytest.param({}, id="to its end", marks=pytest.mark.slow),
    ],
)
def test_it_goes_on_as_it_would_have_and_twice_alike(
    old_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, object]
) -> None:
    monkeypatch.setenv("CIFAR_LAB_DEVICE", "cpu")
    again = Run(shutil.copytree(OLD, tmp_path / "again"))
    threads = torch.get_num_threads()
    try:
        for run in (old_run, again):
            change_settings(run, **changes)
            assert train_run(run).state == "finished"
    finally:
        torch.set_num_threads(threads)
    epochs = [event for event in old_run.events() if isinstance(event, Epoch)]
    assert len(epochs) == old_run.config().epochs
    for epoch, loss, accuracy in zip(epochs, VAL_LOSSES, VAL_ACCURACIES, strict=False):
        # Processors round differently: to the last bit it is equal on one machine alone.
        assert epoch.val_loss == pytest.approx(loss, rel=0.05)
        assert epoch.val_accuracy == pytest.approx(accuracy, abs=0.05)
    first, second = (load_tensors(run.last_checkpoint / "weights.safetensors") for run in (old_run, again))
    assert first.keys() == second.keys() and all(torch.equal(first[key], second[key]) for key in first)
