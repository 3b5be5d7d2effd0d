"""``work`` finishes in the background what was begun, and nobody looks."""

import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from instance_images.db import images, tasks
from instance_images.db.engine import Database
from instance_images.db.tables import tasks as task_rows
from instance_images.model.records import Image, ImageStatus, Task

from support.clouds.embedded_cloud import EmbeddedCloud, Project, wait_for
from support.processes.background_worker import working
from support.processes.command_line import CommandLine
from support.worlds.volume_world import in_cloud

pytestmark = pytest.mark.cloud


def recorded(database: Database, project: Project) -> list[tuple[Image, Task]]:
    """Return the account's images, each with its task, from the record alone."""
    with database.reading() as connection:
        return [
            (image, tasks.get_task(connection, image.task_id))
            for image in images.list_images(connection, "RegionOne", project.id)
        ]


def all_done(database: Database, project: Project) -> Callable[[], bool]:
    def look() -> bool:
        with database.reading() as connection:
            return not tasks.open_tasks(connection, "RegionOne", project.id)

    return look


@pytest.fixture
def service_manager(tmp_path: Path) -> Iterator[socket.socket]:
    """What systemd listens with."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.settimeout(60)
        yield listening


def told(service_manager: socket.socket, state: str) -> set[bytes]:
    """Wait until the worker tells a state; return all that it told until then."""
    states = set()
    while state.encode() not in states:
        states.add(service_manager.recv(100))
    return states


def holders(database: Database) -> list[str]:
    with database.reading() as connection:
        query = sa.select(task_rows.c.claimed_by).where(task_rows.c.claimed_by.is_not(None))
        return list(connection.execute(query).scalars())


def all_available(database: Database, project: Project) -> Callable[[], bool]:
    def look() -> bool:
        found = [image.status for image, _ in recorded(database, project)]
        return found == [ImageStatus.AVAILABLE] * 2

    return look


def test_captures_become_available_and_are_tidied_up_with_only_a_worker(
    cloud: EmbeddedCloud, cli: CommandLine, project: Project
) -> None:
    on_volume = cloud.boot_from_volume(project, "db-1")
    on_disk = cloud.boot(project, "web-1")
    database = cli.application.database
    with cloud.connection(project.cloud) as member:
        before = in_cloud(member)
        with working(cli.config_file) as worker:
            for server in (on_volume, on_disk):
                cli.ok("image", "create", server.id, "--name", "golden", "--account", project.id)

            wait_for(all_available(database, project), "both images")
            wait_for(all_done(database, project), "the end of all tasks")

            assert worker.end() == 0
        made = in_cloud(member) - before
    found = recorded(database, project)
    assert [image.status for image, _ in found] == [ImageStatus.AVAILABLE] * 2
    assert made == {image.cloud_image_id for image, _ in found}
    assert all(task.look_at is None and not task.has_leftovers for _, task in found)
    assert "Traceback" not in worker.log
    assert "Stopped." in worker.log


@pytest.mark.parametrize("signals", [1, 2])
def test_a_signal_ends_a_worker_after_its_checks_and_a_second_one_at_once(
    cloud: EmbeddedCloud,
    cli: CommandLine,
    project: Project,
    service_manager: socket.socket,
    signals: int,
) -> None:
    server = cloud.boot(project, "web-1")
    cli.ok("image", "create", server.id, "--name", "golden", "--account", project.id)
    database = cli.application.database
    slow = cloud.fault(
        *("glance", "GET", "/images/", "delay"), None, delay_seconds=3.0 if signals == 1 else 60.0
    )
    with working(cli.config_file, NOTIFY_SOCKET=service_manager.getsockname()) as worker:
        assert told(service_manager, "WATCHDOG=1") == {b"READY=1", b"WATCHDOG=1"}
        cloud.wait_until_hit(slow)  # it may be Nova that is hit first
        wait_for(lambda: len(holders(database)) == 1, "a check that takes long")
        worker.process.send_signal(signal.SIGTERM)
        told(service_manager, "STOPPING=1")
        if signals == 2:
            worker.process.send_signal(signal.SIGTERM)

        code = worker.process.wait(30)

    assert code == (0 if signals == 1 else -signal.SIGTERM)
    assert len(holders(database)) == signals - 1  # a claim of who ended at once ends by itself
