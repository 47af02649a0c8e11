"""The command line's contract: what each command prints where, and the exit code of every way it can end."""

import contextlib
import errno
import io
import json
import math
import os
import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cifar_core.checkpoint import CARD, load_card
from cifar_core.cli import main, recipes
from cifar_core.cli.main import build_parser
from cifar_core.config import TrainConfig
from cifar_core.data.synthetic import SHAPE_NAMES, make_synthetic
from cifar_core.errors import LabError
from cifar_core.files import DEFAULT_CHECKPOINT
from cifar_core.format import file_size
from cifar_core.recipes import list_recipes
from cifar_core.runs.events import Epoch
from cifar_core.runs.requests import ControlRequest
from cifar_core.runs.run import Run
from cifar_core.runs.store import RunStore, Status
from tests.support.camera_pictures import RAW, cut_jpeg
from tests.support.toy_checkpoints import save_toy

TINY = ['model_args={"widths": [4, 8], "num_kernels": 2}', "train_size=200", "val_size=50", "precision=fp32"]
SMOKE = ["train", "--recipe", "smoke", "--set", *TINY]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A tiny run, trained by the command line: (the run, what stdout said)."""
    root, said = tmp_path_factory.mktemp("runs"), io.StringIO()
    with contextlib.redirect_stdout(said):
        code = main([*SMOKE, "batch_size=50", "--set", "epochs=2", "--runs-dir", str(root)])
    assert code == 0
    (run,) = (run for run in RunStore(root).list() if run.path.parent == root)
    return run, said.getvalue()


@pytest.fixture
def best(trained):
    return str(trained[0].best_checkpoint)


@pytest.fixture
def pictures(tmp_path):
    """Four test images as PNG files, and their classes' names."""
    test = make_synthetic().test
    paths = [tmp_path / f"picture {number}.png" for number in range(4)]
    for path, image in zip(paths, test.images, strict=False):
        Image.fromarray(image.transpose(1, 2, 0)).save(path)
    return paths, [SHAPE_NAMES[target] for target in test.targets[:4]]


# train


def test_training_prints_plain_lines_where_there_is_no_terminal(trained):
    run, said = trained
    lines = said.splitlines()
    assert "\r" not in said and "\x1b" not in said
    assert lines[0] == f"Run {run.id} in {run.path}"
    assert lines[1].startswith("mixing_lite: 0.00 M parameters") and "200 images of" in lines[1]
    epochs = [line for line in lines if line.startswith("epoch ")]
    stored = [event for event in run.events() if isinstance(event, Epoch)]
    assert len(epochs) == len(stored) == 2
    for line, event in zip(epochs, stored, strict=True):
        assert f"val loss {event.val_loss:.4f}, accuracy {event.val_accuracy:.2%}" in line
    assert lines[-1].startswith(f"Run {run.id} finished: best validation accuracy")
    assert str(run.best_checkpoint) in lines[-1]
    config = run.config()  # settings may be given one by one or together
    assert (config.recipe, config.epochs, config.batch_size, config.train_size) == ("smoke", 2, 50, 200)
    assert config.model_args == {"widths": [4, 8], "num_kernels": 2}


def test_a_finished_run_that_is_resumed_stays_finished(trained, call):
    run, _ = trained
    before = run.events()[:-1]
    code, out, _ = call("train", "--resume", run.id, "--runs-dir", run.path.parent)
    assert code == 0 and f"Run {run.id} finished" in out
    assert run.events()[:-1] == before and run.status().state == "finished"


def test_an_old_request_does_not_stop_a_run_that_is_resumed(trained, call):
    run, _ = trained
    (run.path / "request.json").write_text('{"request": "stop"}')
    assert call("train", "--resume", run.id, "--runs-dir", run.path.parent)[0] == 0
    assert run.status().state == "finished" and run.take_request() is None


