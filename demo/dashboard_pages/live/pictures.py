"""Twelve pictures of a run's page: the same after every epoch, with what the network says about each now."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from cifar_core.errors import LabError
from cifar_core.runs.events import ANSWERED, Epoch
from cifar_core.runs.history import History
from cifar_core.runs.run import Run
from cifar_core.runs.sample import Sample, read_sample
from cifar_core.runs.store import Status, StoreError
from demo.shared.format import RESUMABLE, counted, whole_percent
from demo.shared.pictures import Top, course_line, picture_grid
from demo.widgets.networks import TOP, network_of, pictures_of
from demo.widgets.panels import plain

HEADING = "Its answers for the same pictures"
SOON = "After the first epoch, twelve pictures appear here with the network's answers."
NONE_KEPT = "This run recorded no answers for pictures."
ASK = "Classify twelve pictures"
ASK_HELP = "Loads the best weights; the first time takes a few seconds."
READING = (
    "The pictures stay the same, the answers change with every epoch. Bars: the three most probable "
    "classes. Line: the probability of the true class after each epoch, from 0 to 100 %."
)
ASKED_READING = "Bars: the three most probable classes, according to the best weights."


@dataclass(frozen=True)
class Answered:
    """Pictures (N, 32, 32, 3) with their true classes; after each epoch the probabilities (N, classes)."""

    images: NDArray[np.uint8]
    truths: list[str]
    class_names: list[str]
    epochs: list[int]
    probs: list[NDArray[np.float64]]

    def hits(self, place: int) -> int:
        """Pictures that are right after the epoch at this place."""
        return sum(
            self.class_names[guess] == truth
            for guess, truth in zip(self.probs[place].argmax(axis=1), self.truths, strict=True)
        )


def show_pictures(run: Run, status: Status, history: History) -> None:
    """The pictures with the newest answers, a way to ask for them, or when they come."""
    st.header(HEADING)
    try:
        sample = read_sample(run)
        told = answered(sample, history.epochs) if sample else None
    except StoreError as error:
        st.error(plain(str(error)))
        return
    if told is not None:
        draw_pictures(told, title_of(told, history.monitored), READING)
    elif not history.epochs and (status.active or (status.state in RESUMABLE and not run.freed)):
        st.caption(SOON)
    elif (run.best_checkpoint / "card.json").exists():
        _offer(run, history)
    else:
        st.caption(NONE_KEPT)


def answered(sample: Sample, epochs: Sequence[Epoch]) -> Answered | None:
    """The pictures with all their answers, None before the first ones.

    Raises:
        StoreError: when answers and pictures do not fit.
    """
    told = [epoch for epoch in epochs if epoch.answers]
    shape = (len(sample.targets), len(sample.class_names))
    probs = []
    for epoch in told:
        if len(epoch.answers) != shape[0] or any(len(row) != shape[1] for row in epoch.answers):
            raise StoreError(f"The answers of epoch {epoch.epoch} do not fit the run's {shape[0]} pictures.")
        probs.append(np.array(epoch.answers))
    numbers = [epoch.epoch for epoch in told]
    return Answered(sample.images, sample.truths, sample.class_names, numbers, probs) if told else None


def title_of(told: Answered, monitored: str) -> str:
    """A title: the number of pictures that are right now, and before."""
    now, count = told.hits(-1), len(told.truths)
    words = (
        f"After epoch {told.epochs[-1]} it is right about {now} of {counted(count, f'{monitored} picture')}"
    )
    return f"{words}; after epoch {told.epochs[0]} it was {told.hits(0)}" if len(told.epochs) > 1 else words


def draw_pictures(told: Answered, title: str, reading: str) -> None:
    """Title, a card for each picture, how to read them."""
    st.markdown(f"**{plain(title)}**")
    tops = [top_of(row, told.class_names) for row in told.probs[-1]]
    courses = [course_of(told, number) for number in range(len(told.truths))]
    st.html(picture_grid(list(told.images), tops, told.truths, courses))
    st.caption(plain(reading))


def top_of(probs: NDArray[np.float64], class_names: Sequence[str]) -> Top:
    """The likeliest classes of a row of probabilities, the first one first."""
    return [(class_names[place], float(probs[place])) for place in np.argsort(-probs, kind="stable")[:TOP]]


def course_of(told: Answered, number: int) -> str:
    """The true class's probability over the epochs as a small line; "" with one epoch alone."""
    if len(told.epochs) < 2:
        return ""
    label = told.class_names.index(told.truths[number])
    course = [float(probs[number, label]) for probs in told.probs]
    return course_line(
        course,
        f"{told.truths[number]}: from {whole_percent(course[0])} after epoch "
        f"{told.epochs[0]} to {whole_percent(course[-1])} after epoch {told.epochs[-1]}",
    )


def _offer(run: Run, history: History) -> None:
    """For a run that kept no answers: its best weights are asked when somebody wants it."""
    if st.session_state.get("asked_pictures") != run.id:
        st.caption(NONE_KEPT)
        st.button(ASK, help=ASK_HELP, on_click=lambda: st.session_state.update(asked_pictures=run.id))
        return
    try:
        with st.spinner("Loading the network; the first time takes a few seconds"):
            told = ask(run)
    except LabError as error:
        st.error(plain(str(error)))
        return
    title = (
        f"The best weights are right about {told.hits(0)} of {len(told.truths)} {history.monitored} pictures"
    )
    draw_pictures(told, title, ASKED_READING)


def ask(run: Run) -> Answered:
    """The first pictures that the run measured itself by, answered by its best weights.

    Raises:
        LabError: when weights, pictures or the run's settings cannot be had.
    """
    from cifar_core.data import split_train_val

    folder, config = run.best_checkpoint, run.config()
    classifier = network_of(folder, (folder / "card.json").stat().st_mtime_ns)
    data = pictures_of(config.data_set, run.data_dir)
    _, places = split_train_val(data.train.targets, config.val_size, config.split_seed)
    monitored = config.monitored == "test"
    split, places = (data.test, np.arange(ANSWERED)) if monitored else (data.train, places[:ANSWERED])
    images = np.asarray(split.images[places])  # (N, 3, 32, 32)
    truths = [data.class_names[target] for target in split.targets[places]]
    probs = classifier.probs(images).astype(np.float64)
    return Answered(
        images.transpose(0, 2, 3, 1), truths, list(data.class_names), [classifier.card.epoch], [probs]
    )
