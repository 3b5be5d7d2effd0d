"""Fifty creates at once over four processes, on every database, and a kill at every step."""

import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import falcon.testing
import pytest
import sqlalchemy as sa

from instance_images.config.settings import Location
from instance_images.db import tables
from instance_images.db.engine import Database
from instance_images.drivers.provider import Provider
from instance_images.locations.application import Application

from support.clouds import installed_memory_cloud
from support.clouds.file_cloud import FileCloud
from support.processes.command_line import SetClock, write_config
from support.processes.killing import Killer, was_killed
from support.worlds.api_at_once import (
    client_of,
    create_at_once,
    require_one,
    require_ten,
    service_of,
)
from support.worlds.ledger_world import at

SERVER = "11111111-1111-4111-8111-111111111111"
MORE_THAN_ENOUGH = 100


@pytest.fixture(autouse=True)
def _memory_cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(installed_memory_cloud.install(tmp_path / "site")))


def count(database: Database) -> tuple[int | None, int | None]:
    """Return how many images and tasks are on record."""
    with database.reading() as connection:
        return (
            connection.execute(sa.select(sa.func.count()).select_from(tables.images)).scalar(),
            connection.execute(sa.select(sa.func.count()).select_from(tables.tasks)).scalar(),
        )


def test_fifty_creates_at_once_get_the_ten_slots_that_there_are(
    database: Database, tmp_path: Path
) -> None:
    url = database.url.render_as_string(hide_password=False)

    answers = create_at_once([url], tmp_path, key=None)

    require_ten(answers)
    assert count(database) == (10, 10)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_same_key_fifty_times_at_once_makes_one_image(
    database: Database, tmp_path: Path
) -> None:
    url = database.url.render_as_string(hide_password=False)

    answers = create_at_once([url], tmp_path, key="the same")

    require_one(answers)
    assert count(database) == (1, 1)


class Place:
    """The API of one process after another, on a ledger and a cloud that are files."""

    def __init__(self, directory: Path, empty_database: Path) -> None:
        directory.mkdir()
        self.directory = directory
        path = directory / "ledger.db"
        shutil.copy(empty_database, path)
        config, memory = directory / "ledger.conf", "provider = slow-memory"
        self.config = write_config(config, f"sqlite:///{path}", location=memory)
        self.clock = SetClock(at("1T10:00"))

    def cloud(self) -> FileCloud:
        return FileCloud(self.directory / "cloud.json", self.clock, is_volume_backed=False)

    def client(self, killed_at: int = 0) -> falcon.testing.TestClient:
        """Return a client of a new process's API, which is killed at that step; 0: never."""
        service = service_of(self.config)
        cloud, service.clock = self.cloud(), self.clock
        service.application = OnFile(service.settings, self.clock, cloud)
        cloud.step = killer = Killer(killed_at)
        killer.watch(service.application.database.engine)
        return client_of(service)

    def create(self, client: falcon.testing.TestClient) -> falcon.testing.Result:
        body = {"image": {"name": "web", "source_instance_id": SERVER}}
        return client.simulate_post("/v1/images", json=body, headers={"Idempotency-Key": "key"})

    def ended(self, client: falcon.testing.TestClient, task_id: str) -> str:
        """Poll the task as a client does, minutes apart; return how it has ended."""
        for _ in range(MORE_THAN_ENOUGH):
            state = client.simulate_get(f"/v1/tasks/{task_id}").json["task"]["state"]
            if state in ("succeeded", "failed"):
                return str(state)
            self.clock.now += timedelta(minutes=3)
        raise AssertionError("it never ends")


class OnFile(Application):
    """The application of a process whose locations are one cloud in a file."""

    def __init__(self, settings: object, clock: SetClock, cloud: FileCloud) -> None:
        super().__init__(settings, clock)  # type: ignore[arg-type]
        self._cloud = cloud

    def provider(self, location: Location) -> Provider:
        return self._cloud


def each_step(make: Callable[[int], Place]) -> int:
    """Kill a create at one step after the other, and repeat it; return how many steps it has."""
    for step in range(1, MORE_THAN_ENOUGH):
        place = make(step)
        if not was_killed(lambda step=step, place=place: place.create(place.client(step))):  # type: ignore[misc]
            assert place.create(place.client()).status_code == 202
            return step - 1
        client = place.client()
        first, second = place.create(client), place.create(client)
        assert (first.status_code, second.status_code) == (202, 202), (step, first.text)
        task_id = first.json["task"]["id"]
        assert second.json["task"]["id"] == task_id
        if place.ended(client, task_id) == "failed":  # the cloud had not been asked
            assert place.cloud().things("image") == {}
            place.clock.now += timedelta(hours=3)
            client.simulate_get(f"/v1/tasks/{task_id}")
            client.simulate_post(f"/v1/tasks/{task_id}/retry")
            assert place.ended(client, task_id) == "succeeded", step
        [image] = client.simulate_get("/v1/images").json["images"]
        assert (image["id"], image["status"]) == (first.json["image"]["id"], "available")
        assert len(place.cloud().things("image")) == 1, step
    raise AssertionError("it has no end")


def test_create_that_is_killed_at_any_step_is_finished_by_its_repetition(
    tmp_path: Path, empty_database: Path
) -> None:
    steps = each_step(lambda step: Place(tmp_path / str(step), empty_database))

    assert steps >= 4  # the record, the request to the cloud, its answer, the record of that
