"""A real HTTP server on this machine that takes notices, with moods, for tests of webhooks."""

import contextlib
import hashlib
import hmac
import json
import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

SECRET = "a-secret-of-more-than-16-bytes"


@dataclass(frozen=True, slots=True)
class Received:
    """A request that came in."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, read as JSON."""
        return json.loads(self.body)

    @property
    def is_signed(self) -> bool:
        """Whether the signature is that of the secret, as the documentation tells to check it."""
        parts = dict(
            part.split("=", 1) for part in self.headers["instance-images-signature"].split(",")
        )
        signed = parts["t"].encode() + b"." + self.body
        wanted = hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
        return hmac.compare_digest(wanted, parts["v1"])


@dataclass(kw_only=True)
class WebhookServer:
    """What came in, and how the server answers; ``drips``: a byte each half second, for ever."""

    received: list[Received] = field(default_factory=list)
    status: int = 204
    headers: dict[str, str] = field(default_factory=dict)
    drips: bool = False
    url: str = ""


@contextlib.contextmanager
def running(certificate: Path | None = None) -> Iterator[WebhookServer]:
    """Run the server, with TLS where there is a certificate."""
    server = WebhookServer()
    is_over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            headers = {name.lower(): value for name, value in self.headers.items()}
            server.received.append(Received(self.path, headers, self.rfile.read(length)))
            while server.drips and not is_over.is_set():
                self.wfile.write(b"H")
                time.sleep(0.5)
            self.send_response(server.status)
            for name, value in server.headers.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    listening.daemon_threads = True
    scheme = "http"
    if certificate is not None:
        scheme = "https"
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        listening.socket = context.wrap_socket(listening.socket, server_side=True)
    server.url = f"{scheme}://127.0.0.1:{listening.server_port}/hook?token=t0p"
    thread = threading.Thread(target=listening.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        is_over.set()
        listening.shutdown()
        listening.server_close()
        thread.join()
