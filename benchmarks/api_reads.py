"""Reads: one image, limits, and pages, each beside a bare handler with the same middleware."""

import multiprocessing
import statistics
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from api_serving import Client, configuration, served, served_bare
from ledger_filling import analyze, fill
from measuring import note

from instance_images.db.engine import Database
from instance_images.db.schema import upgrade

from support.clouds.embedded_cloud import EmbeddedCloud, Project
from support.processes.api_server import ApiServer

PAGE = 100
WARM_UP = 40


def filled(database_url: str, images: int, accounts: int, project: Project) -> None:
    """Fill a database; the project is the first of its accounts."""
    note(f"filling a database with {images} images of {accounts} accounts")
    database = Database(database_url)
    upgrade(database)
    fill(database, images, accounts)
    with database.writing() as connection:
        for statement in (
            "UPDATE images SET project_id = :project WHERE account_key = 1",
            "UPDATE accounts SET account_id = :project WHERE account_key = 1",
            # A page's images were made one after the other.
            "UPDATE images SET created_at = available_at WHERE account_key = 1",
        ):
            connection.execute(sa.text(statement), {"project": project.id})
    analyze(database)
    database.engine.dispose()


def pages_of(client: Client) -> tuple[str, str]:
    """Return the paths of the first and the last page of the account."""
    first = path = f"/v1/images?limit={PAGE}"
    while True:
        page = client.get(path).json
        if "images_links" not in page:
            return first, path
        following = page["images_links"][0]["href"]
        path = following[following.index("/v1/") :]
        if len(client.get(path).json["images"]) < PAGE:
            return first, first


def ratios(ours: Client, bare: Client, path: str, pairs: int) -> dict[str, Any]:
    """Measure a path in alternating pairs; the medians of the pairs' ratios are what counts."""
    for _ in range(min(WARM_UP, pairs)):
        ours.get(path)
        bare.get(path)
    pairs_of_seconds = []
    for number in range(pairs):
        order = [ours, bare] if number % 2 else [bare, ours]
        seconds = {id(client): client.get(path).seconds for client in order}
        pairs_of_seconds.append((seconds[id(ours)], seconds[id(bare)]))
    return {
        "ratio": round(statistics.median(a / b for a, b in pairs_of_seconds), 2),
        "ours_ms": round(statistics.median(a for a, _ in pairs_of_seconds) * 1000, 2),
        "bare_ms": round(statistics.median(b for _, b in pairs_of_seconds) * 1000, 2),
    }


def reads(
    cloud: EmbeddedCloud,
    directory: Path,
    database_url: str,
    token: str,
    pairs: int,
    afterwards: Mapping[str, Callable[[ApiServer], Any]] | None = None,
) -> dict[str, Any]:
    """Measure the paths on one database; then what else is to be measured on the same API."""
    config = configuration(cloud, directory, database_url, 10)
    with served(cloud, directory, database_url) as api:
        ours = Client(api.url, token)
        first, last = pages_of(ours)
        image_id = ours.get(first).json["images"][0]["id"]
        paths = {
            "one_image": f"/v1/images/{image_id}",
            "limits": "/v1/limits",
            "first_page": first,
            "last_page": last,
        }
        answers = {path: ours.get(path).body.decode() for path in paths.values()}
        with served_bare(cloud, directory / "bare", config, answers) as other:
            bare = Client(other.url, token)
            found = {name: ratios(ours, bare, path, pairs) for name, path in paths.items()}
        return found | {name: work(api) for name, work in (afterwards or {}).items()}


def p99(seconds: Sequence[float]) -> float:
    """Return the ninety-ninth of a hundred, in milliseconds."""
    return round(statistics.quantiles(seconds, n=100)[98] * 1000, 2)


def while_nova_hangs(
    cloud: EmbeddedCloud, token: str, count: int, posts: int, api: ApiServer
) -> dict[str, Any]:
    """Compare the p99 of a list with and without captures that wait for a Nova that hangs.

    The captures are sent by a process of their own: only what the API does for them slows a list.
    """
    path = f"/v1/images?limit={PAGE}"
    reader = Client(api.url, token)
    for _ in range(min(WARM_UP, count)):
        reader.get(path)
    before = [reader.get(path).seconds for _ in range(count)]
    fork = multiprocessing.get_context("fork")
    done, statuses = fork.Event(), fork.Queue()
    sender = fork.Process(target=_capture_until, args=(done, statuses, api.url, token, posts))
    cloud.pause_service("nova")
    try:
        sender.start()
        time.sleep(2)  # those that have a turn wait for Nova; others wait to repeat it
        during = [reader.get(path).seconds for _ in range(count)]
    finally:
        done.set()
        cloud.resume_service("nova")
    counted = statuses.get()
    sender.join()
    return {
        "p99_before_ms": p99(before),
        "p99_during_ms": p99(during),
        "ratio": round(p99(during) / p99(before), 2),
        "median_ratio": round(statistics.median(during) / statistics.median(before), 2),
        "statuses_of_posts": counted,
    }


def _capture_until(done: Any, statuses: Any, url: str, token: str, posts: int) -> None:
    """Send captures from so many threads until told to end; put how they were answered."""
    body = {"image": {"name": "waits", "source_instance_id": str(uuid.uuid4())}}

    def post(_number: int) -> list[int]:
        client, told = Client(url, token), []
        while not done.is_set():
            answer = client("POST", "/v1/images", body)
            told.append(answer.status)
            # As Retry-After says, and at once if the reads have ended.
            done.wait(float(answer.headers.get("Retry-After", 1)))
        return told

    with ThreadPoolExecutor(posts) as threads:
        found = [status for told in threads.map(post, range(posts)) for status in told]
    statuses.put({str(one): found.count(one) for one in sorted(set(found))})
