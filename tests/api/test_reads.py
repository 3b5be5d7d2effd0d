"""What can be read, by whom, and that it is what the command line tells."""

from decimal import Decimal
from typing import Any

import pytest

from support.worlds.api_world import PRICE, Customers, Office

pytestmark = pytest.mark.cloud


@pytest.fixture
def customers(office: Office) -> Customers:
    return office.customers


def test_image_and_task_are_told_as_by_the_command_line(
    office: Office, customers: Customers
) -> None:
    image, account = customers.image, ("--account", customers.member.id)

    for sender in (customers.member, customers.reader):
        listed = office.ask("GET", "/v1/images", sender, 200).json()
        one = office.ask("GET", f"/v1/images/{image['id']}", sender, 200).json()
        task = office.ask("GET", f"/v1/tasks/{image['task_id']}", sender, 200)

        assert listed == {"images": [image]}
        assert one == {"image": image}
        assert task.json() == {"task": office.cli.ok("task", "list", *account).json[0]}
        assert "Retry-After" not in task.headers


def test_lists_take_filters_and_name_what_they_do_not_know(
    office: Office, customers: Customers
) -> None:
    def names(query: str) -> list[str]:
        answer = office.ask("GET", f"/v1/images?{query}", customers.reader, 200)
        return [image["name"] for image in answer.json()["images"]]

    assert names("name=golden&status=available&location=RegionOne&limit=1") == ["golden"]
    assert names("name=golden%20") == names("status=error") == []
    for query, told in {
        "colour=red": "Parameter colour is unknown here. Known are account_id,",
        "status=deleted": "Parameter status: 'deleted' is not one of",
        "limit=0": "Parameter limit: 0 is less than the minimum of 1.",
        "name=a&name=b": "Parameter name is given twice",
        "marker=00000000-0000-4000-8000-000000000000": "The marker '00000000-",
        "location=Nowhere": "The location 'Nowhere' is unknown: known are RegionOne.",
        "name=%ff": "The query is not UTF-8",
        "source_instance_id=%00": "Parameter source_instance_id contains a character",
    }.items():
        error = office.ask("GET", f"/v1/images?{query}", customers.reader, 400).json()["error"]
        assert error["reason"] == "usage"
        assert told in error["message"]


def test_another_accounts_id_is_answered_as_one_that_nobody_has(
    office: Office, customers: Customers
) -> None:
    nobodys = "00000000-0000-4000-8000-000000000000"

    def told(path: str, status: int) -> bytes:
        answer = office.ask("GET", path, customers.stranger, status)
        return answer.content.replace(answer.headers["x-openstack-request-id"].encode(), b"")

    for path, own in (("images", "id"), ("tasks", "task_id")):
        theirs = customers.image[own]
        assert told(f"/v1/{path}/{theirs}", 404) == told(f"/v1/{path}/{nobodys}", 404)
        marked = told(f"/v1/{path}?marker={theirs}", 400).replace(theirs.encode(), b"")
        assert marked == told(f"/v1/{path}?marker={nobodys}", 400).replace(nobodys.encode(), b"")
    assert told(f"/v1/tasks?image_id={customers.image['id']}", 200) == b'{"tasks": []}'
    assert told(f"/v1/images?source_instance_id={customers.server_id}", 200) == b'{"images": []}'


def test_only_an_operator_reads_of_other_accounts(office: Office, customers: Customers) -> None:
    for path in ("/v1/images", "/v1/tasks", "/v1/limits"):
        for query in (f"account_id={customers.member.id}", "all_accounts=true"):
            error = office.ask("GET", f"{path}?{query}", customers.stranger, 403).json()["error"]
            assert error["reason"] == "forbidden"
            assert "_all)" in error["message"]
            found = office.ask("GET", f"{path}?{query}", None, 200).json()
            if "limits" not in path:
                (items,) = found.values()
                assert customers.image["id"] in str(items)
        assert customers.image["id"] not in office.ask("GET", path, None, 200).text


def test_forged_headers_and_other_roles_open_nothing(office: Office, customers: Customers) -> None:
    forged = {"X-Project-Id": customers.member.id, "X-Roles": "admin,member,reader"}
    path = f"/v1/images/{customers.image['id']}"

    office.ask("GET", path, customers.stranger, 404, headers=forged)
    denied = office.ask("GET", path, customers.outsider, 403, headers=forged).json()["error"]

    assert denied["reason"] == "forbidden"
    assert office.api("GET", path, headers=forged).status_code == 401
    token = office.token(customers.member.cloud)
    service = {"X-Service-Token": office.token(customers.stranger.cloud)}
    assert office.api("GET", path, token, headers=service).status_code == 401


