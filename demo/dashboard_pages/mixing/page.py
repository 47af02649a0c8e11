"""A network's mix of its kernels: for each class, for one picture, by hand, over time, against another."""

from collections.abc import Callable

import streamlit as st

from cifar_core.files import DEFAULT_CHECKPOINT
from cifar_core.runs.events import Epoch
from cifar_core.runs.store import RunStore, StoreError
from demo.charts import entropy_chart, mixing_per_class
from demo.charts.mixing_difference import comparable, mixing_difference, reordered
from demo.charts.mixing_time import describe_warning, entropy_over_time, shares_over_time
from demo.dashboard_pages.mixing.epochs import choose_epoch, play_epochs
from demo.dashboard_pages.mixing.favorites import follow_click, pick_favorites, show_favorites
from demo.dashboard_pages.mixing.flow import show_flow
from demo.dashboard_pages.mixing.networks import MixingNetwork, Record, list_mixing, record_of
from demo.dashboard_pages.mixing.picture import show_picture
from demo.dashboard_pages.mixing.portraits import show_portraits
from demo.dashboard_pages.mixing.what_if import show_what_if
from demo.shared.palette import KERNEL_COLORS, color_of
from demo.widgets.chart import show_chart
from demo.widgets.choice import choose
from demo.widgets.networks import choose_network
from demo.widgets.panels import plain, show_legend, show_link, tighten_page

PARTS = {
    "classes": "Which kernel serves which class?",
    "picture": "What happens to this picture?",
    "whatif": "What if?",
    "time": "Over time",
    "compare": "Compare",
}
VIEWS = {"shares": "Shares", "flow": "From block to block", "portraits": "Portraits"}
INTRODUCTION = (
    "Each block of a mixing network has several kernels. For every picture it predicts how much of each to "
    "take, and convolves with the mixture."
)
NO_NETWORK = "There is no mixing network yet. Train one with mixing in its name, and its epochs appear here."
NO_RECORD = "The mix is measured at the end of each epoch; none is recorded here for this network."
OF_A_NETWORK = (
    "epoch",
    "epoch1",
    "epoch2",
    "mix",
    "block",
    "of",
    "one",
    "other",
)  # choices that mean nothing for another one
HEAT_ALT = "Heat map: mixing coefficients by class and kernel"


def read_record(network: MixingNetwork) -> Record | None:
    """The record of the network's mix; None, after a sentence on the page, where it is damaged."""
    if network.run is None:
        return None
    try:
        return record_of(network.run)
    except StoreError as error:
        st.error(plain(str(error)))
        return None


def show_classes(network: MixingNetwork, record: Record | None) -> None:
    """The classes that a kernel serves, their way from block to block, and what a kernel answers to."""
    if record is None:
        st.write(NO_RECORD)
    views: dict[str, Callable[[], None]] = {"shares": lambda: show_shares(network, record)}
    if record is not None:
        views["flow"] = lambda: show_flow(network, record)
    views["portraits"] = lambda: show_portraits(network)
    views[choose("show", "Show", list(views), "shares", VIEWS)]()


def show_shares(network: MixingNetwork, record: Record | None) -> None:
    """Epoch by epoch the mix of each class; a click shows the pictures behind a cell."""
    if record is not None:
        play_epochs(record, lambda epoch: show_epoch(record, epoch))
    show_favorites(network)


def show_epoch(record: Record, epoch: Epoch) -> None:
    """One epoch of a run: classes against kernels, and the entropies."""
    follow_click()
    left, right = st.columns([3, 2], gap="large")
    with left:
        per_class = mixing_per_class(epoch, record.class_names)
        show_chart(per_class, "classes", HEAT_ALT, on_pick=pick_favorites)
    with right:
        show_chart(entropy_chart(epoch.mixing), "entropy", "Bar chart: entropy of each block's mix")
        if sentence := describe_warning(epoch):
            st.warning(plain(sentence))
    own = "these weights are kept" if epoch.epoch == record.kept else f"the weights of {record.kept} are kept"
    st.caption(f"Epoch {epoch.epoch} of {record.epochs[-1].epoch}; {own}. {describe_temperature(record)}")


