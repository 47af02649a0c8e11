"""Step 5's guess: which of four pictures is mixed most like a fifth, before the mix of all is shown."""

import html
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from cifar_core.runs.history import Shares
from demo.shared.drawings import DRAWINGS
from demo.shared.format import whole_percent
from demo.shared.pictures import bar_key, bar_parts, data_uri, image_tag, spoken
from demo.widgets.panels import plain

if TYPE_CHECKING:
    from cifar_core.data import ImageData
    from cifar_core.inference.classifier import Classifier
    from cifar_core.inference.preprocess import Images

SHOWN = 5  # pictures, each of another class
IMAGE = "width:100%;max-width:96px;image-rendering:pixelated;border-radius:4px"
CELL = "min-width:0;text-align:center;font-size:.8rem;overflow-wrap:anywhere"
BAR = "display:flex;height:18px;border-radius:3px;overflow:hidden"
KEY_LOOK = (
    "<style>.guess-key { display:flex; gap:.2rem 1.2rem; font-size:.85rem } .guess-key i "
    "{ display:inline-block; width:.8rem; height:.8rem; margin-right:.4rem; border-radius:2px }</style>"
)


@dataclass(frozen=True)
class Question:
    """In `block`, `kernel` (from 0) gets its largest share on the picture `example`, the next on `answer`."""

    block: str
    kernel: int
    example: int
    answer: int


def pictures_of_turn(data: "ImageData | None", turn: int) -> "tuple[Images, list[str]]":
    """Five pictures of different classes with these, the same for the same turn; drawings without data."""
    rng = np.random.default_rng(turn)
    if data is None:
        names = [str(name) for name in rng.permutation(list(DRAWINGS))[:SHOWN]]
        return [DRAWINGS[name]() for name in names], names
    labels = rng.permutation(len(data.class_names))[:SHOWN]
    places = [int(rng.choice(np.flatnonzero(data.test.targets == label))) for label in labels]
    return np.stack([data.test.images[place] for place in places]), [data.class_names[i] for i in labels]


def question_on(mixes: Sequence[Shares]) -> Question:
    """The question that five pictures' mixes put: about the last block, and what varies most in it."""
    block = list(mixes[0])[-1]
    shares = np.array([mix[block] for mix in mixes])  # (pictures, K)
    kernel = int(np.ptp(shares, axis=0).argmax())
    example, answer = np.argsort(-shares[:, kernel], kind="stable")[:2]
    return Question(block, kernel, int(example), int(answer))


def show_guess(network: "Classifier", data: "ImageData | None", turn: int) -> None:
    """The example, the four pictures to choose from, and after the guess the mix of all five."""
    pictures, names = pictures_of_turn(data, turn)
    answers = network.predict(pictures)
    mixes, seen = [answer.mixing for answer in answers], [answer.seen for answer in answers]
    question = question_on(mixes)
    share = mixes[question.example][question.block][question.kernel]
    st.html(strip_html(seen, names))
    st.markdown(
        f"Block {question.block} takes {whole_percent(share)} of kernel {question.kernel + 1} for the "
        f"**{plain(names[question.example])}**. For which of the other four does it take most of that kernel?"
    )
    others = [name for place, name in enumerate(names) if place != question.example]
    guess = st.radio("Your guess", others, index=None, horizontal=True, key=f"guess-{turn}")
    if guess is None:
        st.caption("The mix of all five appears with your guess.")
        return
    st.markdown(f"**{plain(describe_guess(question, names, mixes, guess))}**")
    st.html(mixes_html(seen, names, mixes))


def describe_guess(question: Question, names: Sequence[str], mixes: Sequence[Shares], guess: str) -> str:
    """Say whether the guess is right, with the shares behind it."""

    def taken(place: int) -> str:
        return whole_percent(mixes[place][question.block][question.kernel])

    right = names[question.answer]
    if guess == right:
        return f"Right: {taken(question.answer)} for the {right}"
    return f"It is the {right} with {taken(question.answer)}; the {guess} gets {taken(names.index(guess))}"


def strip_html(pictures: Sequence[NDArray[np.uint8]], names: Sequence[str]) -> str:
    """The pictures (H, W, 3) side by side over their names."""
    return f'<div style="{_grid(len(names))}"><span></span>{_cells(pictures, names)}</div>'


def mixes_html(pictures: Sequence[NDArray[np.uint8]], names: Sequence[str], mixes: Sequence[Shares]) -> str:
    """The same, and under each picture a stacked bar for each block, from the first block down."""
    rows = "".join(
        f"<span>{html.escape(block)}</span>"
        + "".join(
            f'<div role="img" aria-label="{html.escape(f"{block}, {name}: {spoken(mix[block])}")}" '
            f'style="{BAR}">{bar_parts(mix[block], numbered=False)}</div>'
            for name, mix in zip(names, mixes, strict=True)
        )
        for block in mixes[0]
    )
    most = max(len(shares) for shares in mixes[0].values())
    key = f'{KEY_LOOK}<div class="guess-key" aria-hidden="true">{bar_key(most)}</div>'
    return f'{key}<div style="{_grid(len(names))}"><span></span>{_cells(pictures, names)}{rows}</div>'


def _grid(count: int) -> str:
    return (
        f"display:grid;grid-template-columns:2rem repeat({count},minmax(0,96px));gap:.4rem;"
        "align-items:center;margin-top:.4rem"
    )


def _cells(pictures: Sequence[NDArray[np.uint8]], names: Sequence[str]) -> str:
    return "".join(
        f'<div style="{CELL}">{image_tag(data_uri(picture), name, style=IMAGE)}<br>{html.escape(name)}</div>'
        for picture, name in zip(pictures, names, strict=True)
    )
