"""Gradio, imported without the type stubs that it writes for editors: import this before Gradio itself.

Whenever gradio 6.31 is imported, it parses and renders the class of each component twice to write a .pyi file
beside it, which takes a third of the import's processor time (1.0 s of 2.9, measured on a busy machine). A
class whose file Python cannot find gets no stub, so while the import lasts, no file of Gradio's is found.
tests/demo/classify/test_quick_import.py fails when Gradio no longer writes them so.
"""

import inspect
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def without_stubs() -> Iterator[None]:
    """Let Gradio find no source of its classes, in this block and where it was not imported before."""
    find = inspect.getfile

    def find_others(thing: Any) -> str:
        if isinstance(thing, type) and thing.__module__.partition(".")[0] == "gradio":
            raise OSError("no stub is wanted")
        return find(thing)

    setattr(inspect, "getfile", find_others)  # noqa: B010 - mypy refuses the assignment
    try:
        yield
    finally:
        inspect.getfile = find


if "gradio" not in sys.modules:
    with without_stubs():
        import gradio as gradio