def test_a_run_that_another_process_trains_is_refused_and_left_alone(trained, call, monkeypatch):
    run, _ = trained
    copy = RunStore(run.path.parent).create(run.config())
    copy.write_status(Status("running"))
    monkeypatch.setattr("cifar_core.runs.queue.LOCK_SECONDS", 0.1)
    with copy.lock():
        copy.request("pause")
        code, _, err = call("train", "--resume", copy.id, "--runs-dir", run.path.parent)
        assert code == 1 and "Another process trains" in err
        assert copy.status().state == "running" and copy.take_request() == ControlRequest("pause")


def test_interrupted_training_says_how_to_go_on(call, tmp_path, monkeypatch):
    def interrupt(run, *arguments):
        run.write_status(Status("stopped"))
        raise KeyboardInterrupt

    monkeypatch.setattr("cifar_core.training.runner.train_run", interrupt)
    root = tmp_path / "my runs"
    code, out, _ = call(*SMOKE, "--runs-dir", root)
    assert code == 130
    *_, last = out.splitlines()
    assert last.startswith("Go on with: python -m cifar_core train --resume smoke-") and f"'{root}'" in last


# Listings


def test_recipes(answer, call):
    rows = answer("recipes")
    assert [row["name"] for row in rows] == list_recipes()
    for row in rows:
        assert TrainConfig.from_json(row["config"]).recipe == row["name"] and row["summary"]
        assert row["stated"] is None or 0 < row["stated"]["accuracy"] < 1
    assert all(name in call("recipes")[1] for name in list_recipes())


def test_models(answer, call):
    rows = {row["name"]: row for row in answer("models")}
    assert rows["mixing_6"]["parameters"] == 3_485_029
    assert rows["mixing_6"]["macs"] == pytest.approx(160e6, rel=0.1)
    assert all(row["parameters"] > 0 and row["macs"] > 0 and row["summary"] for row in rows.values())
    lines = call("models")[1]
    assert all(name in lines for name in rows)


def test_runs(trained, answer, call):
    run, _ = trained
    rows = {row["id"]: row for row in answer("runs", "--runs-dir", run.path.parent)}
    row = rows[run.id]
    stored = [event for event in run.events() if isinstance(event, Epoch)]
    assert (row["state"], row["recipe"], row["epochs"], row["path"]) == (
        "finished",
        "smoke",
        2,
        str(run.path),
    )
    assert row["best_val_accuracy"] == max(event.val_accuracy for event in stored)
    assert f"{run.id} " in call("runs", "--runs-dir", run.path.parent)[1]


def test_no_runs_say_how_to_begin(answer, call, tmp_path, monkeypatch):
    monkeypatch.setattr("cifar_core.runs.store.checkpoints_dir", lambda: tmp_path)
    assert answer("runs", "--runs-dir", tmp_path / "none") == []
    assert "train --recipe smoke" in call("runs", "--runs-dir", tmp_path / "none")[1]


def test_damaged_runs_are_listed_beside_the_others(trained, answer, call, tmp_path):
    store = RunStore(tmp_path)
    runs = {name: store.create(trained[0].config()) for name in ("config", "status", "events", "run", "none")}
    for name in ("config", "status", "run"):
        (runs[name].path / f"{name}.json").write_bytes(b'{"a": \xff')
    (runs["events"].path / "events.jsonl").write_text('{"type": "epoch"}\n')
    (tmp_path / "empty").mkdir()
    (tmp_path / "file.txt").write_text("")
    rows = {
        row["id"]: row
        for row in answer("runs", "--runs-dir", tmp_path)
        if row["path"].startswith(str(tmp_path))
    }
    states = {name: rows.pop(run.id)["state"] for name, run in runs.items()}
    assert rows == {}
    assert states == dict.fromkeys(("config", "status", "events"), "damaged") | dict.fromkeys(
        ("run", "none"), "waiting"
    )
    assert call("runs", "--runs-dir", tmp_path)[1].count("damaged") == 3


