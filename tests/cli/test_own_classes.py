"""Own classes by the command line: looked at, learned from a trained network, measured, asked, passed on."""

import json

import pytest
from PIL import Image

from cifar_core.checkpoint import load_card, load_checkpoint
from cifar_core.inference.classifier import Classifier
from cifar_core.metrics.calibration import NONE_FITTED, ROUGH
from cifar_core.runs.events import Epoch
from cifar_core.runs.history import class_averages
from cifar_core.runs.store import RunStore
from tests.support.own_pictures import NAMES, make_own
from tests.support.toy_checkpoints import save_toy

NET = {"widths": [4, 8], "num_kernels": 2}
SETTINGS = [f"model_args={json.dumps(NET)}", "precision=fp32", "epochs=2", "tta=1"]
CLASSES = sorted(NAMES)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return make_own(tmp_path_factory.mktemp("own"), train=20)


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return save_toy(
        tmp_path_factory.mktemp("base") / "six", seed=5, model_args=NET, class_names=list("abcdef")
    )


@pytest.fixture
def learn(call, place, base, tmp_path):
    """Train on own pictures; gives the run."""

    def learn(*more, folder=place):
        arguments = ("--runs-dir", tmp_path, "--data-dir", folder, "--from", base)
        code, _, err = call("train", "--recipe", "smoke", *arguments, "--set", *SETTINGS, *more)
        assert code == 0, err
        (run,) = (run for run in RunStore(tmp_path).list() if run.path.parent == tmp_path)
        return run

    return learn


def test_a_folder_is_looked_at(place, answer, call):
    report = answer("data", "check", "--source", "own", "--data-dir", place)
    assert report["class_names"] == CLASSES and report["train"]["per_class"] == dict.fromkeys(CLASSES, 16)
    assert report["test"]["n"] == 12 and report["skipped"] == report["duplicates"] == []
    lines = call("data", "check", "--source", "own", "--data-dir", place)[1]
    assert all(name in lines for name in CLASSES) and "16 to train on and 4 to test with" in lines
    code, _, err = call("data", "check", "--source", "own")
    assert code == 1 and "--data-dir" in err


def test_the_whole_road(learn, place, base, call, answer, tmp_path):
    run = learn()
    config, best = run.config(), run.best_checkpoint
    assert list(config.classes) == CLASSES and config.start_from == str(base)
    assert config.mixing_temperature == 1 and config.val_size == 10
    card, reference = load_card(best), load_checkpoint(base)[0]
    assert card.class_names == CLASSES and str(base) in " ".join(card.notes) and ROUGH in card.notes
    assert card.calibration.images == card.ood.images == card.sure.images == 10
    assert reference.num_classes == 6 and Classifier.load(best).model.num_classes == 3
    epochs = [event for event in run.events() if isinstance(event, Epoch)]
    assert all(len(block.per_class) == 3 for block in epochs[-1].mixing)
    assert list(class_averages(run.path, card.epoch, card.class_names)) == CLASSES
    document = answer("evaluate", "--checkpoint", best)
    assert document["n"] == 12 and list(document["per_class"]) == CLASSES
    picture = next((place / CLASSES[0]).glob("*.jpg"))
    (found,) = answer("predict", picture, "--checkpoint", best)
    assert {one["label"] for one in found["top"]} == set(CLASSES)
    code, out, err = call("hub", "push", "someone/mine", "--checkpoint", best)
    assert code == 0 and all(name in out for name in CLASSES) and "Nothing was sent" in out, err
    assert str(place) not in out


@pytest.mark.slow  # torch's export takes its time
def test_names_travel_with_the_file_for_other_programs(learn, call, tmp_path):
    onnx = pytest.importorskip("onnx")
    best = learn("epochs=1").best_checkpoint
    code, _, err = call("export", "--checkpoint", best, "--output", tmp_path / "own.onnx")
    assert code == 0, err
    told = {one.key: one.value for one in onnx.load(tmp_path / "own.onnx").metadata_props}
    assert json.loads(told["class_names"]) == CLASSES


def test_ten_pictures_are_learned_from_and_nothing_is_fitted_to_them(learn, call, tmp_path):
    folder = make_own(tmp_path / "few", names=NAMES[:2], train=5)
    run = learn(folder=folder)
    card = load_card(run.best_checkpoint)
    assert card.calibration is card.sure is card.ood is None and NONE_FITTED in card.notes
    assert run.config().val_size == 2 and run.config().own_images == (8, 2)
    code, out, err = call("calibrate", run.best_checkpoint)
    assert code == 0 and NONE_FITTED in out, err
    folder.rename(tmp_path / "elsewhere")
    for command in (["calibrate"], ["prepare"], ["evaluate", "--checkpoint"]):
        code, _, err = call(*command, run.best_checkpoint)
        assert code == 1 and str(folder) in err and "--data-dir" in err
    assert call("calibrate", run.best_checkpoint, "--data-dir", tmp_path / "elsewhere")[0] == 0
    path = tmp_path / "gray.png"
    Image.new("RGB", (40, 40), "gray").save(path)
    assert call("predict", path, "--checkpoint", run.best_checkpoint)[0] == 0


def test_what_does_not_fit_is_wrong_use(call, place, base, tmp_path):
    train = ("train", "--recipe", "smoke", "--runs-dir", tmp_path, "--data-dir", place)
    code, _, err = call(*train, "--from", base, "--set", "data=own", 'model_args={"widths": [4, 4]}')
    assert code == 2 and str(base) in err and "[4, 4]" in err
    code, _, err = call(*train, "--from", "nowhere.v1", "--set", "data=own")
    assert code == 2 and "nowhere.v1" in err and "mixing_large.v1" in err
    code, _, err = call("train", "--recipe", "smoke", "--runs-dir", tmp_path, "--set", "data=own")
    assert code == 1 and "--data-dir" in err
    code, _, err = call(*train, "--from", base, "--set", *SETTINGS, "data=cifar10")
    assert code == 1 and "CIFAR-10" in err and "Learning" not in err, "what is asked for is taken"
    code, _, err = call("train", "--resume", "some", "--from", base, "--runs-dir", tmp_path)
    assert code == 2 and "--from" in err
