"""Whatever fails under the API: it says so in time, loses nothing, and goes on by itself."""

import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
import sqlalchemy as sa

from instance_images.db.schema import downgrade, upgrade

from support.clouds.embedded_cloud import EmbeddedCloud, Project, wait_for
from support.servers import database_servers
from support.worlds.frail_api import FrailOffice, another_process, frail_office
from support.worlds.impatient_api import SECONDS

pytestmark = pytest.mark.cloud

STATES = ["down", "hanging", "a page", "late"]
# Two answers of the cloud, or the database and the connection to it, and what we need ourselves.
LONGEST_SECONDS = 2 * SECONDS + 4


class Account:
    """A customer with an instance on a disk, one on a volume, and an image."""

    def __init__(self, office: FrailOffice) -> None:
        cloud = office.cloud
        self.office, self.project = office, cloud.new_project()
        self.on_disk = cloud.boot(self.project, "web-1").id
        self.on_volume = cloud.boot_from_volume(self.project, "db-1").id
        made = office.cli.ok(
            *("image", "create", self.on_disk, "--name", "golden", "--wait"),
            *("--account", self.project.id),
        )
        self.image_id = made.json["id"]

    def ask(self, method: str, path: str, **more: Any) -> requests.Response:
        """Send a request; it must be answered in time, and not by a fault of ours."""
        began = time.monotonic()
        answer = self.office.api(method, path, self.office.token(self.project.cloud), **more)
        assert time.monotonic() - began < LONGEST_SECONDS, answer.text
        assert answer.status_code not in (500, 502, 504), answer.text
        return answer

    def capture(self, server_id: str, name: str, **more: Any) -> requests.Response:
        """Ask for an image."""
        body = {"image": {"name": name, "source_instance_id": server_id}}
        return self.ask("POST", "/v1/images", json=body, **more)

    def names(self) -> list[str]:
        """Return the names of the images."""
        return [one["name"] for one in self.ask("GET", "/v1/images").json()["images"]]

    def ended(self, task_id: str) -> str:
        """Wait until a task has ended; return its state. The command line does what polls do."""

        def state() -> str:
            self.office.cli.ok("image", "list", "--account", self.project.id)
            return str(self.ask("GET", f"/v1/tasks/{task_id}").json()["task"]["state"])

        wait_for(lambda: state() in ("succeeded", "failed"), f"task {task_id}")
        return state()


@pytest.fixture(scope="module")
def account_of_module(
    embedded_cloud: EmbeddedCloud,
    postgresql_server: sa.URL,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Account]:
    directory = tmp_path_factory.mktemp("frail")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("OS_CLIENT_CONFIG_FILE", str(embedded_cloud.clouds_yaml))
        with (
            database_servers.new_database(postgresql_server) as url,
            frail_office(embedded_cloud, postgresql_server, url, directory) as office,
        ):
            yield Account(office)


@pytest.fixture
def account(account_of_module: Account, cloud: EmbeddedCloud) -> Iterator[Account]:
    """The account, on a cloud and a database without faults."""
    yield account_of_module
    account_of_module.office.relay.heal()


def error_of(answer: requests.Response) -> tuple[int, str]:
    """Return status and reason of a refusal that says when to come again."""
    if answer.status_code == 503:
        assert int(answer.headers["Retry-After"]) > 0
    return answer.status_code, answer.json()["error"]["reason"]


