"""Which trained network a page is about: a list to choose from, the address that holds it."""

from collections.abc import Sequence
from typing import Protocol, TypeVar

import streamlit as st

from demo.panels import plain
from demo.url_choice import choose


class Named(Protocol):
    """What can be chosen: an id for the address, a name for the reader."""

    @property
    def id(self) -> str: ...

    @property
    def name(self) -> str: ...


Choice = TypeVar("Choice", bound=Named)


def choose_network(networks: Sequence[Choice], first: str, lack: str) -> Choice:
    """The network that the address (?run=…) or the reader names; else the one called `first`, or the first.

    lack: what a network must lack that is not among `networks`, for the sentence that tells of it.
    """
    names = {network.id: network.name for network in networks}
    default = first if first in names else networks[0].id
    wanted = st.query_params.get("run", default)
    if wanted not in names:
        st.write(plain(f"{wanted} {lack}; here is another network."))
    chosen = choose("run", "Network", list(names), default, names, "select")
    return next(network for network in networks if network.id == chosen)
