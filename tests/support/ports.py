"""A port for a server of a test's own, so that no two servers look for theirs among the same few."""

import socket


def free_port() -> int:
    """One that nobody listens on at 127.0.0.1."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
