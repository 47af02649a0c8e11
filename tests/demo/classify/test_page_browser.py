"""The classify page in a real browser: `python demo/app.py` from another folder, as a stranger meets it."""

import base64
import csv
import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import numpy as np
import pytest
from PIL import Image

from cifar_core.files import DEFAULT_CHECKPOINT, PROJECT_ROOT
from cifar_core.images.crop import Crop, crop_box, cropped
from cifar_core.images.decode import fit_square
from demo.classify.examples import EXAMPLES
from demo.shared.pictures import data_uri
from tests.support.camera_pictures import RAW, STEREO, two_in_one
from tests.support.hostile_uploads import UPLOADS, quarters, saved
from tests.support.ports import free_port
from tests.support.toy_checkpoints import save_toy
from tests.support.translation import TRANSLATE, watched

pytest.importorskip("playwright.sync_api", reason="needs playwright: pip install -r tests/requirements.txt")
from axe_playwright_python import sync_playwright as axe
from playwright.sync_api import Browser, Locator, Page, expect

pytestmark = [
    pytest.mark.timeout(240),
    pytest.mark.slow,
]  # starting the server takes 10 s, and much longer on a busy machine
expect.set_options(timeout=30_000)  # milliseconds; most take a tenth of a second, but the machine may be busy
FOLDS = ("Crop and turn", "Keep or repeat this answer", "Networks", "Use via API", "What to expect")
SHOWN = ".picture .image-frame img"
WIDTH = "document.documentElement.scrollWidth"
PHONE, DESK = {"width": 390, "height": 844}, {"width": 1280, "height": 900}


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
    context = browser.new_context(viewport=viewport, accept_downloads=True)
    page = context.new_page()
    foreign: list[str] = []
    errors: list[str] = []
    page.on("request", lambda one: foreign.append(one.url) if not is_local(one.url, server) else None)
    page.on("console", lambda one: errors.append(one.text) if one.type == "error" else None)
    page.on("pageerror", lambda one: errors.append(str(one)))
    page.goto(server)
    expect(page.locator(".answer h2")).to_be_visible()
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
        expect(page.locator(".problem")).to_contain_text("Choose a picture", ignore_case=True)
    chosen = {"name": name, "mimeType": "image/png", "buffer": data}
    page.locator("input[type=file]").first.set_input_files(files=[chosen])


DROP = """(field, [name, bytes]) => {
    const files = new DataTransfer();
    files.items.add(new File([new Uint8Array(bytes)], name));
    const event = {bubbles: true, cancelable: true, dataTransfer: files};
    for (const kind of ["dragenter", "dragover", "drop"]) field.dispatchEvent(new DragEvent(kind, event));
}"""
UNKNOWN_TO_BROWSERS = {
    "IMG_1234.HEIC": (RAW["Nikon NEF"], "raw camera file (Nikon NEF)"),
    "STEREO.MPO": (two_in_one(STEREO), "holds several pictures"),
    "letter.pdf": (b"%PDF-1.7", "a PDF document"),
}


def expect_seen(page: Page, picture: Image.Image) -> None:
    """Wait until the page shows `picture` as the network sees it, to the last pixel."""
    address = data_uri(np.asarray(fit_square(picture)))
    expect(page.locator(".inside img.seen")).to_have_attribute("src", address)


@pytest.mark.parametrize("viewport", [PHONE, DESK], ids=["phone", "desk"])
def test_the_first_screen_shows_an_answer_and_nothing_sticks_out(
    viewport: dict[str, int], chromium: Browser, server: str
) -> None:
    with opened(chromium, server, viewport) as page:
        expect_seen(page, EXAMPLES[0].decoded().image)
        box = page.locator(".verdict").bounding_box()
        assert box and box["y"] + box["height"] <= viewport["height"]
        assert page.locator(".answer li").count() == 5
        assert page.evaluate(WIDTH) <= viewport["width"]
        unfold(page, *FOLDS)
        expect(page.locator(".networks")).to_be_visible()
        assert page.evaluate(WIDTH) <= viewport["width"], "with all folds open"


def test_an_upload_is_answered_and_a_bad_one_gets_its_sentence(page: Page) -> None:
    send(page, saved(quarters(), "PNG"), "mine.png")
    expect(page.locator(".answer h2")).to_be_visible()
    expect_seen(page, quarters())
    for name, file in (("an SVG drawing", "a.svg"), ("PNG, half of it missing", "b.png")):
        (upload,) = [upload for upload in UPLOADS if upload.name == name]
        send(page, upload.data, file)
        expect(page.locator(".problem")).to_contain_text(upload.sentence)
        expect(page.locator(".toast-body")).to_have_count(0)


