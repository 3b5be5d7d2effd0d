"""The WSGI server of every service: werkzeug's, one thread per connection.

It understands chunked request bodies, which Glance's uploads need, streams both ways and closes
every connection after its answer, so that a body nobody read cannot spoil the next request.
"""

import logging
import socket
import threading
from typing import Any
from wsgiref.types import WSGIApplication

from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

from minicloud.faults import FaultInjector
from minicloud.ports import HOST

LOG = logging.getLogger("minicloud.wsgi")


class Handler(WSGIRequestHandler):
    """Logs through logging and sends small answers without delay."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        self.log("info", '"%s" %s', self.requestline, code)  # werkzeug's own adds colours

    def log(self, type: str, message: str, *args: Any) -> None:
        LOG.info("%s %s", self.address_string(), message % args)

    def setup(self) -> None:
        super().setup()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


class Server(ThreadedWSGIServer):
    """Lets the process end while connections are open."""

    daemon_threads = True
    request_queue_size = 128


def serve(application: WSGIApplication, listener: socket.socket, faults: FaultInjector) -> None:
    """Answer a listener's connections from now on, in threads of this process."""
    port = listener.getsockname()[1]
    server = Server(HOST, port, faults.around(application), Handler, fd=listener.fileno())
    threading.Thread(target=server.serve_forever, name=f"wsgi-{port}", daemon=True).start()
