"""Times pages of Horizon in one process: run by ``benchmarks/dashboard.py``, where Horizon is.

python dashboard_pages.py USER PASSWORD PAIRS
"""

import json
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import django
import requests
from django.core.wsgi import get_wsgi_application
from django.test import Client
from webob import Request

WARM_UP = 2
# What the scripts of Project > Images ask for each time, as seen in Chromium; 8 times for the
# policy. Left out: metadefs, and the projects that own an image.
ASKED_BY_IMAGES = (
    "/api/settings/",
    "/api/keystone/user-session/",
    "/api/keystone/svc-catalog/",
    "/api/glance/version/",
    "/api/glance/images/",
    *["/api/policy/"] * 8,
)
RULES = json.dumps({"rules": [["image", "delete_image"]]}).encode()
asked: list[str] = []


def main(user: str, password: str, pairs: int) -> dict[str, Any]:
    """Return the ratios, and how many requests to our API a page makes."""
    django.setup()
    count_requests()
    client = Client(SERVER_NAME="127.0.0.1")
    told = client.post(
        "/auth/login/", {"username": user, "password": password, "region": "default"}
    )
    if told.status_code != 302:
        raise RuntimeError(f"could not log in: {told.status_code}")
    return {
        "my_images_to_images": {
            f"{rows} rows a page": my_images(client, rows, pairs) for rows in (20, 100)
        },
        "instances_with_action_to_without": instances(client, pairs),
        "requests_to_the_api": {
            path: requests_of(client, path)
            for path in ("/project/my_images/", "/project/instances/", "/project/cloud_usage/")
        },
    }


def my_images(client: Client, rows: int, pairs: int) -> dict[str, Any]:
    """Compare My Images with Images: all that the browser asks Horizon for, to show the page."""
    client.cookies["API_RESULT_PAGE_SIZE"] = str(rows)
    return compared(
        lambda: get(client, "/project/my_images/", "/header/"),
        lambda: get(client, "/project/images/", "/header/", *ASKED_BY_IMAGES),
        pairs,
    )


def get(client: Client, *paths: str) -> None:
    """Ask for pages that must be there; those below /api as a script asks."""
    cookies = "; ".join(f"{name}={one.value}" for name, one in client.cookies.items())
    for path in paths:
        request = Request.blank(path, base_url="http://127.0.0.1", headers={"Cookie": cookies})
        if path.startswith("/api/"):
            request.headers["X-Requested-With"] = "XMLHttpRequest"
        if path == "/api/policy/":
            request.method, request.body = "POST", RULES
            request.headers["X-CSRFToken"] = client.cookies["csrftoken"].value
        told = request.get_response(application())
        if told.status_int != 200:
            raise RuntimeError(f"{path}: {told.status}")


@cache
def application() -> Any:
    """Return Horizon."""
    return get_wsgi_application()


def instances(client: Client, pairs: int) -> dict[str, Any]:
    """Compare the list of instances with our action and without."""
    from openstack_dashboard.dashboards.project.instances.tables import InstancesTable

    meta, actions = InstancesTable._meta, InstancesTable.base_actions
    with_ours, ours = meta.row_actions, actions["instance_image"]

    def with_action() -> None:
        meta.row_actions = with_ours
        actions["instance_image"] = ours
        get(client, "/project/instances/")

    def without() -> None:
        meta.row_actions = tuple(one for one in with_ours if one.name != "instance_image")
        del actions["instance_image"]
        get(client, "/project/instances/")
        actions["instance_image"] = ours

    return compared(with_action, without, pairs)


def compared(ours: Callable[[], None], other: Callable[[], None], pairs: int) -> dict[str, Any]:
    """Run both in alternating pairs; return the medians and the ratio of wall and CPU seconds."""
    for _ in range(WARM_UP):
        ours()
        other()
    costs: list[tuple[tuple[float, float], tuple[float, float]]] = []
    for number in range(pairs):
        if number % 2:
            first = cost(ours)
            costs.append((first, cost(other)))
        else:
            second = cost(other)
            costs.append((cost(ours), second))
    wall = [(a[0], b[0]) for a, b in costs]
    cpu = [(a[1], b[1]) for a, b in costs]
    return {
        "wall_ratio": ratio(wall),
        "wall_ratio_quartiles": [round(one, 3) for one in quartiles(wall)],
        "cpu_ratio": ratio(cpu),
        "ours_ms": round(statistics.median(a for a, _ in wall) * 1000, 1),
        "other_ms": round(statistics.median(b for _, b in wall) * 1000, 1),
    }


def ratio(pairs: Sequence[tuple[float, float]]) -> float:
    """Return the median of the pairs' ratios."""
    return round(statistics.median(a / b for a, b in pairs), 3)


def quartiles(pairs: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Return the quartiles of the pairs' ratios."""
    low, _, high = statistics.quantiles((a / b for a, b in pairs), n=4)
    return low, high


def cost(page: Callable[[], None]) -> tuple[float, float]:
    """Return the wall and the CPU seconds of a page."""
    wall, cpu = time.perf_counter(), time.process_time()
    page()
    return time.perf_counter() - wall, time.process_time() - cpu


def count_requests() -> None:
    """Note each request that is sent to our API."""
    send = requests.Session.send

    def noted(self: Any, request: Any, **more: Any) -> Any:
        if urlsplit(request.url).path.startswith("/v1/"):  # no other service has that version
            asked.append(request.url)
        return send(self, request, **more)

    requests.Session.send = noted  # type: ignore[method-assign]


def requests_of(client: Client, path: str) -> int:
    """Return how many requests to our API a page makes, once prices are known."""
    get(client, path)
    asked.clear()
    get(client, path)
    return len(asked)


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], sys.argv[2], int(sys.argv[3]))))
