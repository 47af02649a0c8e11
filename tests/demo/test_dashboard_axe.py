"""Nobody is kept out: axe finds no serious fault on any page, light or dark, wide or narrow."""

import pytest

from cifar_core.data.synthetic import SHAPE_NAMES
from tests.support.dashboard_server import ADDRESSES, SETTLED
from tests.support.fake_runs import make_run
from tests.support.toy_checkpoints import save_toy

LOOKS = (("light", 1280), ("light", 390), ("dark", 390), ("dark", 1280))
KNOWN = {  # faults of Streamlit's own that cannot be mended from here: (rule, place) -> why
    ("scrollable-region-focusable", "pre"): "st.code scrolls a long line in a box that takes no focus",
}
MENU = "[data-testid=stSidebarNav]"
MENU_RULES = ("list", "listitem")  # in it Streamlit puts the links of a group into a div between ul and li
STILL = "document.getAnimations().every(one => one.playState !== 'running')"  # Streamlit fades in what is new
THEME = "theme => getComputedStyle(document.querySelector('[data-testid=stApp]')).colorScheme === theme"

pytestmark = [pytest.mark.timeout(300), pytest.mark.slow]  # seconds


@pytest.fixture(scope="module")
def axe():
    """The rules of axe-core; `run` applies them to a page."""
    return pytest.importorskip("axe_playwright_python.sync_playwright").Axe()


@pytest.fixture(scope="module")
def run(served_store):
    """A finished run whose network mixes; its pictures are the drawn set."""
    made = make_run(served_store, recipe="smoke")
    save_toy(made.best_checkpoint, class_names=list(SHAPE_NAMES), config=made.config().to_json())
    return made


def serious_faults(axe, tab) -> list[str]:
    """Each serious or critical fault of the page as it stands: rule, place, what is wrong."""
    found = axe.run(tab, options={"resultTypes": ["violations"]}).response["violations"]
    return [
        f"{fault['id']} at {node['target']}: {node['failureSummary']}"
        for fault in found
        if fault["impact"] in ("serious", "critical")
        for node in fault["nodes"]
        if (fault["id"], node["target"][-1]) not in KNOWN
        and not (fault["id"] in MENU_RULES and in_menu(tab, node["target"][-1]))
    ]


def in_menu(tab, place: str) -> bool:
    """Whether what axe names so is a part of Streamlit's menu for phones."""
    return tab.locator(place).first.evaluate("(one, menu) => Boolean(one.closest(menu))", MENU)


@pytest.mark.parametrize("page", ADDRESSES)
def test_axe_finds_no_serious_fault(axe, run, address, tab, page):
    tab.emulate_media(color_scheme="light", reduced_motion="reduce")
    tab.goto(address + ADDRESSES[page].format(run=run.id))
    tab.locator("h1").first.wait_for()
    for theme, width in LOOKS:
        tab.emulate_media(color_scheme=theme)
        tab.set_viewport_size({"width": width, "height": 900})
        tab.wait_for_function(THEME, arg=theme)
        tab.wait_for_function(SETTLED)
        tab.wait_for_timeout(200)
        tab.wait_for_function(f"{SETTLED} && {STILL}")
        assert not serious_faults(axe, tab), f"{theme}, {width} pixels wide"


def test_axe_would_find_one(axe, tab):
    tab.set_content("<html lang=en><title>t</title><main><img src='x.png'></main></html>")
    assert any("image-alt" in fault for fault in serious_faults(axe, tab))
