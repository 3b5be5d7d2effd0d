"""What can be changed over HTTP, by whom, and what is answered where it cannot."""

import base64
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from instance_images_api.http.route import Role
from instance_images_api.routes import ROUTES

from support.clouds.embedded_cloud import Project, wait_for
from support.worlds.api_world import Customers, Office

pytestmark = pytest.mark.cloud

NOBODYS = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def customers(office: Office) -> Customers:
    return office.customers


def followed(
    office: Office, sender: Project, location: str, *, is_hurried: bool = False
) -> dict[str, Any]:
    """Poll a task until it has ended, as its answers say; return it.

    Hurried, the command line does between two polls what the polls do after some seconds.
    """
    while True:
        if is_hurried:
            office.cli.ok("image", "list", "--account", sender.id)
        time.sleep(0.2)
        answer = office.ask("GET", location.removeprefix(office.api.url), sender, 200)
        task: dict[str, Any] = answer.json()["task"]
        if "Retry-After" not in answer.headers:
            return task
        assert 1 <= int(answer.headers["Retry-After"]) <= 15


def test_image_is_captured_deployed_and_deleted(office: Office, customers: Customers) -> None:
    """The whole story of a customer; each request is repeated with its key."""
    member = customers.member
    key = {"Idempotency-Key": "first"}
    asked = {"image": {"name": "over-http", "source_instance_id": customers.server_id}}

    empty = {"Idempotency-Key": ""}
    office.ask("POST", "/v1/images", member, 400, json=asked, headers=empty)
    made = office.ask("POST", "/v1/images", member, 202, json=asked, headers=key)
    again = office.ask("POST", "/v1/images", member, 202, json=asked, headers=key)
    other = {"image": {**asked["image"], "name": "another"}}
    reused = office.ask("POST", "/v1/images", member, 422, json=other, headers=key)

    image = made.json()["image"]
    assert again.json()["image"]["id"] == image["id"]
    assert reused.json()["error"]["reason"] == "idempotency_key_reused"
    assert made.headers["Location"].endswith(f"/v1/tasks/{made.json()['task']['id']}")
    assert followed(office, member, made.headers["Location"])["state"] == "succeeded"
    path = f"/v1/images/{image['id']}"
    assert office.ask("GET", path, member, 200).json()["image"]["status"] == "available"

    order = {"name": "web-2", "flavor": "m1.tiny", "networks": ["none"]}
    order["user_data"] = base64.b64encode(b"#cloud-config").decode()
    deployed = office.ask("POST", f"{path}/deploy", member, 202, json={"deploy": order})
    task = followed(office, member, deployed.headers["Location"], is_hurried=True)
    of_image = f"/v1/tasks?image_id={image['id']}"
    seen = office.ask("GET", of_image, member, 200).json()["tasks"]
    assert [one["user_id"] for one in seen] == [None, None]
    listed = office.ask("GET", f"{of_image}&account_id={member.id}", None, 200).json()["tasks"]
    assert (task["state"], len(task["server_ids"])) == ("succeeded", 1)
    with office.cloud.connection(member.cloud) as connection:
        user_id = connection.current_user_id
        assert connection.compute.get_server(task["server_id"]).user_id == user_id
    assert [one["user_id"] for one in listed] == [user_id, user_id]

    assert office.ask("DELETE", path, member, 204).content == b""
    office.ask("GET", path, member, 404)
    late = office.ask("POST", "/v1/images", member, 202, json=asked, headers=key).json()["image"]
    assert (late["id"], late["status"]) == (image["id"], "deleted")


def test_image_that_is_deleted_before_nova_answers_leaves_nothing(
    office: Office, customers: Customers
) -> None:
    member = customers.member
    fault = office.cloud.fault("nova", "POST", "/action$", "delay", delay_seconds=1)
    asked = {"image": {"name": "hasty", "source_instance_id": customers.server_id}}

    with ThreadPoolExecutor(1) as threads:
        made = threads.submit(office.ask, "POST", "/v1/images", member, 202, json=asked)
        office.cloud.wait_until_hit(fault)
        [image] = office.ask("GET", "/v1/images?name=hasty", member, 200).json()["images"]
        office.ask("DELETE", f"/v1/images/{image['id']}", member, 204)
        told = made.result().json()

    assert (told["image"]["id"], told["image"]["status"]) == (image["id"], "deleted")
    assert followed(office, member, made.result().headers["Location"])["state"] == "failed"
    with office.cloud.connection(member.cloud) as connection:

        def is_gone() -> bool:
            office.cli.ok("image", "list", "--account", member.id)  # does what a worker does
            return not list(connection.image.images(name="hasty"))

        wait_for(is_gone, "the deletion of what Nova made")


