"""The cloud's ports: free ones of 127.0.0.1, kept from one start to the next where possible."""

import contextlib
import socket

HOST = "127.0.0.1"


def listen(port: int = 0) -> socket.socket:
    """Listen on a port, or on any free one.

    ``SO_REUSEADDR`` is for a port of our own that has connections in TIME_WAIT. While the kernel
    chooses a free port it must be off, or two clouds that start at once may be given the same.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    if port:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.listen(128)
    except OSError:
        listener.close()
        raise
    return listener


def listen_again(port: int) -> socket.socket:
    """Listen on the remembered port, on another one if somebody has taken it."""
    if port:
        with contextlib.suppress(OSError):
            return listen(port)
    return listen()
