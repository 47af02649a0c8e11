"""Which trained network a page is about: a list to choose from, the URL that holds it."""

from collections.abc import Sequence

import streamlit as st

from demo.panels import plain
from demo.trial import Network


def choose_network(networks: Sequence[Network], first: str = "") -> Network:
    """The network that the URL (?run=…) or the reader names; otherwise `first`, or the first listed."""
    ids = [network.id for network in networks]
    names = {network.id: network.name for network in networks}
    fallback = first if first in ids else ids[0]
    wanted = st.query_params.get("run", fallback)
    if wanted not in ids:
        st.write(plain(f"{wanted} has no saved weights to try; here is another network."))
        wanted = fallback
    chosen = st.selectbox("Network", ids, index=ids.index(wanted), format_func=names.__getitem__)
    st.query_params["run"] = chosen
    return networks[ids.index(chosen)]
