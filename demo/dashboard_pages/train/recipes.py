"""Choose a recipe: a card for each, with its sentence, its network's size, its time here, its accuracies.

Recipes come in kinds: the project's own, those of the guided tour, those of earlier works as stated, and a
fast one for each of these.
"""

import statistics
from collections.abc import Sequence

import streamlit as st

from cifar_core.estimate.speed import about
from cifar_core.metrics.uncertainty import Accuracy
from cifar_core.recipes import FAST, LESSONS, Recipe, get_recipe, list_recipes
from cifar_core.recipes.sizes import size_of
from cifar_core.runs.results import Result
from cifar_core.runs.summary import Summary, repeats
from demo.shared.format import MULTIPLY_ADDS, amount, counted, percent
from demo.shared.ranking import pictures_of
from demo.shared.stated_results import shipped_results
from demo.widgets.choice import name_in_address, write_address
from demo.widgets.panels import NO_BREAK, plain
from demo.widgets.training_time import known_seconds

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
    """The recipes of a kind as a list of cards; the address names the one that is chosen.

    Without one it is the last of this session, or the first of all: the address tells of it at once, as that
    may be another one by the time that somebody comes back.
    """
    st.header("1. Recipe")
    chosen = st.query_params.get("recipe", "")
    if chosen not in list_recipes():
        chosen = st.session_state.get(LAST, list_recipes()[0])
        name_in_address("recipe", chosen)
    st.session_state[LAST] = st.session_state["recipe"] = chosen
    st.session_state["kind"] = kind_of(chosen)
    st.segmented_control(
        "Kind of recipe",
        list(KINDS),
        format_func=KINDS.__getitem__,
        required=True,
        key="kind",
        on_change=lambda: write_address({"recipe": recipes_of(st.session_state["kind"])[0]}),
        label_visibility="collapsed",
        wrap=True,  # a phone would hide what does not fit on one line
    )
    recipes, results = [get_recipe(name) for name in recipes_of(kind_of(chosen))], shipped_results()[0]
    st.radio(
        "Recipe",
        [recipe.name for recipe in recipes],
        captions=[
            f"{plain(recipe.summary)}  \n{_in_one_line(card_figures(recipe, summaries, results))}"
            for recipe in recipes
        ],
        key="recipe",
        on_change=lambda: write_address({"recipe": st.session_state["recipe"]}),
        label_visibility="collapsed",
    )
    return get_recipe(chosen)


def recipes_of(kind: str) -> list[str]:
    """The names of a kind's recipes."""
    return [name for name in list_recipes() if kind_of(name) == kind]


def _in_one_line(figures: Sequence[str]) -> str:
    """The figures side by side; none is broken before its unit."""
    return plain(" · ".join(figures).replace(" %", f"{NO_BREAK}%").replace(" ±", f"{NO_BREAK}±"))


def card_figures(recipe: Recipe, summaries: Sequence[Summary], results: Sequence[Result] = ()) -> list[str]:
    """Figures from the recipe itself, its time as measured here, and what runs of it reached.

    results: those of the project, that ship with it.
    """
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
    return [*figures, *describe_repeats(recipe, summaries, results)]


def describe_repeats(recipe: Recipe, summaries: Sequence[Summary], results: Sequence[Result]) -> list[str]:
    """What the recipe's own settings reached: in the user's runs, or else in those of the project."""
    runs = repeats(summaries, recipe.config)
    own = [run for run in runs if not run.shipped]
    measured = [Accuracy(one.accuracy, one.n) for one in results if one.recipe == recipe.name]
    accuracies = accuracies_of(own) or measured or accuracies_of(runs)
    if not accuracies:
        return []
    shares = [100 * one.share for one in accuracies]
    several = len(shares) > 1
    reached = f"{statistics.fmean(shares):.2f}{f' ± {statistics.stdev(shares):.2f}' if several else ''} %"
    pictures = pictures_of(accuracies)
    where = f"{len(shares)} runs, {pictures}" if several else pictures
    return [f"{'here' if own else 'shipped'} {reached} ({where})"]


def accuracies_of(runs: Sequence[Summary]) -> list[Accuracy]:
    """Those on the test pictures, or where no run was measured on them, those of training."""
    tested = [run.test for run in runs if run.test]
    return tested or [run.validation for run in runs if run.validation]
