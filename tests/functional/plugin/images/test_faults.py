"""Whatever breaks, and whenever: nothing is orphaned, lost, counted twice or believed too soon."""

import contextlib
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from openstack.compute.v2.server import Server
from openstack.connection import Connection
from openstack.exceptions import NotFoundException

from instance_images.db import images
from instance_images.drivers.openstack.api import operator as openstack_api
from instance_images.drivers.openstack.api.operator import OpenStackApi
from instance_images.instants import HOUR, floor_hour, format_instant, system_clock
from instance_images.model.records import Image, ImageStatus

from support.clouds.embedded_cloud import EmbeddedCloud, Project, wait_for
from support.processes.command_line import CommandLine, SetClock, write_config

pytestmark = pytest.mark.cloud

LISTING = r"^/v2/images\?"


def later() -> datetime:
    """Return an instant at which nobody waits for an answer any more."""
    return system_clock() + timedelta(minutes=3)


@pytest.fixture(scope="module")
def shared(embedded_cloud: EmbeddedCloud) -> tuple[Project, Server]:
    project = embedded_cloud.new_project()
    return project, embedded_cloud.boot(project, "web-1")


@dataclass(frozen=True, kw_only=True)
class FaultyCloud:
    """A ledger of the test's own, the account, and its instance ``web-1``, idle."""

    cloud: EmbeddedCloud
    cli: CommandLine
    project: Project
    server: Server
    operator: Connection
    in_glance_before: frozenset[str]

    @property
    def account(self) -> list[str]:
        """The option that names the account."""
        return ["--account", self.project.name]

    @property
    def capture(self) -> tuple[str, ...]:
        """The command that captures the instance as ``golden``."""
        return ("image", "create", "web-1", "--name", "golden", *self.account)

    @property
    def create_image(self) -> str:
        """A regular expression for Nova's path of that capture."""
        return f"/servers/{self.server.id}/action$"

    def available(self) -> Any:
        """Make the image ``golden``; return what the command shows of it."""
        return self.cli.ok(*self.capture, "--wait").json

    def only_image(self) -> Any:
        """Return the account's only image, as the next command shows it."""
        [image] = self.cli.ok("image", "list", *self.account).json
        return image

    def tasks(self) -> dict[str, str]:
        """Return the states of the account's tasks, of which there is one of a kind."""
        found = self.cli.ok("task", "list", *self.account).json
        states = {task["kind"]: task["state"] for task in found}
        assert len(states) == len(found)
        return states

    def held(self) -> int:
        """Return how many images count against the account's limit."""
        return int(self.cli.ok("limit", "show", *self.account).json["held"])

    def new_in_glance(self) -> set[str]:
        """Return the project's images in the image service that this test made."""
        return set(in_glance(self.operator, self.project)) - self.in_glance_before

    def on_record(self, image_id: str) -> Image:
        """Return the image's record, deleted or not."""
        with self.cli.application.database.reading() as connection:
            return images.get_image(connection, image_id)

    def metered_until(self) -> str | None:
        """Return up to when hours are closed."""
        [status] = self.cli.ok("meter", "status").json
        return None if status["metered_until"] is None else str(status["metered_until"])


def in_glance(operator: Connection, project: Project) -> frozenset[str]:
    found = operator.image.images(owner=project.id, visibility="all")
    return frozenset(image.id for image in found)


@pytest.fixture(scope="module")
def operator(embedded_cloud: EmbeddedCloud) -> Iterator[Connection]:
    with embedded_cloud.connection() as connection:
        yield connection


@pytest.fixture
def faulty(
    cloud: EmbeddedCloud, cli: CommandLine, shared: tuple[Project, Server], operator: Connection
) -> FaultyCloud:
    project, server = shared
    compute = operator.compute
    wait_for(lambda: compute.get_server(server.id).task_state is None, "an idle instance")
    return FaultyCloud(
        cloud=cloud,
        cli=cli,
        project=project,
        server=server,
        operator=operator,
        in_glance_before=in_glance(operator, project),
    )


