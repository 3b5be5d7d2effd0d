"""No account ever holds more images than its limit, whoever asks, and however many at once."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from openstack.compute.v2.server import Server

from instance_images.db import tables
from instance_images.db.engine import Database

from conftest import ConfiguredCommandLine
from support.clouds import installed_memory_cloud
from support.clouds.embedded_cloud import EmbeddedCloud, Project, wait_for
from support.processes.command_line import CommandLine, write_config

pytestmark = pytest.mark.cloud

TESTS = Path(__file__).resolve().parents[3]

# Runs its command lines at once, each on a thread, as soon as it is told to; prints the exit codes.
AT_ONCE = """
import json, sys, threading
from instance_images.locations.application import Application
from instance_images.commands.main import run
import openstack, alembic, sqlalchemy

lines = json.loads(sys.argv[1])
codes = [None] * len(lines)

def one(index):
    codes[index] = run(lines[index])

threads = [threading.Thread(target=one, args=(index,)) for index in range(len(lines))]
print("ready", file=sys.__stdout__, flush=True)
sys.stdin.readline()
sys.stdout = open(sys.argv[2], "w")
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(json.dumps(codes), file=sys.__stdout__, flush=True)
"""


def run_at_once(
    lines_of_processes: list[list[list[str]]], directory: Path, python_path: str = ""
) -> list[int]:
    """Run command lines in several processes at the same time; return all exit codes."""
    processes = []
    for number, lines in enumerate(lines_of_processes):
        arguments = [json.dumps(lines), str(directory / f"out-{number}")]
        with (directory / f"err-{number}").open("w") as errors:
            processes.append(
                subprocess.Popen(
                    [sys.executable, "-W", "ignore", "-c", AT_ONCE, *arguments],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=errors,
                    text=True,
                    env={**os.environ, "PYTHONPATH": python_path},
                )
            )
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    codes: list[int] = []
    for process in processes:
        said, _ = process.communicate(timeout=120)
        codes += json.loads(said)
    return codes


@pytest.fixture(scope="module")
def owner(embedded_cloud: EmbeddedCloud) -> Project:
    return embedded_cloud.new_project()


@pytest.fixture(scope="module")
def web(embedded_cloud: EmbeddedCloud, owner: Project) -> Server:
    return embedded_cloud.boot(owner, "web-1")


@pytest.fixture
def idle_web(cloud: EmbeddedCloud, web: Server) -> Server:
    """The module's instance, with nothing of an earlier test being done to it."""
    with cloud.connection() as connection:
        wait_for(lambda: connection.compute.get_server(web.id).task_state is None, "idleness")
    return web


def images_in_glance(cloud: EmbeddedCloud, project: Project) -> list[Any]:
    with cloud.connection() as connection:
        return list(connection.image.images(owner=project.id, visibility="all"))


def capture(project: Project, name: str, *more: str, server: str = "web-1") -> tuple[str, ...]:
    return ("image", "create", server, "--name", name, "--account", project.name, *more)


def test_capture_beyond_the_limit_is_refused_in_the_promised_words(
    cloud: EmbeddedCloud, configured: ConfiguredCommandLine, owner: Project, idle_web: Server
) -> None:
    cli = configured(location="max_images = 1")
    cli.ok(*capture(owner, "one", "--wait"))
    before = len(images_in_glance(cloud, owner))

    result = cli.refused(3, "Maximum image limit reached", *capture(owner, "two"))

    assert result.err.startswith("Error: Maximum image limit reached: ")
    assert "holds 1 of 1 images in RegionOne" in result.err
    assert [i["name"] for i in cli.ok("image", "list", "--account", owner.name).json] == ["one"]
    assert len(cli.ok("task", "list", "--account", owner.name).json) == 1
    assert len(images_in_glance(cloud, owner)) == before


def test_deletion_frees_a_slot(
    cloud: EmbeddedCloud, configured: ConfiguredCommandLine, owner: Project, idle_web: Server
) -> None:
    cli = configured(location="max_images = 1")
    cli.ok(*capture(owner, "one", "--wait"))
    cli.ok("image", "delete", "one", "--account", owner.name, "--yes")
    with cloud.connection() as connection:
        wait_for(lambda: connection.compute.get_server(idle_web.id).task_state is None, "idleness")

    cli.ok(*capture(owner, "two"))

    assert cli.ok("limit", "show", "--account", owner.name).json["held"] == 1


