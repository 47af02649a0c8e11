"""The lines said to give an answer again do so, in a terminal and in Python; a table of several as CSV."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from cifar_core.cli import main
from cifar_core.files import PROJECT_ROOT
from cifar_core.images.crop import Crop, cropped
from cifar_core.inference.classifier import Classifier
from cifar_core.inference.crops import crops_of
from cifar_core.inference.responses import prediction_response
from demo.classify.share import csv_text, python_lines, shell_line
from demo.shared.drawings import ship

CROP = Crop(turn=35, zoom=1.5, right=-0.25, down=0.5)
NAME = "a ship's $HOME.png"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a picture, in which the commands are typed."""
    ship().save(tmp_path / NAME)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("crop", [Crop(), CROP], ids=["whole", "part"])
def test_the_terminals_line_gives_the_same_json(
    crop: Crop, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    classifier = Classifier.load()
    (prediction,) = classifier.predict(crops_of([cropped(ship(), crop)], beside=crop.whole), top=5)
    expected = prediction_response(NAME, prediction, classifier, crop)
    program, *arguments = shlex.split(shell_line(NAME, classifier.name, crop, 5))
    assert (program, arguments[:2]) == ("python", ["-m", "cifar_core"])
    assert main(arguments[2:]) == 0
    (response,) = json.loads(capsys.readouterr().out)
    assert response.keys() == expected.keys()
    for key in ("picture", "network", "version", "crop", "notes"):
        assert response[key] == expected[key]
    assert [one["label"] for one in response["top"]] == [one["label"] for one in expected["top"]]
    found = [one["probability"] for one in response["top"]]
    assert found == pytest.approx([one["probability"] for one in expected["top"]], abs=1e-6)


@pytest.mark.slow
def test_the_python_program_gives_the_same_probabilities(folder: Path) -> None:
    classifier = Classifier.load()
    (prediction,) = classifier.predict(crops_of([cropped(ship(), CROP)], beside=False), top=5)
    program = python_lines(NAME, classifier.name, CROP, 5)
    run = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": str(PROJECT_ROOT), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert prediction.top[0][0] in run.stdout
    numbers = [float(text) for text in re.findall(r"\d\.\d+(?:e-\d+)?", run.stdout)]
    assert numbers == pytest.approx([probability for _, probability in prediction.top], abs=1e-6)


def test_a_table_of_several_answers() -> None:
    top = [{"label": "cat", "probability": 0.5}]
    bad = {"picture": "=SUM(A1)", "error": "Torn."}
    good = {"picture": "a", "top": top, "known": True, "sure": False, "side": "left"}
    assert csv_text([good, bad]).splitlines() == [
        "picture,network,version,known,sure,side,label_1,probability_1,error",
        "a,,,yes,no,left,cat,0.5,",
        "'=SUM(A1),,,,,,,,Torn.",  # no formula
    ]
