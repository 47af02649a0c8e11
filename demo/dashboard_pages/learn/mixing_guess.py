"""Step 5's guess: which of some pictures is mixed most like another, before the mix of all is shown."""

import html
from collections.abc import Mapping, Sequence
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
CELL = "min-width:0;text-align:center;font-size:.75rem;align-self:start"
GRID = "display:grid;gap:.4rem;align-items:center;margin-top:.4rem"
BAR = "display:flex;height:18px;border-radius:3px;overflow:hidden"
KEY_LOOK = (
    "<style>.guess-key { display:flex; gap:.2rem 1.2rem; font-size:.85rem } .guess-key i "
    "{ display:inline-block; width:.8rem; height:.8rem; margin-right:.4rem; border-radius:2px }</style>"
)


@dataclass(frozen=True)
class Question:
    """In `block` the picture `example` takes most of `kernel` (from 0); of the others `shown`, `answer` does.

    All are places in the list of pictures that it was put on.
    """

    block: str
    kernel: int
    shown: tuple[int, ...]
    example: int
    answer: int


def pictures_of_turn(data: "ImageData | None", turn: int) -> "tuple[Images, list[str]]":
    """A test picture of each class with the class, the same for the same turn; the drawings without data."""
    if data is None:
        return [draw() for draw in DRAWINGS.values()], list(DRAWINGS)
    rng, classes = np.random.default_rng(turn), range(len(data.class_names))
    places = [int(rng.choice(np.flatnonzero(data.test.targets == label))) for label in classes]
    return np.stack([data.test.images[place] for place in places]), list(data.class_names)


def question_on(mixes: Sequence[Shares], turn: int) -> Question:
    """The question about the kernel whose share differs most between the pictures, wherever that is.

    Two pictures that take most of it are shown with three that take least, so that there is something to see.
    """
    spread = {block: np.array([mix[block] for mix in mixes]) for block in mixes[0]}  # (pictures, K) each
    block = max(spread, key=lambda name: float(np.ptp(spread[name], axis=0).max()))
    kernel = int(np.ptp(spread[block], axis=0).argmax())
    order = np.argsort(-spread[block][:, kernel], kind="stable").tolist()
    shown = np.random.default_rng(turn).permutation([*order[:2], *order[2:][-(SHOWN - 2) :]]).tolist()
    return Question(block, kernel, tuple(shown), order[0], order[1])


def show_guess(network: "Classifier", data: "ImageData | None", turn: int) -> None:
    """The example, the pictures to choose from, and after the guess the mix of all."""
    pictures, names = pictures_of_turn(data, turn)
    answers = network.predict(pictures)
    question = question_on([answer.mixing for answer in answers], turn)
    seen = {names[place]: answers[place].seen for place in question.shown}
    mixes = {names[place]: answers[place].mixing for place in question.shown}
    example, answer = names[question.example], names[question.answer]
    taken = {name: whole_percent(mix[question.block][question.kernel]) for name, mix in mixes.items()}
    st.html(pictures_html(seen))
    st.markdown(
        f"Block {question.block} takes {taken[example]} of kernel {question.kernel + 1} for the "
        f"**{plain(example)}**. For which of the others does it take most of that kernel?"
    )
    others = [name for name in seen if name != example]
    guess = st.radio("Your guess", others, index=None, horizontal=True, key=f"guess-{turn}")
    if guess is None:
        st.caption("The mix of all appears with your guess.")
        return
    st.markdown(f"**{plain(describe_guess(guess, answer, taken))}**")
    st.html(pictures_html(seen, mixes))


def describe_guess(guess: str, answer: str, taken: Mapping[str, str]) -> str:
    """Say whether the guess is right, with the shares `taken` of each picture behind it."""
    if guess == answer:
        return f"Right: {taken[answer]} for the {answer}"
    return f"It is the {answer} with {taken[answer]}; the {guess} gets {taken[guess]}"


def pictures_html(
    pictures: Mapping[str, NDArray[np.uint8]], mixes: Mapping[str, Shares] | None = None
) -> str:
    """The pictures (H, W, 3) side by side over their names; under each its mix, a bar for each block."""
    cells = "".join(
        f'<div style="{CELL}">{image_tag(data_uri(picture), name, style=IMAGE)}<br>{html.escape(name)}</div>'
        for name, picture in pictures.items()
    )
    key, rows = "", ""
    if mixes:
        blocks = next(iter(mixes.values()))
        most = max(len(shares) for shares in blocks.values())
        key = f'{KEY_LOOK}<div class="guess-key" aria-hidden="true">{bar_key(most)}</div>'
        rows = "".join(_row(block, mixes) for block in blocks)
    columns = f"grid-template-columns:1.6rem repeat({len(pictures)},minmax(0,96px))"
    return f'{key}<div style="{GRID};{columns}"><span></span>{cells}{rows}</div>'


def _row(block: str, mixes: Mapping[str, Shares]) -> str:
    bars = "".join(
        f'<div role="img" aria-label="{html.escape(f"{block}, {name}: {spoken(mix[block])}")}" '
        f'style="{BAR}">{bar_parts(mix[block], numbered=False)}</div>'
        for name, mix in mixes.items()
    )
    return f"<span>{html.escape(block)}</span>{bars}"
