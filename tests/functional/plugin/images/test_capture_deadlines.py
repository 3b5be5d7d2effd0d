"""A capture that hangs is given up: its slot is free, its reason told, nothing is left of it."""

from datetime import timedelta
from typing import Any

import pytest

from instance_images.instants import system_clock

from support.clouds.embedded_cloud import EmbeddedCloud, Project, wait_for
from support.processes.command_line import CommandLine, SetClock

pytestmark = pytest.mark.cloud


def images_in_glance(cloud: EmbeddedCloud, project: Project) -> list[Any]:
    with cloud.connection() as connection:
        return list(connection.image.images(owner=project.id, visibility="all"))


def given_up(cloud: EmbeddedCloud, cli: CommandLine, project: Project, **knobs: str) -> Any:
    """Capture an instance that takes its time, come back after a day; return its record."""
    metadata = {f"minicloud_{name}": value for name, value in knobs.items()}
    server = cloud.boot(project, metadata=metadata)
    account = ["--account", project.name]
    cli.ok("image", "create", server.id, "--name", "slow", *account)
    with cloud.connection(project.cloud) as member:
        wait_for(
            lambda: str(member.compute.get_server(server.id).task_state) == "image_pending_upload",
            "the host to be at work",
        )
    cli.ok("image", "list", *account)  # sees the stage
    cli.clock = SetClock(system_clock() + timedelta(hours=25))
    [image] = cli.ok("image", "list", *account).json
    return image


def test_capture_that_hangs_is_an_error_with_its_reason_and_frees_its_slot(
    cli: CommandLine, cloud: EmbeddedCloud, project: Project
) -> None:
    image = given_up(cloud, cli, project, snapshot_fail="hang")

    assert image["status"] == "error"
    assert "no progress for 720 minutes in stage 'image_pending_upload'" in image["error"]
    assert cli.ok("limit", "show", "--account", project.name).json["held"] == 0
    assert images_in_glance(cloud, project) == []
    [task] = cli.ok("task", "list", "--account", project.name).json
    assert (task["state"], task["error"]) == ("failed", image["error"])


def test_capture_that_comes_late_after_it_was_given_up_stores_nothing(
    cli: CommandLine, cloud: EmbeddedCloud, project: Project
) -> None:
    image = given_up(cloud, cli, project, snapshot_delay="4")
    assert image["status"] == "error"

    with cloud.connection(project.cloud) as member:
        [server] = member.compute.servers()
        wait_for(lambda: member.compute.get_server(server.id).task_state is None, "Nova to end")

    assert images_in_glance(cloud, project) == []
    [again] = cli.ok("image", "list", "--account", project.name).json
    assert again == image


def test_frozen_file_systems_are_told_where_the_image_promises_them(
    cli: CommandLine, cloud: EmbeddedCloud, project: Project
) -> None:
    with cloud.connection(project.cloud) as member:
        promising = member.image.create_image(
            name="agent",
            disk_format="raw",
            container_format="bare",
            data=b"x" * 1024,
            hw_qemu_guest_agent="yes",
            os_require_quiesce="yes",
        )
    frozen = cloud.boot(project, "frozen", image=promising.id)
    plain = cloud.boot(project, "plain")
    create = ("image", "create", "--account", project.name, "--require-quiesce", "--name", "n")

    image = cli.ok(*create, frozen.id, "--wait").json
    cli.refused(3, "hw_qemu_guest_agent=yes or os_require_quiesce=yes", *create, plain.id)

    assert image["consistency"] == "filesystem"
