"""Commands with several locations: who is asked, what is told, what wrong names and ids give."""

from pathlib import Path

import pytest

from instance_images.model.records import Task, TaskState
from instance_images.tasks.waiting import Watched, wait_for_tasks

from support.clouds import installed_memory_cloud
from support.clouds.memory_cloud import GB, MemoryProvider
from support.processes.command_line import CommandLine
from support.worlds.ledger_world import at
from support.worlds.operations_world import Deployment

ACCOUNT = ("--account", "a")


@pytest.fixture
def deployment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Deployment:
    monkeypatch.syspath_prepend(str(installed_memory_cloud.install(tmp_path / "site")))
    monkeypatch.setattr(installed_memory_cloud, "CLOUDS", {})
    made = Deployment(tmp_path)
    made.prepare(["RegionOne", "RegionTwo"])
    made.clock.now = at("2T12:00")
    return made


def cloud_of(location: str) -> MemoryProvider:
    cloud = installed_memory_cloud.CLOUDS[location]
    assert isinstance(cloud, MemoryProvider)
    return cloud


@pytest.fixture
def cli(deployment: Deployment) -> CommandLine:
    """The command line of an account with an available image ``image`` in each location."""
    deployment.capture("2T12:00", "RegionOne")
    deployment.capture("2T12:00", "RegionTwo")
    return CommandLine(deployment.config, deployment.clock)


def begin(cli: CommandLine, location: str, name: str = "new") -> str:
    """Begin a capture at a location; return the task's id."""
    made = cli.ok("image", "create", name, "--name", name, "--location", location, *ACCOUNT).json
    return str(made["task_id"])


def fail(cli: CommandLine, location: str) -> str:
    """Make a capture at a location that has failed; return the task's id."""
    task_id = begin(cli, location)
    cloud = cloud_of(location)
    cloud.images = {id: image for id, image in cloud.images.items() if image.size_bytes}
    assert cli.ok("task", "show", task_id, *ACCOUNT).json["state"] == "failed"
    return task_id


def test_lists_are_of_all_locations_in_the_order_of_the_configuration(cli: CommandLine) -> None:
    for noun in ("image", "task"):
        listed = cli.ok(noun, "list", *ACCOUNT).json
        assert [one["location"] for one in listed] == ["RegionOne", "RegionTwo"]

        listed = cli.ok(noun, "list", *ACCOUNT, "--location", "RegionTwo").json
        assert [one["location"] for one in listed] == ["RegionTwo"]

        table = ("-f", "table")
        both = cli.ok(noun, "list", *ACCOUNT, *table).out
        one = cli.ok(noun, "list", *ACCOUNT, "--location", "RegionTwo", *table).out
        assert [text in both for text in ("Location", "RegionOne", "RegionTwo")] == [True] * 3
        assert "Location" not in one


@pytest.mark.parametrize("noun", ["image", "task"])
def test_list_tells_which_location_does_not_answer_and_shows_the_others(
    noun: str, cli: CommandLine, deployment: Deployment
) -> None:
    deployment.state_of["RegionOne"] = "down"
    cli = CommandLine(deployment.config, deployment.clock)

    result = cli(noun, "list", *ACCOUNT)

    assert result.exit_code == 1
    assert [one["location"] for one in result.json] == ["RegionTwo"]
    assert result.err == (
        "Error: Skipped location RegionOne: The cloud in memory is switched off.\n"
    )

    deployment.state_of["RegionTwo"] = "down"
    cli = CommandLine(deployment.config, deployment.clock)
    cli.refused(4, "switched off", noun, "list", *ACCOUNT)


@pytest.mark.parametrize("noun", ["image", "task"])
def test_account_need_not_be_at_every_location(noun: str, deployment: Deployment) -> None:
    deployment.capture("2T12:00", "RegionTwo")
    cli = CommandLine(deployment.config, deployment.clock)
    cli.ok(noun, "list", "--all-accounts")  # which makes the cloud of RegionOne
    cloud_of("RegionOne").domain_of = {"somebody else": "d"}

    result = cli.ok(noun, "list", *ACCOUNT)

    assert [one["location"] for one in result.json] == ["RegionTwo"]
    assert result.err == ""
    cli.refused(3, "Account 'no such b' was not found", noun, "list", "--account", "no such b")


@pytest.mark.parametrize("noun", ["image", "task"])
def test_account_that_left_a_location_is_found_there_by_its_id(noun: str, cli: CommandLine) -> None:
    cloud_of("RegionOne").domain_of = {"somebody else": "d"}

    result = cli.ok(noun, "list", *ACCOUNT)

    assert [one["location"] for one in result.json] == ["RegionOne", "RegionTwo"]
    assert result.err == ""