def test_location_without_the_feature_refuses_in_the_promised_words(
    cloud: EmbeddedCloud, configured: ConfiguredCommandLine, owner: Project, idle_web: Server
) -> None:
    cli = configured()
    cli.ok(*capture(owner, "before", "--wait"))
    disabled = configured(location="enabled = false")
    account = ["--account", owner.name]

    created = disabled.refused(3, "Image feature is not enabled", *capture(owner, "new"))
    deployed = disabled.refused(
        3, "Image feature is not enabled",
        "image", "deploy", "before", "--name", "n", "--flavor", "m1.tiny", *account,
    )  # fmt: skip

    assert created.err == deployed.err
    assert created.err.startswith("Error: Image feature is not enabled for location RegionOne")
    assert len(disabled.ok("task", "list", *account).json) == 1


def test_images_of_a_location_that_was_disabled_are_kept_billed_and_deletable(
    cloud: EmbeddedCloud, configured: ConfiguredCommandLine, owner: Project, idle_web: Server
) -> None:
    configured().ok(*capture(owner, "before", "--wait"))
    cli = configured(location="enabled = false")
    account = ["--account", owner.name]

    cli.ok("meter", "run")

    assert cli.ok("meter", "status").json[0]["billable_images"] == 1
    assert cli.ok("image", "show", "before", *account).json["status"] == "available"
    cli.ok("image", "delete", "before", *account, "--yes")
    assert cli.ok("image", "list", *account).json == []


def test_most_specific_limit_applies_and_says_where_it_is_from(
    cloud: EmbeddedCloud, configured: ConfiguredCommandLine, owner: Project
) -> None:
    account = ["--account", owner.name]

    def shown(cli: CommandLine) -> tuple[int, str]:
        limit = cli.ok("limit", "show", *account).json
        return limit["max_images"], limit["source"]

    assert shown(configured()) == (10, "default")
    assert shown(configured(limits="max_images = 5")) == (5, "default")
    cli = configured(limits="max_images = 5", location="max_images = 3")
    assert shown(cli) == (3, "location")
    cli.ok("limit", "set", owner.name, "7")
    assert shown(cli) == (7, "account")
    cli.ok("limit", "set", owner.id, "0")
    assert shown(cli) == (0, "account")
    assert [limit["account_id"] for limit in cli.ok("limit", "list").json] == [owner.id]
    cli.ok("limit", "unset", owner.name)
    assert shown(cli) == (3, "location")
    assert cli.ok("limit", "list").json == []


def test_limit_of_one_account_is_no_limit_of_another(
    cloud: EmbeddedCloud, cli: CommandLine, owner: Project, project: Project
) -> None:
    cli.ok("limit", "set", owner.name, "1")

    other = cli.ok("limit", "show", "--account", project.name).json

    assert (other["max_images"], other["source"]) == (10, "default")


@pytest.mark.parametrize("source", ["account", "location", "default"])
def test_limit_of_zero_lets_no_image_be_made(
    source: str,
    cloud: EmbeddedCloud,
    configured: ConfiguredCommandLine,
    owner: Project,
    idle_web: Server,
) -> None:
    more = {"location": {"location": "max_images = 0"}, "default": {"limits": "max_images = 0"}}
    cli = configured(**more.get(source, {}))
    if source == "account":
        cli.ok("limit", "set", owner.name, "0")

    cli.refused(3, "Maximum image limit reached", *capture(owner, "none"))

    assert cli.ok("image", "list", "--account", owner.name).json == []


def test_higher_limit_of_the_account_lets_it_make_more(
    cloud: EmbeddedCloud, configured: ConfiguredCommandLine, owner: Project, idle_web: Server
) -> None:
    cli = configured(location="max_images = 0")
    cli.refused(3, "Maximum image limit reached", *capture(owner, "early"))

    cli.ok("limit", "set", owner.name, "1")

    cli.ok(*capture(owner, "now"))


def test_lower_limit_keeps_the_images_that_are_held(
    cloud: EmbeddedCloud, cli: CommandLine, project: Project
) -> None:
    for name in ("a", "b"):
        cloud.boot(project, name)
        cli.ok(*capture(project, name, "--wait", server=name))
    account = ["--account", project.name]

    result = cli.ok("limit", "set", project.name, "1")

    assert "may hold 1 images" in result.out
    assert "holds 2" in result.out
    statuses = [image["status"] for image in cli.ok("image", "list", *account).json]
    assert statuses == ["available", "available"]
    cli.refused(3, "holds 2 of 1 images", *capture(project, "c", server="a"))
    cli.ok("image", "delete", "a", *account, "--yes")
    cli.refused(3, "holds 1 of 1 images", *capture(project, "c", server="a"))
    cli.ok("image", "delete", "b", *account, "--yes")
    cli.ok(*capture(project, "c", server="a"))