@contextlib.contextmanager
def stopped(cloud: EmbeddedCloud, service: str) -> Iterator[None]:
    cloud.stop_service(service)
    try:
        yield
    finally:
        cloud.start_service(service)


# ----------------------------------------------------------------------- credentials


@pytest.fixture
def wrong_password(
    cloud: EmbeddedCloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    document = yaml.safe_load(cloud.clouds_yaml.read_text())
    document["clouds"]["admin"]["auth"]["password"] = "hunter2"
    path = tmp_path / "clouds.yaml"
    path.write_text(yaml.safe_dump(document))
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(path))
    yield "hunter2"


def test_wrong_password_is_told_and_not_printed(cli: CommandLine, wrong_password: str) -> None:
    for command in (("image", "list"), ("limit", "show")):
        result = cli.refused(2, "Keystone rejects the credentials of 'admin'", *command)

        assert len(result.err.splitlines()) == 1
        assert "clouds.yaml" in result.err
        assert wrong_password not in result.err


def test_wrong_password_is_not_printed_where_everything_is_logged_either(
    cli: CommandLine, wrong_password: str
) -> None:
    told = subprocess.run(
        [sys.executable, "-m", "instance_images.commands.main", "--debug",
         "--config-file", str(cli.config_file), "image", "list"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert told.returncode == 2, told
    assert "Traceback" in told.stderr  # that is what --debug is for
    assert wrong_password not in told.stderr + told.stdout


def test_a_user_without_a_role_is_not_told_that_his_password_is_wrong(
    cli: CommandLine, cloud: EmbeddedCloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = cloud.new_operator_user("roleless")
    document = yaml.safe_load(cloud.clouds_yaml.read_text())
    document["clouds"]["admin"] = document["clouds"][name]
    document["clouds"]["admin"]["auth"] |= {
        "project_name": "admin", "project_domain_name": "Default",
    }  # fmt: skip
    (tmp_path / "clouds.yaml").write_text(yaml.safe_dump(document))
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(tmp_path / "clouds.yaml"))

    told = "password is right, but the user has no role on project 'admin'"
    cli.refused(2, told, "image", "list")


def test_variables_of_another_user_do_not_change_whose_credentials_are_used(
    faulty: FaultyCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OS_CLOUD", "OS_USERNAME", "OS_PASSWORD", "OS_PROJECT_NAME", "OS_REGION_NAME"):
        monkeypatch.setenv(name, "nosuch")
    monkeypatch.setenv("OS_AUTH_URL", "http://127.0.0.1:1/v3")

    assert faulty.available()["status"] == "available"


def test_a_nova_that_is_too_old_is_told_as_such(faulty: FaultyCloud) -> None:
    faulty.cloud.fault("nova", "GET", "/servers", 406, None)

    told = "Nova of location RegionOne is too old: it does not know microversion 2.45"
    faulty.cli.refused(2, told, *faulty.capture)


def test_hours_stay_open_while_the_password_is_wrong(
    faulty: FaultyCloud, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    faulty.available()
    document = yaml.safe_load(faulty.cloud.clouds_yaml.read_text())
    document["clouds"]["admin"]["auth"]["password"] = "hunter2"
    (tmp_path / "clouds.yaml").write_text(yaml.safe_dump(document))
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(tmp_path / "clouds.yaml"))

    faulty.cli.refused(2, "RegionOne is not metered: Keystone rejects", "meter", "run")

    assert faulty.metered_until() is None


@pytest.fixture
def member(faulty: FaultyCloud, tmp_path: Path) -> CommandLine:
    """The command line on the same ledger, with the credentials of a mere member of a project."""
    url = str(faulty.cli.application.database.url)
    return CommandLine(write_config(tmp_path / "member.conf", url, location="cloud = other"))


def test_credentials_that_cannot_see_other_accounts_images_take_none_for_gone(
    faulty: FaultyCloud, member: CommandLine
) -> None:
    image = faulty.available()
    member.clock = SetClock(system_clock() + timedelta(hours=2))

    member.refused(2, "use credentials with the admin role", "meter", "run")

    assert faulty.only_image() == image
    assert faulty.metered_until() is None


@pytest.mark.parametrize(
    "command", [("meter", "run"), ("image", "list", "--all-accounts")], ids=" ".join
)
def test_credentials_that_cannot_see_an_image_do_not_take_its_deletion_for_done(
    command: tuple[str, ...], faulty: FaultyCloud, member: CommandLine
) -> None:
    image = faulty.available()
    faulty.cloud.fault("glance", "DELETE", f"/v2/images/{image['cloud_image_id']}", "drop-before")
    faulty.cli.refused(4, "", "image", "delete", "golden", *faulty.account, "--yes")

    member(*command)

    record = faulty.on_record(image["id"])
    assert record.status is ImageStatus.DELETING
    assert record.deleted_at is None
    assert faulty.new_in_glance() == {image["cloud_image_id"]}


# ------------------------------------------------------------------ services that end


def test_nothing_is_made_while_nova_is_down_and_all_is_well_afterwards(
    faulty: FaultyCloud,
) -> None:
    with stopped(faulty.cloud, "nova"):
        faulty.cli.refused(4, "Nova of location RegionOne cannot be reached", *faulty.capture)

        assert faulty.cli.ok("image", "list", *faulty.account).json == []
        assert faulty.held() == 0

    assert faulty.available()["status"] == "available"


def test_commands_say_that_keystone_is_down_and_work_afterwards(faulty: FaultyCloud) -> None:
    image = faulty.available()
    with stopped(faulty.cloud, "keystone"):
        for command in (("image", "list"), ("meter", "run"), faulty.capture):
            faulty.cli.refused(4, "Keystone of location RegionOne cannot be reached", *command)

        assert faulty.metered_until() is None

    assert faulty.only_image() == image


def test_capture_while_glance_is_down_is_settled_when_it_is_up_again(
    faulty: FaultyCloud,
) -> None:
    with stopped(faulty.cloud, "glance"):
        faulty.cli.refused(4, "", *faulty.capture)

    faulty.cli.clock = later
    image = faulty.only_image()
    assert image["status"] == "error"
    assert image["error"]
    assert faulty.held() == 0
    assert faulty.new_in_glance() == set()
    faulty.cli.ok("image", "delete", "golden", *faulty.account, "--yes")
    assert faulty.available()["status"] == "available"


def test_nothing_is_deleted_metered_or_deployed_while_glance_is_down(
    faulty: FaultyCloud,
) -> None:
    image = faulty.available()
    deploy = (
        "image",
        "deploy",
        "golden",
        "--name",
        "n",
        "--flavor",
        "m1.tiny",
        *faulty.account,
    )
    delete = ("image", "delete", "golden", *faulty.account, "--yes")
    with stopped(faulty.cloud, "glance"):
        for command in (deploy, delete, ("meter", "run")):
            faulty.cli.refused(4, "Glance of location RegionOne cannot be reached", *command)

        assert faulty.only_image() == image

    assert faulty.tasks() == {"create": "succeeded"}
    faulty.cli.ok(*delete)
    assert faulty.new_in_glance() == set()


# ------------------------------------------------------------------ answers to a capture


@pytest.mark.parametrize("status", [500, 503])
def test_capture_that_nova_fails_leaves_an_error_with_its_reason(
    status: int, faulty: FaultyCloud
) -> None:
    faulty.cloud.fault("nova", "POST", faulty.create_image, status)

    faulty.cli.refused(4, f"Nova of location RegionOne answered HTTP {status}", *faulty.capture)

    image = faulty.only_image()
    assert image["status"] == "error"
    assert f"answered HTTP {status}: a fault that the test asked for" in image["error"]
    assert faulty.tasks() == {"create": "failed"}
    assert faulty.held() == 0
    assert faulty.new_in_glance() == set()
    faulty.cli.ok("image", "create", "web-1", "--name", "second try", *faulty.account)


def test_capture_whose_answer_is_lost_is_found_and_becomes_available(
    faulty: FaultyCloud,
) -> None:
    faulty.cloud.fault("nova", "POST", faulty.create_image, "drop-after")

    faulty.cli.refused(4, "Nova of location RegionOne cannot be reached", *faulty.capture)

    with faulty.cloud.connection() as connection:
        [cloud_image_id] = faulty.new_in_glance()
        wait_for(lambda: connection.image.get_image(cloud_image_id).status == "active", "the bytes")
    image = faulty.only_image()
    assert image["status"] == "available"
    assert image["cloud_image_id"] == cloud_image_id
    assert image["size_bytes"] > 0
    assert image["created_at"] <= image["available_at"] <= format_instant(system_clock())
    assert faulty.tasks() == {"create": "succeeded"}
    assert faulty.new_in_glance() == {cloud_image_id}


def test_capture_that_did_not_reach_nova_is_in_error_after_the_grace_period(
    faulty: FaultyCloud,
) -> None:
    faulty.cloud.fault("nova", "POST", faulty.create_image, "drop-before")

    faulty.cli.refused(4, "Nova of location RegionOne cannot be reached", *faulty.capture)

    assert faulty.only_image()["status"] == "creating"  # it may be on its way still
    assert faulty.held() == 1
    faulty.cli.clock = later
    image = faulty.only_image()
    assert image["status"] == "error"
    assert "did not reach the cloud" in image["error"]
    assert faulty.tasks() == {"create": "failed"}
    assert faulty.held() == 0
    assert faulty.new_in_glance() == set()


def test_capture_is_found_although_the_process_was_killed_before_the_answer(
    faulty: FaultyCloud,
) -> None:
    fault = faulty.cloud.fault("nova", "POST", faulty.create_image, "delay", delay_seconds=2)
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "instance_images.commands.main",
         "--config-file", str(faulty.cli.config_file), *faulty.capture],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    faulty.cloud.wait_until_hit(fault)

    process.send_signal(signal.SIGKILL)
    process.wait()

    assert faulty.only_image()["status"] == "creating"
    wait_for(lambda: faulty.only_image()["status"] == "available", "the image")
    assert faulty.new_in_glance() == {faulty.only_image()["cloud_image_id"]}
    assert faulty.tasks() == {"create": "succeeded"}


# ----------------------------------------------------------------- answers to a deletion


@pytest.mark.parametrize("answer", ["drop-after", 500, 503])
def test_deletion_whose_answer_is_lost_is_recorded_by_the_next_command(
    answer: Any, faulty: FaultyCloud
) -> None:
    image = faulty.available()
    path = f"/v2/images/{image['cloud_image_id']}"
    faulty.cloud.fault("glance", "DELETE", path, answer, performed=True)
    began = system_clock()

    faulty.cli.refused(
        4, "The deletion is recorded as task",
        "image", "delete", "golden", *faulty.account, "--yes",
    )  # fmt: skip

    assert faulty.on_record(image["id"]).status is ImageStatus.DELETING
    assert faulty.cli.ok("image", "list", *faulty.account).json == []
    record = faulty.on_record(image["id"])
    assert record.status is ImageStatus.DELETED
    assert record.deleted_at is not None
    assert began <= record.deleted_at <= system_clock()
    assert faulty.tasks() == {"create": "succeeded", "delete": "succeeded"}
    assert faulty.new_in_glance() == set()


def test_deletion_that_takes_effect_after_nobody_waits_for_it_any_more_is_recorded(
    faulty: FaultyCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = faulty.available()
    path = f"/v2/images/{image['cloud_image_id']}"
    faulty.cloud.fault("glance", "DELETE", path, "delay", delay_seconds=3)
    monkeypatch.setattr(openstack_api, "TIMEOUT_SECONDS", 1)
    asked_at = system_clock()

    faulty.cli.refused(4, "", "image", "delete", "golden", *faulty.account, "--yes")

    monkeypatch.undo()
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(faulty.cloud.clouds_yaml))
    wait_for(lambda: faulty.new_in_glance() == set(), "the deletion")
    assert faulty.cli.ok("image", "list", *faulty.account).json == []
    record = faulty.on_record(image["id"])
    assert record.status is ImageStatus.DELETED
    assert record.deleted_at is not None
    assert asked_at <= record.deleted_at <= asked_at + timedelta(seconds=2)


@pytest.mark.parametrize("method", ["DELETE", "GET"])
def test_a_token_that_has_expired_is_renewed(method: str, faulty: FaultyCloud) -> None:
    image = faulty.available()
    path = f"/v2/images/{image['cloud_image_id']}"
    faulty.cloud.fault("glance", method, path, 401)

    faulty.cli.ok("image", "delete", "golden", *faulty.account, "--yes")

    assert faulty.on_record(image["id"]).status is ImageStatus.DELETED
    assert faulty.new_in_glance() == set()


def test_tokens_that_keystone_has_revoked_are_renewed_on_the_way(
    faulty: FaultyCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"{faulty.cloud.endpoints['keystone']}/auth/tokens"
    revoked: set[str] = set()
    send = OpenStackApi._send

    def sent(api: OpenStackApi, connection: Connection, service: str, *more: Any) -> Any:
        session: Any = connection.session
        token = session.get_token()
        if service != "compute":
            requests.delete(url, headers={"X-Auth-Token": token, "X-Subject-Token": token})
            revoked.add(token)
        elif token in revoked:  # Nova takes it for good for a while, and Glance refuses Nova then
            session.invalidate()
        return send(api, connection, service, *more)

    monkeypatch.setattr(OpenStackApi, "_send", sent)
    image = faulty.available()
    faulty.cli.ok("image", "delete", "golden", *faulty.account, "--yes")

    assert faulty.on_record(image["id"]).status is ImageStatus.DELETED
    assert faulty.new_in_glance() == set()
    assert faulty.tasks() == {"create": "succeeded", "delete": "succeeded"}
    assert len(revoked) > 5  # each is another one


def test_deletion_that_did_not_reach_glance_holds_its_slot_and_is_sent_again(
    faulty: FaultyCloud,
) -> None:
    image = faulty.available()
    faulty.cloud.fault("glance", "DELETE", f"/v2/images/{image['cloud_image_id']}", "drop-before")
    faulty.cli.refused(
        4, "Glance of location RegionOne cannot be reached",
        "image", "delete", "golden", *faulty.account, "--yes",
    )  # fmt: skip

    assert faulty.only_image()["status"] == "deleting"
    assert faulty.held() == 1
    assert faulty.new_in_glance() == {image["cloud_image_id"]}
    faulty.cli.clock = later
    assert faulty.cli.ok("image", "list", *faulty.account).json == []
    assert faulty.new_in_glance() == set()
    assert faulty.held() == 0
    assert faulty.on_record(image["id"]).status is ImageStatus.DELETED


# --------------------------------------------------------------- answers to a deployment


def servers_named(faulty: FaultyCloud, name: str) -> list[str]:
    with faulty.cloud.connection(faulty.project.cloud) as member:
        return [server.id for server in member.compute.servers() if server.name == name]


@pytest.fixture
def deploy(faulty: FaultyCloud) -> tuple[str, ...]:
    """The command that deploys an image that there is."""
    faulty.available()
    more = ("--flavor", "m1.tiny", "--network", "none", *faulty.account)
    return (
        "image",
        "deploy",
        "golden",
        "--name",
        f"new-{faulty.cli.config_file.parent.name}",
        *more,
    )


def test_deployment_whose_answer_is_lost_is_found(
    faulty: FaultyCloud, deploy: tuple[str, ...]
) -> None:
    faulty.cloud.fault("nova", "POST", "/servers$", "drop-after")

    faulty.cli.refused(4, "The deployment is recorded as task", *deploy)

    wait_for(lambda: faulty.tasks()["deploy"] == "succeeded", "the instance")
    [server_id] = servers_named(faulty, deploy[4])
    tasks = faulty.cli.ok("task", "list", *faulty.account).json
    assert [task["server_id"] for task in tasks if task["kind"] == "deploy"] == [server_id]


@pytest.mark.parametrize("answer", ["drop-before", 500])
def test_deployment_that_nova_did_not_take_fails_after_the_grace_period(
    answer: Any, faulty: FaultyCloud, deploy: tuple[str, ...]
) -> None:
    faulty.cloud.fault("nova", "POST", "/servers$", answer)

    faulty.cli.refused(4, "The deployment is recorded as task", *deploy)

    assert faulty.tasks()["deploy"] == "pending"
    faulty.cli.clock = later
    assert faulty.tasks()["deploy"] == "failed"
    assert servers_named(faulty, deploy[4]) == []
    assert faulty.only_image()["status"] == "available"


# ------------------------------------------------------------------------- the hourly run


@dataclass(frozen=True)
class Metered:
    """An available image, with a price, in the hour after it was made."""

    faulty: FaultyCloud
    image: Any
    first_hour: datetime
    clock: SetClock

    def at(self, hours: int, minutes: int = 5) -> datetime:
        """Set the clock to so many hours after the image's first one began."""
        self.clock.now = self.first_hour + timedelta(hours=hours, minutes=minutes)
        return self.clock.now


@pytest.fixture
def metered(faulty: FaultyCloud) -> Metered:
    faulty.cli.ok("rate", "set", "RegionOne", "0.05")
    image = faulty.available()
    clock = SetClock(system_clock())
    faulty.cli.clock = clock
    return Metered(faulty, image, floor_hour(clock()), clock)


@pytest.mark.parametrize("status", [500, 503, 429])
def test_no_hour_is_closed_while_the_images_cannot_be_listed(status: int, metered: Metered) -> None:
    faulty = metered.faulty
    metered.at(hours=1)
    faulty.cli.ok("meter", "run")
    closed = faulty.metered_until()
    metered.at(hours=2)
    faulty.cloud.fault("glance", "GET", LISTING, status, count=None)

    faulty.cli.refused(4, f"is not metered: Glance of location RegionOne answered HTTP {status}",
                      "meter", "run")  # fmt: skip

    assert faulty.metered_until() == closed
    faulty.cloud.clear_faults()
    result = faulty.cli.ok("meter", "run")
    assert "closed 1 hour" in result.out
    assert faulty.metered_until() == format_instant(metered.first_hour + timedelta(hours=2))


def test_listing_that_breaks_off_closes_no_hour(metered: Metered) -> None:
    metered.at(hours=1)
    metered.faulty.cloud.fault("glance", "GET", LISTING, "drop-after", count=None)

    metered.faulty.cli.refused(4, "cannot be reached", "meter", "run")

    assert metered.faulty.metered_until() is None
    assert metered.faulty.only_image() == metered.image


def test_hidden_image_is_not_taken_for_deleted(metered: Metered) -> None:
    faulty = metered.faulty
    with faulty.cloud.connection(faulty.project.cloud) as member:
        in_glance_now: Any = member.image.get_image(metered.image["cloud_image_id"])
        member.image.update_image(in_glance_now, is_hidden=True)
    metered.at(hours=1)

    faulty.cli.ok("meter", "run")

    assert faulty.only_image() == metered.image
    assert faulty.cli.ok("meter", "status").json[0]["billable_images"] == 1


def test_image_that_is_not_listed_is_not_gone_until_glance_says_so(metered: Metered) -> None:
    faulty = metered.faulty
    with faulty.cloud.connection(faulty.project.cloud) as member:
        member.image.delete_image(metered.image["cloud_image_id"])
    path = f"/v2/images/{metered.image['cloud_image_id']}$"
    faulty.cloud.fault("glance", "GET", path, 500, count=None)
    metered.at(hours=1)

    result = faulty.cli("meter", "run")

    # The trouble of one image stops no location: it is told, and the image is taken to be there.
    assert (result.exit_code, "does not list 1 of its images" in result.err) == (1, True)
    assert faulty.metered_until() == format_instant(metered.first_hour + HOUR)
    assert faulty.only_image() == metered.image
    faulty.cloud.clear_faults()
    faulty.cli.ok("meter", "run")
    assert faulty.on_record(metered.image["id"]).status is ImageStatus.DELETED


@pytest.mark.parametrize("answer", ["drop-before", "drop-after", 500, 503, 429])
def test_a_reading_survives_a_service_that_fails_for_a_moment(
    answer: Any, metered: Metered
) -> None:
    metered.at(hours=1)
    metered.faulty.cloud.fault("glance", "GET", LISTING, answer, count=2, after=1)

    metered.faulty.cli.ok("meter", "run")

    assert metered.faulty.metered_until() == format_instant(metered.first_hour + HOUR)


def test_a_service_that_asks_to_be_left_alone_for_long_is_left_alone(metered: Metered) -> None:
    metered.at(hours=1)
    metered.faulty.cloud.fault("glance", "GET", LISTING, 429, count=None, retry_after=3600)
    began = time.monotonic()

    metered.faulty.cli.refused(4, "answered HTTP 429", "meter", "run")

    assert time.monotonic() - began < openstack_api.LONGEST_WAIT_SECONDS


def test_a_list_that_is_no_list_is_not_believed(metered: Metered) -> None:
    """A proxy that answers in Glance's place with success and something else."""
    metered.at(hours=1)
    metered.faulty.cloud.fault("glance", "GET", LISTING, 200)

    metered.faulty.cli.refused(4, "with no list of images", "meter", "run")

    assert metered.faulty.metered_until() is None
    assert metered.faulty.only_image() == metered.image


def test_image_that_was_deleted_in_glance_ends_at_the_last_complete_reading(
    metered: Metered,
) -> None:
    faulty = metered.faulty
    seen_at = metered.at(hours=2, minutes=7)
    faulty.cli.ok("meter", "run")
    with faulty.cloud.connection(faulty.project.cloud) as member:
        member.image.delete_image(metered.image["cloud_image_id"])
    metered.at(hours=4)

    faulty.cli.ok("meter", "run")

    record = faulty.on_record(metered.image["id"])
    assert record.status is ImageStatus.DELETED
    assert record.deleted_at == seen_at
    assert "not through this product" in str(record.error)
    assert faulty.held() == 0
    assert faulty.cli.ok("meter", "status").json[0]["billable_images"] == 0


def test_image_that_was_deleted_in_glance_before_any_reading_was_never_billable(
    metered: Metered,
) -> None:
    faulty = metered.faulty
    with faulty.cloud.connection(faulty.project.cloud) as member:
        member.image.delete_image(metered.image["cloud_image_id"])
    metered.at(hours=1)

    faulty.cli.ok("meter", "run")

    record = faulty.on_record(metered.image["id"])
    assert record.status is ImageStatus.DELETED
    assert record.deleted_at == record.available_at


def test_rehearsal_changes_nothing_of_an_image_that_is_gone(metered: Metered) -> None:
    faulty = metered.faulty
    with faulty.cloud.connection(faulty.project.cloud) as member:
        member.image.delete_image(metered.image["cloud_image_id"])
        with pytest.raises(NotFoundException):
            member.image.get_image(metered.image["cloud_image_id"])
    metered.at(hours=1)

    faulty.cli.ok("meter", "run", "--dry-run")

    assert faulty.only_image() == metered.image
    assert faulty.metered_until() is None
