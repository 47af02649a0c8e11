"""What the machine that shows the pages allows: on a public host nobody trains and nobody types paths."""

import os

NO_TRAINING = (
    "Training is off on this public page, because everyone shares its two cores. On your own computer: clone "
    "the project, `pip install -r requirements.txt`, then `streamlit run demo/dashboard.py`."
)


def is_public() -> bool:
    """True on a Hugging Face Space (SPACE_ID) or where CIFAR_LAB_PUBLIC is set."""
    return bool(os.environ.get("SPACE_ID") or os.environ.get("CIFAR_LAB_PUBLIC"))