@pytest.mark.parametrize("name", ["car", "ship"])
def test_an_example_is_chosen_with_the_keyboard(name: str, page: Page) -> None:
    (example,) = [one for one in EXAMPLES if one.name == name]
    page.get_by_role("button", name=f"Example: {name}").focus()
    page.keyboard.press("Enter")
    expect_seen(page, example.decoded().image)


def test_a_file_is_chosen_with_the_keyboard(page: Page) -> None:
    page.get_by_label("Remove Image").press("Enter")
    expect(page.locator(".problem")).to_contain_text("Choose a picture")
    with page.expect_file_chooser() as chooser:
        page.get_by_label("Drop an image file here to upload").press("Enter")
    data = saved(quarters(), "PNG")
    chooser.value.set_files([{"name": "quarters.png", "mimeType": "image/png", "buffer": data}])
    expect_seen(page, quarters())


def test_the_facts_unfold_with_the_keyboard(page: Page) -> None:
    page.locator("button.label-wrap", has_text="Networks").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".facts")).to_contain_text("recipe smoke, 2 epochs, seed 3")


def test_every_button_and_picture_has_a_name(page: Page) -> None:
    expect(page.get_by_role("button", name="Example: ")).to_have_count(len(EXAMPLES))
    nameless = """[...document.querySelectorAll("main button, main img")].filter((one) => one.offsetParent
        && !(one.innerText || one.ariaLabel || one.alt || one.closest("button[aria-label]")))"""
    assert page.evaluate(f"{nameless}.map((one) => one.outerHTML)") == []


def unfold(page: Page, *names: str) -> None:
    """Open accordions that are closed."""
    for name in names:
        button = page.locator("button.label-wrap", has_text=name)
        if "open" not in (button.get_attribute("class") or ""):
            button.click()


def push_to_its_end(slider: Locator, answer: Locator, said: str) -> None:
    """Press End until the answer says so: Gradio sets a slider just unfolded to its first value, late."""
    for _ in range(10):
        slider.press("End")
        with suppress(AssertionError):
            expect(answer).to_contain_text(said, timeout=5_000)
            return
    pytest.fail(f"The slider stays at {slider.input_value()}.")


def test_a_part_of_the_picture_is_chosen_with_the_keyboard(page: Page) -> None:
    send(page, saved(quarters(), "PNG"), "quarters.png")
    expect_seen(page, quarters())
    unfold(page, "Crop and turn")
    slider = page.get_by_label("range slider for Zoom")
    push_to_its_end(slider, page.locator(".answer"), "enlarged 8 times")
    expect_seen(page, cropped(quarters(), Crop(zoom=8)))
    page.get_by_role("button", name="Back to the whole picture").click()
    expect_seen(page, quarters())


def crop_of(page: Page) -> Crop:
    """The crop that the four sliders say."""
    unfold(page, "Crop and turn")
    sliders = ("Turn", "Zoom", "Left to right", "Top to bottom")
    return Crop(*(float(page.get_by_label(f"range slider for {name}").input_value()) for name in sliders))


def expect_framed(page: Page, size: tuple[int, int]) -> None:
    """Wait until the frame on a picture of `size` pixels is the square that the sliders say."""

    def off() -> float:
        page.wait_for_timeout(100)
        picture, frame = (page.locator(one).bounding_box() for one in (SHOWN, ".frame > div"))
        assert picture and frame
        box = crop_box(size, crop_of(page))
        scale = picture["width"] / size[0]
        found = [(frame[edge] - picture[edge]) / scale for edge in ("x", "y")] + [frame["width"] / scale]
        return max(abs(one - other) for one, other in zip(found, [*box[:2], box[2] - box[0]], strict=True))

    expect(page.locator(".frame > div")).to_be_visible()
    assert any(off() < 2 for _ in range(50)), off()


def dragged(page: Page, begin: tuple[float, float], end: tuple[float, float]) -> None:
    """Drag over the picture, between places told as shares of its width and height."""
    box = page.locator(SHOWN).bounding_box()
    assert box
    (x, y), (to_x, to_y) = (
        (box["x"] + across * box["width"], box["y"] + down * box["height"]) for across, down in (begin, end)
    )
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(to_x, to_y, steps=6)
    page.mouse.up()


