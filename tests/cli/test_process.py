"""The command line as processes: what a shell and a terminal see, how quickly, and what a signal does."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import tomllib
from importlib.metadata import EntryPoint

import pytest

from cifar_core.config import TrainConfig
from cifar_core.files import PROJECT_ROOT
from cifar_core.recipes import list_recipes
from cifar_core.runs.events import RunEnd
from cifar_core.runs.store import RunStore

CLI = [sys.executable, "-m", "cifar_core"]
ENDLESS = ['model_args={"widths": [4, 8], "num_kernels": 2}', "train_size=400", "val_size=50", "epochs=900"]
posix = pytest.mark.skipif(os.name != "posix", reason="signals and terminals of POSIX")


def run_cli(*arguments, **options):
    command = [*CLI, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=PROJECT_ROOT, check=False, **options)


def test_listings_are_quick_and_do_without_torch(tmp_path):
    script = (
        "import os, sys; from cifar_core.cli import main\n"
        f"codes = [main(['recipes']), main(['runs', '--runs-dir', {str(tmp_path)!r}])]\n"
        "assert sum(os.times()[:2]) < 5, 'seconds of the processor, as others may keep the machine busy'\n"
        "print(codes, [name for name in ('torch', 'numpy', 'PIL', 'pyarrow') if name in sys.modules])"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=PROJECT_ROOT)
    assert ended.returncode == 0 and ended.stdout.splitlines()[-1] == "[0, 0] []", ended.stderr


def test_the_installed_command_is_the_modules_own():
    scripts = tomllib.loads((PROJECT_ROOT / "pyproject.toml").read_text("utf-8"))["project"]["scripts"]
    heard = signal.getsignal(signal.SIGINT)
    command = EntryPoint("cifar-lab", scripts["cifar-lab"], "console_scripts").load()
    signal.signal(signal.SIGINT, heard)  # the module lets Ctrl-C end the process itself
    assert command(["recipes"]) == 0 and command(["control", "no-such-run", "stop"]) == 2


def test_a_process_prints_one_document_and_ends_with_0(tmp_path):
    ended = run_cli("recipes", "--json")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert [row["name"] for row in json.loads(ended.stdout)] == list_recipes()


def test_wrong_use_ends_with_2():
    for arguments in ([], ["train", "--recipe", "nothing"]):
        ended = run_cli(*arguments)
        assert (ended.returncode, ended.stdout) == (2, "") and "Traceback" not in ended.stderr


def test_it_runs_from_any_folder(tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(PROJECT_ROOT), "CIFAR_LAB_RUNS": str(tmp_path / "mine")}
    run = RunStore(tmp_path / "mine").create(TrainConfig())
    ended = subprocess.run([*CLI, "runs"], capture_output=True, text=True, cwd=tmp_path, env=environment)
    assert ended.returncode == 0 and run.id in ended.stdout


def test_a_terminal_without_our_letters_gets_others(tmp_path):
    RunStore(tmp_path).create(TrainConfig())
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    ended = run_cli("runs", "--runs-dir", tmp_path, env=environment)
    assert ended.returncode == 0 and r"\u2013" in ended.stdout


@posix
def test_a_reader_that_leaves_is_no_error():
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen([*CLI, "recipes"], cwd=PROJECT_ROOT, **pipes) as process:
        process.stdout.close()
        assert process.stderr.read() == b"" and process.wait(60) == 0


def read_terminal(handle):
    """All that was written to a terminal that its last writer has closed."""
    content = b""
    while True:
        try:
            part = os.read(handle, 65536)
        except OSError:  # Linux's way to say that nobody has it open any more
            part = b""
        if not part:
            os.close(handle)
            return content.decode()
        content += part


@pytest.mark.slow
@posix
def test_sigterm_ends_training_with_its_state_saved_and_a_bar_in_the_terminal(tmp_path):
    import termios

    terminal, other_end = os.openpty()
    termios.tcsetwinsize(other_end, (24, 120))
    shown = []
    reader = threading.Thread(target=lambda: shown.append(read_terminal(terminal)))
    reader.start()
    command = [*CLI, "train", "--recipe", "smoke", "--set", *ENDLESS, "--runs-dir", str(tmp_path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=other_end, text=True, cwd=PROJECT_ROOT)
    os.close(other_end)
    with process:
        run = RunStore(tmp_path).get(process.stdout.readline().split()[1])
        while run.status().epoch < 2 and process.poll() is None:
            time.sleep(0.01)
        process.terminate()
        said = process.stdout.read()
        assert process.wait(60) == 130
    assert run.status().state == "stopped" and run.events()[-1].state == "stopped"
    assert isinstance(run.events()[-1], RunEnd) and (run.last_checkpoint / "resume.json").exists()
    assert f"Run {run.id} stopped: best validation accuracy" in said
    assert said.splitlines()[-1].startswith(f"Go on with: python -m cifar_core train --resume {run.id}")
    assert "epoch 1: train loss" in said and "\r" not in said
    reader.join()
    bar = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", shown[0])
    progress = r"\d+/3600 \[\d\d:\d\d<[\d:]+, +[\d.]+(?:step/s|s/step), epoch \d+, loss [\d.]+, accuracy"
    assert re.search(progress, bar), bar[-300:]


def test_a_signal_before_torch_is_there_ends_at_once(tmp_path):
    """Ctrl-C in the first seconds."""
    script = (
        "import signal; from cifar_core.cli import main, recipes\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a shell's background job ignores it
        "recipes.recipes = lambda options: signal.raise_signal(signal.SIGINT)\n"
        "raise SystemExit(main(['recipes']))"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=PROJECT_ROOT)
    assert (ended.returncode, ended.stderr) == (130, "Interrupted.\n")


def in_shell(arguments):
    command = f"set -o pipefail; {sys.executable} -m cifar_core {arguments}"
    return subprocess.run(["bash", "-c", command], cwd=PROJECT_ROOT, capture_output=True, text=True)


LOST = {"closed": ">&- 2>&-", "full": ">/dev/full 2>&1", "left": "2>&1 | head -1"}


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
@pytest.mark.parametrize("way", LOST)
def test_words_that_cannot_be_written_end_no_training(way, tmp_path):
    settings = "epochs=1 train_size=200 val_size=50 precision=fp32"
    train = (
        f"{sys.executable} -m cifar_core train --now --recipe smoke --runs-dir {tmp_path} --set {settings}"
    )
    ended = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {train} {LOST[way]}"],
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0 and "Traceback" not in ended.stdout + ended.stderr
    (run,) = (run for run in RunStore(tmp_path).list() if not run.shipped)
    assert run.status().state == "finished"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
@pytest.mark.parametrize(("way", "code"), [("closed", 0), ("full", 1), ("left", 0)])
def test_a_listing_that_cannot_be_written_ends_without_a_traceback(way, code):
    ended = in_shell(f"recipes {LOST[way]}")
    assert ended.returncode == code and "Traceback" not in ended.stdout + ended.stderr
    assert "Exception ignored" not in ended.stdout + ended.stderr


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
@pytest.mark.parametrize(("way", "code"), [(">/dev/full", 1), ("| true", 0)])
def test_help_that_cannot_be_written_ends_as_a_listing_does(way, code):
    assert in_shell(f"--help {way}").returncode == code


@posix
@pytest.mark.parametrize("command", ["predict", "train"])
@pytest.mark.parametrize("seconds", [0.1, 0.6, 1.2, 1.8])  # while modules are imported, torch among them
def test_ctrl_c_is_never_lost(command, seconds, tmp_path):
    picture = PROJECT_ROOT / "demo/classify/examples/dog.jpg"
    what = {
        "predict": ["predict", str(picture)],
        "train": ["train", "--now", "--recipe", "smoke", "--runs-dir", str(tmp_path), "--set", "epochs=1000"],
    }[command]
    with subprocess.Popen(
        [*CLI, *what],
        cwd=PROJECT_ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # as in a terminal
    ) as process:
        time.sleep(seconds)
        before, sent = process.poll(), time.monotonic()
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    if "Traceback" in said and str(PROJECT_ROOT / "cifar_core") not in said:
        pytest.skip("a busy machine: Python itself had not come to our first line")
    assert "Traceback" not in said
    is_done = command == "predict" and (before == 0 or time.monotonic() - sent < 0.3)  # it was leaving
    assert process.returncode in (130, -signal.SIGINT, *[0] * is_done)
