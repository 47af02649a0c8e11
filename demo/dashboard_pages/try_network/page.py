"""Try a trained network at once: on test pictures, twelve at a time, or on a picture of your own."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from cifar_core.errors import LabError
from cifar_core.files import DEFAULT_CHECKPOINT
from cifar_core.runs.store import RunStore
from demo.charts import picture_mixing_chart
from demo.shared.drawings import DRAWINGS
from demo.shared.format import percent
from demo.shared.pictures import picture_grid
from demo.widgets.chart import show_chart
from demo.widgets.data_folder import show_missing
from demo.widgets.evaluation_pictures import data_of
from demo.widgets.networks import (
    TOP,
    Network,
    choose_network,
    describe_score,
    draw,
    list_networks,
    network_of,
)
from demo.widgets.panels import plain, show_link, tighten_page
from demo.widgets.picture_choice import upload_picture

if TYPE_CHECKING:
    from cifar_core.inference.classifier import Classifier
    from cifar_core.inference.prediction import Prediction

LOADING = "Loading the network; the first time takes a few seconds"
NO_NETWORK = (
    "No trained network yet: train one, and its best weights can be tried here from the first epoch on."
)
HEAT_NOTE = "At the right of each picture: brighter where more of it speaks for the answer (LayerCAM)."


def show_card(classifier: "Classifier") -> None:
    """The network's accuracy on all pictures, from its card."""
    card = classifier.card
    split = next((name for name in ("test", "val") if name in card.metrics), None)
    if split is not None:
        words = {"test": "test", "val": "validation"}[split]
        figures = card.metrics[split]
        st.write(f"{percent(figures['accuracy'])} of all {figures['n']:,.0f} {words} pictures right.")


def test_tab(network: Network, classifier: "Classifier") -> None:
    """Twelve test pictures with the answers, and how each block mixed for one of them."""
    try:
        with st.spinner("Opening the test pictures"):
            split = data_of(network, classifier.card).test
    except LabError as error:
        show_drawings(network, classifier, str(error))
        return
    seed = st.session_state.setdefault("dozen", 0)
    chosen = draw(len(split), seed)
    predictions = classifier.predict(split.images[chosen], top=TOP)
    truths = [classifier.class_names[target] for target in split.targets[chosen]]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{describe_score(predictions, truths)}**")
        st.button("Another twelve", on_click=lambda: st.session_state.update(dozen=seed + 1))
    show_answers(classifier, predictions, truths)
    if predictions[0].mixing:
        numbers = list(range(len(predictions)))
        words = [f"{number + 1}: {truths[number]}" for number in numbers]
        picked = st.selectbox("How the blocks mixed for picture", numbers, format_func=words.__getitem__)
        show_mixing(predictions[picked].mixing, "mixing-test")


def show_drawings(network: Network, classifier: "Classifier", trouble: str) -> None:
    """The network's answers for a few drawings, in place of pictures that cannot be had."""
    show_missing("There are no test pictures, so these are drawings.", network.data_dir, error=trouble)
    predictions = classifier.predict([draw_it() for draw_it in DRAWINGS.values()], top=TOP)
    truths = [name if name in classifier.class_names else None for name in DRAWINGS]
    show_answers(classifier, predictions, truths)


def show_answers(
    classifier: "Classifier", predictions: "Sequence[Prediction]", truths: Sequence[str | None]
) -> None:
    """Cards with what the network saw, where it looked, and its answers."""
    from cifar_core.explain.saliency import heat_maps

    seen = [prediction.seen for prediction in predictions]
    numbers = np.array([classifier.class_names.index(prediction.label) for prediction in predictions])
    heats = heat_maps(classifier, np.stack(seen).transpose(0, 3, 1, 2), numbers)
    tops = [prediction.top for prediction in predictions]
    st.html(picture_grid(seen, tops, truths, heats=list(heats)))
    st.caption(HEAT_NOTE)


def own_tab(classifier: "Classifier") -> None:
    """One uploaded picture."""
    names = classifier.class_names
    uploaded = upload_picture(f"The network knows {len(names)} things: {', '.join(names)}.")
    if uploaded is None:
        return
    (prediction,) = classifier.predict([uploaded[0]], top=TOP)
    show_answers(classifier, [prediction], [None])
    if prediction.known is False:
        nearest = prediction.top[0][0]
        st.write(
            plain(f"This looks like none of the things that the network knows; the closest is {nearest}.")
        )
    if prediction.part:
        side = prediction.part.side
        st.write(f"The middle looks like none of these things; the answer is to a part at the {side}.")
    place = f"a part at the {prediction.part.side}" if prediction.part else "its middle square"
    st.caption(f"The picture as the network sees it: {place} at 32 × 32.")
    if prediction.mixing:
        show_mixing(prediction.mixing, "mixing-own")


def show_mixing(mixing: Mapping[str, Sequence[float]], key: str) -> None:
    """Each block's mix for one picture."""
    show_chart(picture_mixing_chart(mixing), key, "Stacked bars: mixing coefficients of each block")


def show_page() -> None:
    """Choose a network, then pictures."""
    st.title("Try a network")
    st.write("See what a trained network says about pictures that it has never seen.")
    networks = list_networks(RunStore())
    if not networks:
        st.write(NO_NETWORK)
        show_link("train", "Train a network")
        return
    network = choose_network(networks, DEFAULT_CHECKPOINT, "has no saved weights to try")
    try:
        with st.spinner(LOADING):
            classifier = network_of(network.folder, network.stamp)
    except LabError as error:
        st.error(plain(str(error)))
        return
    show_card(classifier)
    test, own = st.tabs(["Test pictures", "Your own picture"])
    with test:
        test_tab(network, classifier)
    with own:
        own_tab(classifier)


tighten_page()
show_page()
