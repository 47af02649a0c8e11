"""The whole road of own classes in a real browser: make a set, drop pictures, train, try, delete."""

import io
import re

import numpy as np
import pytest
from PIL import Image, ImageDraw

from cifar_core.data.own_pictures import create_set, own_sets
from tests.support.dashboard_server import SETTLED

pytestmark = [pytest.mark.timeout(300), pytest.mark.slow]  # seconds
PICTURES = 12


def drawn(name, seed):
    """A made picture: a red disk or a blue square somewhere on noise."""
    generator = np.random.default_rng(seed)
    image = Image.fromarray(generator.integers(0, 120, (96, 96, 3), np.uint8))
    left, top = generator.integers(5, 40, 2).tolist()
    draw, place = ImageDraw.Draw(image), (left, top, left + 45, top + 45)
    if name == "Kreis":
        draw.ellipse(place, fill="red")
    else:
        draw.rectangle(place, fill="blue")
    file = io.BytesIO()
    image.save(file, "JPEG")
    return {"name": f"{name}{seed}.jpg", "mimeType": "image/jpeg", "buffer": file.getvalue()}


def settle(tab):
    tab.wait_for_timeout(300)
    tab.wait_for_function(SETTLED)


def test_pictures_are_dropped_learned_and_deleted(served_store, address, tab):
    tab.goto(f"{address}/your-own-classes")
    tab.get_by_label("What shall the new set be called?").fill("Shapes")
    tab.get_by_role("button", name="Make the set").click()
    for name in ("Kreis", "Quadrat"):
        tab.get_by_label(re.compile("^(A class|Another class)")).fill(name)
        tab.get_by_role("button", name="Add the class").click()
        tab.get_by_role("heading", name=f"{name}: 0 pictures").wait_for()
    for place, name in enumerate(("Kreis", "Quadrat")):
        settle(tab)
        files = [drawn(name, 100 * place + seed) for seed in range(PICTURES)]
        tab.locator("input[type=file]").nth(place).set_input_files(files)
        tab.get_by_role("heading", name=f"{name}: {PICTURES} pictures").wait_for()
    settle(tab)
    tab.get_by_test_id("stMain").get_by_role("button", name="Train", exact=True).click()
    tab.get_by_text(re.compile("Finished after")).first.wait_for(timeout=200_000)
    run = next(run for run in served_store.list() if run.config().recipe == "own_classes")
    assert run.config().classes == ("Kreis", "Quadrat")
    tab.goto(f"{address}/try?run={run.id}")
    tab.get_by_text(re.compile("of all .* pictures right")).wait_for()
    tab.goto(f"{address}/your-own-classes")
    tab.get_by_role("heading", name="3. Use it").wait_for()
    tab.get_by_text("Delete this set").click()
    tab.get_by_role("button", name="Delete Shapes now").click()
    tab.get_by_label("What shall the new set be called?").wait_for()
    assert own_sets(served_store.root) == [] and not (run.path / "pictures.json").exists()


def test_pictures_are_taken_as_long_as_a_button_is_held(served_store, address, chromium):
    context = chromium.new_context(viewport={"width": 390, "height": 844}, permissions=["camera"])
    tab = context.new_page()
    one = create_set(served_store.root, "Taken")
    one.add_class("lamp")
    tab.goto(f"{address}/your-own-classes?set=Taken")
    tab.get_by_role("tab", name="Take pictures").click()
    tab.get_by_text("Camera", exact=True).click()
    button = tab.get_by_role("button", name="Hold to take pictures of lamp")
    tab.get_by_text("Four pictures a second").wait_for()
    button.hover()
    tab.mouse.down()
    tab.get_by_text("4 taken").wait_for()
    tab.mouse.up()
    tab.get_by_role("heading", name=re.compile("lamp: [4-9] pictures")).wait_for()
    before = len(one.classes()["lamp"])
    settle(tab)
    button.focus()
    tab.keyboard.down("Space")
    tab.get_by_text("2 taken").wait_for()
    tab.keyboard.up("Space")
    tab.get_by_role("heading", name=re.compile("lamp: ([6-9]|1[0-9]) pictures")).wait_for()
    taken = one.classes()["lamp"]
    assert len(taken) > before
    with Image.open(taken[0]) as image:
        assert image.width == image.height >= 240 and len(image.getcolors(2**20)) > 2
    context.close()
    one.delete()
