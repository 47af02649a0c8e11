"""Gradio's import without the stubs that it writes for editors.

Whenever gradio 6.31 is imported, it parses and renders the class of each component twice to write a .pyi file
beside it. A class whose file Python cannot find gets no stub, so while the import lasts, no file of Gradio's
is found; tests/demo/classify/test_quick_import.py fails when it no longer writes them so. A start of the page
took 3.4 s with them and 2.9 s without (n = 3 each, two cores of an AMD EPYC with AVX-512).
"""

import inspect
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
