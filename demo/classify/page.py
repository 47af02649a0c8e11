"""The classify page's first tab: one picture, the answer beside it, and what happened inside."""

import functools
from dataclasses import dataclass

import gradio as gr
from PIL import Image

from cifar_core.images.crop import MOST_ZOOM
from demo.classify.answers import Answers, Parts
from demo.classify.api import AT_ONCE, LINE
from demo.classify.batch import ASK, batch_html
from demo.classify.uploads import only_uploads
from demo.shared.drawings import DRAWINGS

# Gradio gives a drawing's button no name, so a screen reader would only say "button".
NAME_DRAWINGS = f"""function name() {{
    const buttons = document.querySelectorAll(".gallery-item");
    if (!buttons.length) requestAnimationFrame(name);  // not drawn yet
    const names = {list(DRAWINGS)};
    buttons.forEach((button, index) => button.setAttribute("aria-label", "Drawing: " + names[index]));
}}"""


@dataclass(frozen=True)
class Fields:
    """What a visitor sets, and what shows the answer: see Answers.for_upload."""

    picture: gr.Image
    crop: list[gr.Slider]
    look: gr.Checkbox
    shown: list[gr.components.Component]


def one_picture(drawings: list[Image.Image], first: Parts) -> Fields:
    """Draw the tab, with the first drawing already answered."""
    answer, inside, share, document = first
    with gr.Row():
        with gr.Column(min_width=280):
            picture = _picture(drawings[0])
            crop = _crop()
        with gr.Column(min_width=280):
            answer_box = gr.HTML(answer)
            gr.Examples([[one] for one in drawings], picture, label="Or try a drawing", cache_examples=False)
    look = gr.Checkbox(False, label="Show where it looked", container=False)
    inside_box = gr.HTML(inside)
    with gr.Accordion("Keep or repeat this answer", open=False):
        share_box = gr.HTML(share)
        numbers = gr.JSON(document, show_label=False, label="The answer as JSON")
    return Fields(picture, crop, look, [answer_box, inside_box, share_box, numbers])


def connect(answers: Answers, fields: Fields, network: gr.Dropdown, beside: gr.Dropdown) -> None:
    """Anything that changes gives a new answer; preprocess=False leaves the file to our own decoder."""
    inputs = [fields.picture, network, beside, *fields.crop, fields.look]
    gr.on(
        [fields.picture.change, network.change, beside.change, fields.look.change]
        + [slider.change for slider in fields.crop],
        answers.for_upload,
        inputs,
        fields.shown,
        api_name="answer_view",
        api_visibility="private",
        preprocess=False,
        concurrency_limit=AT_ONCE,
        concurrency_id=LINE,
        trigger_mode="always_last",  # of a slider's many values, only the last one counts
        show_progress="hidden",
    )


def _picture(first: Image.Image) -> gr.Image:
    picture = gr.Image(
        first,
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


def _crop() -> list[gr.Slider]:
    """Four sliders, which a keyboard moves as well, and a way back."""
    with gr.Accordion("Crop and turn", open=False):
        sliders = [
            gr.Slider(-180, 180, 0, step=5, label="Turn, degrees clockwise", buttons=[]),
            gr.Slider(1, MOST_ZOOM, 1, step=0.1, label="Nearer, times", buttons=[]),
            gr.Slider(-1, 1, 0, step=0.05, label="Left to right", buttons=[]),
            gr.Slider(-1, 1, 0, step=0.05, label="Up to down", buttons=[]),
        ]
        back = gr.Button("The whole picture again", size="sm")
        back.click(lambda: (0, 1, 0, 0), None, sliders, api_visibility="private", queue=False)
    return sliders


BATCH_LINE = "batches"  # a line of their own, so that single pictures need not wait for many


def several_pictures(answers: Answers, network: gr.Dropdown) -> None:
    """Draw the tab and connect it."""
    files = gr.File(
        file_count="multiple", file_types=["image"], label="Pictures", height=180, elem_classes="pictures"
    )
    table = gr.HTML(f'<p class="quiet">{ASK}</p>')
    gr.on(
        [only_uploads(files).change, network.change],
        functools.partial(batch_html, answers),
        [files, network],
        table,
        api_name="batch_view",
        api_visibility="private",
        preprocess=False,
        concurrency_limit=1,
        concurrency_id=BATCH_LINE,
        show_progress="minimal",
    )
