"""Many creates at the same instant, sent to the API in four processes, on a cloud in memory.

Each process is one of the API without the middleware: keystonemiddleware's headers are set.
"""

import json
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import falcon.testing

from instance_images.config.api import library_options
from instance_images.config.settings import load_settings
from instance_images_api.application import router
from instance_images_api.keystone import KeystoneComparison
from instance_images_api.service import Service

from support.processes.command_line import write_config
from support.processes.together import together

PROCESSES, REQUESTS = 4, 50
MOST = 10
_BUSY_FOR = 60.0


def client_of(service: Service) -> falcon.testing.TestClient:
    """Return what sends requests to the service as a member of project acme."""
    headers = {"X-Project-Id": "acme", "X-Roles": "member,reader", "X-User-Id": "u"}
    return falcon.testing.TestClient(router(service), headers=headers)


def service_of(config: Path) -> Service:
    """Return the service of a process."""
    settings = load_settings([config])
    libraries = library_options(settings.config_paths)
    return Service(settings, libraries, KeystoneComparison(settings))


def create_at_once(urls: Sequence[str], directory: Path, *, key: str | None) -> list[Any]:
    """Send 50 creates from 4 processes, which share the URLs; return status and body of each.

    ``key``: all are one request with it; None: each is of another instance. What is told that the
    service is busy comes again after ``Retry-After``.
    """
    paths = [directory / f"answers-{number}" for number in range(PROCESSES)]

    def work(number: int) -> None:
        location = f"provider = slow-memory\nmax_images = {MOST}"
        url = urls[number % len(urls)]
        config = write_config(directory / f"{number}.conf", url, location=location)
        client = client_of(service_of(config))
        mine = range(number, REQUESTS, PROCESSES)
        with ThreadPoolExecutor(len(mine)) as pool:
            answers = list(pool.map(lambda one: _create(client, one, key), mine))
        paths[number].write_text(json.dumps(answers))

    codes = together([lambda number=number: work(number) for number in range(PROCESSES)])
    assert codes == [0] * PROCESSES
    return [answer for path in paths for answer in json.loads(path.read_text())]


def _create(client: falcon.testing.TestClient, number: int, key: str | None) -> Any:
    server_id = f"00000000-0000-4000-8000-{0 if key else number:012}"
    body = {"image": {"name": "web", "source_instance_id": server_id}}
    headers = {"Idempotency-Key": key} if key else {}
    until = time.monotonic() + _BUSY_FOR
    while time.monotonic() < until:
        answer = client.simulate_post("/v1/images", json=body, headers=headers)
        if answer.status_code != 503:
            return answer.status_code, answer.json
        assert answer.json["error"]["reason"] == "busy", answer.text
        time.sleep(int(answer.headers["Retry-After"]))
    raise AssertionError("it is busy for ever")


def require_ten(answers: Sequence[Any]) -> None:
    """Require that exactly the ten free slots were given away."""
    statuses = sorted(status for status, _ in answers)
    assert statuses == [202] * MOST + [403] * (REQUESTS - MOST)
    refused = [body["error"] for status, body in answers if status == 403]
    assert {(one["reason"], one["held"]) for one in refused} == {("limit_reached", MOST)}
    assert len({body["image"]["id"] for status, body in answers if status == 202}) == MOST


def require_one(answers: Sequence[Any]) -> None:
    """Require that all were answered with one image and one task."""
    assert [status for status, _ in answers] == [202] * REQUESTS
    assert len({(body["image"]["id"], body["task"]["id"]) for _, body in answers}) == 1
