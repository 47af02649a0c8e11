"""The way through the dashboard in a real browser: menu, start, titles, headings, keyboard and phone."""

import re
from itertools import pairwise

import pytest

from demo.dashboard_pages import NAME, PAGES
from tests.support.dashboard_server import ADDRESSES, SETTLED, open_page
from tests.support.fake_runs import keep_running, make_run

PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
ANDROID = "Mozilla/5.0 (Linux; Android 14; Pixel 7) AppleWebKit/537.36 Chrome/131.0 Mobile Safari/537.36"
HEADINGS = """[...document.querySelectorAll("[data-testid=stMain] :is(h1, h2, h3, h4, h5, h6)")]
    .map(one => Number(one.tagName[1]))"""
RING = "getComputedStyle(document.activeElement)"

pytestmark = [pytest.mark.timeout(300), pytest.mark.slow]  # seconds


@pytest.fixture
def phone(chromium):
    """A tab of a small touch screen, whose browser says that it is a phone's."""
    context = chromium.new_context(user_agent=ANDROID, **PHONE)
    context.set_default_timeout(60_000)
    yield context.new_page()
    context.close()


def test_the_start_has_three_doors_and_a_run_under_way_on_top(served_store, address, tab):
    run = make_run(served_store, epochs=2, state="running")
    with keep_running(run):
        tab.goto(address)
        tab.get_by_test_id("stMain").get_by_role("link", name=re.compile("^mixing_lite")).wait_for()
        tab.get_by_role("link", name="Try it on pictures").wait_for()  # the last door's last
        tab.wait_for_function(SETTLED)
        links = tab.get_by_test_id("stMain").get_by_test_id("stPageLink-NavLink")
        ways = links.evaluate_all("all => all.map(one => new URL(one.href).pathname)")
    assert ways[0] == "/live"
    assert {"/learn", "/train", "/mixing", "/try"} <= set(ways)


def test_every_page_has_its_own_title_and_its_headings_in_order(served_store, address, tab):
    run, titles = make_run(served_store, epochs=2), set()
    for page, path in ADDRESSES.items():
        tab.goto(address + path.format(run=run.id))
        tab.locator("h1").first.wait_for()
        tab.wait_for_function(SETTLED)
        titles.add(tab.title())
        assert page in tab.title() or page == "Live"
        levels = tab.evaluate(HEADINGS)
        assert levels[0] == 1 and levels.count(1) == 1, page
        assert all(below <= above + 1 for above, below in pairwise(levels)), page
    assert len(titles) == len(PAGES)


def test_few_keys_lead_to_train_and_show_where_they_are(address, tab):
    for theme in ("light", "dark"):
        tab.emulate_media(color_scheme=theme)
        tab.goto(address)
        tab.locator("h1").first.wait_for()
        tab.wait_for_function(SETTLED)
        for _ in range(3):
            tab.keyboard.press("Tab")
            width, style = tab.evaluate(f"[{RING}.outlineWidth, {RING}.outlineStyle]")
            assert (width, style) == ("3px", "solid")
        ring, ground = tab.evaluate(f"[{RING}.outlineColor, getComputedStyle(document.body).backgroundColor]")
        assert ring != ground
        tab.keyboard.press("Enter")
        tab.keyboard.press("Enter")
        tab.wait_for_url(re.compile("/train"))


def test_a_recipes_address_from_before_the_start_page_still_leads_to_it(address, tab):
    tab.goto(f"{address}/?recipe=smoke")
    tab.wait_for_url(re.compile(r"/train\?recipe=smoke"))
    tab.get_by_role("radio", name="smoke", exact=True).wait_for(state="attached")
    assert tab.get_by_role("radio", name=re.compile("^smoke")).first.is_checked()
    open_page(tab, NAME)
    tab.wait_for_url(f"{address}/")


def test_on_a_phone_the_menu_closes_behind_a_choice_and_train_leads_to_the_head_of_the_run(address, phone):
    phone.goto(address)
    phone.get_by_test_id("stExpandSidebarButton").click()
    phone.get_by_test_id("stSidebarNav").get_by_role("link", name="Train", exact=True).click()
    phone.wait_for_url(re.compile("/train"))
    phone.wait_for_function("document.querySelector('[data-testid=stSidebar]').dataset.collapsed === 'true'")
    phone.goto(f"{address}/train?recipe=smoke")
    phone.get_by_role("button", name="Train", exact=True).click()
    phone.wait_for_url(re.compile(r"/live\?run=smoke-"))
    phone.wait_for_function("document.querySelector('[data-testid=stMain]').scrollTop === 0")
    assert phone.locator("h1").first.bounding_box()["y"] < 200
    phone.get_by_role("button", name=re.compile("^(Withdraw|Stop)$")).first.click()
