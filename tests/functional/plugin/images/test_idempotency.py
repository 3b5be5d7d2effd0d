"""A request that is repeated with its key makes nothing a second time, on every database."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from instance_images.db import images, tasks
from instance_images.db.engine import Database
from instance_images.deployments.instances import Order, deploy
from instance_images.errors import (
    CloudUnavailable,
    IdempotencyKeyReused,
    LimitReached,
    Refused,
    UsageError,
)
from instance_images.images.capture import capture
from instance_images.images.delete import delete
from instance_images.images.retry import retry
from instance_images.locations.site import Site
from instance_images.model.records import Image, ImageRequest, ImageStatus, Task, TaskState
from instance_images.tasks.settling import settle

from support.clouds.memory_cloud import GB
from support.worlds.ledger_world import LOCATION, World, at

AT_ONCE = 50


class Shop(World):
    """A world with one account, which may hold one image, and asks with keys."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.clock.now = at("1T10:00")
        self.site = Site(
            location=replace(LOCATION, max_images=1),
            provider=self.cloud,
            database=database,
            clock=self.clock,
            default_max_images=1,
        )
        self.owner = self.cloud.account("a")
        self.requests = 0
        self.is_refusing = False

        ask = self.cloud.request_capture

        def counted(project_id: str, server_id: str, name: str, request_id: str) -> str:
            self.requests += 1
            if self.is_refusing:
                raise Refused("Nova refuses.")
            return ask(project_id, server_id, name, request_id)

        self.cloud.request_capture = counted  # type: ignore[method-assign]

    def ask(self, key: str | None = "key", name: str = "golden") -> ImageRequest:
        """Ask for a capture."""
        return capture(self.site, self.owner, "vm", name, key=key)

    def records(self) -> tuple[list[Image], list[Task]]:
        """Return the images and the tasks that are on record."""
        with self.database.reading() as connection:
            return (
                images.list_images(connection, LOCATION.name, None),
                tasks.list_tasks(connection, LOCATION.name, None),
            )


@pytest.fixture
def shop(database: Database) -> Shop:
    return Shop(database)


def at_once(work: Callable[[], object]) -> list[object]:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        begun = [pool.submit(work) for _ in range(AT_ONCE)]
        return [one.result() for one in begun]


def test_the_same_capture_fifty_times_at_once_makes_one_image_and_one_task(shop: Shop) -> None:
    made = at_once(lambda: (lambda r: (r.image_id, r.task_id))(shop.ask()))

    found, listed = shop.records()
    assert set(made) == {(found[0].id, listed[0].id)}
    assert (len(found), len(listed), shop.requests) == (1, 1, 1)


def test_repeated_capture_returns_its_record_whatever_became_of_it(shop: Shop) -> None:
    asked = shop.ask()
    shop.cloud.activate(GB)
    settle(shop.site, "a")
    available = shop.ask()
    delete(shop.site, shop.owner, asked.image_id)
    off = replace(shop.site, location=replace(LOCATION, enabled=False))

    deleted = capture(off, shop.owner, "vm", "golden", key="key")

    assert available.image_id == deleted.image_id == asked.image_id
    assert available.task_id == deleted.task_id == asked.task_id
    with shop.database.reading() as connection:
        assert images.get_image(connection, asked.image_id).status is ImageStatus.DELETED
    assert shop.requests == 1


def test_the_key_of_another_request_is_refused(shop: Shop) -> None:
    shop.ask()

    with pytest.raises(IdempotencyKeyReused) as told:
        shop.ask(name="silver")

    assert told.value.code == "idempotency_key_reused"
    assert shop.requests == 1


def test_a_key_is_one_accounts_own(shop: Shop) -> None:
    mine = shop.ask()

    others = capture(shop.site, shop.cloud.account("b"), "vm-b", "golden", key="key")

    assert {mine.image_id, mine.task_id}.isdisjoint({others.image_id, others.task_id})


def test_a_refused_request_leaves_no_record_and_is_decided_anew(shop: Shop) -> None:
    shop.is_refusing = True
    with pytest.raises(Refused):
        shop.ask()
    assert shop.records() == ([], [])
    shop.is_refusing = False

    asked = shop.ask()

    with pytest.raises(LimitReached):
        capture(shop.site, shop.owner, "other", "golden", key="another key")
    assert shop.ask().image_id == asked.image_id
    assert shop.requests == 2


@pytest.mark.parametrize("key", ["", "x" * 256, "ключ", "a\nb"])
def test_a_key_that_is_no_printable_ascii_is_refused(shop: Shop, key: str) -> None:
    with pytest.raises(UsageError, match="1 to 255 printable ASCII"):
        shop.ask(key=key)


def test_the_same_deployment_fifty_times_at_once_is_asked_for_once(shop: Shop) -> None:
    image_id = shop.capture("1T11:00")
    asked: list[str] = []
    ask = shop.cloud.request_server
    shop.cloud.request_server = lambda *given: asked.append(given[1].request_id) or ask(*given)  # type: ignore[method-assign,func-returns-value]
    order = Order(name="web", flavor="small", user_data=b"#!/bin/sh")

    made = at_once(lambda: deploy(shop.site, shop.owner, image_id, order, key="key"))

    assert set(made) == set(asked)
    assert len(asked) == 1
    with pytest.raises(IdempotencyKeyReused):
        deploy(shop.site, shop.owner, image_id, replace(order, count=2), key="key")


def failed_capture(shop: Shop) -> ImageRequest:
    """Make a capture that has failed, with a key, and nothing of which is left in the cloud."""
    asked = shop.ask()
    shop.cloud.images.clear()
    settle(shop.site, "a")
    settle(shop.site, "a", only=[asked.task_id])
    return asked


def test_the_same_retry_fifty_times_at_once_begins_one_attempt(shop: Shop) -> None:
    asked = failed_capture(shop)

    at_once(lambda: retry(shop.site, shop.owner, asked.task_id, key="again"))

    [task] = shop.records()[1]
    assert (task.attempts, shop.requests) == (2, 2)
    assert shop.ask().task_id == task.id  # and the first request is known still


def test_a_repeated_retry_begins_nothing_after_later_ones(shop: Shop) -> None:
    asked = failed_capture(shop)
    for key in ("again", "once more"):
        retry(shop.site, shop.owner, asked.task_id, key=key)
        shop.cloud.images.clear()
        settle(shop.site, "a")
        settle(shop.site, "a", only=[asked.task_id])

    repeated = retry(shop.site, shop.owner, asked.task_id, key="again")

    [task] = shop.records()[1]
    assert repeated.task_id == task.id
    assert (task.attempts, task.state) == (3, TaskState.FAILED)


def test_a_refused_retry_is_decided_anew(shop: Shop) -> None:
    asked = failed_capture(shop)
    shop.is_refusing = True
    with pytest.raises(Refused):
        retry(shop.site, shop.owner, asked.task_id, key="again")
    shop.is_refusing = False
    shop.clock.now = at("1T11:00")  # what the refused attempt may have left is seen not to be there

    retry(shop.site, shop.owner, asked.task_id, key="again")

    [task] = shop.records()[1]
    assert (task.attempts, task.state) == (3, TaskState.RUNNING)


def test_a_request_without_an_answer_is_known_by_its_key(shop: Shop) -> None:
    shop.cloud.loses_answers = True
    with pytest.raises(CloudUnavailable):
        shop.ask()

    repeated = shop.ask()

    assert [task.id for task in shop.records()[1]] == [repeated.task_id]
    assert shop.requests == 1
