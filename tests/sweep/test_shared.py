"""Two processes share a study, each with its own store, as two machines do; one of them is killed."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from optuna.trial import TrialState

from cifar_core.files import PROJECT_ROOT
from cifar_core.runs.store import RunStore
from cifar_core.sweep.slots import RESUMES, RUN, RUNS_DIR, is_lost, owners
from cifar_core.sweep.study import open_sweep
from tests.support.postgres import find_programs, postgres, servers_user
from tests.support.toy_recipes import TINY

pytestmark = pytest.mark.skipif(os.name != "posix", reason="kills processes")
TRIALS = 12
SETTINGS = [
    f"{name}={json.dumps(value) if isinstance(value, dict) else value}"
    for name, value in TINY.items()
    if name != "data"
]


@pytest.fixture
def journal(tmp_path):
    return str(tmp_path / "shared" / "journal")


@pytest.fixture
def database():
    programs, user = find_programs(), servers_user()
    if programs is None or user is None:
        pytest.skip("needs PostgreSQL, which refuses root: apt-get install postgresql")
    with postgres(programs, user) as url:
        yield url


def begin(storage, folder, *settings):
    """A process that takes part, with its own runs."""
    command = [sys.executable, "-m", "cifar_core", "sweep", "--recipe", "smoke"]
    command += ["--set", *SETTINGS, *settings]
    command += ["--search", "lr=0.02:0.3:log", "optimizer=sgd,muon", "--trials", str(TRIALS)]
    command += ["--study", "shared", "--storage", storage, "--runs-dir", str(folder)]
    with open(folder.with_suffix(".log"), "wb") as log:
        return subprocess.Popen(command, stdout=log, stderr=log, cwd=PROJECT_ROOT)


def under_way(folder):
    """Whether a run of this store has begun to train."""
    return any(run.status().state == "running" for run in RunStore(folder).list() if not run.shipped)


@pytest.mark.timeout(240)
@pytest.mark.slow
@pytest.mark.parametrize("kind", ["journal", "database"])
def test_none_is_done_twice_and_none_is_lost(request, tmp_path, kind):
    storage = request.getfixturevalue(kind)
    folders = [tmp_path / name for name in ("one", "two")]
    first, second = processes = [begin(storage, folder) for folder in folders]
    try:
        while not all(map(under_way, folders)):
            assert all(process.poll() is None for process in processes), logs(folders)
            time.sleep(0.01)
        os.kill(first.pid, signal.SIGKILL)
        first.wait()
        assert second.wait(200) == 0, logs(folders)
    finally:
        for process in processes:
            process.kill()
            process.wait()
    with open_sweep(storage, "shared") as sweep:
        trials, rows = sweep.study.trials, sweep.rows()
    assert [row.slot for row in rows] == list(range(1, TRIALS + 1))
    done = [trial for trial in trials if trial.state == TrialState.COMPLETE]
    assert len(done) == TRIALS == len(owners(trials))  # each slot once
    assert len({trial.user_attrs[RUN] for trial in done}) == TRIALS
    lost = [trial for trial in trials if is_lost(trial)]
    assert len(lost) == 1 and lost[0].user_attrs[RUNS_DIR] == str(folders[0])
    again = next(trial for trial in done if trial.user_attrs.get(RESUMES))
    assert again.params == lost[0].params and again.user_attrs[RESUMES][RUN] == lost[0].user_attrs[RUN]
    for trial in done:  # each is an ordinary run in the store of the process that did it
        run = RunStore(tmp_path / os.path.basename(trial.user_attrs[RUNS_DIR])).get(trial.user_attrs[RUN])
        assert run.status().state == "finished"


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_ctrl_c_ends_the_trial_and_keeps_the_study(tmp_path, journal):
    folder = tmp_path / "one"
    process = begin(journal, folder, "epochs=900")
    try:
        while not under_way(folder):
            assert process.poll() is None, logs([folder])
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130, logs([folder])
    finally:
        process.kill()
        process.wait()
    assert "sweep --study shared" in logs([folder]) and "Traceback" not in logs([folder])
    (run,) = [run for run in RunStore(folder).list() if not run.shipped]
    assert run.status().state == "stopped"
    with open_sweep(journal, "shared") as sweep:
        assert sweep.total == TRIALS and not owners(sweep.study.trials).keys() & {"1"}


def logs(folders):
    return "\n".join(folder.with_suffix(".log").read_text() for folder in folders)
