"""The image service's own quotas: each is told as what it is, at the time when it strikes."""

from typing import Any

import pytest

from support.clouds.embedded_cloud import EmbeddedCloud, Project, wait_for
from support.clouds.image_quotas import set_image_quota
from support.processes.command_line import CommandLine

pytestmark = pytest.mark.cloud

CAPTURE = ("image", "create", "web-1", "--name", "golden")
MIB = 2**20


def test_quota_of_the_image_service_itself_is_told_as_that_and_holds_no_slot(
    cloud: EmbeddedCloud, cli: CommandLine, project: Project
) -> None:
    cloud.boot(project, "web-1")
    set_image_quota(cloud, project, "image_count_total", 0)
    account = ["--account", project.name]

    cli.refused(3, "The image service's own quota of project", *CAPTURE, *account)

    assert cli.ok("limit", "show", *account).json["held"] == 0
    assert cli.ok("image", "list", *account).json == []


def vanished(cloud: EmbeddedCloud, cli: CommandLine, project: Project) -> Any:
    """Capture an instance of a project that stores more than it may; return the image's record."""
    cloud.boot(project, "web-1")
    with cloud.connection(project.cloud) as member:
        member.image.create_image(
            name="large", data=b"x" * 2 * MIB, disk_format="raw", container_format="bare"
        )
        set_image_quota(cloud, project, "image_size_total", 1)
        account = ["--account", project.name]
        image = cli.ok(*CAPTURE, *account).json
        in_glance: Any = member.image
        path = f"/images/{image['cloud_image_id']}"
        wait_for(lambda: in_glance.get(path).status_code == 404, "the image to disappear")
    [found] = cli.ok("image", "list", *account).json
    return found


def test_quota_that_has_made_an_image_vanish_is_named_and_a_retry_works_when_there_is_space(
    cloud: EmbeddedCloud, cli: CommandLine, project: Project
) -> None:
    account = ["--account", project.name]

    image = vanished(cloud, cli, project)

    assert image["status"] == "error"
    assert "(image_size_total: 2 of 1 MiB are used)" in image["error"]
    [task] = cli.ok("task", "list", *account).json
    assert (task["state"], task["error"]) == ("failed", image["error"])
    assert cli.ok("limit", "show", *account).json["held"] == 0
    with cloud.connection(project.cloud) as member:
        [large] = member.image.images(name="large")
        member.image.delete_image(large)
        wait_for(
            lambda: all(server.task_state is None for server in member.compute.servers()),
            "an idle instance",
        )
    cli.ok("task", "retry", task["id"], *account, "--wait")
    [again] = cli.ok("image", "list", *account).json
    assert (again["id"], again["status"], again["error"]) == (image["id"], "available", None)


def test_no_quota_is_blamed_that_cannot_be_read(
    cloud: EmbeddedCloud, cli: CommandLine, project: Project
) -> None:
    cloud.fault("glance", "GET", "/v2/info/usage", 500, None)

    image = vanished(cloud, cli, project)

    assert image["status"] == "error"
    assert "a common cause is too little space" in image["error"]
    assert "quota" not in image["error"]
