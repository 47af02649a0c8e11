"""Which labeled pictures the reader wants to look at a network on: their split, and how many of them."""

from collections.abc import Sequence

import streamlit as st

from cifar_core.config import TrainConfig
from demo.host import is_public
from demo.labeled_pictures import SPLIT_WORDS, splits_of
from demo.url_choice import choose

COUNTS = (200, 500, 1000, 0)  # how many pictures can be asked for; 0 is all
FEW_COUNTS = (100, 200, 500, 1000)  # where each picture is looked at dozens of times


def choose_pictures(
    config: TrainConfig, name: str, counts: Sequence[int] = COUNTS, usual: int = 1000
) -> tuple[str, int]:
    """The split and the number of pictures that the reader wants; the URL holds the number as `name`."""
    splits = splits_of(config)
    if is_public():  # visitors share the processor
        counts = [count for count in counts if 0 < count <= usual]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        split = choose("split", "Pictures", splits, splits[0], SPLIT_WORDS, labeled=True)
        if len(counts) == 1:
            return split, counts[0]
        words = {str(count): f"{count:,}" if count else "all" for count in counts}
        return split, int(choose(name, "How many, at most", list(words), str(usual), words, labeled=True))
