"""A request advances the tasks that it depends on, a command all tasks of the account."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from instance_images.db.engine import Database
from instance_images.deployments.instances import Order, deploy
from instance_images.drivers import patience
from instance_images.errors import LimitReached, WrongState
from instance_images.images.capture import capture
from instance_images.images.delete import delete
from instance_images.images.find import list_images
from instance_images.locations.site import Advance, Site
from instance_images.model.requests.caller import Caller
from instance_images.tasks.advancing import SECONDS_BEFORE_REFUSAL

from support.clouds.memory_cloud import GB
from support.worlds.ledger_world import LOCATION, World, at

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
MOST = 4


class Queue(World):
    """A world in which an account captures several images, of which the cloud has all."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.clock.now = at("1T10:00")
        self.site = Site(
            location=replace(LOCATION, max_images=MOST),
            provider=self.cloud,
            database=database,
            clock=self.clock,
            default_max_images=MOST,
        )
        self.request = replace(self.site, advances=Advance.NEEDED)
        self.owner = self.cloud.account("a")
        self.looks: list[str] = []
        self.ids = [
            capture(self.site, self.owner, f"vm-{n}", f"image-{n}").image_id for n in range(3)
        ]
        look = self.cloud.get_image

        def counted(cloud_image_id: str) -> object:
            self.looks.append(self.cloud.marks[cloud_image_id])
            return look(cloud_image_id)

        self.cloud.get_image = counted  # type: ignore[assignment,method-assign]


@pytest.fixture
def queue(database: Database) -> Queue:
    return Queue(database)


def lose(queue: Queue, *image_ids: str) -> None:
    """Have the captures fail in the cloud."""
    for cloud_image_id, mark in queue.cloud.marks.items():
        if mark in image_ids:
            del queue.cloud.images[cloud_image_id]


@pytest.mark.parametrize(
    "operation",
    [
        lambda queue, site: deploy(
            site, queue.owner, queue.ids[1], Order(name="web", flavor="small")
        ),
        lambda queue, site: delete(site, queue.owner, "image-1"),
    ],
    ids=["deploy", "delete"],
)
def test_a_request_for_an_image_advances_that_image_alone(
    queue: Queue, operation: Callable[[Queue, Site], object]
) -> None:
    queue.cloud.activate(GB)

    operation(queue, queue.request)

    assert set(queue.looks) == {queue.ids[1]}


def test_a_command_advances_all_tasks_of_the_account(queue: Queue) -> None:
    queue.cloud.activate(GB)

    deploy(queue.site, queue.owner, queue.ids[1], Order(name="web", flavor="small"))

    assert set(queue.looks) == set(queue.ids)


def test_a_request_that_needs_no_task_advances_none(queue: Queue) -> None:
    capture(queue.request, queue.owner, "another", "image")
    list_images(queue.request, "a")

    assert queue.looks == []


def test_captures_are_advanced_before_the_limit_refuses_another(queue: Queue) -> None:
    capture(queue.request, queue.owner, "vm-3", "image-3")
    with pytest.raises(LimitReached):
        capture(queue.request, queue.owner, "vm-4", "image-4")
    assert len(queue.looks) == MOST
    lose(queue, queue.ids[0])

    assert capture(queue.request, queue.owner, "vm-4", "image-4")


def test_nobody_is_kept_waiting_for_more_than_a_few_seconds(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    capture(queue.request, queue.owner, "vm-3", "image-3")
    seconds = iter(range(0, 100, 2))
    monkeypatch.setattr(patience.time, "monotonic", lambda: next(seconds))

    with pytest.raises(LimitReached):
        capture(queue.request, queue.owner, "vm-4", "image-4")

    assert len(queue.looks) == 2  # after 2 and 4 seconds, and not after 6


@pytest.mark.parametrize("is_request", [True, False])
def test_requests_to_the_cloud_have_the_time_that_is_left(queue: Queue, is_request: bool) -> None:
    queue.cloud.activate(GB)
    left: list[float | None] = []
    look = queue.cloud.get_image

    def timed(cloud_image_id: str) -> object:
        left.append(patience.seconds_left())
        return look(cloud_image_id)

    queue.cloud.get_image = timed  # type: ignore[assignment,method-assign]

    delete(queue.request if is_request else queue.site, queue.owner, "image-1")

    advanced = left[0]
    assert patience.seconds_left() is None
    assert advanced is None or 0 < advanced <= SECONDS_BEFORE_REFUSAL
    assert (advanced is not None) == is_request


def test_the_capture_of_an_instance_is_advanced_before_it_refuses_another(queue: Queue) -> None:
    with pytest.raises(WrongState, match="is being captured"):
        capture(queue.request, queue.owner, "vm-0", "again")
    assert queue.looks == [queue.ids[0]]
    queue.cloud.activate(GB)

    assert capture(queue.request, queue.owner, "vm-0", "again")


def test_a_callers_request_advances_what_it_needs_alone(queue: Queue) -> None:
    caller = Caller(account_id="a", project_id="a", user_id="u", roles=(), token="t")

    site = queue.site.for_caller(caller)

    assert site.advances is Advance.NEEDED
    assert site.provider is queue.cloud  # a cloud without identities
    assert site.account(None).id == "a"
