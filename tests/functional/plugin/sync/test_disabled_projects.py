"""Operators disable and delete projects every day, also while something of them is under way."""

from datetime import timedelta
from typing import Any

import pytest

from instance_images.instants import system_clock
from instance_images.model.outcomes import GRACE

from conftest import ConfiguredCommandLine
from support.clouds.embedded_cloud import EmbeddedCloud, Project, wait_for
from support.processes.command_line import CommandLine, SetClock

pytestmark = pytest.mark.cloud


@pytest.fixture
def cli(cloud: EmbeddedCloud, configured: ConfiguredCommandLine) -> CommandLine:
    """The command line, with a rate and a clock that the test sets."""
    made = configured(location="volume_image_format = qcow2")
    made.clock = SetClock(system_clock())
    made.ok("rate", "set", "RegionOne", "1000")
    return made


def pass_by(cli: CommandLine, **span: float) -> None:
    assert isinstance(cli.clock, SetClock)
    cli.clock.now += timedelta(**span)


def disable(cloud: EmbeddedCloud, project: Project) -> None:
    with cloud.connection() as admin:
        identity: Any = admin.identity
        identity.update_project(project.id, is_enabled=False)


def begin(cli: CommandLine, project: Project) -> Any:
    return cli.ok("image", "create", "vm", "--name", "open", "--account", project.id).json


def status_of(cli: CommandLine, project: Project) -> list[str]:
    return [one["status"] for one in cli.ok("image", "list", "--account", project.id).json]


def hours_behind(cli: CommandLine) -> int:
    return int(cli.ok("meter", "status").json[0]["hours_behind"])


def test_capture_of_a_project_that_is_disabled_ends_and_every_hour_closes(
    cloud: EmbeddedCloud, cli: CommandLine, project: Project
) -> None:
    honest = cloud.new_project()
    cloud.boot(honest, "vm")
    cloud.boot(project, "vm", metadata={"minicloud_upload_delay": "4"})
    mine = ("image", "create", "vm", "--name", "mine", "--account", honest.name, "--wait")
    cli.ok(*mine)
    begin(cli, project)
    disable(cloud, project)

    pass_by(cli, hours=1)
    cli.ok("meter", "run")
    assert hours_behind(cli) == 0
    wait_for(lambda: status_of(cli, project) == ["available"], "the capture")
    pass_by(cli, days=30)
    cli.ok("meter", "run")

    assert hours_behind(cli) == 0
    assert [one["status"] for one in cli.ok("image", "list", "--account", honest.id).json] == [
        "available"
    ]


def test_capture_of_a_volume_is_postponed_told_and_ended_where_its_project_is_disabled(
    cloud: EmbeddedCloud, cli: CommandLine, project: Project
) -> None:
    cloud.boot_from_volume(project, "vm")
    begin(cli, project)
    disable(cloud, project)
    pass_by(cli, hours=1)

    first = cli("meter", "run")

    assert first.exit_code == 1
    [line] = first.err.splitlines()
    assert line.startswith(f"Warning: Account {project.id}: postponed 1 task, ")
    assert f"Project {project.id} cannot be used: it is disabled." in line
    assert hours_behind(cli) == 0
    pass_by(cli, hours=25)  # longer than any stage may take
    cli("meter", "run")
    [task] = cli.ok("task", "list", "--account", project.id).json
    assert (task["state"], status_of(cli, project)) == ("failed", ["error"])
    assert "it is disabled" in task["error"]

    def nothing_is_left() -> bool:
        pass_by(cli, hours=2)
        cli("meter", "run")
        with cloud.connection() as admin:
            snapshots = admin.block_storage.snapshots(all_projects=True)
            return not any(one.project_id == project.id for one in snapshots)

    wait_for(nothing_is_left, "the snapshot to be gone")
    cli.ok("meter", "run")


def test_capture_of_a_project_that_is_deleted_can_be_given_up(
    cloud: EmbeddedCloud, cli: CommandLine, project: Project
) -> None:
    cloud.boot(project, "vm", metadata={"minicloud_upload_delay": "30"})
    image = begin(cli, project)
    with cloud.connection() as admin:
        identity: Any = admin.identity
        identity.delete_project(project.id)
    pass_by(cli, hours=1)

    cli.ok("meter", "run")
    cli.ok("image", "delete", image["id"], "--account", project.id, "--yes")

    tasks = cli.ok("task", "list", "--account", project.id).json
    assert [(one["kind"], one["state"]) for one in tasks] == [
        ("create", "failed"),
        ("delete", "succeeded"),
    ]
    assert status_of(cli, project) == []
    pass_by(cli, hours=1)
    cli.ok("meter", "run")
    assert hours_behind(cli) == 0


def test_deletion_without_an_answer_ends_where_its_project_is_disabled(
    cloud: EmbeddedCloud, cli: CommandLine, project: Project
) -> None:
    cloud.boot(project, "vm")
    account = ("--account", project.id)
    cli.ok("image", "create", "vm", "--name", "open", *account, "--wait")
    cloud.fault("glance", "DELETE", "^/v2/images/", "drop-before")
    assert cli("image", "delete", "open", *account, "--yes").exit_code == 4
    disable(cloud, project)
    pass_by(cli, seconds=GRACE.total_seconds() + 3600)

    cli.ok("meter", "run")

    assert status_of(cli, project) == []
    assert hours_behind(cli) == 0


def test_deployment_of_a_disabled_project_is_told_and_ended_by_its_deadline(
    cloud: EmbeddedCloud, cli: CommandLine, project: Project
) -> None:
    cloud.boot(project, "vm")
    account = ("--account", project.id)
    cli.ok("image", "create", "vm", "--name", "open", *account, "--wait")
    cloud.fault("nova", "POST", "^/v2.1/servers$", "drop-before")
    order = ("--name", "new", "--flavor", "m1.tiny", "--network", "none")
    assert cli("image", "deploy", "open", *order, *account).exit_code == 4
    disable(cloud, project)

    pass_by(cli, hours=1)
    first = cli("meter", "run")
    pass_by(cli, hours=2)
    cli("meter", "run")

    assert (first.exit_code, hours_behind(cli)) == (1, 0)
    assert "postponed 1 task, deploy task" in first.err
    tasks = cli.ok("task", "list", *account).json
    assert [one["state"] for one in tasks if one["kind"] == "deploy"] == ["failed"]


def test_doctor_names_disabled_and_deleted_projects_that_have_images_and_the_cure(
    cloud: EmbeddedCloud, cli: CommandLine, project: Project
) -> None:
    gone = cloud.new_project()
    for owner in (project, gone):
        cloud.boot(owner, "vm")
        cli.ok("image", "create", "vm", "--name", "open", "--account", owner.id, "--wait")
    disable(cloud, project)
    with cloud.connection() as admin:
        identity: Any = admin.identity
        identity.delete_project(gone.id)

    found = {one["what"]: one["cure"] for one in cli("doctor", "-f", "json").json}

    told = [what for what in found if what.startswith("Project ")]
    assert sorted(what.split(" owns ")[0] for what in told) == sorted(
        f"Project {one.id}" for one in (project, gone)
    )
    for what in told:
        assert ("is disabled" in what) == (project.id in what)
        assert "image delete IMAGE --account" in found[what]