class Broken:
    """A service of the cloud in one of the states."""

    def __init__(self, cloud: EmbeddedCloud, service: str, state: str) -> None:
        self._cloud, self._service, self._state = cloud, service, state

    def __enter__(self) -> None:
        match self._state:
            case "down":
                self._cloud.fault(self._service, ".*", "", "drop-before", count=None)
            case "a page":
                self._cloud.fault(self._service, ".*", "", "page", count=None)
            case "late":  # later than anybody waits
                self._cloud.fault(
                    self._service, ".*", "", "delay", count=None, delay_seconds=SECONDS + 1
                )
            case _:
                self._cloud.pause_service(self._service)

    def __exit__(self, *_: object) -> None:
        self._cloud.clear_faults()
        if self._state == "hanging":
            self._cloud.resume_service(self._service)


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("service", ["nova", "glance", "cinder", "heat"])
def test_service_that_fails_is_told_as_such_and_lists_go_on(
    account: Account, service: str, state: str
) -> None:
    def ask() -> requests.Response:
        match service:
            case "nova":
                return account.capture(account.on_disk, "never")
            case "glance":
                return account.ask("GET", "/v1/choices")
            case "cinder":
                return account.capture(account.on_volume, "never")
        return account.ask("GET", "/v1/scaling-groups")

    before = account.names()

    with Broken(account.office.cloud, service, state):
        failed = ask()
        began = time.monotonic()
        names = account.names()
        seconds = time.monotonic() - began

    assert error_of(failed) == (503, "cloud_unavailable")
    assert names == before  # nothing was recorded
    assert seconds < SECONDS


@pytest.mark.parametrize("state", ["down", "hanging", "a page"])
def test_keystone_that_fails_stops_new_tokens_only(account: Account, state: str) -> None:
    office = account.office
    token = office.token(account.project.cloud)
    office.api("GET", "/v1/images", token)  # auth_token knows it from now on

    with Broken(office.cloud, "keystone", state):
        known = office.api("GET", "/v1/images", token)
        began = time.monotonic()
        new = office.api("GET", "/v1/images", f"gAAAAABm{'x' * 160}{state[0]}")
        seconds = time.monotonic() - began

    assert known.status_code == 200
    assert error_of(new) == (503, "cloud_unavailable")
    assert seconds < LONGEST_SECONDS  # auth_token tries twice


@pytest.mark.parametrize(
    ("service", "path"),
    [("keystone", "/v1/limits"), ("glance", "/v1/choices"), ("heat", "/v1/scaling-groups")],
)
def test_slow_service_is_waited_for(account: Account, service: str, path: str) -> None:
    account.office.cloud.fault(service, "GET", "", "delay", delay_seconds=0.8)

    assert account.ask("GET", path).status_code == 200


def test_slow_nova_is_waited_for_by_a_capture(account: Account) -> None:
    account.office.cloud.fault("nova", "GET", "/servers/", "delay", delay_seconds=0.8)

    made = account.capture(account.on_disk, "slow")

    assert made.status_code == 202
    assert account.ended(made.json()["task"]["id"]) == "succeeded"


@pytest.mark.parametrize("state", ["down", "hanging"])
def test_database_that_fails_is_told_in_time_and_used_again(account: Account, state: str) -> None:
    office = account.office
    names = account.names()
    if state == "down":
        office.relay.break_off()
    else:
        office.relay.is_silent = True

    health = office.api("GET", "/healthcheck")
    failed = [account.ask("GET", "/v1/images"), account.capture(account.on_disk, "never")]
    office.relay.heal()

    assert health.status_code == 503
    assert [error_of(one) for one in failed] == [(503, "database_unavailable")] * 2
    assert "127.0.0.1" not in failed[0].text
    assert account.names() == names
    assert office.api("GET", "/healthcheck").status_code == 200


