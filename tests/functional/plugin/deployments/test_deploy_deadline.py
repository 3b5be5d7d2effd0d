"""A deployment that hangs is given up, and says which instances it leaves."""

from datetime import timedelta

import pytest

from instance_images.db import tasks
from instance_images.instants import system_clock
from instance_images.model.records import TaskState

from support.clouds.embedded_cloud import EmbeddedCloud, Project, wait_for
from support.processes.command_line import CommandLine, SetClock

pytestmark = pytest.mark.cloud


def test_instance_that_is_built_for_ever_ends_its_task_by_the_hourly_run_and_is_left(
    cli: CommandLine, cloud: EmbeddedCloud, project: Project
) -> None:
    account = ["--account", project.name]
    source = cloud.boot(project, "web-1")
    cli.ok("image", "create", source.id, "--name", "golden", *account, "--wait")
    cloud.fault("placement", "GET", "/allocation_candidates", "delay", delay_seconds=4)
    deploy = ("image", "deploy", "golden", "--name", "slow", "--flavor", "m1.tiny")
    begun = cli.ok(*deploy, "--network", "none", *account).json
    shown = cli.ok("task", "show", begun["id"], *account).json
    assert (shown["state"], shown["stage"]) == ("running", "scheduling")

    cli.clock = SetClock(system_clock() + timedelta(minutes=119))
    assert cli.ok("task", "show", begun["id"], *account).json["state"] == "running"
    cli.clock = SetClock(system_clock() + timedelta(minutes=121))
    cli.ok("image", "sync")

    with cli.application.database.reading() as connection:
        task = tasks.get_task(connection, begun["id"])
    assert task.state is TaskState.FAILED
    assert "no progress for 120 minutes in stage 'scheduling'" in str(task.error)
    left = f"Instance slow ({begun['server_id']}) is still being built. It is left for you"
    assert left in str(task.error)
    with cloud.connection(project.cloud) as member:
        wait_for(
            lambda: member.compute.get_server(begun["server_id"]).status == "ACTIVE",
            "the instance that is left",
        )
    assert cli.ok("task", "show", begun["id"], *account).json["error"] == task.error


def test_hours_are_closed_although_nova_does_not_tell_of_a_deployment(
    cli: CommandLine, cloud: EmbeddedCloud, project: Project
) -> None:
    account = ["--account", project.name]
    source = cloud.boot(project, "web-1")
    cli.ok("image", "create", source.id, "--name", "golden", *account, "--wait")
    deploy = ("image", "deploy", "golden", "--name", "slow", "--flavor", "m1.tiny")
    begun = cli.ok(*deploy, "--network", "none", *account).json
    cloud.fault("nova", "GET", f"/servers/{begun['server_id']}", 503, None)

    cli.ok("image", "sync")

    cloud.clear_faults()
    with cli.application.database.reading() as connection:
        assert tasks.get_task(connection, begun["id"]).state is TaskState.RUNNING
