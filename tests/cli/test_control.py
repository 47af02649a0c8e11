"""`control` leaves a request for a run's process, or says in one sentence why it does not."""

import pytest

from cifar_core.cli import main
from cifar_core.recipes import get_recipe
from cifar_core.runs.requests import ControlRequest
from cifar_core.runs.store import RunStore, Status


@pytest.fixture
def run(tmp_path):
    return RunStore(tmp_path).create(get_recipe("smoke").config)


def control(run, *words):
    return main(["control", run.id, *words, "--runs-dir", str(run.path.parent)])


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        (["pause"], ControlRequest("pause")),
        (["continue"], ControlRequest("continue")),
        (["stop"], ControlRequest("stop")),
        (["lr", "0.5"], ControlRequest(factor=0.5)),
        (["rate", "0.02"], ControlRequest(rate=0.02)),
    ],
)
def test_it_asks(run, capsys, words, asked):
    assert control(run, *words) == 0
    assert run.take_request() == asked
    assert f"Asked {run.id} to" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["lr"], "'lr' needs a number"),
        (["lr", "0"], "must be from 0.001 to 1000"),
        (["rate", "nan"], "must be from 1e-08 to 100"),
        (["pause", "3"], "'pause' takes no number"),
    ],
)
def test_what_cannot_be_asked_is_said(run, capsys, words, sentence):
    assert control(run, *words) == 2
    error = capsys.readouterr().err
    assert sentence in error and len(error.splitlines()) == 1
    assert run.waiting_request() is None


def test_a_word_for_a_number_is_refused(run, capsys):
    with pytest.raises(SystemExit) as end:
        control(run, "lr", "half")
    assert end.value.code == 2 and "'half' is not a number" in capsys.readouterr().err


def test_a_finished_run_takes_no_requests(run, capsys):
    run.write_status(Status("finished"))
    assert control(run, "lr", "0.5") == 1
    assert "is finished; only a waiting, running or paused run" in capsys.readouterr().err
