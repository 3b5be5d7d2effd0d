"""Faults that a test asks for: an error status, a delay, a connection that breaks.

A WSGI middleware around every service. It reads ``faults.json`` in the state directory, which is
written by the test and does not exist otherwise; looking for it is all that a request costs.
A fault that begins to hit leaves a file ``run/ID.hit``.

A fault is an object of these fields; only ``id``, ``service`` and ``action`` must be there:

``id``             names it; the count is kept per id by the service's process
``method``         a regular expression for the whole method, default any
``path_regex``     searched in the path with the query string, default any
``action``         a status (answered in place of the service), ``drop-before`` (reset, the service
                   sees nothing), ``drop-after`` (the service has done it, the client sees a
                   reset), ``page`` (a proxy answers 200 with HTML) or ``delay`` (nothing else is
               wrong)
``after``          so many matching requests pass first, default 0
``count``          so many are then hit, default (null) all
``delay_seconds``  waited before anything else, default 0
``retry_after``    the seconds told in a Retry-After header, with a status
``performed``      true: the service has done it before the status is answered, default false
"""

import json
import re
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

RESET = struct.pack("ii", 1, 0)  # SO_LINGER: on, no time: closing sends RST


@dataclass(frozen=True, slots=True)
class Fault:
    """One line of the file, as the module's docstring explains it."""

    id: str
    service: str
    action: int | str
    method: str = ".*"
    path_regex: str = ""
    after: int = 0
    count: int | None = None
    delay_seconds: float = 0.0
    retry_after: int | None = None
    performed: bool = False

    def matches(self, method: str, path: str) -> bool:
        """Tell whether a request is one of those meant."""
        return bool(re.fullmatch(self.method, method) and re.search(self.path_regex, path))


class FaultInjector:
    """Wraps a service's application; one object per process."""

    def __init__(self, service: str, file: Path, hits: Path) -> None:
        self._service = service
        self._file = file
        self._hits = hits
        self._version: tuple[int, int] | None = None
        self._faults: list[Fault] = []
        self._seen: Counter[str] = Counter()
        self._lock = threading.Lock()

    def around(self, application: WSGIApplication) -> WSGIApplication:
        """Return the application with the faults in front of it."""

        def faulty(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            fault = self._due(environ)
            if fault is None:
                return application(environ, start_response)
            (self._hits / f"{fault.id}.hit").touch()
            time.sleep(fault.delay_seconds)
            if fault.action == "drop-before":
                drop(environ)
            if fault.action == "drop-after" or fault.performed:
                exhaust(application(environ, lambda *_, **__: lambda _: None))
            if fault.action == "drop-after":
                drop(environ)
            if fault.action == "page":
                return show_page(start_response)
            if isinstance(fault.action, int):
                return refuse(fault.action, fault.retry_after, start_response)
            return application(environ, start_response)

        return faulty

    def _due(self, environ: WSGIEnvironment) -> Fault | None:
        """Return the first fault that hits this request, and count the request."""
        with self._lock:
            self._reread()
            if not self._faults:
                return None
            path = environ.get("PATH_INFO", "")
            if query := environ.get("QUERY_STRING"):
                path += "?" + query
            for fault in self._faults:
                if fault.matches(environ["REQUEST_METHOD"], path):
                    self._seen[fault.id] += 1
                    hits = self._seen[fault.id] - fault.after
                    if hits > 0 and (fault.count is None or hits <= fault.count):
                        return fault
        return None

    def _reread(self) -> None:
        try:
            stat = self._file.stat()
        except FileNotFoundError:
            self._version, self._faults = None, []
            return
        version = (stat.st_mtime_ns, stat.st_ino)
        if version != self._version:
            lines: list[dict[str, Any]] = json.loads(self._file.read_text())
            self._faults = [Fault(**line) for line in lines if line["service"] == self._service]
            self._version = version


def refuse(status: int, retry_after: int | None, start_response: StartResponse) -> Iterable[bytes]:
    """Answer with an error in the JSON shape that OpenStack's clients understand."""
    phrase = HTTPStatus(status).phrase
    body = json.dumps(
        {"error": {"code": status, "title": phrase, "message": "a fault that the test asked for"}}
    ).encode()
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
    if retry_after is not None:
        headers.append(("Retry-After", str(retry_after)))
    start_response(f"{status} {phrase}", headers)
    return [body]


def show_page(start_response: StartResponse) -> Iterable[bytes]:
    """Answer as a proxy does that sends everybody to a page of its own."""
    body = b"<html><title>Welcome</title><body>Log in to the network first.</body></html>"
    headers = [("Content-Type", "text/html"), ("Content-Length", str(len(body)))]
    start_response("200 OK", headers)
    return [body]


def exhaust(answer: Iterable[bytes]) -> None:
    """Let a service finish its answer, which goes nowhere."""
    try:
        for _ in answer:
            pass
    finally:
        close = getattr(answer, "close", None)
        if close is not None:
            close()


def drop(environ: WSGIEnvironment) -> None:
    """Reset the connection of a request; always raises, which ends the request's thread."""
    connection: socket.socket = environ["werkzeug.socket"]
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    # The server holds the socket in file objects too: take the descriptor from below them.
    socket.close(connection.detach())
    raise ConnectionAbortedError("a fault that the test asked for")