def test_a_square_dragged_on_the_picture_is_what_the_network_sees(page: Page) -> None:
    picture = quarters().resize((720, 480))
    send(page, saved(picture, "PNG"), "wide.png")
    expect_seen(page, picture)
    expect_framed(page, picture.size)
    for begin, end in (((0.6, 0.2), (0.9, 0.65)), ((0.75, 0.4), (0.3, 0.7))):  # a new square; then move it
        before = page.locator(".inside img.seen").get_attribute("src")
        dragged(page, begin, end)
        expect(page.locator(".inside img.seen")).not_to_have_attribute("src", str(before))
        expect_framed(page, picture.size)
        expect_seen(page, cropped(picture, crop_of(page)))
        assert crop_of(page).zoom == pytest.approx(480 / 216, abs=0.1)
    page.get_by_label("range slider for Zoom").press("ArrowLeft")
    expect_framed(page, picture.size)
    send(page, saved(quarters(), "PNG"), "quarters.png")
    expect_seen(page, quarters())
    assert crop_of(page).whole, "a new picture begins whole"


ALL_TRANSLATED = """(text => text.length > 20 && text === text.toUpperCase())(
    document.querySelector(".answer")?.innerText ?? "")"""


def test_translated_by_the_browser_it_goes_on_answering(chromium: Browser, server: str) -> None:
    with opened(chromium, server, DESK) as page, watched(page):
        page.evaluate(TRANSLATE)
        unfold(page, "Crop and turn", "Networks")
        answers = []
        for example in (EXAMPLES[1], EXAMPLES[0], EXAMPLES[2]):
            page.locator(f"button[aria-label='Example: {example.name}']").click()
            expect_seen(page, example.decoded().image)
            page.wait_for_function(ALL_TRANSLATED)
            answers.append(page.locator(".answer").inner_text())
        send(page, saved(quarters(), "PNG"), "mine.png")
        expect_seen(page, quarters())
        page.wait_for_function(ALL_TRANSLATED)
        answers.append(page.locator(".answer").inner_text())
        assert len(set(answers)) == len(answers), "figures stand still"
        send(page, b"no picture", "b.png")
        expect(page.locator(".problem")).to_contain_text("text file", ignore_case=True)


def test_a_finger_drags_a_square_on_a_phone(chromium: Browser, server: str) -> None:
    context = chromium.new_context(viewport=PHONE, has_touch=True, is_mobile=True)
    page = context.new_page()
    page.goto(server)
    expect_framed(page, EXAMPLES[0].decoded().image.size)
    box = page.locator(SHOWN).bounding_box()
    assert box
    touch = context.new_cdp_session(page)
    for kind, share in (("Start", 0.2), ("Move", 0.4), ("Move", 0.7), ("End", None)):
        places = [] if share is None else [{edge: box[edge] + share * box["width"] for edge in ("x", "y")}]
        touch.send("Input.dispatchTouchEvent", {"type": f"touch{kind}", "touchPoints": places})
    expect(page.locator(".answer")).to_contain_text("enlarged 2 times")
    expect_framed(page, EXAMPLES[0].decoded().image.size)
    context.close()


def test_where_it_looked_is_shown_from_the_start(page: Page) -> None:
    expect(page.locator(".inside img.heatmap")).to_be_visible()


def test_a_pasted_picture_is_answered(page: Page, server: str) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=server.rstrip("/"))
    data = base64.b64encode(saved(EXAMPLES[1].decoded().image, "PNG")).decode()
    page.get_by_label("Remove Image").click()
    page.evaluate(f"""async () => {{
        const blob = await (await fetch("data:image/png;base64,{data}")).blob();
        await navigator.clipboard.write([new ClipboardItem({{"image/png": blob}})]);
    }}""")
    page.get_by_label("Paste from clipboard").click()
    expect_seen(page, EXAMPLES[1].decoded().image)


def test_the_answer_can_be_taken_away(page: Page) -> None:
    unfold(page, "Keep or repeat this answer")
    expect(page.locator(".share pre").first).to_contain_text("python -m cifar_core predict")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download as JSON").click()
    response = json.loads(download.value.path().read_text("utf-8"))
    assert response["network"] == "toy.v1" and len(response["top"]) == 5