def test_runs_are_freed_and_taken_along(trained, answer, call, tmp_path):
    here, there = ("--runs-dir", tmp_path / "here"), ("--runs-dir", tmp_path / "there")
    run = Run(shutil.copytree(trained[0].path, tmp_path / "here" / trained[0].id))
    states = answer("runs", "--disk", *here)["runs"][0]["states"]
    assert states > 1000 and f"--free frees {file_size(states)};" in call("runs", "--disk", *here)[1]

    zipped = tmp_path / "run.zip"
    assert answer("runs", "--export", run.id, "--output", zipped, *here) == {"path": str(zipped)}
    came = Run(Path(answer("runs", "--import", zipped, *there)["path"]))
    assert came.events() == run.events() and came.id == run.id
    code, _, said = call("train", "--resume", run.id, *there)
    assert code == 1 and "cannot be resumed" in said

    stopped = Run(shutil.copytree(run.path, tmp_path / "here" / "stopped"))
    stopped.write_status(Status("stopped"))
    code, _, said = call("runs", "--free", "stopped", "nothing", *here)
    assert code == 1 and "--unfinished" in said and "no run 'nothing'" in said and not stopped.freed
    assert answer("runs", "--free", *here) == {run.id: states} and not stopped.freed
    assert answer("runs", "--free", "stopped", "--unfinished", *here) == {"stopped": states}
    assert load_card(run.best_checkpoint).epoch == 2  # what a page shows is still there


@pytest.mark.parametrize("content", [None, b"no zip"])
def test_what_is_no_run_is_refused_in_a_sentence(call, tmp_path, content):
    path = tmp_path / "x.zip"
    if content is not None:
        path.write_bytes(content)
    code, out, said = call("runs", "--import", path, "--runs-dir", tmp_path / "runs")
    assert code == 1 and not out and said.startswith("error: ") and said.count("\n") == 1
    assert not list((tmp_path).glob("runs/*/config.json"))


def test_an_export_that_fails_leaves_no_file(call, tmp_path):
    code, _, said = call("runs", "--export", "speed_mixing.v2", "--output", tmp_path / "x.zip")
    assert code == 1 and "came with the project" in said and list(tmp_path.iterdir()) == []


def test_data_check(answer, call):
    report = answer("data", "check", "--source", "synthetic")
    assert report["train"]["n"] == 2000 and len(report["fingerprint"]) == 64
    assert call("data", "check", "--source", "synthetic")[0] == 0


# evaluate


def test_evaluation_of_the_best_equals_its_card(best, answer):
    document = answer("evaluate", "--checkpoint", best, "--split", "val")
    measured = load_card(Path(best)).metrics["val"]
    assert document["n"] == measured["n"] == 50 and document["split"] == "val"
    assert document["accuracy"] == pytest.approx(measured["accuracy"], abs=1e-9)
    assert document["loss"] == pytest.approx(measured["loss"], abs=1e-5)


def test_evaluation_on_the_test_split(best, answer, call):
    document = answer("evaluate", "--checkpoint", best)
    assert 0 <= document["accuracy"] <= 1 and document["n"] == 500 and math.isfinite(document["loss"])
    confusion = np.array(document["confusion"])
    assert confusion.shape == (10, 10) and confusion.sum() == 500 and (confusion.sum(axis=1) == 50).all()
    assert confusion.trace() / 500 == pytest.approx(document["accuracy"])
    assert document["per_class"] == dict(zip(SHAPE_NAMES, confusion.diagonal() / 50, strict=True))
    lines = call("evaluate", "--checkpoint", best)[1]
    assert f"{document['accuracy']:.2%} of 500 test images" in lines and "saltire" in lines


