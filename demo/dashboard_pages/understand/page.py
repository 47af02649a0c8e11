"""Understand a trained network: what it confuses, where it fails, what it withstands, what its layers see."""

from typing import TYPE_CHECKING

import streamlit as st

from cifar_core.data import DataError
from cifar_core.errors import LabError
from cifar_core.files import DEFAULT_CHECKPOINT
from cifar_core.inference.held_out import HeldOut, config_of, splits_of
from cifar_core.runs.store import RunStore
from demo.dashboard_pages.understand.answers import Answers, answers_of
from demo.dashboard_pages.understand.calibration import show_calibration
from demo.dashboard_pages.understand.confusion import show_confusion
from demo.dashboard_pages.understand.layers import show_layers
from demo.dashboard_pages.understand.mistakes import show_mistakes
from demo.shared.format import percent
from demo.widgets.choice import choose
from demo.widgets.data_folder import show_missing
from demo.widgets.evaluation_pictures import FEW_COUNTS, choose_pictures, describe_pictures, select_pictures
from demo.widgets.networks import Network, choose_network, list_networks, network_of
from demo.widgets.panels import plain, show_link, tighten_page

if TYPE_CHECKING:
    from cifar_core.checkpoint import Card
    from cifar_core.inference.classifier import Classifier

PARTS = {
    "confusion": "Confusion",
    "mistakes": "Mistakes",
    "calibration": "Calibration",
    "robustness": "Robustness",
    "layers": "Layers",
}
FEW_COUNT = 200  # pictures under damage, where nothing was shipped
INTRODUCTION = (
    "A trained network, looked at from five sides: what it confuses, where it fails, how far its "
    "probabilities can be trusted, how much damage it withstands, and what its layers see."
)
NO_NETWORK = "No trained network yet: train one, and it can be looked into from its first epoch on."
NO_WEIGHTS = "has no saved weights to look into"
LOADING = "Loading the network; the first time takes a few seconds"


def answered(network: Network, classifier: "Classifier", pictures: HeldOut) -> Answers:
    """The network's answers to the pictures, computed once."""
    return answers_of(classifier, (str(network.folder), network.stamp), pictures)


def show_answers(part: str, network: Network, classifier: "Classifier") -> None:
    """The parts that rest on the network's answers to many pictures."""
    split, count = choose_pictures(config_of(classifier.card), "n")
    pictures = select_pictures(network, classifier.card, split, count)
    answers = answered(network, classifier, pictures)
    measured = f"{percent(answers.accuracy)} of the answers are right"
    st.write(plain(f"{describe_pictures(pictures)} {measured}{describe_tta(classifier.card)}."))
    if part == "confusion":
        show_confusion(classifier, pictures, answers)
    elif part == "mistakes":
        show_mistakes(classifier, pictures, answers)
    else:
        show_calibration(answers, validation_answers(network, classifier, pictures, answers, count))


def describe_tta(card: "Card") -> str:
    """How many views of a picture an answer averages, as for the figures on its card."""
    if card.tta == 1:
        return ""
    where = f" wherever one view is less than {100 * card.tta_below:.0f} % sure" if card.tta_below < 1 else ""
    return f"; each averages {card.tta} views of its picture{where}, as for the test accuracy on its card"


def validation_answers(
    network: Network, classifier: "Classifier", pictures: HeldOut, answers: Answers, count: int
) -> Answers | None:
    """Return what a temperature may be fitted on; None where the run set nothing aside."""
    if "val" not in splits_of(config_of(classifier.card)):
        return None
    if pictures.split == "val":
        return answers
    return answered(network, classifier, select_pictures(network, classifier.card, "val", count))


def show_damage(store: RunStore, networks: list[Network], network: Network, classifier: "Classifier") -> None:
    """The network's accuracy under damage."""
    from demo.dashboard_pages.understand.robustness import (  # brings torch
        shipped_measurements,
        show_robustness,
        show_shipped,
    )

    shipped = [one.n for one in shipped_measurements(network) if one.n in FEW_COUNTS]
    usual = shipped[0] if shipped else FEW_COUNT
    split, count = choose_pictures(config_of(classifier.card), "damaged", FEW_COUNTS, usual)
    try:
        pictures = select_pictures(network, classifier.card, split, count)
    except DataError as error:
        st.write(plain(str(error)))
        show_shipped(network, split, count)
        return
    st.write(plain(describe_pictures(pictures)))
    show_robustness(store, networks, network, classifier, pictures)


def show_insides(network: Network, classifier: "Classifier") -> None:
    """One layer on one picture."""
    split, count = choose_pictures(config_of(classifier.card), "few", (200,))
    pictures = select_pictures(network, classifier.card, split, count)
    st.write(plain(describe_pictures(pictures)))
    show_layers(classifier, pictures)


def show_network(store: RunStore, networks: list[Network], network: Network) -> None:
    """The chosen part for the chosen network."""
    with st.spinner(LOADING):
        classifier = network_of(network.folder, network.stamp)
    part = choose("part", "Part", list(PARTS), "confusion", PARTS)
    if part == "robustness":
        show_damage(store, networks, network, classifier)
    elif part == "layers":
        show_insides(network, classifier)
    else:
        show_answers(part, network, classifier)


def show_page() -> None:
    """Choose a network, then what to know about it; the URL holds both."""
    st.title("Understand")
    st.write(INTRODUCTION)
    store = RunStore()
    networks = list_networks(store)
    if not networks:
        st.write(NO_NETWORK)
        show_link("train", "Train a network")
        return
    network = choose_network(networks, DEFAULT_CHECKPOINT, NO_WEIGHTS)
    try:
        show_network(store, networks, network)
    except DataError as error:
        show_missing("", network.data_dir, error=str(error))
    except LabError as error:
        st.error(plain(str(error)))


tighten_page()
show_page()
