"""``work`` finishes in the background what was begun, and nobody looks."""

from collections.abc import Callable

import pytest

from instance_images.db import images, tasks
from instance_images.db.engine import Database
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

            wait_for(all_done(database, project), "the end of both captures")

            assert worker.end() == 0
        made = in_cloud(member) - before
    found = recorded(database, project)
    assert [image.status for image, _ in found] == [ImageStatus.AVAILABLE] * 2
    assert made == {image.cloud_image_id for image, _ in found}
    assert all(task.look_at is None and not task.has_leftovers for _, task in found)
    assert "Traceback" not in worker.log
    assert "Stopped." in worker.log
