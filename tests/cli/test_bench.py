"""`bench` on the command line: its options, its two forms of output, and its ways to fail."""

import json

import pytest

from cifar_core.bench.report import Report
from cifar_core.cli import main
from cifar_core.config import TrainConfig
from cifar_core.estimate.store import keep_speed
from cifar_core.recipes import DEFAULT_RECIPE, get_recipe, list_recipes
from cifar_core.runs.store import RunStore
from tests.bench.test_report import report
from tests.estimate.test_speed import speed

MODULES = {
    "mixing": "cifar_core.bench.mixing.bench_mixing",
    "train": "cifar_core.bench.training.bench_train",
    "infer": "cifar_core.bench.inference.bench_infer",
}


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CIFAR_LAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("CIFAR_LAB_RUNS", str(tmp_path / "runs"))


@pytest.fixture
def asked(monkeypatch):
    """What the command line asks the benchmarks for, in place of measuring."""
    calls = {}

    def stand_in(name):
        def bench(*arguments: object) -> Report:
            calls[name] = arguments
            return report()

        return bench

    for name, path in MODULES.items():
        monkeypatch.setattr(path, stand_in(name))
    return calls


@pytest.mark.parametrize("name", list(MODULES))
def test_a_benchmark_prints_a_table_or_one_document(name, asked, capsys):
    assert main(["bench", name]) == 0
    assert capsys.readouterr().out == report().to_text() + "\n"
    assert main(["bench", name, "--json", "--seconds", "2"]) == 0
    assert json.loads(capsys.readouterr().out) == report().to_json()
    assert 2.0 in asked[name]


def test_the_options_arrive(asked):
    main(["bench", "mixing", "--model", "mixing_2", "--batch", "16"])
    config, size, seconds, *_ = asked["mixing"]
    assert (config.model, config.batch_size, size, seconds) == ("mixing_2", 16, 32, 30.0)
    main(["bench", "mixing", "--recipe", "mixing_large", "--size", "26"])
    assert asked["mixing"][:2] == (get_recipe("mixing_large").config, 26)
    main(["bench", "infer", "--checkpoint", "mine"])
    assert asked["infer"][0] == "mine"
    main(["bench", "train"])
    recipe, estimated = asked["train"][:2]
    assert recipe.name == DEFAULT_RECIPE and [one.name for one in estimated] == list_recipes()
    main(["bench", "train", "--recipe", "smoke"])
    recipe, estimated = asked["train"][:2]
    assert recipe.name == "smoke" and [one.name for one in estimated] == ["smoke"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["mixing", "--batch", "1"],
        ["mixing", "--batch", "many"],
        ["infer", "--seconds", "0"],
        ["infer", "--seconds", "nan"],
        ["train", "--seconds", "-1"],
        [],
    ],
)
def test_bad_options_are_wrong_use(arguments):
    with pytest.raises(SystemExit) as end:
        main(["bench", *arguments])
    assert end.value.code == 2


def test_unknown_names_are_wrong_use(capsys):
    assert main(["bench", "train", "--recipe", "nothing"]) == 2
    assert main(["bench", "estimate", "--recipe", "smoke", "--set", "lr=much"]) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_a_kept_estimate_is_told_at_once(capsys):
    config = get_recipe("smoke").config.replace(epochs=4)
    keep_speed(config, speed())
    assert main(["bench", "estimate", "--recipe", "smoke", "--set", "epochs=4"]) == 0
    assert "4 epochs would take about 1 min here" in capsys.readouterr().out
    assert main(["bench", "estimate", "--recipe", "smoke", "--set", "epochs=4", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["seconds"] == pytest.approx(2 + 4 * (15 + 0.5))
    assert document["phases"] == [{"share": 1.0, "size": 32}]
    assert document["speed"]["device"] == "a toy"


def test_beside_a_training_nothing_is_measured(tmp_path, capsys):
    RunStore(tmp_path / "runs").create(TrainConfig())
    assert main(["bench", "estimate", "--recipe", "smoke"]) == 1
    assert capsys.readouterr().err.startswith("error: A training runs on this machine")


def test_an_estimate_that_has_no_place_to_be_kept_is_one_sentence(call, tmp_path, monkeypatch):
    (file := tmp_path / "cache").write_text("no folder")
    monkeypatch.setenv("CIFAR_LAB_CACHE", str(file))
    code, _, err = call("bench", "estimate", "--recipe", "smoke", "--runs-dir", tmp_path / "runs")
    assert code == 1 and str(file) in err and len(err.splitlines()) == 1
