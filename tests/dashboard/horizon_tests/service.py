"""The service as the pages meet it, with answers that a test has told; a test case with it."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

from openstack_dashboard.test import helpers
from urllib3.connection import HTTPConnection

from instance_images_dashboard import api

IMAGE_ID = "11111111-1111-4111-8111-111111111111"
CLOUD_IMAGE_ID = "22222222-2222-4222-8222-222222222222"
TASK_ID = "33333333-3333-4333-8333-333333333333"
INSTANCE_ID = "44444444-4444-4444-8444-444444444444"


def image(**changes: Any) -> dict[str, Any]:
    """Return an image as the service shows it."""
    return {
        "id": IMAGE_ID,
        "name": "golden",
        "account_id": "a" * 32,
        "location": "RegionOne",
        "source_instance_id": INSTANCE_ID,
        "source_instance_name": "web-1",
        "size_bytes": 2_500_000_000,
        "status": "available",
        "consistency": "crash",
        "created_at": "2026-11-20T10:00:00Z",
        "available_at": "2026-11-20T10:01:00Z",
        "deleted_at": None,
        "error": None,
        "task_id": TASK_ID,
        "cloud_image_id": CLOUD_IMAGE_ID,
        "virtual_size_bytes": None,
        "project_id": "a" * 32,
        "origin": "captured",
        **changes,
    }


def task(**changes: Any) -> dict[str, Any]:
    """Return a task as the service shows it."""
    return {
        "id": TASK_ID,
        "kind": "create",
        "image_id": IMAGE_ID,
        "image_name": "golden",
        "location": "RegionOne",
        "state": "running",
        "stage": "saving",
        "progress": 40,
        "attempts": 1,
        "error": None,
        "created_at": "2026-11-20T10:00:00Z",
        "elapsed_seconds": 65,
        "estimated_seconds_left": 30,
        **changes,
    }


LOCATION = {
    "name": "RegionOne",
    "enabled": True,
    "currency": "EUR",
    "price": "0.05",
    "unit": "GB",
    "hours_per_month": 730,
    "billable_size": "stored",
}


class FakeService:
    """A server on 127.0.0.1. ``answers``: (method, path) to (status, body) or (status, body,
    headers), where a body that is a text is sent as HTML, and bytes as they are; ``requests``: what
    was asked, as (method, path, query, headers, body)."""

    def __init__(self) -> None:
        self.answers: dict[tuple[str, str], tuple[Any, ...]] = {}
        self.requests: list[tuple[str, str, dict[str, str], dict[str, str], Any]] = []
        self.delay_seconds = 0.0
        service = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                service.answer(self)

            do_GET = do_POST = do_PUT = do_DELETE = answer  # noqa: N815 - the library's names

            def log_message(self, *arguments: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/v1"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def answer(self, handler: Any) -> None:
        """Answer as the test has told."""
        url = urlsplit(handler.path)
        length = int(handler.headers.get("Content-Length") or 0)
        body = json.loads(handler.rfile.read(length)) if length else None
        path = url.path.removeprefix("/v1")
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        self.requests.append((handler.command, path, query, dict(handler.headers), body))
        time.sleep(self.delay_seconds)
        status, content, *more = self.answers.get(
            (handler.command, path),
            (404, {"error": {"code": 404, "reason": "not_found", "message": "Not found."}}),
        )
        media_type = "text/html" if isinstance(content, str) else "application/json"
        if not isinstance(content, bytes):
            content = (content if isinstance(content, str) else json.dumps(content)).encode()
        headers = {"Content-Type": media_type, "Content-Length": str(len(content))}
        handler.send_response(status)
        for name, value in (headers | (more[0] if more else {})).items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(content)

    def asked(self) -> list[tuple[str, str]]:
        """Return the requests as (method, path)."""
        return [(method, path) for method, path, *_ in self.requests]

    def stop(self) -> None:
        """End the server."""
        self.server.shutdown()
        self.server.server_close()


def refusal(code: int, reason: str, message: str, **facts: Any) -> tuple[int, Any]:
    """Return an answer of the service that is an error."""
    return code, {"error": {"code": code, "reason": reason, "message": message, **facts}}


class ServiceTestCase(helpers.TestCase):
    """A test case of Horizon's, with the service in the catalog."""

    is_in_catalog = True
    known: ClassVar[dict[str, Any]] = {}

    def _setup_test_data(self) -> None:
        if not self.known:  # half a second for each test otherwise
            before = set(self.__dict__)
            super()._setup_test_data()
            self.known.update({n: v for n, v in self.__dict__.items() if n not in before})
        self.__dict__.update(self.known)
        self.service_catalog = [*self.known["service_catalog"]]
        self.service = FakeService()
        self.addCleanup(self.service.stop)
        self.service.answers["GET", "/locations"] = (200, {"locations": [LOCATION]})
        if self.is_in_catalog:
            self.service_catalog.append(self.entry())

    def entry(self) -> dict[str, Any]:
        """Return the service's entry in the catalog."""
        url, region = self.service.url, "RegionOne"
        return {
            "type": api.SERVICE_TYPE,
            "name": api.SERVICE_TYPE,
            "endpoints_links": [],
            "endpoints": [
                {"region": region, "interface": face, "id": face, "url": url}
                for face in ("public", "internal", "admin")
            ],
        }

    def setUp(self) -> None:
        super().setUp()
        real = self._real_conn_request

        def connect(connection: HTTPConnection) -> None:
            if connection.host != "127.0.0.1":
                raise OSError("The other services have no server here.")
            real(connection)

        HTTPConnection.connect = connect  # the service is real HTTP
        api.forget_prices()

    def serves(self, *images: dict[str, Any]) -> None:
        """Let the service list these images."""
        self.service.answers["GET", "/images"] = (200, {"images": list(images)})