def test_refusals_have_their_reasons(office: Office, customers: Customers) -> None:
    member, image = customers.member, customers.image
    capture = {"name": "n", "source_instance_id": customers.server_id}
    deploy = f"/v1/images/{image['id']}/deploy"

    def reason(path: str, body: Any, status: int, method: str = "POST") -> tuple[str, str]:
        error = office.ask(method, path, member, status, json=body).json()["error"]
        return error["reason"], error["message"]

    unknown = reason("/v1/images", {"image": {**capture, "source_instance_id": NOBODYS}}, 400)
    assert unknown[0] == "not_found_in_body"
    flavor = reason(deploy, {"deploy": {"name": "n", "flavor": "none such"}}, 400)
    assert flavor[0] == "not_found_in_body"
    extra = reason("/v1/images", {"image": {**capture, "colour": "red"}}, 400)
    assert "'colour' was unexpected" in extra[1]
    assert reason(deploy, {"deploy": {"name": "n", "flavor": "f", "user_data": "?"}}, 400)[1] == (
        "deploy.user_data is not base64."
    )
    assert reason(f"/v1/tasks/{image['task_id']}/retry", None, 409)[0] == "wrong_state"
    quiesced = {"image": {**capture, "require_quiesce": True}}
    assert reason("/v1/images", quiesced, 409)[0] == "refused"


@pytest.mark.parametrize(
    ("content", "status", "told"),
    [
        (b"{", 400, "it is not JSON in UTF-8"),
        (b"[" * 50_000, 400, "nested too deeply"),
        (b'{"image": {}, "image": {}}', 400, "names one member twice"),
        (b'{"image": NaN}', 400, "NaN is not a JSON number"),
        (b'{"image": {"name": "\\ud800"}}', 400, "half of a surrogate pair"),
        (b"\xff", 400, "it is not JSON in UTF-8"),
        (b"[]", 400, "is not of type 'object'"),
    ],
)
def test_body_that_is_no_request_is_refused_by_what_is_wrong(
    office: Office, customers: Customers, content: bytes, status: int, told: str
) -> None:
    headers = {"Content-Type": "application/json"}

    answer = office.ask(
        "POST", "/v1/images", customers.member, status, data=content, headers=headers
    )

    assert told in answer.json()["error"]["message"]
    form = office.ask("POST", "/v1/images", customers.member, 415, data=b"{}")
    assert "Content-Type: application/json" in form.json()["error"]["message"]


def test_body_of_any_depth_is_refused(office: Office, customers: Customers) -> None:
    token = office.token(customers.member.cloud)
    headers = {"Content-Type": "application/json"}

    def answer(depth: int) -> int:
        body = b'{"image": ' + b"[" * depth + b"]" * depth + b"}"
        return office.api("POST", "/v1/images", token, data=body, headers=headers).status_code

    assert {answer(depth) for depth in range(920, 1000)} == {400}


def test_limit_is_set_reached_and_removed(office: Office, customers: Customers) -> None:
    member = customers.member
    path = f"/v1/limits/{member.id}"

    def limit(most: float) -> dict[str, Any]:
        return {"limit": {"location": "RegionOne", "max_images": most}}

    (before,) = office.ask("GET", "/v1/limits", member, 200).json()["limits"]
    held = before["held"]  # other tests may have left an image
    first = office.ask("PUT", path, None, 200, json=limit(float(held)))  # 3.0 is an integer
    etag = first.headers["ETag"]
    capture = {"image": {"name": "n", "source_instance_id": customers.server_id}}
    reached = office.ask("POST", "/v1/images", member, 403, json=capture).json()["error"]
    changed = office.ask("PUT", path, None, 200, json=limit(held + 1), headers={"If-Match": etag})
    stale = office.ask("PUT", path, None, 412, json=limit(held + 2), headers={"If-Match": etag})
    office.ask("DELETE", f"{path}?location=RegionOne", None, 204)

    assert first.json()["limit"]["source"] == "account"
    assert f'"max_images": {held},' in first.text
    assert (reached["reason"], reached["held"], reached["max_images"]) == (
        "limit_reached",
        held,
        held,
    )
    assert reached["message"].startswith("Maximum image limit reached")
    assert changed.json()["limit"]["max_images"] == held + 1
    assert stale.json()["error"]["reason"] == "changed"
    (after,) = office.ask("GET", "/v1/limits", member, 200).json()["limits"]
    assert after["source"] != "account"
    missing = office.ask("PUT", f"/v1/limits/{'0' * 32}", None, 404, json=limit(1))
    assert missing.json()["error"]["message"] == "No account of that id was found."


def test_default_limit_is_set_shown_and_removed(office: Office, customers: Customers) -> None:
    path, asked = "/v1/default-limits/RegionOne", {"default_limit": {"max_images": 37}}
    (before,) = office.ask("GET", "/v1/default-limits", None, 200).json()["default_limits"]

    made = office.ask("PUT", path, None, 200, json=asked).json()["default_limit"]
    (shown,) = office.ask("GET", "/v1/default-limits", None, 200).json()["default_limits"]
    (of_member,) = office.ask("GET", "/v1/limits", customers.member, 200).json()["limits"]
    office.ask("DELETE", path, None, 204)

    assert made == shown == {"location": "RegionOne", "max_images": 37, "source": "operator"}
    assert (of_member["max_images"], of_member["source"]) == (37, "location")
    (after,) = office.ask("GET", "/v1/default-limits", None, 200).json()["default_limits"]
    assert after == before
    assert before["source"] in ("default", "location")
    office.ask("PUT", "/v1/default-limits/Nowhere", None, 404, json=asked)
    for method, where, body in (("GET", "/v1/default-limits", None), ("PUT", path, asked)):
        refused = office.ask(method, where, customers.member, 403, json=body).json()["error"]
        assert refused["reason"] == "forbidden"