def test_evaluation_on_photographs(best, pictures, answer, call):
    root = pictures[0][0].parent / "photographs"
    for path, name in zip(*pictures, strict=True):
        (root / name).mkdir(parents=True, exist_ok=True)
        path.rename(root / name / path.name)
    document = answer("evaluate", "--checkpoint", best, "--photographs", root)
    assert set(document["accuracy"]) == {"value", "error", "n"} and document["accuracy"]["n"] == 4
    assert document["called_none"] is None and document["others"] == {}
    (root / "none_far").mkdir()
    Image.new("RGB", (40, 40), "white").save(root / "none_far" / "white.png")
    far = answer("evaluate", "--checkpoint", best, "--photographs", root)["others"]["far"]
    assert far["auroc"] is None and far["baselines"]["knn"]["n"] == 5
    lines = call("evaluate", "--checkpoint", best, "--photographs", root)[1]
    assert f"{100 * far['baselines']['knn']['value']:.1f} ±" in lines
    assert f"{100 * document['accuracy']['value']:.1f} ± " in lines and "not measured" in lines
    code, _, err = call("evaluate", "--checkpoint", best, "--photographs", root, "--split", "val")
    assert code == 2 and "--split" in err
    answer("evaluate", "--checkpoint", best, "--photographs", root, "--write-card")
    assert load_card(Path(best)).photographs["accuracy"] == document["accuracy"]


def test_a_network_of_some_classes_is_asked_about_the_others(call, answer, tmp_path):
    known = ["disk", "ring", "square", "frame"]
    code, _, err = call(
        *SMOKE,
        "batch_size=50",
        "--set",
        "epochs=1",
        "--set",
        f"classes={','.join(known)}",
        "--runs-dir",
        tmp_path,
    )
    assert code == 0, err
    (run,) = (run for run in RunStore(tmp_path).list() if run.path.parent == tmp_path)
    best = run.best_checkpoint
    assert load_card(best).class_names == known
    document = answer("evaluate", "--checkpoint", best)
    assert (document["n"], list(document["per_class"])) == (200, known)
    call("calibrate", best)
    document = answer("evaluate", "--checkpoint", best, "--unknown-classes", "--split", "val")
    assert document["known"] == known and set(document["unknown"]) == set(SHAPE_NAMES) - set(known)
    assert set(document["auroc"]["all"]) == {"ood", "max_softmax", "energy", "knn"}
    lines = call("evaluate", "--checkpoint", best, "--unknown-classes", "--split", "val")[1]
    cell = document["auroc"]["saltire"]["energy"]
    assert f"{100 * cell['value']:.1f} ± {100 * cell['error']:.1f} of {cell['n']}" in lines
    code, _, err = call("evaluate", "--checkpoint", best, "--unknown-classes", "--write-card")
    assert code == 2 and "--write-card" in err


def test_the_heat_map_is_measured_on_images_and_on_photographs(best, pictures, answer, call):
    document = answer("evaluate", "--checkpoint", best, "--heat-map", "--split", "val", "--write-card")
    assert set(document["falls"]) == {"heat map", "random patches", "disc"}
    assert document["n"] == 50 and document["images"].startswith("val-50-")
    kept = json.loads((Path(best) / "deletion.json").read_text())
    assert kept == {key: value for key, value in document.items() if key != "checkpoint"}
    root = pictures[0][0].parent / "photographs"
    for path, name in zip(*pictures, strict=True):
        (root / name).mkdir(parents=True, exist_ok=True)
        path.rename(root / name / path.name)
    code, lines, _ = call("evaluate", "--checkpoint", best, "--heat-map", "--photographs", root)
    assert code == 0 and "of 4 answers" in lines and lines.count("points less") == 3
    assert call("evaluate", "--checkpoint", best, "--heat-map", "--photographs", root, "--write-card")[0] == 2


def test_the_figures_are_kept_when_asked(trained, best, answer):
    before = load_card(Path(best))
    document = answer("evaluate", "--checkpoint", best, "--write-card")
    kept = load_card(Path(best))
    assert kept.metrics["test"] == {name: document[name] for name in ("accuracy", "loss", "n")}
    assert kept.metrics["val"] == before.metrics["val"]