def test_two_networks_stand_side_by_side(page: Page) -> None:
    unfold(page, "Networks")
    page.get_by_label("Compare with").click()
    page.get_by_role("option", name=DEFAULT_CHECKPOINT).click()
    expect(page.locator(".pair .answer")).to_have_count(2)
    left, right = (page.locator(".pair .answer").nth(side).bounding_box() for side in (0, 1))
    assert left and right and left["y"] == right["y"] and left["x"] + left["width"] <= right["x"]
    page.get_by_label("Compare with").click()
    page.get_by_role("option", name="no other network").click()
    expect(page.locator(".answer")).to_have_count(1)


def test_several_pictures_give_a_table_and_a_csv(page: Page) -> None:
    page.get_by_role("tab", name="Several pictures").click()
    good = {"name": "quarters.png", "mimeType": "image/png", "buffer": saved(quarters(), "PNG")}
    bad = {"name": "note.png", "mimeType": "image/png", "buffer": b"no picture"}
    page.locator(".pictures input[type=file]").set_input_files(files=[good, bad])
    expect(page.locator(".batch tbody tr")).to_have_count(2)
    expect(page.locator(".batch")).to_contain_text("This is a text file")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download as CSV").click()
    rows = list(csv.DictReader(io.StringIO(download.value.path().read_text("utf-8"))))
    assert [row["picture"] for row in rows] == ["quarters.png", "note.png"]
    assert float(rows[0]["probability_1"]) > 0 and rows[1]["error"]
    page.get_by_role("tab", name="One picture").click()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_fault(scheme: str, page: Page, server: str) -> None:
    page.goto(f"{server}?__theme={scheme}")
    expect(page.locator(".answer h2")).to_be_visible()
    unfold(page, *FOLDS)
    expect(page.locator(".networks")).to_be_visible()
    faults = []
    for tab in ("One picture", "Several pictures"):
        page.get_by_role("tab", name=tab).click()
        faults += [
            f"{one['impact']} {one['id']}: {node['html'][:200]}"
            for one in axe.Axe().run(page).response["violations"]
            if one["impact"] in ("serious", "critical")
            for node in one["nodes"]
        ]
    assert not faults, "\n".join(faults)


def test_a_camera_picture_is_answered(chromium: Browser, server: str) -> None:
    with opened(chromium, server, DESK) as page:
        page.context.grant_permissions(["camera"])
        before = page.locator(".inside img.seen").get_attribute("src")
        page.get_by_label("Remove Image").click()
        expect(page.locator(".problem")).to_be_visible()
        page.get_by_label("Capture from camera").click()
        page.locator("[title='grant webcam access']").click()
        page.wait_for_function("document.querySelector('video')?.videoWidth > 0")
        page.get_by_label("capture photo").click()
        expect(page.locator(".inside img.seen")).to_be_visible()
        assert page.locator(".inside img.seen").get_attribute("src") != before


def clear(page: Page) -> Locator:
    """Take the picture away; gives the field for another one."""
    page.get_by_label("Remove Image").click()
    expect(page.locator(".problem")).to_contain_text("Choose a picture")
    return page.locator(".picture button.upload-container")


def test_files_that_the_browser_takes_for_no_pictures_get_our_sentence(
    chromium: Browser, server: str
) -> None:
    with opened(chromium, server, DESK) as page:
        with page.expect_file_chooser() as chooser:
            clear(page).click()
        offered = (chooser.value.element.get_attribute("accept") or "").split(",")
        assert {"image/*", ".heic", ".mpo", ".dng", ".avif"} <= {*offered}
        for name, (data, sentence) in UNKNOWN_TO_BROWSERS.items():
            said = page.locator(".answer, .problem").filter(has_text=sentence)
            page.locator(".picture input[type=file]").set_input_files(files=[untyped(name, data)])
            expect(said).to_be_visible()
            clear(page).evaluate(DROP, [name, [*data]])
            expect(said).to_be_visible()
            clear(page)
        page.get_by_role("tab", name="Several pictures").click()
        files = [untyped(name, data) for name, (data, _) in UNKNOWN_TO_BROWSERS.items()]
        page.locator(".pictures input[type=file]").set_input_files(files=files)
        rows = page.locator(".batch tbody tr")
        expect(rows).to_have_count(len(files))
        for name in UNKNOWN_TO_BROWSERS:
            expect(rows.filter(has_text=name)).to_have_count(1)


def untyped(name: str, data: bytes) -> dict[str, object]:
    """A file as Playwright sends it, of which the browser knows no kind."""
    return {"name": name, "mimeType": "", "buffer": data}
