"""What the Mixing page asks: a loaded network that mixes by hand, and the pictures to ask it about."""

from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from demo.kept import network_of
from demo.labeled_pictures import Pictures, config_of, select_pictures, splits_of
from demo.mixing.choice import MixingNetwork
from demo.panels import plain
from demo.picture_choice import Picked, choose_picture
from demo.trial import Network, TrialError

if TYPE_CHECKING:
    from cifar_core.checkpoint import Card
    from cifar_core.explain.mixing import WhatIf

MEASURED = 500  # pictures of an accuracy
LOADING = "Loading the network; the first time takes a few seconds"


@st.cache_resource(max_entries=3, show_spinner=False)
def _what_if_of(folder: Path, stamp: int) -> "WhatIf":
    from cifar_core.explain.mixing import WhatIf

    try:
        return WhatIf(network_of(folder, stamp))
    except ValueError as error:
        raise TrialError(str(error)) from None


def what_if_of(network: Network) -> "WhatIf":
    """The loaded network, kept for everyone; better weights load anew. Raises TrialError."""
    with st.spinner(LOADING):
        return _what_if_of(network.folder, network.stamp)


def opened(network: MixingNetwork) -> "WhatIf | None":
    """The loaded network; None, after a sentence on the page, where no weights can be loaded."""
    if network.weights is None:
        st.write("This run has no saved weights yet, so there is no network to ask. Its epochs can be seen.")
        return None
    try:
        return what_if_of(network.weights)
    except TrialError as error:
        st.error(plain(str(error)))
        return None


def opened_on_picture(network: MixingNetwork) -> "tuple[WhatIf, Network, Picked] | None":
    """The loaded network, where its weights lie, and the picture that the reader picks for it.

    None, after a sentence on the page, as long as one of them is missing.
    """
    what_if = opened(network)
    if what_if is None or network.weights is None:
        return None
    picked = choose_picture(network.weights, what_if.card.class_names)
    return None if picked is None else (what_if, network.weights, picked)


def measured_pictures(network: Network, card: "Card") -> Pictures:
    """What accuracies are measured on: validation pictures, or test pictures where the run set none aside.

    Raises:
        TrialError: when there are none on this machine, or none that fit the network.
    """
    with st.spinner("Opening the pictures"):
        return select_pictures(network, card, splits_of(config_of(card))[0], MEASURED)