def test_a_run_that_set_no_images_aside_has_no_validation_split(call, tmp_path):
    config = {"data": "synthetic", "monitored": "test"}
    folder = save_toy(tmp_path / "toy", config=config, class_names=list(SHAPE_NAMES))
    for arguments in (["evaluate", "--checkpoint", folder, "--split", "val"], ["calibrate", folder]):
        code, _, err = call(*arguments)
        assert code == 2 and "no validation images" in err and "test" in err


def test_a_network_of_other_classes_is_not_measured_on_these(call, tmp_path):
    folder = save_toy(tmp_path / "toy", config={"data": "synthetic"})
    code, _, err = call("evaluate", "--checkpoint", folder)
    assert code == 1 and "other classes" in err


def test_calibration_prints_what_the_card_holds(call, answer, tmp_path):
    config = {"data": "synthetic", "val_size": 200, "train_size": 300}
    folder = save_toy(tmp_path / "toy", config=config, class_names=list(SHAPE_NAMES))
    document, card = answer("calibrate", folder), load_card(folder).to_json()
    assert (document["calibration"], document["ood"]) == (card["calibration"], card["ood"])
    code, out, err = call("calibrate", folder)
    assert code == 0 and "200 validation images" in out and f"{card['calibration']['temperature']:.3f}" in out
    assert "not the data" in err  # the card's fingerprint is made up


def test_what_belongs_to_a_checkpoint_is_made(call, tmp_path, monkeypatch):
    monkeypatch.setattr("cifar_core.explain.prepare.DAMAGED", (10,))
    config = {"data": "synthetic", "val_size": 20, "train_size": 300}
    folder = save_toy(tmp_path / "toy", config=config, class_names=list(SHAPE_NAMES))
    code, out, _ = call("prepare", folder)
    assert code == 0 and "robustness on 10 images: whole" in out and "portraits: there" in out
    assert {"robustness.json", "portraits.json", "mixing.json"} <= {path.name for path in folder.iterdir()}
    assert call("prepare", tmp_path / "nothing")[0] == 2


def test_a_run_is_shipped_among_the_checkpoints(trained, call, tmp_path, monkeypatch):
    monkeypatch.setattr("cifar_core.cli.ship.checkpoints_dir", lambda: tmp_path)
    run, _ = trained
    code, out, _ = call("ship", run.id, "toy.v1", "--half", "--note", "Mine.", "--runs-dir", run.path.parent)
    card = load_card(tmp_path / "toy.v1")
    assert code == 0 and f"{card.metrics['test']['accuracy']:.2%} of 500 test images" in out
    assert "16 bits" in card.notes[-2] and card.notes[-1] == "Mine."
    code, _, err = call("ship", run.id, "../toy.v1", "--runs-dir", run.path.parent)
    assert code == 2 and "mixing_lite.v2" in err


# predict


def test_predictions(best, pictures, answer, call):
    paths, _ = pictures
    rows = answer("predict", *paths, "--checkpoint", best, "--top", 2)
    assert [row["picture"] for row in rows] == [str(path) for path in paths]
    for row in rows:
        first, second = row["top"]
        assert {first["label"], second["label"]} < set(SHAPE_NAMES)
        assert 1 >= first["probability"] >= second["probability"] >= 0
        assert list(row["mixing"]) == ["B1", "B2", "B3"]
        assert all(len(shares) == 2 and sum(shares) == pytest.approx(1) for shares in row["mixing"].values())
    lines = call("predict", *paths, "--checkpoint", best)[1].splitlines()
    assert [line.split(":")[0] for line in lines] == [str(path) for path in paths]
    assert all(line.count("%") == 3 for line in lines)


UNREADABLE = {"missing": None, "empty": b"", "text": b"no picture", "torn": b"\x89PNG\r\n\x1a\n" + bytes(20)}


