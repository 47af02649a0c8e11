"""The classify page: the class of a picture, and how each block mixed. `python demo/app.py`, from any folder.

It needs a checkpoint and nothing else: no data set, no internet. Gradio's defaults that keep or send things
are off (analytics, run history, monitoring, flagging, share links); uploads are deleted within minutes.
"""

import argparse
import contextlib
import functools
import gc
import os
import sys
import threading
from pathlib import Path
from typing import Any

# Python, and a Space, put only this file's folder on the path; our packages lie one above it.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from demo.classify.quick_import import without_stubs

with without_stubs():
    import gradio as gr

import torch

from cifar_core.checkpoint import CheckpointError
from cifar_core.errors import sentence_of
from cifar_core.images.decode import ALLOWED, MAX_BYTES
from cifar_core.inference.classifier import SURE_FROM, Classifier
from cifar_core.metrics.calibration import RIGHT_WHEN_SURE
from cifar_core.metrics.ood import FALSE_ALARMS
from cifar_core.runs.requests import on_signals
from demo.classify.answers import Answers
from demo.classify.api import add_api
from demo.classify.examples import credits_line
from demo.classify.links import API, FILL_IN, NETWORKS, api_html
from demo.classify.page import NAME_EXAMPLES, networks_view, one_picture, several_pictures
from demo.classify.render import LIKELY_FROM, TWO_FROM
from demo.classify.server import (
    PLACES_IN_LINE,
    Service,
    ServingError,
    few_heaps,
    keep_no_statistics,
    launch_options,
)
from demo.classify.uploads import KEPT_SECONDS, OFFER_ALL, uploads_folder
from demo.shared.host import is_public

TITLE = "CIFAR-10 Lab: what is in the picture?"
NOBODY = "no other network"
EXPECT = f"""
The network knows the things named above and nothing else. Most pictures of other things look strange to it,
and it says that they are *none* of these; for the rest it still names one of them, sometimes with
great certainty. It sees the middle square of a picture, of a large one also the inner part of that, each
shrunk to 32 × 32 pixels, so let the thing fill that square. It learned from small photos; drawings and
close-ups mislead it.

The OOD score (out of distribution) says how far a picture lies from those that a network learned from, judged
by what each of its blocks makes of it and by how clearly one class stands out. The default network's limit
was set on pictures held out of training and then changed as photographs differ from them, so that at most
{100 * FALSE_ALARMS:.0f} % of these lie above it; other networks' on such pictures as they are. The exact
shares are given under *Networks*. Where the middle of a large picture lies above the limit, the parts beside
it are looked at as well. A network without that score says so where its first two classes
together stay below {100 * TWO_FROM:.0f} %; one that only tells two things apart never says so.

*Sure* is said from a probability on at which {100 * RIGHT_WHEN_SURE:.0f} of 100 such changed pictures were
answered correctly, by networks without such a limit from {100 * SURE_FROM:.0f} % on; *probably* from
{100 * LIKELY_FROM:.0f} % on; below, the two first classes are named.

{ALLOWED} up to {MAX_BYTES // 1_000_000} MB can be read.
"""
PRIVACY = (
    "Your pictures are not kept: they go no further than the machine that serves this page, and are deleted "
    f"there within {KEPT_SECONDS // 60 + 1} minutes."
)


def build_demo(
    checkpoint: str | None = None,
    *,
    public: bool = False,
    kind: type[Classifier] = Classifier,
    quick: bool = False,
) -> gr.Blocks:
    """The page. `checkpoint`: a name or a folder to answer with at first; None is the default network.

    `public`: strangers' pictures are decoded in a process of its own; `kind`: of classifier that answers;
    `quick`: through ONNX Runtime where that is quicker. Raises CheckpointError.
    """
    answers = Answers(checkpoint, public=public, kind=kind, quick=quick)
    head_text, networks_text = networks_view(answers)
    with gr.Blocks(title=TITLE, analytics_enabled=False) as demo:  # gate.py deletes uploads, not delete_cache
        head = gr.HTML(head_text)
        network, beside = _choices(answers.networks.names)
        with gr.Tab("One picture"):
            one_picture(answers, network, beside)
        with gr.Tab("Several pictures"):
            several_pictures(answers, network)
        with gr.Accordion("Networks", open=False, elem_id=NETWORKS):
            network.render()
            beside.render()
            about = gr.HTML(networks_text)
        with gr.Accordion("Use via API", open=False, elem_id=API):
            lines = gr.HTML(api_html())
        with gr.Accordion("What to expect", open=False):
            gr.Markdown(EXPECT)
        gr.HTML(f'<p class="quiet">{PRIVACY} {credits_line()}</p>')
        gr.on(
            [network.change, beside.change],
            functools.partial(networks_view, answers),
            [network, beside],
            [head, about],
            api_visibility="private",
            show_progress="hidden",
        )
        add_api(answers)
        demo.load(js=NAME_EXAMPLES)
        demo.load(js=OFFER_ALL)
        demo.load(None, lines, lines, js=FILL_IN)
    return demo.queue(max_size=PLACES_IN_LINE, api_open=False)  # no way around the line


def _choices(names: list[str]) -> tuple[gr.Dropdown, gr.Dropdown]:
    """The network that answers, and the one beside it; drawn later, since both tabs need the first."""
    options: dict[str, Any] = {"interactive": True, "render": False, "filterable": False}
    options["visible"] = len(names) > 1
    network = gr.Dropdown(names, label="Network", **options)
    others = [(NOBODY, ""), *((name, name) for name in names)]
    return network, gr.Dropdown(others, value="", label="Compare with", **options)


def main(arguments: list[str] | None = None, kind: type[Classifier] = Classifier) -> int:
    """Show the page until it is interrupted; returns the exit code (0 done, 1 failed)."""
    options = _parser().parse_args(arguments)
    torch.set_num_threads(1)  # two visitors at once are served side by side, each on a core
    few_heaps()
    keep_no_statistics()
    # An exception instead of the event would be lost, or taken for another, in one of torch's callbacks.
    ended = threading.Event()
    with on_signals(ended.set), contextlib.ExitStack() as stack:
        try:
            stack.enter_context(uploads_folder())
            demo = build_demo(options.checkpoint, public=options.public or is_public(), kind=kind, quick=True)
            if ended.is_set():
                return 0
            service = Service(demo, launch_options(options.host, options.port, mcp=options.mcp))
        except (CheckpointError, ServingError, OSError) as error:  # OSError: a port, a folder
            print(f"The classify page cannot open: {sentence_of(error)}", file=sys.stderr)
            return 1
        gc.freeze()  # what is here stays: a search for garbage among it would hold a visitor up
        print(f"Classify page: {service.url}  (Ctrl+C ends it)", flush=True)
        service.run(ended)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="The classify page: what a network sees in a picture.")
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
    code = main()
    sys.stdout.flush()
    os._exit(code)  # a network may still be being quickened, and torch aborts where Python ends beside it
