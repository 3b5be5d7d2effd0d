"""The API under gunicorn for the benchmark, and requests whose latency is taken."""

import contextlib
import http.client
import json
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from instance_images.db.engine import Database
from instance_images.db.schema import upgrade

from support.clouds.embedded_cloud import EmbeddedCloud
from support.processes.api_server import ApiServer, running_api, token_section
from support.processes.command_line import write_config

HERE = Path(__file__).resolve().parent
TRIES = 200


@dataclass(frozen=True, slots=True)
class Told:
    """An answer and the seconds that it took."""

    status: int
    body: bytes
    headers: Mapping[str, str]
    seconds: float

    @property
    def json(self) -> Any:
        """The body, read."""
        return json.loads(self.body)


class Client:
    """Sends requests of one token, one after the other, on one connection."""

    def __init__(self, url: str, token: str) -> None:
        self._address = urlsplit(url).netloc
        self._headers = {"X-Auth-Token": token, "Content-Type": "application/json"}
        self._connection = http.client.HTTPConnection(self._address, timeout=90)

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> Told:
        """Send a request; return its answer, whatever its status."""
        content = None if body is None else json.dumps(body)
        began = time.perf_counter()
        try:
            self._connection.request(method, path, content, {**self._headers, **headers})
            answer = self._connection.getresponse()
        except (http.client.RemoteDisconnected, ConnectionResetError):  # kept alive no longer
            self._connection.close()
            self._connection.request(method, path, content, {**self._headers, **headers})
            answer = self._connection.getresponse()
        told = answer.read()
        seconds = time.perf_counter() - began
        return Told(answer.status, told, answer.headers, seconds)  # found in any case

    def get(self, path: str) -> Told:
        """Read a path that is there."""
        told = self("GET", path)
        if told.status != 200:
            raise RuntimeError(f"{path}: {told.status} {told.body!r}")
        return told

    def until_served(self, method: str, path: str, body: Any, **headers: str) -> tuple[Told, int]:
        """Repeat a request while the API is busy, as it says; return how often it was."""
        for busy in range(TRIES):
            told = self(method, path, body, **headers)
            if told.status != 503 or told.json["error"]["reason"] != "busy":
                return told, busy
            time.sleep(float(told.headers["Retry-After"]))
        raise RuntimeError("the API is busy for ever")


def gunicorn(application: str, workers: int, port: int, _directory: Path) -> list[str]:
    """Return the command that serves an application of these modules or the product."""
    command = [sys.executable, "-m", "gunicorn", "--workers", str(workers), "--threads", "8"]
    command += ["--worker-class", "gthread", "--bind", f"127.0.0.1:{port}", "--timeout", "120"]
    # A connection that waits between two measured requests stays open.
    command += ["--keep-alive", "75"]
    return [*command, "--log-level", "warning", "--pythonpath", str(HERE), application]


@contextlib.contextmanager
def served(
    cloud: EmbeddedCloud,
    directory: Path,
    database_url: str,
    *,
    workers: int = 2,
    max_images: int = 10,
) -> Iterator[ApiServer]:
    """Run the API on a database, whose tables are made if it has none."""
    config = configuration(cloud, directory, database_url, max_images)
    server = partial(gunicorn, "instance_images_api.wsgi:application", workers)
    with running_api(config, directory, cloud, server) as api:
        yield api


@contextlib.contextmanager
def served_bare(
    cloud: EmbeddedCloud, directory: Path, config: Path, answers: Mapping[str, str]
) -> Iterator[ApiServer]:
    """Run the bare handler with the same middleware, options and number of processes."""
    directory.mkdir()
    file = directory / "answers.json"
    file.write_text(json.dumps(answers))
    os.environ["BARE_ANSWERS"] = str(file)
    with running_api(config, directory, cloud, partial(gunicorn, "bare_api:application", 2)) as api:
        yield api


def configuration(
    cloud: EmbeddedCloud, directory: Path, database_url: str, max_images: int
) -> Path:
    """Write the configuration, and make the tables."""
    directory.mkdir(parents=True, exist_ok=True)
    database = Database(database_url)
    upgrade(database)
    database.engine.dispose()
    return write_config(
        directory / "instance-images.conf",
        database_url,
        DEFAULT=f"log_file = {directory / 'requests.log'}",
        keystone_authtoken=token_section(cloud),
        limits=f"max_images = {max_images}",
        api="creates_per_minute = 0",
    )


def at_once(requests: Sequence[partial[Any]]) -> list[Any]:
    """Send requests at the same time, each from a thread of its own."""
    with ThreadPoolExecutor(len(requests)) as threads:
        return list(threads.map(lambda send: send(), requests))
