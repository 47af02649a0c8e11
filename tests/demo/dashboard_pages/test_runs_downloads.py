"""What a run gives away: archive and events as they are, the ONNX file of a process that may fail."""

import io
import json
import sys
import time
import zipfile

import pytest

from cifar_core.checkpoint import check_checkpoint
from cifar_core.runs.archive import bring_in
from cifar_core.runs.store import RunStore
from demo.dashboard_pages.runs import downloads as subject
from demo.dashboard_pages.runs.downloads import (
    checkpoint_archive,
    events_of,
    export_command,
    export_path,
    has_checkpoint,
    start_export,
    whole_run,
)
from tests.support.fake_runs import make_run
from tests.support.page_tests import button, buttons, page, words
from tests.support.toy_checkpoints import save_toy


@pytest.fixture
def run(store, monkeypatch):
    monkeypatch.setattr(subject, "_exports", {})
    run = make_run(store)
    save_toy(run.best_checkpoint)
    return run


def does(monkeypatch, program):
    """Let the export be this Python program, with the file as its argument."""
    command = [sys.executable, "-c", program]
    monkeypatch.setattr(subject, "export_command", lambda run, output: [*command, str(output)])


def wait(run):
    (export,) = subject._exports.values()
    export.process.wait(60)


def downloads(app):
    return [item.proto.label for item in app.get("download_button")]


def test_the_file_is_made_and_offered(run, monkeypatch):
    does(monkeypatch, "import sys, pathlib; pathlib.Path(sys.argv[1]).write_bytes(b'graph')")
    app = page("runs", runs=run.id)
    assert "ONNX" not in downloads(app)
    button(app, "Export to ONNX").click().run()
    wait(run)
    app = page("runs", runs=run.id)
    assert "ONNX" in downloads(app) and "Export to ONNX" not in buttons(app)
    assert export_path(run).read_bytes() == b"graph"


def test_while_it_is_made_the_page_says_so(run, monkeypatch):
    does(monkeypatch, "import time; time.sleep(60)")
    app = page("runs", runs=run.id)
    button(app, "Export to ONNX").click().run()
    assert subject.BEING_MADE in words(app) and "Export to ONNX" not in buttons(app)
    (export,) = subject._exports.values()
    export.process.kill()
    export.process.wait()


def test_what_failed_is_said_and_can_be_tried_again(run, monkeypatch):
    does(monkeypatch, "print('loading'); raise SystemExit('error: ONNX needs onnx: pip install onnx.')")
    button(page("runs", runs=run.id), "Export to ONNX").click().run()
    wait(run)
    app = page("runs", runs=run.id)
    assert "ONNX needs onnx: pip install onnx." in words(app) and "error:" not in words(app)
    assert "Export to ONNX" in buttons(app)


def test_better_weights_have_a_file_of_their_own(run):
    before = export_path(run)
    time.sleep(0.01)
    save_toy(run.best_checkpoint, seed=1)
    assert export_path(run) != before


def test_the_command_is_one_that_exists(run, tmp_path):
    from cifar_core.cli.main import build_parser

    options = build_parser().parse_args(export_command(run, tmp_path / "x.onnx")[3:])
    assert options.output == tmp_path / "x.onnx" and options.checkpoint == str(run.best_checkpoint)


def test_a_process_is_started_in_the_project(run, tmp_path, monkeypatch):
    does(monkeypatch, "import cifar_core, os; print(os.environ['OMP_NUM_THREADS'])")
    export = start_export(run, tmp_path / "deep" / "x.onnx")
    assert export.process.wait(60) == 0
    assert export.log.read_text() == "1\n" and export.trouble == ""


def test_on_a_public_host_nothing_is_started(run, monkeypatch):
    monkeypatch.setenv("CIFAR_LAB_PUBLIC", "1")
    assert "Export to ONNX" not in buttons(page("runs", runs=run.id))


def test_a_checkpoint_comes_as_an_archive_that_can_be_used(store, tmp_path):
    from cifar_core.inference.classifier import Classifier

    run = make_run(store)
    assert not has_checkpoint(run)
    save_toy(run.best_checkpoint)
    with zipfile.ZipFile(io.BytesIO(checkpoint_archive(run))) as archive:
        assert archive.testzip() is None
        archive.extractall(tmp_path / "unpacked")
    folder = tmp_path / "unpacked" / run.id
    assert sorted(path.name for path in folder.iterdir()) == [
        "card.json",
        "config.json",
        "weights.safetensors",
    ]
    assert Classifier.load(folder, device="cpu").class_names
    assert len(downloads(page("runs", runs=run.id))) == 3


def test_a_whole_run_comes_as_an_archive_that_is_brought_in_again(store, tmp_path, monkeypatch):
    run = make_run(store)
    came = bring_in(RunStore(tmp_path / "other"), io.BytesIO(whole_run(run)), check_checkpoint)
    assert came.events() == run.events()
    assert "Whole run" in downloads(page("runs", runs=run.id))
    monkeypatch.setenv("CIFAR_LAB_PUBLIC", "1")  # its log and note are nobody's business there
    assert "Whole run" not in downloads(page("runs", runs=run.id))


def test_events_come_whole(store):
    run = make_run(store)
    with open(run.path / "events.jsonl", "a") as file:
        file.write('{"type": "st')
    lines = events_of(run).decode().splitlines()
    assert [json.loads(line)["type"] for line in lines][-1] == "end" and len(lines) == len(run.events())
    (run.path / "events.jsonl").unlink()
    assert events_of(run) == b""
