"""A guided tour in seven steps, ten minutes long: one idea, one picture, one button, one thing to notice."""

from collections.abc import Callable
from pathlib import Path

import streamlit as st

from cifar_core.datasets import CIFAR10, SYNTHETIC
from cifar_core.errors import LabError, sentence_of
from cifar_core.files import DEFAULT_CHECKPOINT, checkpoints_dir
from cifar_core.recipes import get_recipe
from cifar_core.runs.history import History
from cifar_core.runs.launch import launch
from cifar_core.runs.status import ACTIVE_STATES
from cifar_core.runs.store import RunStore, StoreError, last_folder
from cifar_core.runs.summary import Summary, comparable, short_history, summarize_all
from demo.charts import (
    CurveView,
    OverlaidRun,
    accuracy_chart,
    line_style,
    loss_chart,
    overlay_chart,
    run_color,
)
from demo.charts.overlay import distinct_ranks
from demo.dashboard_pages.learn.lessons import (
    COMPARED,
    LESSONS,
    Lesson,
    comparable_runs,
    describe_end,
    describe_gain,
    failed_at_once,
    lesson_number,
    next_seed,
    run_of_recipe,
    run_under_way,
)
from demo.dashboard_pages.learn.mixing_guess import show_guess
from demo.shared.format import amount, describe_failure, duration, percent, progress_of
from demo.shared.host import is_public
from demo.widgets.chart import show_chart
from demo.widgets.choice import choose
from demo.widgets.data_folder import folder_trouble, show_missing
from demo.widgets.dataset_pictures import augmentation_html, class_rows_html
from demo.widgets.networks import network_of, pictures_of
from demo.widgets.panels import BACK, plain, show_legend, show_link, show_table, tighten_page

CURVES_SECONDS = 1.0
NO_PICTURES = "CIFAR-10 is not on this machine, so {}."
PROMISE = "The first training downloads it."
NO_RUN = "Nobody has trained this here yet; press the button, it takes about a minute."
EARLIER = "These are the curves of the previous run, until the new one has its first points."


def pictures_step(store: RunStore, lesson: Lesson) -> None:
    """Ten random pictures of each class."""
    seed = st.session_state.setdefault("learn_seed", 0)
    st.button(lesson.button, type="primary", on_click=_next, args=("learn_seed",))
    data = _data(store)
    st.html(class_rows_html(data, seed))


def training_step(store: RunStore, lesson: Lesson) -> None:
    """The newest run of the lesson's recipe, moving while it trains; one button starts another."""
    summaries = summarize_all(store)
    earlier, under_way = run_of_recipe(lesson.recipe, summaries), run_under_way(lesson.recipe, summaries)
    run = under_way or earlier
    if lesson.recipe == "lesson_augment":
        _show_augmentation(store)
    if is_public():
        st.caption("This run was trained in advance; on your own computer, a button here trains it again.")
    elif not under_way:
        trouble = folder_trouble(last_folder(store))
        if st.button(lesson.button, type="primary", disabled=bool(trouble)):
            _start(store, lesson.recipe)
        if trouble:
            st.error(plain(trouble))
    if failed := failed_at_once(lesson.recipe, summaries):
        _show_failure(store, failed)
    if run is None:
        st.write(NO_RUN)
        return
    st.fragment(_run_panel, run_every=CURVES_SECONDS if under_way else None)(store, run, earlier or run)
    if lesson.recipe == "lesson_augment":
        without = run_of_recipe("lesson_overfit", summaries)
        ended = [item and item.state == "finished" and item.curve for item in (without, earlier)]
        ends = [curve[-1] if curve else None for curve in ended]
        st.write(describe_gain(*ends))


def mixing_step(store: RunStore, lesson: Lesson) -> None:
    """A guess about the default network's mix for some pictures, and the mix itself."""
    folder = checkpoints_dir() / DEFAULT_CHECKPOINT
    turn = st.session_state.setdefault("learn_turn", 0)
    st.button(lesson.button, type="primary", on_click=_next, args=("learn_turn",))
    try:
        with st.spinner("Loading the network"):
            network = network_of(folder, (folder / "card.json").stat().st_mtime_ns)
    except (LabError, OSError) as error:
        st.error(plain(f"The default network cannot be loaded. {sentence_of(error)}"))
        return
    data = _data(store, "these are drawings")
    show_guess(network, data if tuple(data.class_names) == tuple(network.class_names) else None, turn)


def compare_step(store: RunStore, lesson: Lesson) -> None:
    """Runs that differ in one thing over one another, and what each cost."""
    what = choose("what", "What differs", list(COMPARED), next(iter(COMPARED)), str.capitalize, labeled=True)
    words = COMPARED[what]
    found = comparable_runs(list(words), summarize_all(store))
    shown = {words[recipe]: found[recipe] for recipe in words if recipe in found}
    if not shown:
        st.write("There is no run of these yet: train one in steps 3 and 4.")
        return
    by = choose(
        "by", "x axis", ("epoch", "seconds"), "epoch", {"epoch": "Epochs", "seconds": "Seconds"}, labeled=True
    )
    ranks = distinct_ranks(item.rank for item in shown.values())
    accuracies = comparable(list(shown.values()))
    runs = [
        OverlaidRun(name, rank, short_history(store.get(item.id)), accuracies.get(item.id))
        for rank, (name, item) in zip(ranks, shown.items(), strict=True)
    ]
    show_legend((run.name, line_style(run.rank)) for run in runs)
    show_chart(overlay_chart(runs, "accuracy", by), "learn-compare", "Line chart: the accuracy of each run")
    show_table([_row(name, item) for name, item in shown.items()])


