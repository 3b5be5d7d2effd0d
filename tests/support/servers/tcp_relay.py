"""A relay of bytes in front of a database, which can be as silent as a server that is stopped."""

import contextlib
import selectors
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

_PAUSE_SECONDS = 0.02
_BYTES = 65536

Address = str | tuple[str, int]


@dataclass
class TcpRelay:
    """A running relay: it passes bytes on, unless it is silent, or breaks whatever connects."""

    port: int
    is_silent: bool = False
    is_broken: bool = False
    is_ended: bool = False
    links: list[tuple[socket.socket, socket.socket]] = field(default_factory=list)

    def heal(self) -> None:
        """Pass bytes on again."""
        self.is_silent = self.is_broken = False

    def break_off(self) -> None:
        """Close all connections, and those that come."""
        self.is_broken = True
        for link in self.links:
            for end in link:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def running_tcp_relay(target: Address) -> Iterator[TcpRelay]:
    """Run a relay to the port, or to the socket of that path."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(_PAUSE_SECONDS)
        relay = TcpRelay(listener.getsockname()[1])
        threads = [threading.Thread(target=_accept, args=(relay, listener, target))]
        threads[0].start()
        try:
            yield relay
        finally:
            relay.is_ended = True
            threads[0].join()


def _accept(relay: TcpRelay, listener: socket.socket, target: Address) -> None:
    threads = []
    while not relay.is_ended:
        try:
            client, _ = listener.accept()
        except TimeoutError:
            continue
        if relay.is_broken:
            client.close()
            continue
        family = socket.AF_UNIX if isinstance(target, str) else socket.AF_INET
        server = socket.socket(family)
        server.connect(target)
        relay.links.append((client, server))
        threads.append(threading.Thread(target=_pass_on, args=(relay, client, server)))
        threads[-1].start()
    for thread in threads:
        thread.join()


def _pass_on(relay: TcpRelay, client: socket.socket, server: socket.socket) -> None:
    with client, server, selectors.DefaultSelector() as selector, contextlib.suppress(OSError):
        selector.register(client, selectors.EVENT_READ, server)
        selector.register(server, selectors.EVENT_READ, client)
        while not relay.is_ended:
            for key, _ in selector.select(_PAUSE_SECONDS):
                if relay.is_silent:
                    threading.Event().wait(_PAUSE_SECONDS)
                    continue
                content = key.fileobj.recv(_BYTES)  # type: ignore[union-attr]
                if not content:
                    return
                key.data.sendall(content)
