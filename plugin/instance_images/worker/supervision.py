"""Tells systemd how the worker is, by the protocol of sd_notify(3)."""

import contextlib
import os
import socket


def notify(state: str) -> None:
    """Send a state such as ``READY=1`` to the service manager; without one, do nothing."""
    path = os.environ.get("NOTIFY_SOCKET", "")
    if not path:
        return
    address = "\0" + path[1:] if path.startswith("@") else path
    with (
        contextlib.suppress(OSError),  # what it does not hear it acts on
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender,
    ):
        sender.sendto(state.encode(), address)
