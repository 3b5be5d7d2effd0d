"""Waiting for a task."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from keystoneauth1.exceptions import ConnectFailure, ConnectTimeout, UnknownConnectionError
from openstack import exceptions

from instance_images_client.sdk.task import Task

if TYPE_CHECKING:
    from instance_images_client.sdk.proxy import Proxy

# What says nothing about the task: the service is looked for again.
_TRANSIENT = (502, 503, 504)
_SECONDS_WITHOUT_ANSWER = 60.0
_MOST_SECONDS_BETWEEN_LOOKS = 15.0


def wait_for_task(
    proxy: "Proxy",
    task: Task | str,
    *,
    callback: Callable[[Task], None] | None = None,
    interval: float | None = None,
    wait: float | None = None,
) -> Task:
    """Look at the task until it has finished, and return it; see ``Proxy.wait_for_task``."""
    task_id = task if isinstance(task, str) else task.id
    begun = answered = time.monotonic()
    while True:
        pause_seconds = interval or 1.0
        try:
            found = proxy.get_task(task_id)
        except (ConnectFailure, ConnectTimeout, UnknownConnectionError):
            if time.monotonic() - answered > _SECONDS_WITHOUT_ANSWER:
                raise
        except exceptions.HttpException as error:
            is_lasting = time.monotonic() - answered > _SECONDS_WITHOUT_ANSWER
            if error.status_code not in _TRANSIENT or is_lasting:
                raise
        else:
            answered = time.monotonic()
            if callback is not None:
                callback(found)
            if found.state == "failed":
                raise exceptions.ResourceFailure(f"Task {found.id} failed: {found.error}")
            if found.is_finished:
                return found
            pause_seconds = interval or _pause_of(found)
        if wait is not None and time.monotonic() - begun + pause_seconds > wait:
            raise exceptions.ResourceTimeout(
                f"Task {task_id} has not finished within {wait:g} s. It continues."
            )
        time.sleep(pause_seconds)


def _pause_of(task: Task) -> float:
    """Return how long the service says that no other look is worth while, in seconds."""
    told = task.retry_after
    return min(float(told), _MOST_SECONDS_BETWEEN_LOOKS) if told else 1.0
