"""What every test may count on: a safe environment, the real CIFAR-10 where there is one, and a browser."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

SAFE_ENVIRONMENT = {
    "GRADIO_ANALYTICS_ENABLED": "False",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "STREAMLIT_BROWSER_GATHER_USAGE_STATS": "false",
}
CHROMIUM_ARGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
CHROMIUM_ARGS += ["--use-fake-device-for-media-stream"]  # a stand-in for a camera

users_data, users_cache = os.environ.get("CIFAR_DATA"), os.environ.get("CIFAR_LAB_CACHE")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs the real data as slow; begin with the file that takes longest."""
    for item in items:
        if "real_data_dir" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.slow)
    items.sort(key=lambda item: item.path.name != "test_shipped.py")


def pytest_configure() -> None:
    """Set, before any test file is imported, what this process and those that the tests start go by."""
    os.environ.update(SAFE_ENVIRONMENT)
    for name in ("HF_HUB_OFFLINE", "PYTHONUNBUFFERED"):  # a full disk shows itself only to who buffers
        os.environ.pop(name, None)
    if "PYTEST_XDIST_WORKER" in os.environ:
        # One thread each: workers that all start a thread per core slow each other down several times.
        os.environ["OMP_NUM_THREADS"] = "1"


@pytest.fixture(scope="session", autouse=True)
def toy_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Hide the user's data and cache, so that no test reads or fills them by accident."""
    folder = tmp_path_factory.mktemp("cifar10-lab-cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("CIFAR_DATA", raising=False)
        patch.setenv("CIFAR_LAB_CACHE", str(folder))
        yield folder


@pytest.fixture
def real_data_dir(monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of the real CIFAR-10; its decoded form stays in the user's own cache."""
    if not users_data:
        pytest.skip("needs the real CIFAR-10: set CIFAR_DATA to its folder")
    folder = Path(users_data).resolve()
    if not folder.exists():
        pytest.fail(f"CIFAR_DATA is {users_data!r}, and there is no such folder: set it right, or unset it")
    if users_cache:
        monkeypatch.setenv("CIFAR_LAB_CACHE", users_cache)
    else:
        monkeypatch.delenv("CIFAR_LAB_CACHE")
    return folder


# Not for the whole session: while it is open, asyncio.run() fails in this thread, and other tests need it.
@pytest.fixture(scope="module")
def chromium() -> Iterator:
    """Yield the system's Chromium, headless, as a `playwright.sync_api.Browser`."""
    executable = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if executable is None:
        pytest.skip("needs a browser: install chromium (apt-get install chromium)")
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=CHROMIUM_ARGS)
        yield browser
        browser.close()
