"""Seven classes with foreign names, and CIFAR-100 of drawn pictures: through every command and every page."""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from cifar_core.cli import main
from cifar_core.cli.main import COMMANDS
from cifar_core.datasets import CIFAR100
from cifar_core.images.decode import decode
from cifar_core.runs.run import Run
from cifar_core.runs.store import RunStore
from demo.classify.answers import Answers, Asked
from demo.classify.page import networks_view
from demo.classify.render import batch_html, parts
from demo.dashboard_pages import PAGES
from tests.support.own_pictures import SEVEN, make_own
from tests.support.page_tests import figures, page, words
from tests.support.toy_recipes import TINY

SETS = {"seven": ("own", tuple(sorted(SEVEN)), 20, 0), "cifar100": ("cifar100", CIFAR100.class_names, 4, 1)}
VIEWS = {  # page -> what its address asks for, beside the page as it opens
    "mixing": (
        *({"show": show} for show in ("flow", "portraits")),
        *({"part": part} for part in ("picture", "whatif", "time", "compare")),
    ),
    "understand": tuple({"part": part} for part in ("mistakes", "calibration", "robustness", "layers")),
    "own": ({"from": "folder"},),
}
OPENED = [(name, query) for name in PAGES for query in ({}, *VIEWS.get(name, ()))]


@dataclass(frozen=True)
class Learned:
    """A run on one of the sets; names: of its classes; place: its pictures."""

    source: str
    names: tuple[str, ...]
    place: Path
    run: Run

    @property
    def picture(self) -> Path:
        return next(self.place.glob(f"**/{self.names[0]}/*"))


@pytest.fixture(scope="module", params=["seven", pytest.param("cifar100", marks=pytest.mark.slow)])
def learned(request, tmp_path_factory):
    """A tiny network that learned one of the sets for an epoch, calibrated and prepared."""
    source, names, train, test = SETS[request.param]
    root = tmp_path_factory.mktemp(request.param)
    place = make_own(root / "pictures", names, train, test)
    settings = {**TINY, "data": source, "train_size": 0, "val_size": len(names), "tta": 1}
    changes = [
        f"{name}={json.dumps(value) if name == 'model_args' else value}" for name, value in settings.items()
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CIFAR_LAB_RUNS", str(root / "runs"))
        patch.setenv("CIFAR_LAB_CACHE", str(root / "cache"))
        assert main(["train", "--recipe", "smoke", "--data-dir", str(place), "--set", *changes]) == 0
        (run,) = (run for run in RunStore().list() if not run.shipped)
        data = ["--data-dir", str(place)]
        assert main(["calibrate", str(run.best_checkpoint), *data]) == 0
        assert main(["prepare", str(run.best_checkpoint), *data]) == 0
        yield Learned(source, names, place, run)


def arguments(command: str, learned: Learned, folder: Path) -> list[list[str]]:
    """What is asked of a command, once or more often."""
    kept, data = ["--checkpoint", learned.run.id], ["--data-dir", str(learned.place)]
    asked: dict[str, list[list[str]]] = {
        "evaluate": [[*kept, *data], [*kept, *data, "--split", "val"], [*kept, *data, "--heat-map"]],
        "predict": [[str(learned.picture), *kept]],
        "calibrate": [[learned.run.id, *data]],
        "runs": [[]],
        "report": [[learned.run.id]],
        "prepare": [[learned.run.id, *data]],
        "hub": [["push", "someone/mine", *kept]],
        "space": [["build", str(folder / "space"), *kept]],
        "data": [["check", "--source", learned.source, *data]],
    }
    return asked.get(command, [])


# what trained it or trains like that, is asked below, or knows no class
ASKED_ELSEWHERE = {
    *("train", "export", "models", "recipes", "control"),
    *("lr_finder", "sweep", "reproduce", "ship", "bench"),
}
NAMED_IN = ("evaluate", "hub", "data")  # commands that name every class


@pytest.mark.parametrize("command", [module.__name__.rpartition(".")[2] for module in COMMANDS])
def test_every_command_answers(learned, command, tmp_path, capsys):
    asked = arguments(command, learned, tmp_path)
    assert bool(asked) != (command in ASKED_ELSEWHERE)
    for number, more in enumerate(asked):
        assert main([command, *more]) == 0
        said = capsys.readouterr().out
        if command in NAMED_IN and number == 0:
            plain = said.replace("&lt;", "<").replace("&gt;", ">")
            assert all(name in plain for name in learned.names)


@pytest.mark.slow  # torch's export takes its time
def test_a_network_is_exported_with_its_names(learned, tmp_path, capsys):
    onnx = pytest.importorskip("onnx")
    path = tmp_path / "net.onnx"
    assert main(["export", "--checkpoint", learned.run.id, "--output", str(path)]) == 0
    told = {one.key: one.value for one in onnx.load(path).metadata_props}
    assert tuple(json.loads(told["class_names"])) == learned.names


@pytest.mark.parametrize(("name", "query"), OPENED)
def test_every_page_shows_it(learned, name, query):
    app = page(name, run=learned.run.id, runs=learned.run.id, **query)
    assert not app.error, app.error[0].value
    assert "<b>bold" not in json.dumps(figures(app))
    assert name in ("learn", "basics") or "ten classes" not in words(app)


def test_the_classify_page_answers_with_its_names(learned):
    answers = Answers(learned.run.id)
    head, facts = networks_view(answers)
    assert f"tells {len(learned.names)} things apart" in head and 'uoft-cs/cifar10"' not in head
    picture = learned.picture
    shown = answers.to_pictures([(picture.name, decode(picture.read_bytes()))], Asked(heatmap=True))
    (answer,) = shown[0].answers
    assert answer.prediction.label in learned.names and len(answer.average) == len(answer.prediction.mixing)
    for part in (head, facts, *parts(*shown)[:3], batch_html(shown)):
        assert "<b>bold" not in part