def test_rate_is_previewed_and_set(office: Office) -> None:
    asked = {"rate": {"location": "RegionOne", "price": "0.07", "from": "2031-01-01T00:00:00Z"}}

    preview = office.ask("POST", "/v1/rates?preview=true", None, 200, json=asked)
    made = office.ask("POST", "/v1/rates", None, 201, json=asked)
    past = {"rate": {"price": "0.07", "from": "2020-01-01T00:00:00Z"}}
    refused = office.ask("POST", "/v1/rates", None, 409, json=past)

    assert preview.json()["preview"]["location"] == "RegionOne"
    assert made.json()["rate"] in office.cli.ok("rate", "list").json
    assert refused.json()["error"]["reason"] == "retroactive"


def test_scaling_group_is_made_as_the_caller(office: Office, customers: Customers) -> None:
    member = customers.member
    name = f"g-{member.name}"
    group = {"name": name, "image_id": customers.image["id"], "flavor": "m1.tiny"}
    group |= {"min_size": 0, "desired_size": 0, "networks": ["none"]}

    made = office.ask("POST", "/v1/scaling-groups", member, 202, json={"scaling_group": group})

    path = f"/v1/scaling-groups/{made.json()['scaling_group']['id']}"
    listed = office.ask("GET", "/v1/scaling-groups", member, 200).json()["scaling_groups"]
    assert name in [one["name"] for one in listed]
    assert office.ask("GET", path, member, 200).json()["scaling_group"]["name"] == name
    pause = {"image_id": customers.image["id"], "batch_size": 2}
    refused = office.ask("PUT", f"{path}/image", member, 400, json=pause).json()["error"]
    assert refused["message"].startswith("Batch size and pause apply")
    office.ask("GET", path, customers.stranger, 404)
    operator = office.ask("GET", "/v1/scaling-groups", None, 403).json()["error"]
    assert operator["reason"] == "forbidden"
    assert "role admin" in operator["message"]


def path_of(path: str, image: dict[str, Any], account_id: str) -> str:
    """Return the path with these ids."""
    ids = {"image_id": image["id"], "task_id": image["task_id"], "account_id": account_id}
    ids |= {"stack_id": NOBODYS, "location": "RegionOne"}
    return path.format(**ids)


writes = pytest.mark.parametrize(
    "route",
    [route for route in ROUTES if route.method != "GET"],
    ids=lambda route: f"{route.method} {route.path}",
)


@writes
def test_reader_and_stranger_change_nothing(
    office: Office, customers: Customers, route: Any
) -> None:
    """Another account's ids are answered with the bytes of ids that nobody has."""
    path = path_of(route.path, customers.image, customers.member.id)

    denied = office.ask(route.method, path, customers.reader, 403, json=route.request_example)
    nobody = office.api(route.method, path, json=route.request_example)

    assert denied.json()["error"]["reason"] == "forbidden"
    assert nobody.status_code == 401
    if route.rule.role is not Role.MEMBER or "_id}" not in route.path.replace("{stack_id}", ""):
        return
    unknown = path_of(route.path, {"id": NOBODYS, "task_id": NOBODYS}, customers.member.id)
    told = []
    for asked in (path, unknown):
        answer = office.ask(
            route.method, asked, customers.stranger, 404, json=route.request_example
        )
        told.append(answer.content.replace(answer.headers["x-openstack-request-id"].encode(), b""))
    assert told[0] == told[1]


def test_request_that_was_recorded_is_accepted_though_the_cloud_does_not_answer(
    office: Office, customers: Customers
) -> None:
    """The customer follows the task; with nothing recorded it is told that nothing was started."""
    member = customers.member
    office.cloud.fault("nova", "POST", "/action$", "drop-after")
    asked = {"image": {"name": "no-answer", "source_instance_id": customers.server_id}}

    made = office.ask("POST", "/v1/images", member, 202, json=asked)

    task = followed(office, member, made.headers["Location"], is_hurried=True)
    assert task["state"] == "succeeded"
    office.cloud.fault("nova", "GET", "/servers", 503, count=None)
    nothing = office.ask("POST", "/v1/images", member, 503, json=asked)
    assert nothing.json()["error"]["reason"] == "cloud_unavailable"
    assert nothing.headers["Retry-After"]
    office.cloud.clear_faults()
    office.cloud.fault("glance", "DELETE", "/images/", "drop-after")
    image_id = made.json()["image"]["id"]
    deleted = office.ask("DELETE", f"/v1/images/{image_id}", member, 202)
    task = followed(office, member, deleted.headers["Location"], is_hurried=True)
    assert task["state"] == "succeeded"