@pytest.mark.parametrize("what", ["capture", "deployment", "deletion"])
def test_database_that_fails_when_the_cloud_has_been_asked_is_told_with_the_task(
    account: Account, what: str
) -> None:
    office = account.office
    order = {"deploy": {"name": "web-2", "flavor": "m1.tiny", "networks": ["none"]}}

    def ask() -> requests.Response:
        match what:
            case "capture":
                return account.capture(account.on_disk, "recorded")
            case "deployment":
                return account.ask("POST", f"/v1/images/{account.image_id}/deploy", json=order)
        made = account.capture(account.on_disk, "doomed").json()
        assert account.ended(made["task"]["id"]) == "succeeded"
        return account.ask("DELETE", f"/v1/images/{made['image']['id']}")

    service, method, path = {
        "capture": ("nova", "POST", "/action$"),
        "deployment": ("nova", "POST", "/servers$"),
        "deletion": ("glance", "DELETE", "/images/"),
    }[what]
    fault = office.cloud.fault(service, method, path, "delay", delay_seconds=1)
    answers: list[requests.Response] = []
    sender = threading.Thread(target=lambda: answers.append(ask()))
    sender.start()
    office.cloud.wait_until_hit(fault)
    office.relay.break_off()
    sender.join()
    office.relay.heal()

    assert error_of(answers[0]) == (503, "database_unavailable")
    message = answers[0].json()["error"]["message"]
    [task_id] = re.findall("is recorded as task ([0-9a-f-]{36}): look at it", message)
    assert account.ended(task_id) == "succeeded"


def test_older_schema_is_told_and_nothing_is_lost(account: Account) -> None:
    office, names = account.office, account.names()
    downgrade(office.database, "0018")
    try:
        health = office.api("GET", "/healthcheck")
        refused = account.capture(account.on_disk, "never")
    finally:
        upgrade(office.database)

    assert health.status_code == 503
    assert (
        "Could not use the database in a health check: The database is at revision 0018"
        in office.api.log
    )
    assert error_of(refused) == (503, "database_unavailable")
    assert account.names() == names
    assert office.api("GET", "/healthcheck").status_code == 200


def test_client_that_hangs_up_leaves_what_was_recorded(account: Account) -> None:
    office, token = account.office, account.office.token(account.project.cloud)
    body = {"image": {"name": "unheard", "source_instance_id": account.on_disk}}
    key = {"Idempotency-Key": "unheard"}
    content = json.dumps(body).encode()
    head = (
        f"POST /v1/images HTTP/1.1\r\nHost: api\r\nX-Auth-Token: {token}\r\n"
        f"Idempotency-Key: unheard\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(content)}\r\n\r\n"
    ).encode()
    where = urlsplit(office.api.url)
    fault = office.cloud.fault("nova", "POST", "/action$", "delay", delay_seconds=0.5)

    for sent in (head + content[:20], head + content):
        with socket.create_connection((str(where.hostname), int(where.port or 0))) as client:
            client.sendall(sent)
            if sent.endswith(content):
                office.cloud.wait_until_hit(fault)  # and then he is gone

    again = account.capture(account.on_disk, "unheard", headers=key)
    assert again.status_code == 202
    assert account.ended(again.json()["task"]["id"]) == "succeeded"
    assert account.names().count("unheard") == 1


def test_api_that_is_killed_in_a_request_is_asked_again_with_the_key(
    account: Account, tmp_path: Any
) -> None:
    office, token = account.office, account.office.token(account.project.cloud)
    body = {"image": {"name": "killed", "source_instance_id": account.on_disk}}
    told: list[type] = []
    fault = office.cloud.fault("nova", "POST", "/action$", "delay", delay_seconds=1)

    with another_process(office, tmp_path) as doomed:

        def post() -> None:
            try:
                doomed("POST", "/v1/images", token, json=body, headers={"Idempotency-Key": "k"})
            except requests.ConnectionError as error:
                told.append(type(error))

        sender = threading.Thread(target=post)
        sender.start()
        office.cloud.wait_until_hit(fault)
        doomed.kill()
        sender.join()

    again = account.capture(account.on_disk, "killed", headers={"Idempotency-Key": "k"})
    assert len(told) == 1
    assert again.status_code == 202
    assert account.ended(again.json()["task"]["id"]) == "succeeded"
    assert account.names().count("killed") == 1
    assert len(images_of(account, "killed")) == 1


def images_of(account: Account, name: str) -> list[str]:
    """Return the ids of the account's images of that name in Glance."""
    project: Project = account.project
    with account.office.cloud.connection(project.cloud) as connection:
        return [one.id for one in connection.image.images(name=name, owner=project.id)]
