"""The classify page: what is in a picture, and how each block mixed. `python demo/app.py`, from any folder.

It needs a checkpoint and nothing else: no data set, no internet. Gradio's defaults that keep or send things
are off (analytics, run history, monitoring, flagging, share links); uploads are deleted within minutes.
"""

import argparse
import os
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any

# Python, and a Space, put only this file's folder on the path; our packages lie one above it.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import gradio as gr
from PIL import Image

from cifar_core.checkpoint import CheckpointError
from cifar_core.images import ALLOWED, MAX_BYTES, Decoded
from demo.answer_view import SURE_FROM, TWO_FROM
from demo.answers import Answers
from demo.card_view import about_html, head_html
from demo.drawings import DRAWINGS
from demo.gate import gate
from demo.host import is_public
from demo.uploads import only_uploads

LOOK = Path(__file__).with_name("app.css")
TITLE = "CIFAR-10 Lab: what is in the picture?"
PLACES_IN_LINE = 20  # pictures waiting at once; the next sender is told that the queue is full
AT_ONCE_BYTES = 5 * MAX_BYTES  # in one request, of several pictures
KEPT_SECONDS = 300  # how long an upload stays on disk, so that its own page can show it; checked every minute

# Gradio gives a drawing's button no name, so a screen reader would only say "button".
NAME_DRAWINGS = f"""function name() {{
    const buttons = document.querySelectorAll(".gallery-item");
    if (!buttons.length) requestAnimationFrame(name);  // not drawn yet
    const names = {list(DRAWINGS)};
    buttons.forEach((button, index) => button.setAttribute("aria-label", "Drawing: " + names[index]));
}}"""
EXPECT = f"""
The network knows the things named above and nothing else: shown a chair, it names one of them all the same,
sometimes with great certainty. It sees the middle square of a picture, shrunk to 32 × 32 pixels, so let the
thing fill that square. It learned from small photos; drawings and close-ups are strange to it.

*Sure*, *unsure* and *none of the ten* only put the probabilities in words: sure from {100 * SURE_FROM:.0f} %
for the first class, unsure from {100 * TWO_FROM:.0f} % for the first two together, none of the ten below. A
network that tells two things apart never says none.

{ALLOWED} up to {MAX_BYTES // 1_000_000} MB are read. Pictures go no further than the machine that shows this
page, and are deleted there within {KEPT_SECONDS // 60 + 1} minutes.
"""


def build_demo(checkpoint: str | None = None, *, public: bool = False) -> gr.Blocks:
    """The page. `checkpoint`: a name or a folder to answer with at first; None is the default network.

    `public`: strangers' pictures are decoded in a process of its own. Raises CheckpointError.
    """
    answers = Answers(checkpoint, public=public)
    drawings = [draw() for draw in DRAWINGS.values()]
    answer, inside, numbers = answers.for_image(Decoded(drawings[0]))
    with gr.Blocks(title=TITLE, analytics_enabled=False, delete_cache=(60, KEPT_SECONDS)) as demo:
        head = gr.HTML(head_html(answers.card))
        with gr.Row():
            with gr.Column(min_width=280):
                picture = _picture(drawings[0])
            with gr.Column(min_width=280):
                answer_box = gr.HTML(answer)
                rows = [[one] for one in drawings]
                gr.Examples(rows, picture, label="Or try a drawing", cache_examples=False)
                demo.load(js=NAME_DRAWINGS)
        inside_box = gr.HTML(inside)
        network, about, numbers_box = _folds(answers, numbers)
        _connect(answers, picture, network, [answer_box, inside_box, numbers_box], [head, about])
    return demo.queue(max_size=PLACES_IN_LINE, api_open=False)  # no way around the line


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


def _folds(answers: Answers, numbers: dict[str, Any]) -> tuple[gr.Dropdown, gr.HTML, gr.JSON]:
    with gr.Accordion("About this network", open=False):
        several = len(answers.names) > 1
        network = gr.Dropdown(answers.names, label="Network", interactive=True, visible=several)
        about = gr.HTML(about_html(answers.card))
    with gr.Accordion("What to expect of it", open=False):
        gr.Markdown(EXPECT)
    with gr.Accordion("The numbers", open=False):
        return network, about, gr.JSON(numbers, show_label=False)


def _connect(
    answers: Answers,
    picture: gr.Image,
    network: gr.Dropdown,
    parts: list[gr.components.Component],
    facts: list[gr.components.Component],
) -> None:
    """A new picture or network gives a new answer; preprocess=False leaves the file to our own decoder."""
    gr.on(
        [picture.change, network.change],
        answers.for_upload,
        [picture, network],
        parts,
        api_name="classify",
        preprocess=False,
        concurrency_limit=1,  # a network records its mixing coefficients for one pass at a time
        show_progress="hidden",
    )
    network.change(answers.describe, network, facts, api_visibility="private", show_progress="hidden")


def launch_options(host: str, port: int | None) -> dict[str, Any]:
    """What launch() gets: our look, and Gradio's open or storing defaults closed."""
    theme = gr.themes.Default(
        primary_hue="blue",
        neutral_hue="slate",
        radius_size="sm",
        font=["system-ui", "sans-serif"],  # the default font comes from the web
        font_mono=["ui-monospace", "monospace"],
    )
    return {
        "server_name": host,
        "server_port": port,
        "share": False,
        "max_file_size": MAX_BYTES,
        "app_kwargs": {"middleware": [gate(AT_ONCE_BYTES, KEPT_SECONDS)]},
        "enable_monitoring": False,
        "run_history": False,
        "mcp_server": False,
        "pwa": False,
        "ssr_mode": False,
        "footer_links": [],
        "state_session_capacity": 200,  # visitors remembered at once
        "theme": theme,
        "css_paths": LOOK,
        "quiet": True,
    }


def main(arguments: list[str] | None = None) -> int:
    """Show the page until it is interrupted; returns the exit code (0 done, 1 failed)."""
    options = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # leave in order, so that the folder is deleted
    with tempfile.TemporaryDirectory(prefix="cifar10-lab-uploads-") as folder:  # for this user's eyes only
        os.environ.setdefault("GRADIO_TEMP_DIR", folder)
        try:
            demo = build_demo(options.checkpoint, public=options.public or is_public())
            _, url, _ = demo.launch(prevent_thread_lock=True, **launch_options(options.host, options.port))
        except (CheckpointError, OSError) as error:  # OSError: the port is taken
            print(f"The classify page cannot open: {error}", file=sys.stderr)
            return 1
        print(f"Classify page: {url}  (Ctrl+C ends it)", flush=True)
        demo.block_thread()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description="The classify page: what is in a picture, as the network sees it."
    )
    host = "0.0.0.0" if os.environ.get("SPACE_ID") else "127.0.0.1"
    parser.add_argument("--host", default=host, help="default: %(default)s")
    parser.add_argument("--port", type=int, help="default: the first free one from 7860")
    parser.add_argument(
        "--public", action="store_true", help="strangers reach the page: limit what a picture costs"
    )
    parser.add_argument("--checkpoint", metavar="C", help="a folder, or a name in checkpoints/")
    return parser


if __name__ == "__main__":
    sys.exit(main())
