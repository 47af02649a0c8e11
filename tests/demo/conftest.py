"""What the tests of the dashboard share: a store without any run, processes in name only, a server's tab."""

from collections.abc import Iterator

import pytest

from cifar_core.runs.store import RunStore
from tests.support.dashboard_server import serve

PATIENCE_MS = 60_000  # the first page of a fresh server on a busy machine


@pytest.fixture(autouse=True, scope="session")
def no_late_preload():
    """Nothing is loaded behind a test's back: a process that ends meanwhile could crash."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("demo.widgets.preload.FOR_NETWORKS", ())
        patch.setattr("demo.widgets.preload.QUIET_SECONDS", 0.0)
        yield


@pytest.fixture
def store(tmp_path, monkeypatch):
    """An empty store; no shipped runs, no data folder, no kept speeds, no measuring, not a public host."""
    monkeypatch.setenv("CIFAR_LAB_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("CIFAR_LAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("demo.widgets.training_time._measuring", {})
    monkeypatch.setattr("demo.widgets.training_time.PATIENCE_SECONDS", 1e9)
    for name in ("SPACE_ID", "CIFAR_LAB_PUBLIC", "CIFAR_DATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("cifar_core.runs.store.checkpoints_dir", lambda: tmp_path / "shipped")
    monkeypatch.setattr("demo.widgets.networks.checkpoints_dir", lambda: tmp_path / "shipped")
    monkeypatch.setattr("demo.shared.stated_results.checkpoints_dir", lambda: tmp_path / "shipped")
    return RunStore()


@pytest.fixture
def launched(monkeypatch):
    """Runs that the pages start, in place of processes."""
    started = []
    for where in ("cifar_core.runs.launch.launch", "demo.dashboard_pages.live.head.launch"):
        monkeypatch.setattr(where, started.append)
    return started


@pytest.fixture(scope="module")
def served_store(tmp_path_factory) -> RunStore:
    """The store of the dashboard at `address`."""
    return RunStore(tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="module")
def address(served_store, tmp_path_factory) -> Iterator[str]:
    """Where a dashboard runs in a process of its own."""
    with serve(served_store.root, tmp_path_factory.mktemp("elsewhere")) as found:
        yield found


@pytest.fixture
def tab(chromium) -> Iterator:
    """An empty page of a browser, as a `playwright.sync_api.Page`."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(PATIENCE_MS)
    yield context.new_page()
    context.close()