@pytest.mark.parametrize("content", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_an_unreadable_picture_does_not_hide_the_others(best, pictures, call, tmp_path, content):
    broken = tmp_path / "broken.png"
    if content is not None:
        broken.write_bytes(content)
    code, out, err = call("predict", broken, pictures[0][0], "--checkpoint", best, "--json")
    first, second = json.loads(out)
    assert code == 1
    assert first["picture"] == str(broken) and len(first["error"].splitlines()) == 1 and "top" not in first
    assert second["top"]
    assert err.splitlines() == [f"error: {first['error']}"] and str(broken) in err


def test_a_folder_stands_for_the_pictures_in_it(best, pictures, call, answer, tmp_path):
    paths, _ = pictures
    (tmp_path / "notes.txt").write_text("no picture, and nobody says so")
    (tmp_path / "deeper").mkdir()
    rows = answer("predict", tmp_path, "--checkpoint", best)
    assert rows == answer("predict", *paths, "--checkpoint", best)
    photo = paths[0].rename(tmp_path / "IMG_1234.HEIC")
    photo.write_bytes(RAW["DNG"])
    code, out, err = call("predict", tmp_path, "--checkpoint", best)
    assert code == 1 and len(out.splitlines()) == len(paths) - 1
    assert len(err.splitlines()) == 1 and str(photo) in err and "raw camera file" in err


def test_a_picture_that_is_cut_short_is_answered_with_a_note(best, call, answer, tmp_path):
    path = tmp_path / "cut.jpg"
    path.write_bytes(cut_jpeg(17))
    (row,) = answer("predict", path, "--checkpoint", best)
    code, out, err = call("predict", path, "--checkpoint", best)
    assert code == 0 and len(out.splitlines()) == 1
    assert len(err.splitlines()) == 1 and str(path) in err and row["notes"][0] in err
    assert call("predict", path, "--checkpoint", best, "--json")[2] == ""


def test_a_folder_without_pictures_is_named(best, pictures, call, tmp_path):
    (tmp_path / "none").mkdir()
    code, out, err = call("predict", tmp_path / "none", pictures[0][0], "--checkpoint", best)
    assert code == 1 and len(out.splitlines()) == 1
    assert len(err.splitlines()) == 1 and "none holds no picture" in err


@pytest.fixture
def stdin(monkeypatch):
    """Let a command read such bytes."""
    return lambda data: monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))


def test_a_picture_from_standard_input(best, pictures, answer, call, stdin):
    path = pictures[0][0]
    stdin(path.read_bytes())
    (row,) = answer("predict", "-", "--checkpoint", best)
    (expected,) = answer("predict", path, "--checkpoint", best)
    assert row == {**expected, "picture": "-"}
    stdin(b"no picture")
    code, out, err = call("predict", "-", path, "--checkpoint", best)
    assert code == 1 and len(out.splitlines()) == 1
    assert len(err.splitlines()) == 1 and "standard input: This is a text file" in err


# Every way to end

WRONG_USE = {
    "unknown recipe": (["train", "--recipe", "nothing"], "the recipes are: speed_mixing"),
    "unknown setting": ([*SMOKE, "colour=red"], "There is no setting 'colour'; the settings are: recipe"),
    "no value": ([*SMOKE, "epochs"], "epochs=5"),
    "bad value": ([*SMOKE, "epochs=many"], "epochs is 'many'"),
    "value too low": ([*SMOKE, "epochs=0"], "epochs is 0"),
    "not a number": ([*SMOKE, "lr=nan"], "lr is nan"),
    "unknown choice": ([*SMOKE, "optimizer=magic"], "sgd, adamw, rmsprop"),
    "arguments that are no JSON": ([*SMOKE, "model_args={"], "model_args is"),
    "unknown run": (["train", "--resume", "nothing"], "There is no run 'nothing'"),
    "no name of a run": (["train", "--resume", ""], "There is no run ''"),
    "run outside": (["train", "--resume", ".."], "There is no run '..'"),
    "long run": (["train", "--resume", "x" * 5000], "There is no run"),
    "unknown checkpoint": (["evaluate", "--checkpoint", "nothing"], "There is no checkpoint 'nothing'"),
    "no checkpoint to predict with": (["predict", "x.png", "--checkpoint", "nothing"], "one of:"),
}  # fmt: skip


