"""A location that fails or hangs does not keep a worker from the others."""

import threading
from collections.abc import Callable
from dataclasses import replace

import pytest

from instance_images.db import tasks
from instance_images.db.engine import Database
from instance_images.errors import CloudUnavailable
from instance_images.images.capture import capture
from instance_images.locations.site import Site
from instance_images.model.cloud import CloudImage
from instance_images.worker import worker
from instance_images.worker.worker import Worker

from support.clouds.memory_cloud import GB, MemoryProvider
from support.processes.fast_worker import FastClock, run_worker
from support.worlds.ledger_world import LOCATION

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
SPEED = 30.0
IMAGES = 6
THREADS = 4


class Place:
    """Two locations on one ledger, each with captures that are complete in the cloud."""

    def __init__(self, database: Database) -> None:
        self.clock = FastClock(SPEED)
        self.sites: dict[str, Site] = {}
        self.clouds: dict[str, MemoryProvider] = {}
        for name in ("RegionOne", "RegionTwo"):
            location = replace(LOCATION, name=name, region_name=name)
            cloud = self.clouds[name] = MemoryProvider(location, self.clock)
            self.sites[name] = site = Site(
                location=location,
                provider=cloud,
                database=database,
                clock=self.clock,
                default_max_images=100,
            )
            for number in range(IMAGES):
                capture(site, cloud.account("a"), f"{name}-vm-{number}", f"image-{number}")
            cloud.activate(GB)

    def is_done(self, name: str) -> bool:
        """Return whether no task of the location is unfinished."""
        with self.sites[name].database.reading() as connection:
            return not tasks.unfinished_tasks(connection, name, None)

    def look_through(self, name: str, look: Callable[[], None]) -> None:
        """Have something happen whenever an image of the location is looked at."""
        get_image = self.clouds[name].get_image

        def looked_at(cloud_image_id: str) -> CloudImage | None:
            look()
            return get_image(cloud_image_id)

        self.clouds[name].get_image = looked_at  # type: ignore[method-assign]

    def work(self, until: Callable[[], bool]) -> Worker:
        """Run a worker until a condition holds."""
        return run_worker(self.sites, until, THREADS)


@pytest.fixture
def place(database: Database) -> Place:
    return Place(database)


def test_a_location_that_fails_is_left_alone_and_others_go_on(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    failures: list[str] = []

    def fail() -> None:
        failures.append(threading.current_thread().name)
        if len(failures) < 3:
            raise CloudUnavailable("It is down.", 503, 1)

    place.look_through("RegionOne", fail)

    place.work(lambda: place.is_done("RegionTwo"))

    assert len(failures) <= THREADS // 2  # those that began before the first had failed
    assert "and all others here for 1 s: It is down." in caplog.text

    place.work(lambda: place.is_done("RegionOne"))

    assert place.is_done("RegionOne")


def test_a_location_that_hangs_holds_half_of_the_threads(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "DUE_AT_ONCE", IMAGES // 2)  # all of them are the first one's
    goes_on = threading.Event()
    hanging: list[str] = []

    def hang() -> None:
        hanging.append(threading.current_thread().name)
        assert goes_on.wait(60)

    place.look_through("RegionOne", hang)

    def is_over() -> bool:
        if place.is_done("RegionTwo") and len(hanging) >= THREADS // 2:
            seen.append(len(hanging))
            goes_on.set()
        return goes_on.is_set()

    seen: list[int] = []
    place.work(is_over)

    assert seen[0] == THREADS // 2


def test_an_error_that_nobody_foresaw_ends_one_check_alone(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    is_first = True

    def break_once() -> None:
        nonlocal is_first
        if is_first:
            is_first = False
            raise ZeroDivisionError

    place.look_through("RegionOne", break_once)

    place.work(lambda: place.is_done("RegionOne") and place.is_done("RegionTwo"))

    assert "RegionOne: A fault in instance-images, at task" in caplog.text
    assert "ZeroDivisionError" in caplog.text
