"""For a newcomer: the pictures, a network as its layers, how it learns, and what depth changes."""

import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from cifar_core.datasets import CIFAR10, SYNTHETIC
from cifar_core.errors import LabError
from cifar_core.recipes import get_recipe, list_recipes
from cifar_core.runs.store import RunStore, last_folder
from cifar_core.runs.summary import Summary, short_history, summarize_all
from demo.charts import OverlaidRun, line_style, overlay_chart
from demo.dashboard_pages.basics.network import describe_drawing, network_drawing
from demo.widgets.chart import show_chart
from demo.widgets.choice import choose
from demo.widgets.data_folder import show_missing
from demo.widgets.dataset_pictures import (
    augmentation_html,
    count_rows,
    describe_counts,
    mean_pictures,
    mean_pictures_html,
)
from demo.widgets.networks import pictures_of
from demo.widgets.panels import plain, show_legend, show_link, show_table, tighten_page

if TYPE_CHECKING:
    from cifar_core.data import ImageData
    from cifar_core.models.summary import Part

PARTS = {
    "pictures": "1. The pictures",
    "network": "2. A network",
    "learning": "3. How it learns",
    "depth": "4. Does depth help?",
}
INTRODUCTION = (
    "What the other pages take for granted, in four short parts: the pictures, a network layer by layer, "
    "how it learns, and what more layers change."
)
NO_PICTURES = f"{CIFAR10.title} is not on this machine, so these are drawn shapes."
PROMISE = "A first training downloads it."
SEED_HELP = "The same seed shows the same picture, changed in the same ways."
DEPTHS = {f"s5-cnn-{depth}": f"{depth} layers" for depth in (2, 3, 4)}
LOSS = r"L = -\frac{1}{N} \sum_{i=1}^{N} \ln p_i(y_i)"
STEP = r"v \leftarrow \mu\, v + \frac{\partial L}{\partial w} \qquad w \leftarrow w - \eta\, v"


@st.cache_data(show_spinner=False)
def parts_of_network(name: str) -> "list[Part]":
    """The parts of a network by its name; without weights, so nothing is drawn or computed."""
    import torch

    from cifar_core.models import create_model
    from cifar_core.models.summary import parts_of

    with torch.device("meta"):
        return parts_of(create_model(name))


@st.cache_data(show_spinner=False)
def network_names() -> dict[str, str]:
    """Every network's name and sentence."""
    from cifar_core.models import describe_model, list_models

    return {name: describe_model(name) for name in list_models()}


@st.cache_data(max_entries=2, show_spinner=False)
def means_of(fingerprint: str, _data: "ImageData") -> NDArray[np.uint8]:
    """The mean picture of each class of the data that has this fingerprint."""
    return mean_pictures(_data)


def show_pictures(store: RunStore) -> None:
    """The mean picture of each class, their number, and what augmentation makes of one."""
    folder = last_folder(store)
    try:
        with st.spinner("Opening the pictures"):
            data = pictures_of(CIFAR10, Path(folder) if folder else None)
    except LabError:
        show_missing(NO_PICTURES, folder, PROMISE)
        data = pictures_of(SYNTHETIC, None)
    show_link("learn", "Ten pictures of each class: the first step of the tour", step="1")
    st.header("The mean picture of each class")
    st.html(mean_pictures_html(means_of(data.fingerprint, data), data.class_names))
    st.caption(
        "All training pictures of a class laid over one another: the mean of each pixel. What most of them "
        "share stays, the thing itself blurs away. To tell the classes apart takes more than their colors."
    )
    st.header("How many there are")
    st.write(describe_counts(data))
    with st.expander("Count by class"):
        show_table(count_rows(data))
    st.header("Augmentation: one picture, changed a little each time")
    with st.container(horizontal=True):
        recipe = st.selectbox("As in the recipe", list_recipes(), key="augmentation", width=320)
        seed = int(st.number_input("Seed", 0, 9999, key="seed", help=SEED_HELP, width=180))
    st.html(augmentation_html(data, get_recipe(recipe).config, seed))
    st.caption(
        "At the left the picture itself, then the picture as the network would meet it in nine passes. "
        f"Changes that leave the class as it is teach more than the same pixels again. Seed {seed}."
    )