@pytest.mark.parametrize(("arguments", "words"), WRONG_USE.values(), ids=WRONG_USE.keys())
def test_wrong_use_is_one_sentence_and_leaves_nothing_behind(call, tmp_path, arguments, words):
    root = tmp_path / "runs"
    if arguments[0] == "train":
        arguments = [*arguments, "--runs-dir", root]
    code, out, err = call(*arguments)
    assert code == 2 and out == "" and not root.exists()
    assert err.startswith("wrong use: ") and words in err and len(err.splitlines()) == 1


UNFIT = [
    "model=nothing",
    'model_args={"depth": 3}',
    'model_args={"name": "mixing_2"}',
    'model_args={"widths": []}',
]


@pytest.mark.parametrize("setting", UNFIT)
def test_a_network_that_cannot_be_built_is_wrong_use(call, tmp_path, setting):
    code, _, err = call(*SMOKE, setting, "--runs-dir", tmp_path)
    assert code == 2 and err.startswith("wrong use: ") and len(err.splitlines()) == 1
    (run,) = (run for run in RunStore(tmp_path).list() if run.path.parent == tmp_path)
    assert run.status().state == "failed" and run.status().message in err


def test_settings_of_a_run_that_has_begun_cannot_be_changed(trained, call):
    run, _ = trained
    code, _, err = call("train", "--resume", run.id, "--runs-dir", run.path.parent, "--set", "epochs=9")
    assert code == 2 and "start a new one" in err and run.config().epochs == 2


USAGE = [
    *("", "fly", "recipes x", "data"),
    *("train", "train --recipe a --resume b", "train --recipe smoke --set"),
    *(
        "predict",
        "predict x.png --top 0",
        "predict x.png --top two",
        "predict x.png --top 2.5",
        "evaluate --split train",
    ),
]


@pytest.mark.parametrize("arguments", USAGE)
def test_arguments_that_make_no_sense_are_wrong_use(call, arguments):
    code, out, err = call(*arguments.split())
    assert code == 2 and out == "" and "usage: python -m cifar_core" in err


COMMANDS = (*build_parser()._subparsers._group_actions[0].choices, "", "data check", "bench train")


@pytest.mark.parametrize("command", COMMANDS)
def test_help_explains_every_command(call, command):
    code, out, err = call(*command.split(), "--help")
    assert code == 0 and err == "" and out.startswith("usage: python -m cifar_core")


def test_missing_data_fails_and_says_so(call, tmp_path):
    nowhere, toy = tmp_path / "nowhere", save_toy(tmp_path / "toy")
    for arguments in (["data", "check"], ["evaluate", "--checkpoint", toy]):
        code, out, err = call(*arguments, "--data-dir", nowhere)
        assert code == 1 and out == "" and err.startswith("error: ") and str(nowhere) in err
    code, _, err = call(*SMOKE, "data=cifar10", "--data-dir", nowhere, "--runs-dir", tmp_path / "runs")
    assert code == 1 and str(nowhere) in err
    (run,) = (run for run in RunStore(tmp_path / "runs").list() if run.path.is_relative_to(tmp_path))
    assert run.status().state == "failed" and str(nowhere) in run.status().message


def test_more_validation_images_than_there_are_fail(call, tmp_path):
    code, _, err = call(*SMOKE, "val_size=2000", "--runs-dir", tmp_path)
    assert code == 1 and "val_size is 2000" in err


