"""The API answers the same under each server of the samples: gunicorn, uWSGI and Apache."""

from collections.abc import Iterator

import pytest

from support.processes.api_server import (
    ApiServer,
    apache,
    fault_of_apache,
    running_api,
    uwsgi,
)
from support.worlds.api_world import Office

pytestmark = pytest.mark.cloud


@pytest.fixture(
    scope="module", params=["gunicorn", "uwsgi", pytest.param("apache", marks=pytest.mark.all)]
)
def api_of_module(
    request: pytest.FixtureRequest,
    office_of_run: Office,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[ApiServer]:
    """The API of the run, or once more on the same database, as each other sample starts it."""
    if request.param == "gunicorn":
        yield office_of_run.api
        return
    if request.param == "apache" and (fault := fault_of_apache()):
        pytest.skip(fault)
    directory = tmp_path_factory.mktemp(request.param)
    config = office_of_run.cli.config_file
    command = {"uwsgi": uwsgi, "apache": apache}[request.param]
    with running_api(config, directory, office_of_run.cloud, command) as api:
        yield api


@pytest.fixture
def api(api_of_module: ApiServer, office: Office) -> ApiServer:
    """The API under each server in turn, on a cloud without faults."""
    return api_of_module


def test_paths_without_a_token_answer(api: ApiServer) -> None:
    versions = api("GET", "/").json()["versions"]
    health = api("GET", "/healthcheck")
    closed = api("GET", "/v1/images")

    assert versions[0]["links"][0]["href"] == f"{api.url}/v1"
    assert (health.status_code, closed.status_code) == (200, 401)


def test_customer_reads_pages_and_captures(api: ApiServer, office: Office) -> None:
    customers = office.customers
    token = office.token(customers.member.cloud)
    body = {"image": {"name": "again", "source_instance_id": customers.server_id}}
    key = {"Idempotency-Key": "one key for all servers"}

    image = api("GET", f"/v1/images/{customers.image['id']}", token)
    page = api("GET", "/v1/images?limit=1", token)
    made = api("POST", "/v1/images", token, json=body, headers=key)
    task = api("GET", made.headers["Location"].removeprefix(api.url), token)

    assert image.json()["image"]["name"] == "golden"
    assert len(page.json()["images"]) == 1
    assert (made.status_code, task.status_code) == (202, 200)
    assert task.json()["task"]["image_id"] == made.json()["image"]["id"]


def test_bodies_without_a_length_or_beyond_it_are_refused_by_the_api(api: ApiServer) -> None:
    alone = {"Connection": "close"}

    large = api("POST", "/v1/images", data=b" " * (112 * 1024 + 1), headers=alone)
    pieces = api("POST", "/v1/images", data=iter([b"{}"]), headers=alone)

    assert (large.status_code, pieces.status_code) == (413, 411)
    assert large.json()["error"]["reason"] == pieces.json()["error"]["reason"] == "usage"
