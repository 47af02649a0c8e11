"""The classify page's parts: a tab for one picture, a tab for several, and what answers when they change."""

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from cifar_core.checkpoint import Card, CheckpointError
from cifar_core.datasets import CIFAR10
from cifar_core.images.crop import MOST_ZOOM
from demo.classify.about import facts_html, head_html, networks_html
from demo.classify.answers import MOST_PICTURES, Answers, Asked, describe_too_many
from demo.classify.api import AT_ONCE, LINE
from demo.classify.examples import EXAMPLES, Example
from demo.classify.links import links_html
from demo.classify.networks import NetworkError
from demo.classify.patches import only_uploads
from demo.classify.render import Parts, batch_html, parts, problem_html, quiet_html
from demo.classify.uploads import Payload

ASK = "Choose a picture, paste one, take one with the camera, or try an example."
ASK_SEVERAL = (
    f"Choose up to {MOST_PICTURES} pictures; each gets a row in a table that you can download as CSV."
)
DRAG = "Drag a square on the picture to crop it."
FRAME = Path(__file__).with_name("frame.js")
BATCH_LINE = "batches"  # a line of their own, so that single pictures need not wait for many

# Gradio gives an example's button no name, so a screen reader would only say "button".
NAME_EXAMPLES = f"""function name() {{
    const buttons = document.querySelectorAll(".gallery-item");
    if (!buttons.length) requestAnimationFrame(name);  // not drawn yet
    const names = {[one.name for one in EXAMPLES]};
    buttons.forEach((button, index) => button.setAttribute("aria-label", "Example: " + names[index]));
}}"""


def answer_view(answers: Answers, picture: Payload | None, *choices: Any) -> Parts:
    """The parts of the page for gr.Image's payload; choices: as in Asked, without `top` and `heatmap`."""
    if picture is None:
        return problem_html(ASK), "", "", {}
    network, beside, turn, zoom, right, down = choices
    asked = Asked(network, beside, turn=turn, zoom=zoom, right=right, down=down, heatmap=True)
    return parts(*answers.to_uploads([picture], asked))


def batch_view(answers: Answers, pictures: Sequence[Payload] | None, network: str | None) -> str:
    """A table of answers; a sentence where there are no pictures or too many."""
    if not pictures:
        return quiet_html(ASK_SEVERAL)
    if len(pictures) > MOST_PICTURES:
        return problem_html(describe_too_many(len(pictures)))
    return batch_html(answers.to_uploads(pictures, Asked(network)))


def networks_view(answers: Answers, name: str | None = None, beside: str | None = None) -> tuple[str, str]:
    """The head of the page, and the table of networks with the chosen one's facts; a problem as such.

    beside: the second network, loaded here as well, so that the table has its speed.
    """
    networks = answers.networks
    try:
        if beside:
            networks.get(beside)
        card = networks.get(name).classifier.card
        table = networks_html(networks.cards(), networks.speeds, name or next(iter(networks.names), ""))
        return _head(card), table + facts_html(card)
    except (CheckpointError, NetworkError) as error:
        return _head(answers.card), problem_html(str(error))


def _head(card: Card) -> str:
    return head_html(card) + links_html(str(card.config.get("data", CIFAR10.name)))


def one_picture(answers: Answers, network: gr.Dropdown, beside: gr.Dropdown) -> None:
    """Draw the tab, with the first example already answered; whatever changes gives a new answer."""
    first = EXAMPLES[0]
    shown = answers.to_pictures([(first.file, first.decoded())], Asked(heatmap=True))
    answer, inside, share, response = parts(*shown)
    with gr.Row():
        with gr.Column(min_width=280):
            picture = _picture(first)
            crop = _crop(picture)
        with gr.Column(min_width=280):
            answer_box = gr.HTML(answer)
            examples = [[one.value()] for one in EXAMPLES]
            gr.Examples(examples, picture, label="Or try an example", cache_examples=False)
    inside_box = gr.HTML(inside)
    with gr.Accordion("Keep or repeat this answer", open=False):
        share_box = gr.HTML(share)
        numbers = gr.JSON(response, show_label=False, label="The answer as JSON")
    inputs: list[Any] = [picture, network, beside, *crop]
    gr.on(
        [field.change for field in inputs],
        functools.partial(answer_view, answers),
        inputs,
        [answer_box, inside_box, share_box, numbers],
        api_name="answer_view",
        api_visibility="private",
        preprocess=False,  # leaves the file to our own decoder
        concurrency_limit=AT_ONCE,
        concurrency_id=LINE,
        trigger_mode="always_last",  # of a slider's many values, only the last one counts
        show_progress="hidden",
    )


def _picture(first: Example) -> gr.Image:
    picture = gr.Image(
        first.value(),
        type="filepath",
        format="png",
        height=300,
        elem_classes="picture",
        label="Picture",
        buttons=[],
        placeholder="Drop a picture here\nor click to choose one",
        alt_text="The picture that is classified",
    )
    return only_uploads(picture)


def _crop(picture: gr.Image) -> list[gr.Slider]:
    """A square on the picture, four sliders with the same numbers for the keyboard, and a way back."""
    square = gr.HTML(
        [0, 1, 0, 0],
        html_template=quiet_html(DRAG),
        js_on_load=FRAME.read_text(encoding="utf-8"),
        elem_classes="hint",
    )
    with gr.Accordion("Crop and turn", open=False):
        sliders = [
            gr.Slider(-180, 180, 0, step=5, label="Turn, degrees clockwise", buttons=[]),
            gr.Slider(1, MOST_ZOOM, 1, step=0.05, label="Zoom, times", buttons=[]),
            gr.Slider(-1, 1, 0, step=0.02, label="Left to right", buttons=[]),
            gr.Slider(-1, 1, 0, step=0.02, label="Top to bottom", buttons=[]),
        ]
        back = gr.Button("Back to the whole picture", size="sm")
    whole = "() => [0, 1, 0, 0]"
    gr.on([back.click, picture.change], None, None, sliders, js=whole)
    square.input(None, square, sliders, js="(value) => value")
    gr.on([slider.change for slider in sliders], None, sliders, square, js="(...values) => [values]")
    return sliders


def several_pictures(answers: Answers, network: gr.Dropdown) -> None:
    """Draw the tab and connect it."""
    files = gr.File(
        file_count="multiple", file_types=["image"], label="Pictures", height=180, elem_classes="pictures"
    )
    table = gr.HTML(quiet_html(ASK_SEVERAL))
    gr.on(
        [only_uploads(files).change, network.change],
        functools.partial(batch_view, answers),
        [files, network],
        table,
        api_name="batch_view",
        api_visibility="private",
        preprocess=False,
        concurrency_limit=1,
        concurrency_id=BATCH_LINE,
        show_progress="minimal",
    )