def test_damaged_checkpoints_fail(call, best, tmp_path, pictures):
    toy = save_toy(tmp_path / "toy")
    (toy / CARD).write_text("{}")
    for arguments in (["evaluate"], ["predict", pictures[0][0]]):
        code, out, err = call(*arguments, "--checkpoint", toy)
        assert code == 1 and out == "" and "is damaged" in err and len(err.splitlines()) == 1


def test_runs_that_cannot_be_kept_fail(call, tmp_path):
    (tmp_path / "file").write_text("")
    code, out, err = call(*SMOKE, "--runs-dir", tmp_path / "file" / "runs")
    assert code == 1 and out == "" and "--runs-dir" in err


@pytest.fixture
def fail(monkeypatch):
    """Make the command `recipes` raise an error."""

    def fail(error):
        def raise_it(options):
            raise error

        monkeypatch.setattr(recipes, "recipes", raise_it)

    return fail


class Unforeseen(LabError):
    exit_code = 7


ENDINGS = {
    "of the system": (
        PermissionError(13, "Permission denied", "/some/file"),
        1,
        "error: /some/file: Permission denied; .*another folder\\.",
    ),
    "of ours": (Unforeseen("No luck."), 7, "error: No luck."),
    "by the user": (KeyboardInterrupt(), 130, "Interrupted."),
}


@pytest.mark.parametrize(("error", "expected", "words"), ENDINGS.values(), ids=ENDINGS.keys())
def test_every_error_is_one_sentence_and_its_exit_code(call, fail, error, expected, words):
    fail(error)
    code, out, err = call("recipes")
    assert (code, out) == (expected, "") and re.fullmatch(words, err.rstrip("\n"))


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
@pytest.mark.parametrize(("error", "expected"), [ending[:2] for ending in ENDINGS.values()], ids=ENDINGS)
def test_an_error_that_cannot_be_told_keeps_its_exit_code(fail, error, expected, monkeypatch):
    fail(error)
    with open("/dev/full", "w", buffering=1) as full:
        monkeypatch.setattr(sys, "stderr", full)
        assert main(["recipes"]) == expected


def test_our_own_mistakes_are_not_hidden(fail):
    fail(RuntimeError("a bug"))
    with pytest.raises(RuntimeError, match="a bug"):
        main(["recipes"])


def test_without_a_checkpoint_the_default_is_meant(call, monkeypatch, tmp_path):
    monkeypatch.setattr("cifar_core.checkpoint.checkpoints_dir", lambda: tmp_path)
    code, _, err = call("evaluate")
    assert code == 2 and f"There is no checkpoint '{DEFAULT_CHECKPOINT}'" in err


@pytest.mark.parametrize(
    "command", [("evaluate", "--write-card", "--checkpoint"), ("calibrate",), ("prepare",)]
)
def test_a_folder_that_cannot_be_written_is_told_before_the_work(command, call, tmp_path, monkeypatch):
    def refuse(dir):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), f"{dir}/tmp1")

    monkeypatch.setattr("cifar_core.files.tempfile.TemporaryFile", refuse)
    monkeypatch.setattr("cifar_core.data.load_data", lambda *_, **__: pytest.fail("the data was read first"))
    toy = save_toy(tmp_path / "toy")
    code, _, err = call(*command, toy)
    assert code == 1 and str(toy) in err and "another folder" in err and "tmp1" not in err


@pytest.mark.parametrize(
    "words",
    [
        ["predict", "x.png", "--top", "1٣"],
        ["predict", "x.png", "--turn", "٣"],
        ["control", "x", "lr", "٣"],
        ["bench", "mixing", "--seconds", "٣"],
        ["reproduce", "--table", "--seed", "١"],
        ["sweep", "--recipe", "smoke", "--search", "lr=0.1:0.2", "--trials", "1٣"],
    ],
)
def test_digits_of_other_scripts_are_no_number(call, words):
    code, out, err = call(*words)
    assert (code, out) == (2, "") and words[-1] in err
