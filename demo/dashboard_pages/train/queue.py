"""The runs that train and wait now, and the limits of a training where strangers share the machine."""

import streamlit as st

from cifar_core.config import TrainConfig
from cifar_core.runs.queue import active_runs
from cifar_core.runs.store import Run, RunStore, Status, StoreError
from cifar_core.runs.summary import name_of
from demo.shared.format import counted, progress_of
from demo.shared.host import is_public
from demo.widgets.panels import plain, show_link

LOOK_SECONDS = 2.0
MOST_EPOCHS = 3
MOST_IMAGES = 2000  # to train on; as many again, at the most, are validated on
MOST_BATCH = 256
KEPT_RUNS = 100  # on a disk that everyone shares
CAPS_TEXT = (
    f"Everyone shares this public page's machine, so training here is limited to {MOST_EPOCHS} epochs of "
    f"{MOST_IMAGES:,} pictures in batches of at most {MOST_BATCH}, with the recipe's own network, one run at "
    "a time. The command below runs all of it on your own computer."
)


def show_queue(store: RunStore) -> None:
    """A line for each run under way; nothing where there is none."""
    if active_runs(store):
        st.fragment(_panel, run_every=LOOK_SECONDS)(store)


def _panel(store: RunStore) -> None:
    runs = active_runs(store)
    if not runs:
        st.rerun()
    with st.container(border=True):
        st.markdown(plain(describe_queue([status for _, status in runs])))
        for run, status in runs:
            _row(run, status)
    trouble = st.session_state.pop("queue_trouble", None)
    if trouble:
        st.error(plain(trouble))


def describe_queue(statuses: list[Status]) -> str:
    """The number of runs that train and wait, and what that means for the next one."""
    waiting = sum(status.state == "waiting" for status in statuses)
    training = len(statuses) - waiting
    if not training:
        return f"{counted(waiting, 'training')} about to start."
    line = f", {waiting} in line" if waiting else ""
    return f"{counted(training, 'training')} under way{line}; a new run waits for its turn."


def _row(run: Run, status: Status) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        show_link("live", name_of(run), run=run.id)
        st.caption(plain(progress_of(status)[1]))
        if status.state == "waiting" and not is_public():
            st.button("Withdraw", key=f"withdraw:{run.id}", on_click=_withdraw, args=(run,))


def _withdraw(run: Run) -> None:
    try:
        run.request("stop")
    except StoreError as error:
        st.session_state["queue_trouble"] = str(error)


def capped(config: TrainConfig, recipe: TrainConfig) -> TrainConfig:
    """`config` with what it may cost cut down; the network and its arguments are those of its recipe."""
    return config.replace(
        model=recipe.model,
        model_args=recipe.model_args,
        epochs=min(config.epochs, MOST_EPOCHS),
        train_size=min(config.train_size or MOST_IMAGES, MOST_IMAGES),
        val_size=min(config.val_size, MOST_IMAGES),
        batch_size=min(config.batch_size, MOST_BATCH),
        accumulation_steps=1,
        monitored="val",  # the test images are 10,000
        tta=min(config.tta, 2),
    )


def whats_in_the_way(store: RunStore) -> str:
    """A sentence about why no training can start now; "" where one can."""
    if active_runs(store):
        return "Another visitor's training is under way; yours can start when it has ended."
    if len([run for run in store.list() if not run.shipped]) >= KEPT_RUNS:
        return "This page has no room for more runs until it is restarted."
    return ""
