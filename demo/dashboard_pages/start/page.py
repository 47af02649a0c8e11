"""Three ways into the lab: learn, train, look inside; above them a run that is under way."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import streamlit as st

from cifar_core.recipes import FIRST_LOOK
from cifar_core.runs.store import RunStore
from demo.dashboard_pages import NAME
from demo.shared.drawings import DRAWINGS
from demo.shared.palette import ACCENT, CURVE_INK, RUN_COLORS, on_both
from demo.shared.pictures import bar_parts, data_uri
from demo.widgets.chart import load_ahead
from demo.widgets.panels import show_link, tighten_page
from demo.widgets.queue import show_queue

INTRODUCTION = (
    "Train small image classifiers, watch them learn, and look inside them: ten kinds of small photos, on "
    "one GPU or on the two cores of a laptop."
)
FIGURE = "height:72px;display:flex;gap:8px;align-items:stretch"
MIXES = ((0.7, 0.2, 0.1), (0.3, 0.5, 0.2), (0.1, 0.3, 0.6), (0.2, 0.15, 0.65))
LOOK = (
    "[class*=st-key-door] a { border: 1px solid currentColor; padding: .45rem .9rem } "
    f"[class*=st-key-door] a, [class*=st-key-door] a * {{ color: {on_both(ACCENT)}; font-weight: 600 }}"
)


@dataclass(frozen=True)
class Door:
    """A way in: what waits behind it, the page that it opens, and one more for those who know the way."""

    title: str
    words: str
    page: str
    label: str
    other_page: str
    other_label: str
    query: Mapping[str, str] = field(default_factory=dict)


DOORS = (
    Door(
        "Learn in ten minutes",
        "Seven steps from the pictures to a network of your own: one idea, one thing to do and one thing to "
        "notice in each.",
        "learn",
        "Start the tour",
        "basics",
        "The basics, with their formulas",
    ),
    Door(
        "Train a network",
        "Choose a recipe, change what you like, press one button. The curves move while it learns, and it "
        "can be paused, stopped and resumed.",
        "train",
        "Choose a recipe",
        "train",
        "A first look, one minute",
        {"recipe": FIRST_LOOK},
    ),
    Door(
        "Look inside a trained network",
        "One is here already. See how it mixes its kernels for each picture, what it confuses, and whether "
        "its probabilities can be believed.",
        "mixing",
        "See how it mixes",
        "try_network",
        "Try it on pictures",
    ),
)


def curve_figure() -> str:
    """A curve that rises and levels off, as an accuracy does."""
    points = " ".join(f"{x},{66 - 60 * (1 - 0.965**x):.1f}" for x in range(0, 160, 4))
    drawing = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 160 72" fill="none">'
        f'<path d="M1 0V71H160" stroke="{CURVE_INK}"/>'
        f'<polyline points="{points}" stroke="{RUN_COLORS[4]}" stroke-width="3"/></svg>'
    )
    return f'<img alt="" src="data:image/svg+xml;base64,{base64.b64encode(drawing.encode()).decode()}">'


def pictures_figure() -> str:
    """A few of the drawings."""
    pictures = [data_uri(np.asarray(draw())) for draw in list(DRAWINGS.values())[:4]]
    return "".join(
        f'<img alt="" src="{picture}" style="height:72px;border-radius:4px">' for picture in pictures
    )


def mixes_figure() -> str:
    """Blocks that mix three kernels each, as stacked bars."""
    look = "display:flex;flex-direction:column;width:32px;border-radius:3px;overflow:hidden"
    return "".join(f'<div style="{look}">{bar_parts(mix, numbered=False)}</div>' for mix in MIXES)


FIGURES = {"learn": pictures_figure, "train": curve_figure, "mixing": mixes_figure}


def show_door(door: Door) -> None:
    """The figure says by itself what the heading says, so it is hidden from those who hear the page."""
    st.html(f'<div aria-hidden="true" style="{FIGURE}">{FIGURES[door.page]()}</div>')
    st.header(door.title, anchor=False)
    st.write(door.words)
    with st.container(key=f"door-{door.page}"):
        show_link(door.page, door.label)
    show_link(door.other_page, door.other_label, **door.query)


def show_page() -> None:
    """The doors; the address of a recipe, which once was on this page, leads on to Train."""
    if recipe := st.query_params.get("recipe"):
        st.switch_page("dashboard_pages/train/page.py", query_params={"recipe": recipe})
    st.title(NAME, anchor=False)
    st.write(INTRODUCTION)
    show_queue(RunStore())
    st.html(f"<style>{LOOK}</style>")
    for column, door in zip(st.columns(len(DOORS), gap="large"), DOORS, strict=True):
        with column:
            show_door(door)
    load_ahead()


tighten_page()
show_page()
