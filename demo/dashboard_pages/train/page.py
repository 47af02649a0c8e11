"""Choose a recipe, change what you like, press Train."""

import streamlit as st

from cifar_core.errors import LabError
from cifar_core.recipes import FIRST_LOOK, Recipe, get_recipe
from cifar_core.runs.own_classes import with_own_classes
from cifar_core.runs.store import RunStore
from cifar_core.runs.summary import Summary, summarize_all
from demo.dashboard_pages.train.data import choose_data
from demo.dashboard_pages.train.form import (
    back_to_recipe,
    changed_fields,
    checked_config,
    current_values,
    fill_in,
    show_form,
)
from demo.dashboard_pages.train.lr_finder import show_lr_finder
from demo.dashboard_pages.train.public import CAPS_TEXT, capped, whats_in_the_way
from demo.dashboard_pages.train.recipes import choose_recipe
from demo.dashboard_pages.train.sweep import show_sweep
from demo.shared.host import is_public
from demo.widgets.choice import write_address
from demo.widgets.panels import plain, tighten_page
from demo.widgets.queue import show_queue
from demo.widgets.start_training import command_line, handed_over, start
from demo.widgets.training_time import show_time_here


def settings_column(store: RunStore, recipe: Recipe, summaries: list[Summary]) -> None:
    """Pictures, settings, the button, what it costs and the command."""
    if handed := handed_over(recipe):
        fill_in(recipe, handed)
    data, folder, unusable = choose_data(store, recipe)
    st.header("3. Settings")
    values = show_form(recipe)
    try:
        typed, trouble = checked_config(recipe, values, data), unusable
        config = typed if unusable else with_own_classes(typed, folder)
    except LabError as error:
        typed, config, trouble = None, None, str(error)
    changed = changed_fields(recipe, current_values(recipe))
    with st.container(horizontal=True, vertical_alignment="center"):
        busy = whats_in_the_way(store) if is_public() else ""
        ready = config is not None and not unusable and not busy
        pressed = st.button("Train", type="primary", disabled=not ready)
        st.button("Reset to the recipe", on_click=back_to_recipe, args=(recipe,), disabled=not changed)
    if trouble:
        st.error(plain(trouble))
    if is_public():
        st.info(f"{CAPS_TEXT} {busy}".strip())
    if pressed and config is not None and ready:
        start(store, capped(config, recipe.config) if is_public() else config, folder)
    if config is not None and config.data_set.class_names and not is_public():
        show_time_here(config, store, summaries)
        show_lr_finder(store, recipe, config, folder)
    if typed is not None and not is_public():
        show_sweep(store, recipe, typed, folder, bool(unusable))
    if typed is not None:
        st.caption("The same from a terminal:")
        st.code(command_line(recipe, typed, folder), language="bash", wrap_lines=True)


def show_page() -> None:
    """Left the recipes, right what to do with the chosen one."""
    st.title("Train a network")
    st.write("Choose a recipe, change what you like, press Train; then watch it learn.")
    st.button(
        "A first look, one minute",
        on_click=lambda: write_address({"recipe": FIRST_LOOK}),
        help=get_recipe(FIRST_LOOK).summary,
    )
    store = RunStore()
    show_queue(store)
    summaries = summarize_all(store)
    left, right = st.columns([5, 6], gap="large")
    with left:
        recipe = choose_recipe(summaries)
    with right:
        settings_column(store, recipe, summaries)


tighten_page()
show_page()