def test_image_in_error_holds_no_slot(
    cloud: EmbeddedCloud, configured: ConfiguredCommandLine, owner: Project, idle_web: Server
) -> None:
    cli = configured(location="max_images = 1")
    broken = cloud.boot(owner, metadata={"minicloud_snapshot_fail": "extract"})
    cli.refused(1, "failed", *capture(owner, "doomed", "--wait", server=broken.id))

    cli.ok(*capture(owner, "second try", "--wait"))

    found = cli.ok("image", "list", "--account", owner.name).json
    assert sorted(image["status"] for image in found) == ["available", "error"]
    assert cli.ok("limit", "show", "--account", owner.name).json["held"] == 1


def test_capture_that_nova_refuses_holds_no_slot(
    cloud: EmbeddedCloud, configured: ConfiguredCommandLine, owner: Project, idle_web: Server
) -> None:
    cli = configured(location="max_images = 1")
    cloud.fault("nova", "POST", f"/servers/{idle_web.id}/action", 409)

    cli.refused(3, "Nova cannot capture the instance now", *capture(owner, "refused"))

    assert cli.ok("limit", "show", "--account", owner.name).json["held"] == 0
    assert cli.ok("image", "list", "--account", owner.name).json == []
    assert cli.ok("task", "list", "--account", owner.name).json == []
    cli.ok(*capture(owner, "taken"))


@pytest.mark.parametrize("number", ["-1", "1.5", "many", "", "1000001"])
def test_limit_that_is_no_number_of_images_is_refused(
    number: str, cloud: EmbeddedCloud, cli: CommandLine, owner: Project
) -> None:
    cli.refused(2, "", "limit", "set", owner.name, "--", number)

    assert cli.ok("limit", "list").json == []


def test_twelve_captures_at_once_from_three_processes_make_as_many_images_as_allowed(
    cloud: EmbeddedCloud, configured: ConfiguredCommandLine, project: Project, tmp_path: Path
) -> None:
    servers = [cloud.boot(project, f"web-{number}", wait=False) for number in range(4)]
    with cloud.connection(project.cloud) as member:
        for server in servers:
            member.compute.wait_for_server(server, interval=0.2)
    cli = configured(location="max_images = 2")
    config = cli.config_file

    codes = run_at_once(
        [
            [
                ["--config-file", str(config), *capture(project, f"{name}-{s.name}", server=s.id)]
                for s in servers
            ]
            for name in ("red", "green", "blue")
        ],
        tmp_path,
    )

    listed = cli.ok("image", "list", "--account", project.name).json
    tasks = cli.ok("task", "list", "--account", project.name).json
    assert sorted(codes) == [0] * 2 + [3] * 10
    assert len(listed) == 2
    assert len(tasks) == 2
    assert {i.id for i in images_in_glance(cloud, project)} == {i["cloud_image_id"] for i in listed}
    assert cli.ok("limit", "show", "--account", project.name).json["held"] == 2


def test_fifty_captures_at_once_from_five_processes_make_ten_images_where_ten_are_allowed(
    database: Database, tmp_path: Path
) -> None:
    url = database.url.render_as_string(hide_password=False)
    config = write_config(
        tmp_path / "shared.conf", url, location="provider = slow-memory\nmax_images = 10"
    )
    installed = installed_memory_cloud.install(tmp_path / "site")

    codes = run_at_once(
        [
            [
                ["--config-file", str(config), "image", "create", f"vm-{process}-{number}",
                 "--name", "web", "--account", "acme"]
                for number in range(10)
            ]
            for process in range(5)
        ],
        tmp_path,
        f"{installed}:{TESTS}",
    )  # fmt: skip

    told = "".join((tmp_path / f"err-{number}").read_text() for number in range(5))
    with database.reading() as connection:
        made = connection.execute(sa.select(sa.func.count()).select_from(tables.images)).scalar()
    assert sorted(codes) == [0] * 10 + [3] * 40, told
    assert made == 10
    assert told.count("Maximum image limit reached: account name of acme holds 10 of 10") == 40


