"""The classify page in a real browser: `python demo/app.py` from another folder, as a stranger meets it."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from PIL import Image

from cifar_core.images import fit_square
from cifar_core.paths import PROJECT_ROOT
from demo.answer_view import inside_html
from demo.drawings import DRAWINGS
from tests.hostile_uploads import UPLOADS, quarters, saved
from tests.toy_checkpoints import save_toy

pytest.importorskip("playwright.sync_api", reason="needs playwright: pip install -r tests/requirements.txt")
from playwright.sync_api import Browser, Page, expect

pytestmark = pytest.mark.timeout(240)  # starting the server takes 10 s, and much longer on a busy machine
PHONE, DESK = {"width": 390, "height": 844}, {"width": 1280, "height": 900}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def server(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The page's address; the server runs in a folder of its own and is ended as an operator ends it."""
    folder = tmp_path_factory.mktemp("somewhere")
    save_toy(folder / "toy.v1")
    (folder / "tmp").mkdir()
    command = [sys.executable, str(PROJECT_ROOT / "demo" / "app.py"), "--port", str(free_port())]
    process = subprocess.Popen(
        [*command, "--checkpoint", "toy.v1", "--public"],
        cwd=folder,
        env={**os.environ, "TMPDIR": str(folder / "tmp"), "SPACE_ID": ""},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with process:
        assert process.stdout
        first = process.stdout.readline()
        assert first.startswith("Classify page: http"), first + process.stdout.read()
        yield first.split()[2]
        process.send_signal(signal.SIGTERM)
        rest = process.stdout.read()
    assert process.returncode == 0 and "Traceback" not in rest, rest
    assert not list((folder / "tmp").glob("cifar10-lab-uploads-*")), "uploads were left behind"


@contextmanager
def opened(browser: Browser, server: str, viewport: dict[str, int]) -> Iterator[Page]:
    """The page, answered; fails where it reports an error or asks another machine for anything."""
    context = browser.new_context(viewport=viewport)
    page = context.new_page()
    foreign: list[str] = []
    errors: list[str] = []
    page.on("request", lambda one: foreign.append(one.url) if not is_local(one.url, server) else None)
    page.on("console", lambda one: errors.append(one.text) if one.type == "error" else None)
    page.on("pageerror", lambda one: errors.append(str(one)))
    page.goto(server)
    expect(page.locator(".answer h2")).to_be_visible(timeout=30_000)
    yield page
    context.close()
    assert not foreign and not errors


@pytest.fixture(scope="module")
def page(chromium: Browser, server: str) -> Iterator[Page]:
    """One open page for the tests on a wide screen; each starts where the one before has left it."""
    with opened(chromium, server, DESK) as page:
        yield page


def is_local(url: str, server: str) -> bool:
    return url.startswith((server, "data:", "blob:"))


def send(page: Page, data: bytes, name: str) -> None:
    """Choose a file, after the picture that is there has been taken away."""
    remove = page.get_by_label("Remove Image")
    if remove.count():
        remove.click()
        expect(page.locator(".problem")).to_contain_text("Choose a picture")
    chosen = {"name": name, "mimeType": "image/png", "buffer": data}
    page.locator("input[type=file]").first.set_input_files(files=[chosen])


def expect_seen(page: Page, picture: Image.Image) -> None:
    """Wait until the page shows `picture` as the network sees it, to the last pixel."""
    found = re.search(r'src="(data:[^"]+)"', inside_html(np.asarray(fit_square(picture)), {}))
    assert found
    expect(page.locator(".inside img")).to_have_attribute("src", found[1])


@pytest.mark.parametrize("viewport", [PHONE, DESK], ids=["phone", "desk"])
def test_the_first_screen_shows_an_answer_and_nothing_sticks_out(
    viewport: dict[str, int], chromium: Browser, server: str
) -> None:
    with opened(chromium, server, viewport) as page:
        expect_seen(page, next(iter(DRAWINGS.values()))())
        box = page.locator(".verdict").bounding_box()
        assert box and box["y"] + box["height"] <= viewport["height"]
        assert page.locator(".answer li").count() == 5
        assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]


def test_an_upload_is_answered_and_a_bad_one_gets_its_sentence(page: Page) -> None:
    send(page, saved(quarters(), "PNG"), "mine.png")
    expect(page.locator(".answer h2")).to_be_visible()
    expect_seen(page, quarters())
    for name, file in (("an SVG drawing", "a.svg"), ("PNG, half of it missing", "b.png")):
        (upload,) = [upload for upload in UPLOADS if upload.name == name]
        send(page, upload.data, file)
        expect(page.locator(".problem")).to_contain_text(upload.sentence)
        expect(page.locator(".toast-body")).to_have_count(0)


def test_a_drawing_is_chosen_with_the_keyboard(page: Page) -> None:
    page.get_by_role("button", name="Drawing: ship").focus()
    page.keyboard.press("Enter")
    expect_seen(page, DRAWINGS["ship"]())


def test_the_facts_unfold_with_the_keyboard(page: Page) -> None:
    fold = page.get_by_role("button", name="About this network")
    fold.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".facts")).to_contain_text("recipe smoke, 2 epochs, seed 3")


def test_every_button_and_picture_has_a_name(page: Page) -> None:
    expect(page.get_by_role("button", name="Drawing: ")).to_have_count(len(DRAWINGS))
    nameless = """[...document.querySelectorAll("main button, main img")].filter((one) => one.offsetParent
        && !(one.innerText || one.ariaLabel || one.alt || one.closest("button[aria-label]")))"""
    assert page.evaluate(f"{nameless}.map((one) => one.outerHTML)") == []
