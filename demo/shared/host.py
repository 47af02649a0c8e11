"""The machine that serves the pages: visitors of a public one type no paths and train little."""

import os


def is_public() -> bool:
    """True on a Hugging Face Space (SPACE_ID) or where CIFAR_LAB_PUBLIC is set."""
    return bool(os.environ.get("SPACE_ID") or os.environ.get("CIFAR_LAB_PUBLIC"))
