"""A relay in front of the API: it passes requests on, and loses or spoils answers when told to."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import requests

# What becomes of an answer: it is lost, replaced by a status, cut off, late, or edited.
Fate = Callable[["Answer"], None]


@dataclass
class Answer:
    """An answer on its way: it may be changed."""

    status: int
    headers: dict[str, str]
    content: bytes
    is_lost: bool = False
    announced_bytes: int | None = None


@dataclass
class Request:
    """A request that came in."""

    method: str
    path: str
    headers: dict[str, str]
    content: bytes


@dataclass
class Relay:
    """A running relay. ``fates`` meet the next answers to requests whose path has that text."""

    url: str
    target: str
    seen: list[Request] = field(default_factory=list)
    fates: list[tuple[str, Fate]] = field(default_factory=list)

    def next(self, text: str, *fates: Fate) -> None:
        """Have the fates meet the next answers to requests with the text in ``METHOD path``."""
        self.fates += [(text, fate) for fate in fates]

    def fate_of(self, request: Request) -> Fate | None:
        """Take the first fate that is meant for the request."""
        for one in self.fates:
            if one[0] in f"{request.method} {request.path}":
                self.fates.remove(one)
                return one[1]
        return None


def lost(answer: Answer) -> None:
    """The service has done it, and the connection breaks."""
    answer.is_lost = True


def status(code: int) -> Fate:
    """Something on the way answers with that status."""

    def change(answer: Answer) -> None:
        answer.status, answer.content = code, b"<html>nobody is here</html>"
        answer.headers = {"Content-Type": "text/html"}

    return change


def cut_off(answer: Answer) -> None:
    """The connection breaks in the middle."""
    answer.announced_bytes = len(answer.content)
    answer.content = answer.content[: len(answer.content) // 2]


def late(seconds: float) -> Fate:
    """The answer comes so much later."""
    return lambda answer: time.sleep(seconds)


@contextlib.contextmanager
def running_relay(target: str, port: int = 0) -> Iterator[Relay]:
    """Run a relay to a server; by default on a free port."""
    server = ThreadingHTTPServer(("127.0.0.1", port), _Handler)
    relay = Relay(f"http://127.0.0.1:{server.server_address[1]}", target)
    server.relay = relay  # type: ignore[attr-defined]
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield relay
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _pass_on(self) -> None:
        relay: Relay = self.server.relay  # type: ignore[attr-defined]
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        request = Request(self.command, self.path, dict(self.headers), content)
        relay.seen.append(request)
        told = requests.request(
            request.method,
            relay.target + request.path,
            headers={k: v for k, v in request.headers.items() if k.lower() != "host"},
            data=content,
            timeout=60,
            allow_redirects=False,
        )
        hop = {"transfer-encoding", "content-encoding", "content-length", "connection"}
        headers = {k: v for k, v in told.headers.items() if k.lower() not in hop}
        answer = Answer(told.status_code, headers, told.content)
        fate = relay.fate_of(request)
        if fate is not None:
            fate(answer)
        self._answer(answer)

    def _answer(self, answer: Answer) -> None:
        self.close_connection = answer.is_lost or answer.announced_bytes is not None
        if answer.is_lost:
            return
        with contextlib.suppress(OSError):  # the client has given up
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            if answer.status != 204:
                self.send_header(
                    "Content-Length", str(answer.announced_bytes or len(answer.content))
                )
            self.end_headers()
            self.wfile.write(answer.content)

    do_GET = do_POST = do_PUT = do_DELETE = _pass_on  # noqa: N815

    def log_message(self, format: str, *arguments: Any) -> None:
        """Say nothing."""
