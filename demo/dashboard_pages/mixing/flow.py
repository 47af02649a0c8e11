"""The way of two classes through the blocks side by side, epoch by epoch."""

from collections.abc import Mapping

import numpy as np
import streamlit as st

from cifar_core.runs.events import Epoch
from demo.charts.mixing import class_labels
from demo.charts.mixing_flow import Mixed, mixing_flow, parting_title
from demo.dashboard_pages.mixing.epochs import play_epochs
from demo.dashboard_pages.mixing.favorites import Found, looked_through, of_class
from demo.dashboard_pages.mixing.networks import MixingNetwork, Record
from demo.shared.format import begun
from demo.widgets.chart import show_chart
from demo.widgets.choice import choose
from demo.widgets.panels import plain

ALT = "Sankey diagram: how the shares of {} pass from the kernels of one block to those of the next"
OF_ONE = "A stream is the product of the picture's shares in two blocks."
OF_MEANS = (
    "A stream is the product of the class's mean shares in two blocks: no epoch records single pictures."
)
OF_PICTURES = "A stream is the mean over {} of the class's pictures of their two shares multiplied."
ONE_BLOCK = "This network mixes in one block alone, so nothing passes from block to block."


def show_flow(network: MixingNetwork, record: Record) -> None:
    """Two classes of the reader's choice, at first those that part the most."""
    last = record.epochs[-1].mixing
    if len(last) < 2:
        st.write(ONE_BLOCK)
        return
    names = class_labels(last, record.class_names)
    first, second = most_different(record.at(record.kept))
    left, right = st.columns(2, gap="large")
    with left:
        one = choose("one", "Class", names, names[first], widget="select")
    with right:
        other = choose("other", "Beside it", names, names[second], widget="select")
    play_epochs(record, lambda epoch: show_ways(network, record, epoch, (one, other)))


def show_ways(network: MixingNetwork, record: Record, epoch: Epoch, chosen: tuple[str, str]) -> None:
    """A diagram for each chosen class, after an epoch."""
    seen = looked_through(network) if epoch.epoch == record.kept else None
    one, other = (way_of(epoch, record.class_names, name, seen) for name in chosen)
    st.markdown(f"**{plain(parting_title(one, other, chosen))}**")
    for place, column in enumerate(st.columns(2, gap="large")):
        with column:
            show_way(chosen[place], (one, other)[place], f"flow-{place}")
    st.caption(f"After epoch {epoch.epoch} of {record.epochs[-1].epoch}.")


def show_way(name: str, way: Mixed, key: str) -> None:
    """The diagram of one class, with how its streams were found."""
    pictures = len(next(iter(way.values())))
    note = OF_PICTURES.format(pictures) if pictures > 1 else OF_MEANS
    show_chart(mixing_flow(begun(name), way, note), key, ALT.format(f"the class {name}"))


def way_of(epoch: Epoch, class_names: tuple[str, ...], name: str, seen: Found | None) -> Mixed:
    """The coefficients of a class's pictures where they were looked through, otherwise its means (1, K)."""
    if seen is not None and name in seen[0].class_names:
        places = of_class(seen[0], name)
        blocks: Mapping[str, np.ndarray] = {block: values[places] for block, values in seen[1].items()}
        if len(places) > 1 and list(blocks) == [block.block for block in epoch.mixing]:
            return blocks
    row = class_labels(epoch.mixing, class_names).index(name)
    return {block.block: [block.per_class[row]] for block in epoch.mixing}


def most_different(epoch: Epoch) -> tuple[int, int]:
    """The two classes whose shares lie the farthest apart in one block."""
    shares = [np.array(block.per_class) for block in epoch.mixing]  # (classes, K) each
    gaps = np.max([np.abs(own[:, None] - own[None]).max(axis=2) for own in shares], axis=0)
    first, second = np.unravel_index(int(gaps.argmax()), gaps.shape)
    return int(min(first, second)), int(max(first, second))
