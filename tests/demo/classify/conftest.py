"""What the tests of the classify page share: two toy networks in place of the shipped ones, and a page."""

from collections.abc import Iterator
from pathlib import Path

import gradio as gr
import pytest

from cifar_core.files import DEFAULT_CHECKPOINT
from demo import app
from tests.support.ports import free_port
from tests.support.toy_checkpoints import OTHER, save_toy


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of the networks; Gradio's own folder lies beside it."""
    folder = tmp_path_factory.mktemp("checkpoints")
    save_toy(folder / DEFAULT_CHECKPOINT)
    save_toy(folder / OTHER, seed=1, model_args={"widths": [8, 8]}, metrics={})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cifar_core.checkpoint.checkpoints_dir", lambda: folder)
        patch.setenv("GRADIO_TEMP_DIR", str(tmp_path_factory.mktemp("gradio")))
        yield folder


@pytest.fixture(scope="module")
def demo(checkpoints: Path) -> Iterator[gr.Blocks]:
    """The page, served."""
    demo = app.build_demo()
    demo.launch(prevent_thread_lock=True, **app.launch_options("127.0.0.1", free_port()))
    yield demo
    demo.close()