@pytest.mark.parametrize("scope", ["system", "domain", None])
def test_token_of_another_scope_is_told_which_to_use(office: Office, scope: str | None) -> None:
    with office.cloud.connection() as connection:
        session: Any = connection.session
        auth_url = session.auth.auth_url
        user = {"name": "admin", "domain": {"name": "Default"}, "password": "minicloud"}
        body: dict[str, Any] = {
            "identity": {"methods": ["password"], "password": {"user": user}},
            "scope": {"system": {"all": True}, "domain": {"domain": {"id": "default"}}}.get(
                scope or "", "unscoped"
            ),
        }
        if scope == "system":
            body["scope"] = {"system": {"all": True}}
        identity: Any = connection.identity
        admin = identity.find_user("admin")
        role = identity.find_role("admin")
        if scope == "system":
            identity.assign_system_role_to_user(admin, role, "all")
        elif scope == "domain":
            identity.assign_domain_role_to_user("default", admin, role)
    made = office.api.http.post(f"{auth_url}/auth/tokens", json={"auth": body}, timeout=30)
    assert made.status_code == 201, made.text

    answer = office.api("GET", "/v1/images", made.headers["X-Subject-Token"])

    assert answer.status_code == 403
    assert answer.json()["error"]["reason"] == "token_scope"
    assert "use a token for the project" in answer.json()["error"]["message"]


def test_locations_rates_limits_and_choices(office: Office, customers: Customers) -> None:
    (location,) = office.ask("GET", "/v1/locations", customers.reader, 200).json()["locations"]
    rates = office.ask("GET", "/v1/rates", customers.reader, 200).json()["rates"]
    (limit,) = office.ask("GET", "/v1/limits", customers.reader, 200).json()["limits"]
    groups = office.ask("GET", "/v1/choices", customers.reader, 200).json()["groups"]

    assert (location["currency"], location["enabled"]) == ("EUR", True)
    assert location["price"] == rates[0]["price"] == PRICE
    assert "cloud" not in location
    assert rates == office.cli.ok("rate", "list").json
    assert limit == office.cli.ok("limit", "show", "--account", customers.member.id).json
    assert [group["name"] for group in groups] == ["OS Images", "My Images"]
    assert [image["name"] for image in groups[1]["images"]] == ["golden"]


def test_estimate_is_of_the_account_alone_and_as_the_command_line_tells_it(
    office: Office, customers: Customers
) -> None:
    path = f"/v1/estimates?source_instance_id={customers.server_id}"

    found = office.ask("GET", path, customers.reader, 200).json()["estimate"]

    assert (found["basis"], found["size_bytes"]) == ("last_capture", customers.image["size_bytes"])
    assert (found["held"], found["fits"], found["currency"]) == (1, True, "EUR")
    price, month = Decimal(found["rate"]), Decimal(found["per_month"])
    # 10^9 bytes for a month of 730 hours cost the price, rounded to nine decimals.
    assert abs(month - price * found["size_bytes"] / 10**9) <= Decimal("0.5E-9")
    assert abs(Decimal(found["per_hour"]) - month / 730) < Decimal("0.6E-9")
    account = ("--account", customers.member.id)
    assert found == office.cli.ok("estimate", customers.server_id, *account).json
    own = office.cloud.boot(customers.stranger, "own")
    path = f"/v1/estimates?source_instance_id={own.id}"
    other = office.ask("GET", path, customers.stranger, 200).json()["estimate"]
    assert (other["basis"], other["size_bytes"]) == ("disk", 2**30)  # what another has, nobody told
    office.ask("GET", "/v1/estimates", customers.reader, 400)


def test_pages_follow_their_links(office: Office, customers: Customers) -> None:
    path, seen = "/v1/images?all_accounts=true&limit=1&sort=created_at:desc", []
    while True:
        page = office.ask("GET", path, None, 200).json()
        seen += [image["id"] for image in page["images"]]
        if "images_links" not in page:
            break
        assert len(page["images"]) == 1
        path = page["images_links"][0]["href"].removeprefix(office.api.url)

    assert len(set(seen)) == len(seen)
    assert customers.image["id"] in seen


def test_lists_are_answered_while_the_cloud_does_not_answer(
    office: Office, customers: Customers
) -> None:
    office.ask("GET", "/v1/images", customers.reader, 200)  # its token is known now
    office.cloud.pause_service("glance")
    try:
        for path in ("/v1/images", "/v1/tasks", "/v1/locations", "/v1/rates"):
            office.ask("GET", path, customers.reader, 200)
    finally:
        office.cloud.resume_service("glance")
