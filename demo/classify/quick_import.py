"""Imports, made shorter by what the page does not need: import this before torch and Gradio.

Whenever gradio 6.31 is imported, it parses and renders the class of each component twice to write a .pyi file
beside it, for editors. A class whose file Python cannot find gets no stub, so while the import lasts, no file
of Gradio's is found; tests/demo/classify/test_quick_import.py fails when it no longer writes them so. And
Python looks for garbage again and again among what the imports only add to. Measured on a busy machine, they
took 5.6 s of the processor, 4.9 s without stubs, and 3.7 s without the search as well.
"""

import gc
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


def imports_are_done() -> None:
    """Search for garbage again from here on, and never among what is there now, which stays."""
    gc.freeze()
    gc.enable()


gc.disable()
if "gradio" not in sys.modules:
    with without_stubs():
        import gradio as gradio