def last_step(store: RunStore, lesson: Lesson) -> None:
    """Links to go on from here."""
    with st.container():
        show_link("own", lesson.button)
        show_link("train", "Change one setting of the lesson and train it", recipe="lesson_first")
        show_link("train", "Train the mixing network on this machine", recipe="speed_mixing")
        show_link("try_network", "Try the trained network on a picture of your own")
        show_link("basics", "The same ideas with their formulas")


def _row(name: str, item: Summary) -> dict[str, str]:
    return {
        "run": name,
        "parameters": amount(item.parameters),
        "epochs": f"{item.epochs:,}",
        "time": duration(item.seconds),
        "accuracy at the end": percent(item.curve[-1]) if item.curve else "–",
    }


def _data(store: RunStore, instead: str = "these are drawn shapes"):  # type: ignore[no-untyped-def]  # ImageData, whose import would load numpy
    folder = last_folder(store)
    try:
        with st.spinner("Opening the pictures"):
            return pictures_of(CIFAR10, Path(folder) if folder else None)
    except LabError:
        show_missing(NO_PICTURES.format(instead), folder, PROMISE)
        return pictures_of(SYNTHETIC, None)


def _show_augmentation(store: RunStore) -> None:
    data = _data(store)
    st.html(augmentation_html(data, get_recipe("lesson_augment").config, 0))
    st.caption("At the left the picture itself, then as the network sees it in nine epochs.")


def _start(store: RunStore, recipe: str) -> None:
    folder = last_folder(store)
    try:
        config = get_recipe(recipe).config.replace(seed=next_seed(recipe, summarize_all(store)))
        launch(store.create(config, Path(folder) if folder else None))
    except (StoreError, OSError) as error:
        st.error(plain(sentence_of(error)))
    else:
        st.rerun()


def _show_failure(store: RunStore, item: Summary) -> None:
    """The reason why a training that was started here has nothing to show."""
    try:
        st.error(plain(describe_failure(store.get(item.id).status())))
    except StoreError:  # deleted meanwhile, or damaged
        return
    show_link("live", "Open the failed run to resume it", run=item.id)


def _run_panel(store: RunStore, item: Summary, earlier: Summary) -> None:
    """The run's progress and curves; those of an earlier one until it has any."""
    try:
        run, shown = store.get(item.id), item
        status, history = run.status(), History.of(run)
        if not history.steps and status.active:
            shown, history = earlier, History.of(store.get(earlier.id))
    except StoreError as error:  # deleted meanwhile, or damaged
        st.write(plain(f"This run cannot be shown. {error}"))
        return
    if status.state == "failed":
        st.error(plain(describe_failure(status)))
    if status.active:
        fraction, words = progress_of(status)
        st.progress(fraction, text=plain(words))
        show_link("live", "Open this run to pause or stop it", run=item.id)
    if shown is not item:
        st.caption(EARLIER)
    color = run_color(shown.rank)
    left, right = st.columns(2)
    with left:
        show_chart(loss_chart(history, color), "learn-loss", "Line chart: training and validation loss")
    with right:
        chart = accuracy_chart(history, color, CurveView(from_zero=True))
        show_chart(chart, "learn-accuracy", "Line chart: training and validation accuracy")
    if history.end and history.epochs and item.config:
        last = history.epochs[-1]
        st.write(describe_end(item.config.recipe, last.train_accuracy, last.val_accuracy))
    if not status.active:
        show_link("live", "Open this run", run=item.id)
    if status.active != (item.state in ACTIVE_STATES):
        st.rerun()


def _next(key: str) -> None:
    st.session_state[key] += 1


STEPS: tuple[Callable[[RunStore, Lesson], None], ...] = (
    pictures_step,
    training_step,
    training_step,
    training_step,
    mixing_step,
    compare_step,
    last_step,
)


def show_page(store: RunStore) -> None:
    """The step that the URL names, with ways back and on."""
    number = lesson_number(st.query_params.get("step", ""))
    if "step" in st.query_params:  # a link from step to step does not write it into the address by itself
        st.query_params["step"] = str(number)
    lesson, total = LESSONS[number - 1], len(LESSONS)
    st.progress(number / total, text=f"Step {number} of {total}")
    st.title(lesson.title)
    st.write(lesson.idea)
    STEPS[number - 1](store, lesson)
    st.markdown(f"**Notice:** {plain(lesson.notice)}")
    with st.container(horizontal=True):
        if number > 1:
            show_link("learn", f"Back: {LESSONS[number - 2].title}", BACK, step=str(number - 1))
        if number < total:
            show_link("learn", f"Next: {LESSONS[number].title}", step=str(number + 1))


tighten_page(still=True)
show_page(RunStore())
