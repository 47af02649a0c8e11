"""One layer at work: what its channels answer to a picture, and the filters that it has learned."""

import html
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from cifar_core.inference.held_out import HeldOut
from demo.dashboard_pages.understand.layer_pictures import (
    MOST_MAPS,
    filter_reading,
    filter_sheet,
    filter_title,
    map_sheet,
    map_title,
)
from demo.shared.format import whole_percent
from demo.shared.pictures import data_uri, image_tag
from demo.widgets.choice import choose, write_address
from demo.widgets.panels import plain

if TYPE_CHECKING:
    from cifar_core.explain.layers import Filters
    from cifar_core.inference.classifier import Classifier
    from cifar_core.models.summary import Part

SHEET = "display:block;width:100%;max-width:620px;image-rendering:pixelated"
BESIDE = "display:flex;gap:1rem;align-items:center"
PICTURE = "width:96px;height:96px;image-rendering:pixelated;border-radius:4px"


def show_layers(classifier: "Classifier", pictures: HeldOut) -> None:
    """Choose a picture and a layer; then its maps, and its filters."""
    from cifar_core.explain.layers import filters_of, map_layers

    layers = {part.name: part for part in map_layers(classifier.model)}
    number = choose_picture(len(pictures))
    st.html(picture_html(classifier, pictures, number))
    names = list(layers)
    words = {name: describe_layer(layers[name]) for name in names}
    layer = choose("layer", "Layer", names, names[0], words, "select", 620)
    maps = maps_of(classifier, pictures.images[number : number + 1], layer)
    st.header("What it answers")
    st.markdown(f"**{plain(map_title(maps))}**")
    st.html(_sheet(map_sheet(maps), f"Feature maps of the layer {layer}"))
    st.caption(
        f"Each square is a channel, at most {MOST_MAPS}, the strongest first; brighter where it answers "
        "more, each on its own scale."
    )
    st.header("Its filters")
    show_filters(filters_of(classifier.model, layer))


def choose_picture(total: int) -> int:
    """The number of a picture, from 0; the URL holds it, counted from 1."""
    wanted = st.query_params.get("picture", "1")
    number = int(wanted) if wanted.isdecimal() and 1 <= int(wanted) <= total else 1
    st.session_state["layers-picture"] = number
    st.number_input(
        f"Picture (1 to {total:,})", 1, total, width=200, key="layers-picture", on_change=_take_picture
    )
    return number - 1


def _take_picture() -> None:
    number = st.session_state["layers-picture"]
    write_address({"picture": str(number) if number and number > 1 else None})


def picture_html(classifier: "Classifier", pictures: HeldOut, number: int) -> str:
    """The picture, what it shows and what the network says."""
    picture, truth = pictures.images[number], pictures.class_names[int(pictures.targets[number])]
    label, probability = classifier.predict(pictures.images[number : number + 1])[0].top[0]
    words = f"It shows: {truth}. The network says: {label}, {whole_percent(probability)} sure."
    image = image_tag(data_uri(picture.transpose(1, 2, 0)), truth, style=PICTURE)
    return f'<div style="{BESIDE}">{image}<span>{html.escape(words)}</span></div>'


def describe_layer(part: "Part") -> str:
    """A layer in the list: its name, its first step, and the shape of its answer."""
    channels, height, width = part.shape
    return f"{part.name}: {part.layers[0]} ({channels} × {height} × {width})"


def maps_of(classifier: "Classifier", images: NDArray[np.uint8], layer: str) -> NDArray[np.float32]:
    """The feature maps (C, H, W) of one picture (1, 3, 32, 32)."""
    import torch

    from cifar_core.explain.layers import feature_maps

    pixels = classifier.normalize(torch.from_numpy(images).to(classifier.device))
    return np.asarray(feature_maps(classifier.model, pixels, layer)[0].cpu().numpy())


def show_filters(found: "list[Filters]") -> None:
    """The filters of one convolution of the layer, of one kernel where it mixes several."""
    if not found:
        st.write("This layer has no filters larger than one pixel.")
        return
    by_name = {one.name: one for one in found}
    names = list(by_name)
    name = names[0]
    if len(names) > 1:
        name = choose("convolution", "Convolution", names, name, widget="select", width=320)
    weight = by_name[name].weight.numpy()
    st.markdown(f"**{plain(filter_title(weight))}**")
    kernel = 0
    if len(weight) > 1:
        kernels = [str(number + 1) for number in range(len(weight))]
        words = {number: f"kernel {number}" for number in kernels}
        kernel = int(choose("kernel", "Kernel", kernels, "1", words, labeled=True)) - 1
    st.html(_sheet(filter_sheet(weight[kernel]), f"Filters of {name}"))
    st.caption(filter_reading(weight[kernel]))


def _sheet(picture: NDArray[np.uint8], alt: str) -> str:
    return image_tag(data_uri(picture), alt, style=SHEET)
