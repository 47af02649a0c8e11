"""Choose a recipe: a card for each, with its sentence, its network's size, its time here, its accuracies.

Recipes come in kinds: the project's own, those of the guided tour, those of earlier works as stated, and a
fast one for each of these.
"""

from collections.abc import Sequence

import streamlit as st

from cifar_core.estimate.speed import about
from cifar_core.recipes import FAST, LESSONS, Recipe, get_recipe, list_recipes
from cifar_core.recipes.sizes import size_of
from cifar_core.runs.summary import Summary, best_of_recipe
from demo.dashboard_pages.train.cost import known_seconds
from demo.shared.format import MULTIPLY_ADDS, amount, counted, percent
from demo.widgets.panels import plain

LAST = "last_recipe"  # of this session
KINDS = {"own": "Ours", "lesson": "Lessons", "stated": "Earlier works", "fast": "Earlier works, fast"}


def kind_of(name: str) -> str:
    """The recipe's kind, a key of KINDS; "own" also for a name that is none."""
    if name not in list_recipes() or not get_recipe(name).work:
        return "own"
    if get_recipe(name).work == LESSONS:
        return "lesson"
    return "fast" if name.endswith(FAST) else "stated"


def choose_recipe(summaries: Sequence[Summary]) -> Recipe:
    """The recipes of a kind as a list of cards, one of them chosen; URL and session hold the choice."""
    st.header("1. Recipe")
    kind = st.segmented_control(
        "Kind of recipe",
        list(KINDS),
        format_func=KINDS.__getitem__,
        default=kind_of(st.query_params.get("recipe", st.session_state.get(LAST, ""))),
        required=True,
        key="kind",
        label_visibility="collapsed",
        wrap=True,  # a phone would hide what does not fit on one line
    )
    names = [name for name in list_recipes() if kind_of(name) == kind]
    if "recipe" not in st.query_params and st.session_state.get(LAST) in names:
        st.session_state.setdefault("recipe", st.session_state[LAST])
    recipes = [get_recipe(name) for name in names]
    name = st.radio(
        "Recipe",
        names,
        captions=[
            f"{plain(recipe.summary)}  \n{plain(' · '.join(card_figures(recipe, summaries)))}"
            for recipe in recipes
        ],
        key="recipe",
        bind="query-params",
        label_visibility="collapsed",
    )
    st.session_state[LAST] = name or names[0]
    return get_recipe(name or names[0])


def card_figures(recipe: Recipe, summaries: Sequence[Summary]) -> list[str]:
    """Figures from the recipe itself, from runs of it that the store has, and its time as measured here."""
    figures = []
    size = size_of(recipe.config)
    if size is not None:
        figures += [f"{amount(size.parameters)} parameters", f"{amount(size.macs)} {MULTIPLY_ADDS}"]
    figures.append(counted(recipe.config.epochs, "epoch"))
    seconds = known_seconds(recipe.config)
    if seconds is not None:
        figures.append(f"about {about(seconds)} here")
    if recipe.stated is not None:
        figures.append(f"stated {percent(recipe.stated.accuracy)} (test)")
    best = best_of_recipe(summaries, recipe.name)
    if best is not None:
        where = "shipped run" if best.shipped else "best here"
        figures.append(f"{where} {percent(best.best)} ({_monitored(best)})")
    return figures


def _monitored(best: Summary) -> str:
    """The pictures of a figure: from few of them it is a rough one."""
    count = best.config.val_size if best.config and best.monitored == "validation" else 0
    return f"{count:,} {best.monitored} pictures" if count else best.monitored