@pytest.fixture
def registered(cloud: EmbeddedCloud) -> Iterator[Callable[..., None]]:
    """Register a limit of 7 images in Keystone; give ``project_id`` or ``domain_id`` another."""
    with cloud.connection() as operator:
        identity: Any = operator.identity
        service = identity.create_service(type="instance-images", name="instance-images")
        key = {"service_id": service.id, "resource_name": "instance_images"}
        default = identity.create_registered_limit(**key, default_limit=7)
        made = []

        def limit(number: int, **owner: str) -> None:
            answer = identity.post(
                "/limits", json={"limits": [{**key, "resource_limit": number, **owner}]}
            )
            assert answer.status_code == 201, answer.text
            made.append(answer.json()["limits"][0]["id"])

        try:
            yield limit
        finally:
            for limit_id in made:
                identity.delete(f"/limits/{limit_id}")
            identity.delete_registered_limit(default.id)
            identity.delete_service(service.id)


def test_limit_in_keystone_comes_after_the_accounts_own_and_before_the_locations(
    cloud: EmbeddedCloud,
    configured: ConfiguredCommandLine,
    registered: Callable[..., None],
    owner: Project,
    idle_web: Server,
) -> None:
    cli = configured(location="max_images = 5")
    account = ["--account", owner.name]

    def shown() -> tuple[int, str]:
        limit = cli.ok("limit", "show", *account).json
        return limit["max_images"], limit["source"]

    assert shown() == (7, "keystone")
    default = cli.ok("limit", "show", "--default").json
    assert default == {"location": "RegionOne", "max_images": 7, "source": "keystone"}
    cli.refused(3, "change it in Keystone", "limit", "set", "--default", "4")
    registered(0, project_id=owner.id)
    assert shown() == (0, "keystone")
    cli.refused(3, "Maximum image limit reached", *capture(owner, "none"))
    cli.ok("limit", "set", owner.name, "1")
    assert shown() == (1, "account")
    assert "(keystone limit)" in cli.ok("limit", "unset", owner.name).out
    assert shown() == (0, "keystone")


def test_limit_of_a_domain_in_keystone_is_the_limit_of_an_account_that_is_one(
    cloud: EmbeddedCloud, configured: ConfiguredCommandLine, registered: Callable[..., None]
) -> None:
    domain = cloud.new_domain()
    project = cloud.new_project(domain=domain)
    cli = configured(DEFAULT="account_scope = domain")

    registered(-1, domain_id=domain.id)

    shown = cli.ok("limit", "show", "--account", project.name).json
    assert (shown["max_images"], shown["source"]) == (-1, "keystone")
    cloud.enter_in_clouds_yaml(project)
    customer = configured(DEFAULT="account_scope = domain", location=f"cloud = {project.cloud}")
    customer.refused(2, "shows those of domains to the admin role alone", "limit", "show")


def test_nothing_is_made_while_keystone_does_not_tell_its_limits(
    cloud: EmbeddedCloud, cli: CommandLine, owner: Project, idle_web: Server
) -> None:
    before = len(images_in_glance(cloud, owner))
    cloud.fault("keystone", "GET", "/registered_limits.*instance_images", 500, None)

    cli.refused(4, "Keystone of location RegionOne answered HTTP 500", *capture(owner, "none"))

    assert cli.ok("image", "list", "--account", owner.name).json == []
    assert len(images_in_glance(cloud, owner)) == before


def test_of_two_simultaneous_captures_of_one_instance_one_wins_and_nothing_is_orphaned(
    cloud: EmbeddedCloud, cli: CommandLine, project: Project, tmp_path: Path
) -> None:
    server = cloud.boot(project, "web-1")
    line = ["--config-file", str(cli.config_file)]

    codes = run_at_once(
        [[[*line, *capture(project, name)]] for name in ("left", "right")],
        tmp_path,
    )

    [image] = cli.ok("image", "list", "--account", project.name).json
    with cloud.connection(project.cloud) as member:
        wait_for(lambda: member.compute.get_server(server.id).task_state is None, "idleness")
    assert sorted(codes) == [0, 3]
    assert [found.id for found in images_in_glance(cloud, project)] == [image["cloud_image_id"]]
    [settled] = cli.ok("image", "list", "--account", project.name).json
    assert settled["status"] == "available"
    told = "".join((tmp_path / f"err-{number}").read_text() for number in range(2))
    assert told.count("Error: ") == 1
    assert "cannot be captured now" in told
