"""The page's server: health, a line with an end, an orderly end, and what a crowd meets."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import gradio as gr
import httpx
import pytest

from cifar_core.files import PROJECT_ROOT
from demo import app
from demo.classify.answers import Answers
from demo.classify.gate import CLOSING
from demo.classify.server import HEALTH, Service, ServingError, keep_no_statistics, launch_options
from tests.support.classify_caller import Caller
from tests.support.hostile_uploads import quarters, saved
from tests.support.ports import free_port
from tests.support.toy_checkpoints import save_toy
from tests.tools.load import Report, crowd, measure, served

PICTURE = saved(quarters(), "PNG")


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    demo = app.build_demo(str(save_toy(tmp_path / "toy.v1")))
    service = Service(demo, launch_options("127.0.0.1", free_port()))
    yield service
    service.demo.close(verbose=False)


def test_gradio_keeps_no_statistics(monkeypatch: pytest.MonkeyPatch) -> None:
    records = [{"function": "f", "status": "success", "process_time": 1.0}]
    for name in ("GRADIO_ANALYTICS_MAX_EVENTS", "GRADIO_ANALYTICS_CACHE_FREQUENCY"):
        monkeypatch.setenv(name, "")  # put back afterwards
        monkeypatch.delenv(name)
    for most, wanted in ((None, {"f"}), (1, set())):
        if most:
            keep_no_statistics()
        queue = gr.Blocks()._queue
        queue.events_recorded += 5
        assert set(queue.compute_analytics_summary(records)["functions"]) == wanted
    assert queue.ANALYTICS_MAX_EVENTS == 1


def test_health_and_the_end(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer under way when the page is told to end still comes; new ones are refused in a sentence."""
    caller = Caller(service.url)
    assert caller.http.get(HEALTH).json() == {"status": "ok", "waiting": 0}
    payload, begun, may_end = caller.sent(PICTURE), threading.Event(), threading.Event()
    predict = Answers.to_pictures

    def slow(*arguments, **options):
        begun.set()
        may_end.wait(15)
        return predict(*arguments, **options)

    monkeypatch.setattr(Answers, "to_pictures", slow)
    got: list = []
    asking = threading.Thread(target=lambda: got.append(caller.classify(payload)))
    asking.start()
    assert begun.wait(60)
    closing = threading.Thread(target=service.close)
    closing.start()
    while not service.app.state.closing:
        time.sleep(0.01)
    health = httpx.get(f"{service.url.rstrip('/')}{HEALTH}")
    assert health.status_code == 503 and health.json()["status"] == "closing"
    late = httpx.post(f"{service.url}gradio_api/call/classify", json={"data": [payload]})
    assert (late.status_code, late.json()["detail"]) == (503, CLOSING)
    may_end.set()
    asking.join(60)
    closing.join(60)
    caller.http.close()
    ((kind, parts),) = got
    assert kind == "complete" and parts[3]["top"]


@pytest.mark.slow
def test_a_crowd_gets_answers_or_the_sentence_that_the_line_is_full(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    predict, report = Answers.to_pictures, Report()

    def once_somebody_is_refused(*arguments, **options):
        while not report.met["full"]:
            time.sleep(0.01)
        return predict(*arguments, **options)

    monkeypatch.setattr(Answers, "to_pictures", once_somebody_is_refused)
    asyncio.run(crowd(service.url, 80, report))
    assert set(report.met) == {"answer", "full"} and sum(report.met.values()) == 80
    assert report.met["answer"] >= 20


def test_the_full_line_is_told_to_programs_too(service: Service) -> None:
    service.demo._queue.max_size = 0
    refused = httpx.post(f"{service.url}gradio_api/call/models", json={"data": []})
    assert refused.status_code == 503 and "full" in refused.json()["detail"]


def test_mcp_without_its_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(ServingError, match="gradio\\[mcp\\]"):
        launch_options("127.0.0.1", None, mcp=True)


def test_closed_unless_it_is_asked_for() -> None:
    assert launch_options("127.0.0.1", None)["mcp_server"] is False
    assert app._parser().parse_args([]).mcp is False


@pytest.mark.slow
@pytest.mark.timeout(240)
@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_a_few_visitors_of_the_real_page(tmp_path: Path) -> None:
    """The load script's short version: everybody is answered, and memory stays in bounds."""
    with served(None) as page:
        assert page.start_seconds > 0
        report = asyncio.run(measure(page.url, people=4, seconds=3, process=page.process))
        os.kill(page.process, signal.SIGTERM)
    figures = report.to_json()
    assert set(figures["met"]) == {"answer"} and figures["met"]["answer"] >= 4
    if report.memory_mb[0]:
        assert report.memory_mb[-1] < 1500 and report.memory_mb[-1] < report.memory_mb[0] + 200


@pytest.mark.slow
@pytest.mark.timeout(240)
@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize("is_there", [False, True], ids=["before it opens", "as soon as it answers"])
def test_told_to_end_it_leaves_nothing(is_there: bool, tmp_path: Path) -> None:
    port, temporary = free_port(), tmp_path / "tmp"
    temporary.mkdir()
    command = [sys.executable, str(PROJECT_ROOT / "demo" / "app.py"), "--port", str(port)]
    network = ["--checkpoint", str(save_toy(tmp_path / "toy.v1"))]
    with subprocess.Popen([*command, *network], env={**os.environ, "TMPDIR": str(temporary)}) as page:
        while not (answers(port) if is_there else list(temporary.glob("cifar10-lab-uploads-*/files"))):
            assert page.poll() is None
            time.sleep(0.005)
        page.terminate()
    assert page.returncode == 0 and not list(temporary.glob("cifar10-lab-uploads-*"))


def answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}{HEALTH}").status_code == 200
    except httpx.TransportError:
        return False
