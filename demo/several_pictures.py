"""The classify page's second tab: several pictures at once, a table of answers, CSV and JSON to take away."""

import functools

import gradio as gr

from demo.answers import Answers
from demo.batch import ASK, batch_html
from demo.uploads import only_uploads

LINE = "batches"  # a line of their own, so that single pictures need not wait for many


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
        concurrency_id=LINE,
        show_progress="minimal",
    )