def show_network() -> None:
    """One network as its layers."""
    names = network_names()
    name = choose("network", "Network", list(names), "speed_mixing", widget="select", width=320)
    st.write(plain(names[name]))
    parts = parts_of_network(name)
    st.markdown(f"**{plain(describe_drawing(parts))}**")
    st.html(network_drawing(parts))
    st.caption(
        "From top to bottom: the path of one picture. A square is as large as the feature map behind that "
        "part, and fuller in color with more channels; below it the shape: channels × height × width. A "
        "multiply-accumulate (MAC) is two floating-point operations (FLOPs); PyTorch has counted them."
    )


def show_learning() -> None:
    """Loss and optimizer in a few sentences, each with its formula."""
    st.header("The loss: how surprised is it?")
    st.write(
        "For each picture the network gives every class a probability. The loss is small when the right "
        "class got a high one: it is the mean over a batch of N pictures of minus the logarithm of what the "
        "right class y got."
    )
    st.latex(LOSS)
    share = st.slider("Probability that the right class got", 0.01, 1.0, 0.1, 0.01)
    loss, blind = abs(math.log(share)), math.log(len(CIFAR10.class_names))
    st.write(f"Loss of this picture: **{loss:.2f}**. A blind guess among ten has {blind:.2f}.")
    st.header("The optimizer: downhill in small steps")
    st.write(
        "For each weight w the network finds out how the loss would change with it: the gradient. Gradient "
        "descent moves every weight a little against its gradient. The learning rate η says how far; "
        "momentum µ keeps some of the direction of the steps before, so that noise averages out."
    )
    st.latex(STEP)
    st.write(
        "One step looks at one batch; when every training picture has been seen once, an epoch is over. Too "
        "large a rate makes the loss jump about or grow beyond all numbers, too small a one wastes time. The "
        "other optimizers here (AdamW, RMSprop, Muon) scale each step in their own way; the idea is the same."
    )
    st.header("Validation: has it understood, or learned by heart?")
    st.write(
        "Some pictures are set aside and never trained on. When the training loss falls and the validation "
        "loss rises, the network begins to know its pictures by heart."
    )
    show_link("train", "Train one and watch it")


def show_depth(store: RunStore) -> None:
    """The newest runs of two, three and four layers, one over the other."""
    st.write(
        "Three networks that differ in one thing: how many convolutional layers come before the last two "
        "linear ones. Everything else, from the pictures to the learning rate, is the same."
    )
    newest = newest_runs(summarize_all(store))
    runs = [
        OverlaidRun(f"depth {recipe[-1]}", item.rank, short_history(store.get(item.id)))
        for recipe, item in newest.items()
    ]
    if runs:
        show_legend((run.name, line_style(run.rank)) for run in runs)
        chart = overlay_chart(runs, "accuracy", "epoch")
        show_chart(chart, "depth", "Line chart: validation accuracy by epoch for two, three and four layers")
    with st.container(horizontal=True):
        for recipe, words in DEPTHS.items():
            if recipe not in newest:
                show_link("train", f"Train {words}", recipe=recipe)
            else:
                show_link("live", f"Open the run of {words}", run=newest[recipe].id)
    st.caption("Deeper layers see larger parts of the picture, and build on what earlier ones have found.")


def newest_runs(summaries: list[Summary]) -> dict[str, Summary]:
    """The newest run with a completed epoch for each depth, in the order of DEPTHS."""
    found: dict[str, Summary] = {}
    for recipe in DEPTHS:
        own = [item for item in summaries if item.config and item.config.recipe == recipe and item.epochs]
        if own:
            found[recipe] = max(own, key=lambda item: item.created)
    return found


def show_page(store: RunStore) -> None:
    """One part at a time; the URL holds which."""
    st.title("Basics")
    st.write(INTRODUCTION)
    part = choose("part", "Part", list(PARTS), "pictures", PARTS)
    if part == "pictures":
        show_pictures(store)
    elif part == "network":
        show_network()
    elif part == "learning":
        show_learning()
    else:
        show_depth(store)


tighten_page()
show_page(RunStore())
