"""The classify page: what is in a picture, and how each block mixed. `python demo/app.py`, from any folder.

It needs a checkpoint and nothing else: no data set, no internet. Gradio's defaults that keep or send things
are off (analytics, run history, monitoring, flagging, share links); uploads are deleted within minutes.
"""

import argparse
import os
import sys
from pathlib import Path

# Python, and a Space, put only this file's folder on the path; our packages lie one above it.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import gradio as gr

from cifar_core.checkpoint import CheckpointError
from cifar_core.images.decode import ALLOWED, MAX_BYTES, Decoded
from cifar_core.metrics.ood import FALSE_ALARMS
from demo.classify.answers import Answers
from demo.classify.api import add_api
from demo.classify.networks import one_thread_each
from demo.classify.page import NAME_DRAWINGS, connect, one_picture, several_pictures
from demo.classify.render import SURE_FROM, TWO_FROM, head_html
from demo.classify.server import (
    KEPT_SECONDS,
    PLACES_IN_LINE,
    Service,
    ServingError,
    few_heaps,
    launch_options,
    reload_never,
    sum_up_never,
    uploads_folder,
)
from demo.shared.drawings import DRAWINGS
from demo.shared.host import is_public

TITLE = "CIFAR-10 Lab: what is in the picture?"
NOBODY = "no other network"
EXPECT = f"""
The network knows the things named above and nothing else. Most pictures of other things are strange to it,
and it says *none of the ten*; of the rest it names one of the ten all the same, sometimes with great
certainty. It sees the middle square of a picture, shrunk to 32 × 32 pixels, so let the thing fill that
square. It learned from small photos; drawings and close-ups mislead it.

The OOD score (out of distribution) is how far a picture lies from those that a network learned from, in what
each of its blocks makes of them and in how clearly a class stands out. Its limit was set on pictures that had
been held out of the training, so that {100 * FALSE_ALARMS:.1f} % of them, or a little less, lie above it; the
exact share stands under *Networks*. A network without that score says *none of the ten* where its first two
classes together stay below {100 * TWO_FROM:.0f} %; one that tells two things apart never says so.

*Sure* and *unsure* only put probabilities in words: sure from {100 * SURE_FROM:.0f} % for the first class on.

{ALLOWED} up to {MAX_BYTES // 1_000_000} MB are read.
"""
PRIVACY = (
    "Nobody keeps your pictures: they go no further than the machine that shows this page, and are deleted "
    f"there within {KEPT_SECONDS // 60 + 1} minutes."
)


def build_demo(checkpoint: str | None = None, *, public: bool = False) -> gr.Blocks:
    """The page. `checkpoint`: a name or a folder to answer with at first; None is the default network.

    `public`: strangers' pictures are decoded in a process of its own. Raises CheckpointError.
    """
    answers = Answers(checkpoint, public=public)
    drawings = [draw() for draw in DRAWINGS.values()]
    first = answers.for_image(Decoded(drawings[0]), path=f"{next(iter(DRAWINGS))}.png")
    with gr.Blocks(title=TITLE, analytics_enabled=False) as demo:  # gate.py deletes uploads, not delete_cache
        head = gr.HTML(head_html(answers.card))
        network, beside = _choices(answers)
        with gr.Tab("One picture"):
            fields = one_picture(drawings, first)
        with gr.Tab("Several pictures"):
            several_pictures(answers, network)
        with gr.Accordion("Networks", open=False):
            network.render()
            beside.render()
            about = gr.HTML(answers.about())
        with gr.Accordion("What to expect of it", open=False):
            gr.Markdown(EXPECT)
        gr.HTML(f'<p class="quiet">{PRIVACY}</p>')
        connect(answers, fields, network, beside)
        gr.on(
            [network.change, beside.change],
            answers.describe,
            [network, beside],
            [head, about],
            api_visibility="private",
            show_progress="hidden",
        )
        add_api(answers)
        demo.load(js=NAME_DRAWINGS)
    return demo.queue(max_size=PLACES_IN_LINE, api_open=False)  # no way around the line


def _choices(answers: Answers) -> tuple[gr.Dropdown, gr.Dropdown]:
    """Which network answers, and which one beside it; drawn later, since both tabs need the first."""
    several = len(answers.names) > 1
    network = gr.Dropdown(
        answers.names, label="Network", interactive=True, visible=several, render=False, filterable=False
    )
    beside = gr.Dropdown(
        [(NOBODY, ""), *((name, name) for name in answers.names)],
        value="",
        label="Beside it",
        interactive=True,
        visible=several,
        render=False,
        filterable=False,
    )
    return network, beside


def main(arguments: list[str] | None = None) -> int:
    """Show the page until it is interrupted; returns the exit code (0 done, 1 failed)."""
    options = _parser().parse_args(arguments)
    one_thread_each()
    few_heaps()
    sum_up_never()
    reload_never()
    with uploads_folder():
        try:
            demo = build_demo(options.checkpoint, public=options.public or is_public())
            service = Service(demo, launch_options(options.host, options.port, mcp=options.mcp))
        except (CheckpointError, ServingError, OSError) as error:  # OSError: the port is taken
            print(f"The classify page cannot open: {error}", file=sys.stderr)
            return 1
        print(f"Classify page: {service.url}  (Ctrl+C ends it)", flush=True)
        service.run()
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
    parser.add_argument(
        "--mcp", action="store_true", help="offer the page's endpoints to language models as MCP tools too"
    )
    parser.add_argument("--checkpoint", metavar="C", help="a folder, or a name in checkpoints/")
    return parser


if __name__ == "__main__":
    sys.exit(main())