def describe_temperature(record: Record) -> str:
    """A sentence about the softmax's temperature."""
    if not record.softmax:
        return "Each coefficient is a sigmoid of its own, so there is no temperature."
    if record.start_temperature == 1:
        return "The softmax of the coefficients had temperature 1 throughout."
    return (
        f"The softmax of the coefficients began at temperature {record.start_temperature:g}, which keeps the "
        "mix even, and fell to 1 within the first tenth of the run."
    )


def show_time(record: Record | None) -> None:
    """Entropy of all blocks, then each block's coefficients, over the epochs."""
    if record is None:
        st.write(NO_RECORD)
        return
    show_chart(entropy_over_time(record.epochs), "entropies", "Line chart: entropy of each block over epochs")
    if sentence := describe_warning(record.epochs[-1]):
        st.warning(plain(sentence))
    st.caption(describe_temperature(record))
    st.header("The coefficients of each block")
    blocks = record.epochs[-1].mixing
    most = max(len(block.mean) for block in blocks)
    solid: dict[str, str | int] = {"width": 3, "type": "solid"}
    show_legend(
        (f"kernel {kernel + 1}", {**solid, "color": color_of(kernel, KERNEL_COLORS)})
        for kernel in range(most)
    )
    for start in range(0, len(blocks), 2):
        for column, place in zip(st.columns(2, gap="large"), range(start, start + 2), strict=True):
            if place < len(blocks):
                with column:
                    alt = f"Line chart: coefficients of {blocks[place].block} over epochs"
                    show_chart(shares_over_time(record.epochs, place), f"shares-{place}", alt)


def show_compare(network: MixingNetwork, record: Record | None, networks: list[MixingNetwork]) -> None:
    """Two epochs of one run, or two runs: what the second does differently."""
    if record is None:
        st.write(NO_RECORD)
        return
    others = {other.id: other for other in networks if other.run is not None}
    left, right = st.columns(2, gap="large")
    with left:
        names = {key: "the same" if key == network.id else other.name for key, other in others.items()}
        second_network = others[choose("with", "Compare with", list(others), network.id, names, "select")]
        second = record if second_network.id == network.id else read_record(second_network)
    if second is None:
        st.write(NO_RECORD)
        return
    same = second is record
    with right:
        first_epoch = choose_epoch(record, "epoch1", "Epoch", record.epochs[0].epoch if same else record.kept)
        second_epoch = choose_epoch(second, "epoch2", "Epoch compared with it", second.epochs[-1].epoch)
    one, other = record.at(first_epoch).mixing, second.at(second_epoch).mixing
    if trouble := comparable(one, other, record.class_names == second.class_names):
        st.write(plain(trouble))
        show_chart(mixing_per_class(record.at(first_epoch), record.class_names), "first", HEAT_ALT)
        show_chart(mixing_per_class(second.at(second_epoch), second.class_names), "second", HEAT_ALT)
        return
    words = (f"epoch {first_epoch}", f"epoch {second_epoch}")
    if not same:
        words = (f"{network.name} ({words[0]})", f"{second_network.name} ({words[1]})")
        other = reordered(one, other)
    chart = mixing_difference(one, other, record.class_names, words, matched=not same)
    show_chart(chart, "difference", "Heat map: difference of two mixes by class and kernel")


def show_page() -> None:
    """A network, then one question at a time; the address holds both."""
    st.title("Mixing")
    st.write(INTRODUCTION)
    networks = list_mixing(RunStore())
    if not networks:
        st.write(NO_NETWORK)
        show_link("train", "Train a network")
        return
    network = choose_network(networks, DEFAULT_CHECKPOINT, "is no network that mixes", OF_A_NETWORK)
    record = read_record(network)
    views: dict[str, Callable[[], None]] = {
        "classes": lambda: show_classes(network, record),
        "picture": lambda: show_picture(network, record),
        "whatif": lambda: show_what_if(network),
        "time": lambda: show_time(record),
        "compare": lambda: show_compare(network, record, networks),
    }
    views[choose("part", "Question", list(PARTS), "classes", PARTS)]()
    if network.run is not None:
        show_link("live", "How this run went", run=network.id)


tighten_page()
show_page()
