"""What the capture of an image-backed instance needs goes away in the middle of it."""

from collections.abc import Callable
from typing import Any

import pytest
from openstack.connection import Connection

from support.clouds.embedded_cloud import EmbeddedCloud, Project, wait_for
from support.processes.command_line import CommandLine

pytestmark = pytest.mark.cloud


def status_of(member: Connection, cloud_image_id: str) -> str | None:
    """Return the status of an image in Glance, None if it has none of that id."""
    in_glance: Any = member.image
    answer = in_glance.get(f"/images/{cloud_image_id}")
    return None if answer.status_code == 404 else str(answer.json()["status"])


def is_idle(member: Connection, server_id: str) -> Callable[[], bool]:
    return lambda: member.compute.get_server(server_id).task_state is None


@pytest.mark.parametrize(
    ("knob", "status"),
    [("minicloud_snapshot_delay", "queued"), ("minicloud_upload_delay", "saving")],
    ids=["queued", "saving"],
)
def test_image_that_is_deleted_behind_our_back_on_its_way_is_an_error_and_a_retry_works(
    knob: str, status: str, cli: CommandLine, cloud: EmbeddedCloud, project: Project
) -> None:
    account = ["--account", project.name]
    server = cloud.boot(project, "web-1", metadata={knob: "1.5"})
    image = cli.ok("image", "create", "web-1", "--name", "golden", *account).json
    with cloud.connection(project.cloud) as member:
        cloud_image_id = image["cloud_image_id"]
        wait_for(lambda: status_of(member, cloud_image_id) == status, status)
        member.image.delete_image(cloud_image_id)
        [failed] = cli.ok("image", "list", *account).json
        member.compute.delete_server_metadata(server, [knob])
        wait_for(is_idle(member, server.id), "an idle instance")
        assert status_of(member, cloud_image_id) is None

        assert failed["status"] == "error"
        assert "or the image was deleted there" in failed["error"]
        [task] = cli.ok("task", "list", *account).json
        assert (task["state"], task["error"]) == ("failed", failed["error"])
        assert cli.ok("limit", "show", *account).json["held"] == 0
        assert [found.id for found in member.image.images(owner=project.id)] == []
        cli.ok("task", "retry", task["id"], *account, "--wait")

        [again] = cli.ok("image", "list", *account).json
        assert (again["id"], again["status"]) == (image["id"], "available")
        found = [found.id for found in member.image.images(owner=project.id)]
        assert found == [again["cloud_image_id"]]


def test_tokens_that_are_rejected_on_the_way_are_renewed_and_nothing_is_made_twice(
    cli: CommandLine, cloud: EmbeddedCloud, project: Project
) -> None:
    account = ["--account", project.name]
    server = cloud.boot(project, "web-1")
    cloud.fault("nova", "GET", f"/servers/{server.id}$", 401)
    cloud.fault("nova", "POST", f"/servers/{server.id}/action$", 401)
    cloud.fault("nova", "GET", f"/servers/{server.id}$", 401, after=2)
    cloud.fault("glance", "GET", "^/v2/images/[^/]*$", 401, after=1)

    image = cli.ok("image", "create", server.id, "--name", "golden", *account, "--wait").json

    assert image["status"] == "available"
    with cloud.connection(project.cloud) as member:
        found = [found.id for found in member.image.images(owner=project.id)]
    assert found == [image["cloud_image_id"]]
    [task] = cli.ok("task", "list", *account).json
    assert task["attempts"] == 1
