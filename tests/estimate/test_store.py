"""Speeds are kept by what they depend on, and measured by a process of their own."""

import dataclasses
import json
import time

import pytest

from cifar_core.cli.main import build_parser
from cifar_core.config import TrainConfig, parse_changes
from cifar_core.estimate import store
from cifar_core.estimate.speed import MeasuringError
from cifar_core.estimate.store import (
    estimate_command,
    keep_speed,
    live_runs,
    load_speed,
    refuse_beside_training,
    speed_path,
)
from cifar_core.recipes import get_recipe
from cifar_core.runs.lr_finder import SearchFolder
from cifar_core.runs.store import RunStore, Status
from tests.estimate.test_speed import speed

CONFIG = TrainConfig(recipe="mixing_lite")


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CIFAR_LAB_CACHE", str(tmp_path / "cache"))


def test_what_is_kept_is_found_for_every_config_with_the_same_step():
    assert load_speed(CONFIG) is None
    keep_speed(CONFIG, speed())
    assert load_speed(CONFIG) == speed() == load_speed(CONFIG.replace(epochs=3, lr=0.5))
    assert load_speed(CONFIG.replace(batch_size=64)) is None


def test_another_torch_and_other_threads_are_another_pace(monkeypatch):
    keep_speed(CONFIG, speed())
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    assert load_speed(CONFIG) is None
    monkeypatch.undo()


def test_changed_code_is_another_pace(monkeypatch):
    before = speed_path(CONFIG)
    assert speed_path(CONFIG) == before
    monkeypatch.setattr(store, "code_state", lambda: [[1, 2]])
    assert speed_path(CONFIG) != before


def test_a_sentence_is_kept_in_place_of_a_speed():
    keep_speed(CONFIG, "There is no such network.")
    with pytest.raises(MeasuringError, match="no such network"):
        load_speed(CONFIG)


@pytest.mark.parametrize("text", ["", "{]", "[]", '{"steps": []}', "\x00\xff"])
def test_a_damaged_file_is_no_speed(text):
    keep_speed(CONFIG, speed())
    speed_path(CONFIG).write_text(text)
    assert load_speed(CONFIG) is None


def test_impossible_times_are_no_speed():
    keep_speed(CONFIG, speed())
    document = json.loads(speed_path(CONFIG).read_text()) | {"val_seconds": -1.0}
    speed_path(CONFIG).write_text(json.dumps(document))
    assert load_speed(CONFIG) is None


def test_what_was_measured_on_a_busy_machine_is_soon_measured_again():
    busy = dataclasses.replace(speed(), busy=True, measured=time.time())
    keep_speed(CONFIG, busy)
    assert load_speed(CONFIG) == busy
    keep_speed(CONFIG, dataclasses.replace(busy, measured=time.time() - 2 * store.BUSY_SECONDS))
    assert load_speed(CONFIG) is None


def test_a_folder_that_cannot_be_written_is_no_trouble(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("CIFAR_LAB_CACHE", str(tmp_path / "file"))
    keep_speed(CONFIG, speed())
    assert load_speed(CONFIG) is None


def test_nothing_is_measured_beside_a_training(tmp_path):
    store = RunStore(tmp_path / "runs")
    run = store.create(CONFIG)
    assert [live.id for live in live_runs(store)] == [run.id]
    with pytest.raises(MeasuringError, match="A training runs"):
        refuse_beside_training(store)
    run.write_status(Status("finished"))
    refuse_beside_training(store)


def test_nothing_is_measured_beside_a_search_for_a_learning_rate(tmp_path):
    store = RunStore(tmp_path / "runs")
    search = SearchFolder.create(store, CONFIG, None)
    refuse_beside_training(store)
    with SearchFolder(search.path).lock(), pytest.raises(MeasuringError, match="A training runs"):
        refuse_beside_training(store)
    refuse_beside_training(store)


def test_the_process_is_told_every_changed_setting(tmp_path):
    recipe = get_recipe("s1-mixing6")
    config = recipe.config.replace(
        epochs=3, milestones=(4, 5), model_args={"num_kernels": 2}, nesterov=True, lr=0.1, precision="bf16"
    )
    command = estimate_command(config, RunStore(tmp_path))
    options = build_parser().parse_args(command[3:])
    assert recipe.config.replace(**parse_changes(options.changes)) == config
    assert (options.recipe, options.runs_dir, options.json) == ("s1-mixing6", tmp_path, True)