def test_image_of_one_name_at_several_locations_is_shown_by_its_location(
    cli: CommandLine, deployment: Deployment
) -> None:
    cli.refused(
        3, "2 locations have an image 'image': name one of RegionOne, RegionTwo with --location",
        "image", "show", "image", *ACCOUNT,
    )  # fmt: skip

    shown = cli.ok("image", "show", "image", "--location", "RegionTwo", *ACCOUNT).json
    assert shown["location"] == "RegionTwo"
    deployment.state_of["RegionOne"] = "down"
    cli = CommandLine(deployment.config, deployment.clock)
    assert cli.ok("image", "show", shown["id"], *ACCOUNT).json == shown
    refused = cli("image", "show", "image", *ACCOUNT)
    assert (refused.exit_code, refused.json) == (1, shown)
    assert "Skipped location RegionOne" in refused.err


def test_nobody_is_told_where_another_account_has_an_image(cli: CommandLine) -> None:
    [_, image] = cli.ok("image", "list", *ACCOUNT).json
    stranger = ("--account", "b")

    of_another = cli("image", "show", image["id"], *stranger)
    of_nobody = cli("image", "show", "x" * len(image["id"]), *stranger)

    assert of_another.exit_code == of_nobody.exit_code == 3
    assert of_another.err == of_nobody.err.replace("x" * len(image["id"]), image["id"])


def test_task_is_found_at_its_location_whatever_the_others_do(
    cli: CommandLine, deployment: Deployment
) -> None:
    task_id = fail(cli, "RegionTwo")
    deployment.state_of["RegionOne"] = "down"
    cli = CommandLine(deployment.config, deployment.clock)

    assert cli.ok("task", "show", task_id, *ACCOUNT).json["location"] == "RegionTwo"
    deployment.clock.now = at("2T13:00")
    retried = cli.ok("task", "retry", task_id, *ACCOUNT).json
    assert (retried["id"], retried["attempts"], retried["location"]) == (task_id, 2, "RegionTwo")
    cloud_of("RegionTwo").activate(GB)
    watched = cli.ok("task", "watch", task_id, *ACCOUNT)
    assert "100 % succeeded" in watched.err


@pytest.mark.parametrize("command", ["show", "retry", "watch"])
def test_task_of_another_location_or_account_is_not_found(command: str, cli: CommandLine) -> None:
    task_id = fail(cli, "RegionTwo")
    refused = f"Task '{task_id}' was not found. The account has none of that id: see"

    cli.refused(3, refused, "task", command, task_id, *ACCOUNT, "--location", "RegionOne")
    cli.refused(3, refused, "task", command, task_id, "--account", "b")
    for unknown in ("", "no such id", "x" * 300, "\x1b[31mred"):
        told = cli.refused(3, "was not found", "task", command, unknown, *ACCOUNT)
        assert "\x1b" not in told.err
    cli.refused(
        3, "Location 'RegionOn' was not found. Configured are: RegionOne, RegionTwo.",
        "task", command, task_id, *ACCOUNT, "--location", "RegionOn",
    )  # fmt: skip


def test_watch_without_a_task_follows_those_of_all_locations_that_answer(
    cli: CommandLine, deployment: Deployment
) -> None:
    one, two = begin(cli, "RegionOne", "one"), begin(cli, "RegionTwo", "two")
    for location in ("RegionOne", "RegionTwo"):
        cloud_of(location).activate(GB)
    deployment.state_of["RegionOne"] = "down"
    cli = CommandLine(deployment.config, deployment.clock)

    result = cli("task", "watch", *ACCOUNT)

    assert result.exit_code == 1
    assert "Skipped location RegionOne" in result.err
    assert f"{two} create" in result.err
    assert one not in result.err


def test_location_that_fails_for_a_while_keeps_tasks_of_others_from_nothing(
    cli: CommandLine,
) -> None:
    one, two = begin(cli, "RegionOne", "one"), begin(cli, "RegionTwo", "two")
    sites = [cli.site("RegionOne"), cli.site("RegionTwo")]
    for location in ("RegionOne", "RegionTwo"):
        cloud_of(location).activate(GB)
    cloud_of("RegionOne").is_down = True
    seen: list[list[TaskState]] = []

    def sleep(_seconds: float) -> None:
        cloud_of("RegionOne").is_down = False

    def report(tasks: list[Task]) -> None:
        seen.append([task.state for task in tasks])

    watched = [Watched(sites[0], "a", [one]), Watched(sites[1], "a", [two])]
    wait_for_tasks(watched, report, sleep)

    assert seen[0] == [TaskState.RUNNING, TaskState.SUCCEEDED]
    assert seen[-1] == [TaskState.SUCCEEDED] * 2
