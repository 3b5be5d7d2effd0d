"""Captures: beside the same calls made by hand, and many at the same instant."""

import re
import statistics
import time
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any

import requests
import sqlalchemy as sa
from api_serving import Client, Told, at_once, served
from measuring import note

from support.clouds.embedded_cloud import EmbeddedCloud, Project
from support.processes.background_worker import working

SAME_KEY = 50
_REQUEST = re.compile(r'minicloud\.wsgi .*"((?:GET|POST|PUT|DELETE|HEAD) \S+) HTTP')
_UUID = re.compile("[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}")
NewDatabase = Callable[[], AbstractContextManager[str]]


def capture(name: str, server_id: str) -> dict[str, Any]:
    """Return the body that asks for an image of an instance."""
    return {"image": {"name": name, "source_instance_id": server_id}}


def asked(cloud: EmbeddedCloud) -> Counter[str]:
    """Return what Nova and Keystone have logged, without checks of tokens."""
    return Counter(
        f"{service} {_UUID.sub('ID', request)}"
        for service in ("nova", "keystone")
        for request in _REQUEST.findall((cloud.log_dir / f"{service}.log").read_text())
        if not request.startswith("GET /v3/auth/tokens")
    )


class ByHand:
    """The requests of a capture to Nova and Keystone, and nothing else."""

    def __init__(self, cloud: EmbeddedCloud, project: Project, token: str) -> None:
        self._cloud, self._project, self._token = cloud, project, token
        with cloud.connection("admin", project) as connection:
            session: Any = connection.session
            self._service_token = session.get_token()
        self._http = requests.Session()

    def __call__(self, server_id: str) -> float:
        """Capture an instance; return the seconds that it took."""
        nova = f"{self._cloud.endpoints['nova']}/servers/{server_id}"
        keystone = self._cloud.endpoints["keystone"]
        began = time.perf_counter()
        self._get(nova, self._token)
        self._get(
            f"{keystone}/registered_limits?resource_name=instance_images", self._service_token
        )
        self._http.post(
            f"{nova}/action",
            json={"createImage": {"name": "by hand", "metadata": {}}},
            headers={"X-Auth-Token": self._service_token, "X-OpenStack-Nova-API-Version": "2.45"},
            timeout=60,
        ).raise_for_status()
        return time.perf_counter() - began

    def _get(self, url: str, token: str) -> None:
        headers = {"X-Auth-Token": token, "X-OpenStack-Nova-API-Version": "2.98"}
        self._http.get(url, headers=headers, timeout=60).raise_for_status()


def until_accepted(
    cloud: EmbeddedCloud, directory: Path, database_url: str, project: Project, pairs: int
) -> dict[str, Any]:
    """Measure POST until 202 beside the same calls made by hand, in alternating pairs."""
    servers = [cloud.boot(project, f"pair-{number}").id for number in range(2)]
    with cloud.connection(project.cloud) as connection:
        session: Any = connection.session
        token = session.get_token()
    with (
        served(cloud, directory, database_url, max_images=10_000) as api,
        working(directory / "instance-images.conf"),
    ):
        client, by_hand = Client(api.url, token), ByHand(cloud, project, token)

        def ours(server_id: str) -> float:
            told = client("POST", "/v1/images", capture("ours", server_id))
            if told.status != 202:
                raise RuntimeError(f"POST: {told.status} {told.body!r}")
            return told.seconds

        def idle(server_id: str) -> None:
            """Wait until Nova and the worker are done with what was captured before."""
            with cloud.connection(project.cloud) as connection:
                while connection.compute.get_server(server_id).task_state is not None:
                    time.sleep(0.1)
            while "creating" in [one["status"] for one in client.get("/v1/images").json["images"]]:
                time.sleep(0.1)

        seconds: dict[str, list[float]] = {"ours": [], "by hand": []}
        calls: dict[str, Counter[str]] = {}
        works = {"ours": ours, "by hand": by_hand}
        # The first ones fill the caches of both processes.
        for number in range(-min(4, pairs), pairs):
            for name in list(works)[:: 1 if number % 2 else -1]:
                server_id = servers[number % 2]
                idle(server_id)
                before = asked(cloud)
                spent = works[name](server_id)
                calls[name] = asked(cloud) - before
                if number >= 0:
                    seconds[name].append(spent)
    both = list(zip(seconds["ours"], seconds["by hand"], strict=True))
    return {
        "ratio": round(statistics.median(a / b for a, b in both), 2),
        "ours_ms": round(statistics.median(seconds["ours"]) * 1000),
        "by_hand_ms": round(statistics.median(seconds["by hand"]) * 1000),
        "calls": {name: sorted(calls[name].elements()) for name in calls},
    }


def against_slots(
    cloud: EmbeddedCloud,
    directory: Path,
    new_database: NewDatabase,
    slots: int,
    server_ids: Sequence[str],
    token: str,
    workers: int,
) -> dict[str, Any]:
    """Capture each of the instances at the same instant, with fewer slots, over some processes."""
    name = uuid.uuid4().hex[:8]
    note(f"{len(server_ids)} captures at once against {slots} slots")
    with (
        new_database() as url,
        served(cloud, directory / name, url, workers=workers, max_images=slots) as api,
    ):
        # Every process has answered once: the first requests are not those that are counted.
        at_once([partial(Client(api.url, token).get, "/v1/locations") for _ in range(16)])
        told: list[tuple[Told, int]] = at_once(
            [
                partial(Client(api.url, token).until_served, "POST", "/v1/images", capture(i, i))
                for i in server_ids
            ]
        )
        records = recorded(url)
    answers = Counter(
        f"{one.status} {one.json.get('error', {}).get('reason', '')}".strip() for one, _ in told
    )
    return {
        "answers": dict(answers),
        "busy_and_repeated": sum(busy for _, busy in told),
        "records": records,
    }


def with_one_key(
    cloud: EmbeddedCloud,
    directory: Path,
    database_url: str,
    server_id: str,
    token: str,
    workers: int,
) -> dict[str, Any]:
    """Send the same request with the same key many times at once, over some processes."""
    with served(cloud, directory, database_url, workers=workers) as api:
        key = {"Idempotency-Key": uuid.uuid4().hex}
        body = capture("once", server_id)
        told: list[tuple[Told, int]] = at_once(
            [
                partial(Client(api.url, token).until_served, "POST", "/v1/images", body, **key)
                for _ in range(SAME_KEY)
            ]
        )
    return {
        "answers": dict(Counter(str(one.status) for one, _ in told)),
        "images": len({one.json.get("image", {}).get("id") for one, _ in told}),
        "tasks": len({one.json.get("task", {}).get("id") for one, _ in told}),
        "busy_and_repeated": sum(busy for _, busy in told),
    }


def recorded(database_url: str) -> int:
    """Return how many images are on record."""
    engine = sa.create_engine(database_url)
    with engine.connect() as connection:
        count = connection.execute(sa.text("SELECT count(*) FROM images")).scalar_one()
    engine.dispose()
    return int(count)
