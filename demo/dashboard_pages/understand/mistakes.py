"""Mistakes by loss, each with where the network looked; searched by true and by predicted class."""

import html
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from cifar_core.inference.held_out import HeldOut
from demo.dashboard_pages.understand.answers import Answers
from demo.shared.format import counted, whole_percent
from demo.shared.pictures import RIGHT, WRONG, picture_pair
from demo.widgets.choice import choose
from demo.widgets.panels import plain

if TYPE_CHECKING:
    from cifar_core.inference.classifier import Classifier


ANY, OTHER = "any", "any-other"
ANY_TEXT = {ANY: "any class", OTHER: "any wrong class"}
AT_ONCE = 12
LOOKS = {"said": "the class it said", "true": "the true class"}
HEAT_NOTE = (
    "At the right of each picture: where the network looked (LayerCAM). Brighter places speak more for "
    "{what}; a map without a bright place found none that speaks for it."
)
GRID = "display:grid;grid-template-columns:repeat(auto-fill,minmax(150px,1fr));gap:1.2rem"
Picture = NDArray[np.uint8]
LOSS_NOTE = "The largest loss comes first. A blind guess among {n} classes has {blind:.2f}."


@dataclass(frozen=True)
class Shown:
    """One picture (3, 32, 32) with its heat map (32, 32) in 0..1, or None, and what was said of it."""

    number: int
    picture: Picture
    truth: str
    said: str
    probability: float
    loss: float
    heat: NDArray[np.floating] | None = None


def found(answers: Answers, names: tuple[str, ...], true: str, predicted: str) -> NDArray[np.int64]:
    """Numbers of the pictures of a true and a predicted class, the largest loss first.

    true: a class or "any"; predicted: a class, or "any-other" for whatever is not the true class.
    """
    fits = np.ones(len(answers.targets), bool)
    if true in names:
        fits &= answers.targets == names.index(true)
    if predicted in names:
        fits &= answers.predictions == names.index(predicted)
    if predicted == OTHER or true == ANY:
        fits &= answers.predictions != answers.targets
    numbers = np.flatnonzero(fits)
    return numbers[np.argsort(-answers.losses[numbers], kind="stable")]


def describe_found(count: int, total: int, true: str, predicted: str) -> str:
    """Say how many pictures answer the search."""
    if count == 0:
        return f"None of the {total:,} pictures is like that. Choose other classes, or more pictures."
    if (true, predicted) == (ANY, OTHER):
        return f"{count:,} of the {total:,} pictures are wrong"
    of = "" if true == ANY else f" of the class {true}"
    if true == predicted:
        return f"{counted(count, 'picture')}{of}, recognized"
    taken = f" taken for {predicted}" if predicted != OTHER else ""
    wrong = "" if taken else ", wrong"
    return f"{counted(count, 'picture')}{of}{taken}{wrong}"


def shown_pictures(
    classifier: "Classifier", pictures: HeldOut, answers: Answers, numbers: NDArray[np.int64], looks: str
) -> list[Shown]:
    """Return what the gallery shows of some pictures."""
    from cifar_core.explain.saliency import heat_maps

    classes = (answers.predictions if looks == "said" else answers.targets)[numbers]
    heats = heat_maps(classifier, pictures.images[numbers], classes)
    names = pictures.class_names
    return [
        Shown(
            number + 1,
            pictures.images[number],
            names[answers.targets[number]],
            names[answers.predictions[number]],
            float(answers.probs[number].max()),
            float(answers.losses[number]),
            heat,
        )
        for number, heat in zip(numbers.tolist(), heats, strict=True)
    ]


def show_mistakes(classifier: "Classifier", pictures: HeldOut, answers: Answers) -> None:
    """The search, and the pictures that it finds."""
    names = pictures.class_names
    with st.container(horizontal=True, vertical_alignment="bottom"):
        true = choose("shows", "True class", [ANY, *names], ANY, ANY_TEXT, "select", 320)
        predicted = choose("said", "Predicted class", [OTHER, *names], OTHER, ANY_TEXT, "select", 320)
    show_found(classifier, pictures, answers, true, predicted)


def show_found(
    classifier: "Classifier", pictures: HeldOut, answers: Answers, true: str, predicted: str
) -> None:
    """The pictures of a true and a predicted class, twelve at a time."""
    numbers = found(answers, pictures.class_names, true, predicted)
    st.markdown(f"**{plain(describe_found(len(numbers), len(pictures), true, predicted))}**")
    if len(numbers) == 0:
        return
    looks = choose("heat", "Heat map for", list(LOOKS), "said", LOOKS, labeled=True)
    name = f"shown:{pictures.key}:{true}:{predicted}"
    count = st.session_state.setdefault(name, AT_ONCE)
    st.html(gallery(shown_pictures(classifier, pictures, answers, numbers[:count], looks)))
    if count < len(numbers):
        st.button("Twelve more", on_click=lambda: st.session_state.update({name: count + AT_ONCE}))
    blind = float(np.log(len(pictures.class_names)))
    st.caption(LOSS_NOTE.format(n=len(pictures.class_names), blind=blind))
    st.caption(HEAT_NOTE.format(what=LOOKS[looks]))


def gallery(shown: Sequence[Shown]) -> str:
    """A card for each."""
    return f'<div style="{GRID}">{"".join(map(_card, shown))}</div>'


def _card(one: Shown) -> str:
    picture = one.picture.transpose(1, 2, 0)
    truth, said = html.escape(one.truth), html.escape(one.said)
    images = picture_pair(picture, f"Picture {one.number}, {one.truth}", one.heat)
    right = one.truth == one.said
    words = f"{truth}, right" if right else f"{truth}, taken for {said}"
    return (
        f"<div>{images}"
        f'<div style="color:{RIGHT if right else WRONG};font-weight:600;margin-top:.3rem">{words}</div>'
        f'<div style="font-size:.85rem;opacity:.8">{html.escape(whole_percent(one.probability))} sure, '
        f"loss {one.loss:.2f}</div></div>"
    )
