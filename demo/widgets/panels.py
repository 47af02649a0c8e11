"""Small pieces that several pages draw: a chart with its words, a row of facts, a run's name and state."""

import html
from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import quote

import streamlit as st

from demo.shared.format import STATE_TEXT, isolated
from demo.shared.palette import SEEN, STATE_COLORS, on_both

ON, BACK = ":material/arrow_forward:", ":material/arrow_back:"
FROM_BELOW = "from_below"  # in the session: a button far down led to this page
FACTS = "display:flex;flex-wrap:wrap;gap:.4rem 2rem;margin:0;padding:0"
PAGE_LOOK = (
    ".stMainBlockContainer { padding-top: 4rem } "
    "[data-testid^=stBaseButton-primary]:enabled { color: light-dark(#FFFFFF, #000000) } "
    # on a phone this button holds the whole menu, behind two arrows that say nothing of it
    "[data-testid=stExpandSidebarButton]::after { content: 'CIFAR-10 Lab: menu'; font-weight: 600; "
    "margin-left: .4rem; white-space: nowrap; color: light-dark(#111827, #FFFFFF) } "
    "[data-testid=stExpandSidebarButton] { width: auto; padding: 0 .5rem } "
    # where the keyboard is: Streamlit's own ring is a pale shadow, and on some parts there is none
    ":focus-visible { outline: 3px solid light-dark(#111827, #FFFFFF) !important; "
    "outline-offset: 2px; border-radius: 4px }"
)
# Streamlit fades what is older than the script that runs: on a page that looks for news by itself this would
# make a browser paint, for nothing, about as much as all else on it.
STILL_LOOK = "[data-testid=stElementContainer] { opacity: 1 !important; transition: none !important }"
NO_BREAK = "\N{NO-BREAK SPACE}"
KEY = "display:inline-block;width:1.6rem;vertical-align:middle;margin-right:.4rem"
FACT_LABEL = "margin:0;padding:0;font-size:.8rem;opacity:.7"
FACT_VALUE = "margin:0;padding:0;font-variant-numeric:tabular-nums;overflow-wrap:anywhere"


def tighten_page(still: bool = False) -> None:
    """Less empty space above the title, so that the page's main button is in sight on a laptop.

    On a dark page Streamlit's white letters could not be read on the light blue of a primary button.
    still: nothing fades while the page is drawn anew.
    """
    st.html(f"<style>{PAGE_LOOK} {STILL_LOOK if still else ''}</style>")


def scroll_up() -> None:
    """Begin at the head of the page after a button far down on another one: Streamlit keeps that place."""
    if st.session_state.pop(FROM_BELOW, False):
        script = "document.querySelector('[data-testid=stMain]').scrollTo(0, 0)"
        st.html(f"<script>{script}</script>", unsafe_allow_javascript=True)


def show_table(rows: Sequence[Mapping[str, str]], links: Mapping[str, str] | None = None) -> None:
    """Rows of words, each a mapping from heading to text; drawn as they are, not as Markdown.

    links: heading -> address in front of that column's texts, which then lead there; the keyboard needs some
    in a table that scrolls.
    """
    links = links or {}
    table = [{plain(name): _cell(text, links.get(name)) for name, text in row.items()} for row in rows]
    st.table(table, hide_index=True)


def _cell(text: str, address: str | None) -> str:
    """The text as it is, as a link where an address goes before it.

    A short figure with its unit stays on one line: a phone would break "2 min 10 s" into four.
    """
    if address:
        return f"[{plain(text)}]({address}{quote(text)})"
    return plain(text.replace(" ", NO_BREAK) if text[:1].isdigit() and len(text) < 14 else text)


def show_link(page: str, label: str, icon: str = ON, **query: str) -> None:
    """A link to another page, `page` being the name of its file."""
    st.page_link(f"dashboard_pages/{page}/page.py", label=plain(label), icon=icon, query_params=query or None)


def show_head(name: str, state: str) -> None:
    """The run's name as the page's heading, with its state in words and color."""
    color, word = on_both(STATE_COLORS[state]), STATE_TEXT[state]
    st.html(
        f'<div style="display:flex;flex-wrap:wrap;gap:0 .8rem;align-items:baseline">'
        f'<h1 style="margin:0;padding:0;font-size:1.6rem">{html.escape(name)}</h1>'
        f'<strong style="color:{color}" role="status">{word}</strong></div>'
    )


def show_legend(lines: Iterable[tuple[str, Mapping[str, str | int]]]) -> None:
    """Names, each with a piece of its line (color, width, type); unlike a chart's own legend they wrap."""
    keys = "".join(
        f'<span><i style="{KEY};border-top:{style["width"]}px {style["type"]} '
        f'{on_both(str(style["color"]), SEEN)}"></i>{html.escape(name)}</span>'
        for name, style in lines
    )
    st.html(f'<div style="{FACTS}">{keys}</div>')


def show_facts(facts: Iterable[tuple[str, str]]) -> None:
    """Label and value pairs side by side; they wrap on a narrow screen."""
    cells = "".join(
        f'<div><dt style="{FACT_LABEL}">{html.escape(label)}</dt>'
        f'<dd style="{FACT_VALUE}">{html.escape(value)}</dd></div>'
        for label, value in facts
    )
    st.html(f'<dl style="{FACTS}">{cells}</dl>')


def plain(text: str) -> str:
    """Text that Markdown shows as it is."""
    return "".join(f"\\{letter}" if letter in r"\`*_[]<>$#~:|" else letter for letter in isolated(text))
