"""Choose a recipe, change what you like, press Train."""

from pathlib import Path

import streamlit as st

from cifar_core.config import ConfigError, TrainConfig
from cifar_core.datasets import DATA_SETS, DataSet
from cifar_core.recipes import Recipe, get_recipe, list_recipes
from cifar_core.runs.launch import launch
from cifar_core.runs.store import RunStore, StoreError, last_folder
from cifar_core.runs.summary import Summary, summarize_all
from demo.dashboard_pages.train.cost import show_time_here
from demo.dashboard_pages.train.data_source import (
    DOWNLOAD_HERE,
    DOWNLOAD_TEXT,
    SYNTHETIC_TEXT,
    describe_folder,
    named_folder,
)
from demo.dashboard_pages.train.form import (
    back_to_recipe,
    changed_fields,
    checked_config,
    command_line,
    current_values,
    show_form,
)
from demo.dashboard_pages.train.limits import CAPS_TEXT, capped, whats_in_the_way
from demo.dashboard_pages.train.lr_finder import show_lr_finder
from demo.dashboard_pages.train.queue import show_queue
from demo.dashboard_pages.train.recipes import KINDS, card_caption, kind_of
from demo.shared.host import is_public
from demo.widgets.panels import plain, tighten_page

LAST = "last_recipe"  # of this session


def choose_recipe(summaries: list[Summary]) -> Recipe:
    """The recipes of a kind as a list of cards, one of them chosen; the URL holds the choice.

    Who comes back from another page by a link without it finds the choice again.
    """
    st.subheader("1. Recipe")
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
    name = st.radio(
        "Recipe",
        names,
        captions=[card_caption(get_recipe(name), summaries) for name in names],
        key="recipe",
        bind="query-params",
        label_visibility="collapsed",
    )
    st.session_state[LAST] = name or names[0]
    return get_recipe(name or names[0])


def choose_data(store: RunStore, recipe: Recipe) -> tuple[str, Path | None, bool]:
    """(the config's `data`, the folder if one is named, whether training can start)."""
    st.subheader("2. Pictures")
    options = list(DATA_SETS)
    data = st.radio(
        "Pictures",
        options,
        index=options.index(recipe.config.data),
        format_func=lambda name: DATA_SETS[name].summary,
        key=f"data:{recipe.name}",
        persist_state="session",
        label_visibility="collapsed",
    )
    if DATA_SETS[data].is_drawn:
        st.caption(SYNTHETIC_TEXT)
        return data, None, True
    return data, *choose_folder(store, DATA_SETS[data].whole)


def choose_folder(store: RunStore, data_set: DataSet) -> tuple[Path | None, bool]:
    """(the folder to pass on, whether it can be used): the variable's, the typed one, or a download."""
    named = named_folder()
    if named is not None:
        usable, words = describe_folder(named, data_set)
        st.caption(plain(f"From the folder in CIFAR_DATA. {words}"))
        return None, usable
    if is_public():
        st.caption(DOWNLOAD_HERE)
        return None, True
    if "folder" not in st.session_state:
        st.session_state["folder"] = last_folder(store)
    typed = st.text_input(
        f"Folder with {data_set.title}", key="folder", persist_state="session", placeholder="empty: download"
    ).strip()
    if not typed:
        st.caption(DOWNLOAD_TEXT)
        return None, True
    folder = Path(typed).expanduser()
    usable, words = describe_folder(folder, data_set)
    (st.caption if usable else st.error)(plain(words))
    return folder, usable


def start(store: RunStore, config: TrainConfig, folder: Path | None) -> None:
    """Make the run, start its process and show it."""
    try:
        run = store.create(config, folder)
        launch(run)
    except (StoreError, OSError) as error:
        st.error(plain(str(error)))
    else:
        st.switch_page("dashboard_pages/live/page.py", query_params={"run": run.id})


def settings_column(store: RunStore, recipe: Recipe, summaries: list[Summary]) -> None:
    """Pictures, settings, the button, what it costs and the command."""
    data, folder, usable = choose_data(store, recipe)
    st.subheader("3. Settings")
    values = show_form(recipe)
    try:
        config, trouble = checked_config(recipe, values, data), ""
    except ConfigError as error:
        config, trouble = None, str(error)
    changed = changed_fields(recipe, current_values(recipe))
    with st.container(horizontal=True, vertical_alignment="center"):
        busy = whats_in_the_way(store) if is_public() else ""
        ready = config is not None and usable and not busy
        pressed = st.button("Train", type="primary", disabled=not ready)
        st.button("Back to the recipe", on_click=back_to_recipe, args=(recipe,), disabled=not changed)
    if trouble:
        st.error(plain(trouble))
    if is_public():
        st.info(f"{CAPS_TEXT} {busy}".strip())
    if pressed and config is not None and ready:
        start(store, capped(config, recipe.config) if is_public() else config, folder)
    if config is not None and not is_public():
        show_time_here(config, store, summaries)
        show_lr_finder(store, recipe, config, folder)
    if config is not None:
        st.caption("The same from a terminal:")
        st.code(command_line(recipe, config, folder), language="bash", wrap_lines=True)


def show_page() -> None:
    """Left the recipes, right what to do with the chosen one."""
    st.title("Train a network")
    st.write("Choose a recipe, change what you like, press Train; then watch it learn.")
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
