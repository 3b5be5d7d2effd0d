"""No id of another account tells anything: each path answers as for ids that nobody has.

The cases are made from the table of routes.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from instance_images_api.http.route import Parameter, Role, Route
from instance_images_api.routes import ROUTES

from support.worlds.api_world import Customers, Office

pytestmark = pytest.mark.cloud

NOBODYS = "00000000-0000-4000-8000-000000000000"
PROTECTED = [route for route in ROUTES if route.rule is not None]
_MEMBERS = {"source_instance_id", "image_id", "key_name", "server_group"}

every_route = pytest.mark.parametrize(
    "route", PROTECTED, ids=lambda route: f"{route.method} {route.path}"
)


@pytest.fixture
def customers(office: Office) -> Customers:
    return office.customers


def theirs(customers: Customers) -> dict[str, str]:
    """Return what the first customer has, by the names of parameters and members."""
    return {
        "image_id": customers.image["id"],
        "task_id": customers.image["task_id"],
        "source_instance_id": customers.server_id,
        "stack_id": customers.image["id"],
        "name": "golden",
    }


def path_with(route: Route, ids: dict[str, str]) -> str:
    known = {"account_id": "0" * 32, "period": "2026-11", "location": "RegionOne"}
    known["stack_id"] = NOBODYS
    path = route.path.format(**known | ids)
    needed = [f"{p.name}={ids.get(p.name, NOBODYS)}" for p in route.parameters if p.is_required]
    return f"{path}?{'&'.join(needed)}" if needed else path


def queries(route: Route) -> Iterator[Parameter]:
    """Yield the parameters of the query that an id or a name of another account fits."""
    fitting = {"marker", "image_id", "source_instance_id", "name"}
    yield from (one for one in route.parameters if one.place == "query" and one.name in fitting)


def told(office: Office, customers: Customers, route: Route, path: str, body: Any) -> bytes:
    """Return status and bytes of the answer to a stranger, without the id of the request."""
    token = office.token(customers.stranger.cloud)
    answer = office.api(route.method, path, token, json=body)
    request_id = answer.headers["x-openstack-request-id"].encode()
    return str(answer.status_code).encode() + answer.content.replace(request_id, b"")


def blanked(content: bytes, ids: dict[str, str]) -> bytes:
    """Return the content without the ids, which an answer may repeat."""
    for one in (*ids.values(), NOBODYS):
        content = content.replace(one.encode(), b"")
    return content


@every_route
def test_another_accounts_ids_are_answered_like_ids_that_nobody_has(
    office: Office, customers: Customers, route: Route
) -> None:
    ids = theirs(customers)
    nobodys = dict.fromkeys(ids, NOBODYS)

    def compare(ours: str, unknown: str, *bodies: Any) -> None:
        first, second = bodies or (route.request_example,) * 2
        one = told(office, customers, route, ours, first)
        other = told(office, customers, route, unknown, second)
        assert blanked(one, ids) == blanked(other, ids)
        assert not one.startswith(b"5")

    compare(path_with(route, ids), path_with(route, nobodys))
    for parameter in queries(route):
        between = "&" if "?" in path_with(route, nobodys) else "?"
        stem = f"{path_with(route, nobodys)}{between}{parameter.name}="
        if parameter.is_required:
            continue  # it is in the path compared above
        compare(f"{stem}{ids.get(parameter.name, ids['image_id'])}", f"{stem}{NOBODYS}")
    for bodies in bodies_with(route, ids):
        compare(path_with(route, nobodys), path_with(route, nobodys), *bodies)


def bodies_with(route: Route, ids: dict[str, str]) -> Iterator[tuple[Any, Any]]:
    """Yield the route's body with an id of another account in one member, and with nobody's."""
    if route.request_schema is None or route.request_example is None:
        return
    for noun, schema in route.request_schema["properties"].items():
        for member in schema.get("properties", {}):
            if member in _MEMBERS:
                inside = route.request_example[noun]
                named = {noun: {**inside, member: ids.get(member, "golden")}}
                yield named, {noun: {**inside, member: NOBODYS}}


@every_route
def test_another_role_learns_nothing_and_no_token_neither(
    office: Office, customers: Customers, route: Route
) -> None:
    """Without permission, whatever the path names is answered alike, and so is what is not."""
    ids = theirs(customers)
    forged = {
        "X-Project-Id": customers.member.id,
        "X-Roles": "admin,member,reader",
        "X-Identity-Status": "Confirmed",
        "X-Service-Token": "gAAAA",
        "X-Service-Identity-Status": "Confirmed",
    }
    token = office.token(customers.outsider.cloud)

    answers = [
        office.api(route.method, f"{path_with(route, named)}", token, json={"what": "ever"})
        for named in (ids, dict.fromkeys(ids, NOBODYS))
    ]
    nobody = office.api(route.method, path_with(route, ids), headers=forged, json={})
    service = office.api(route.method, path_with(route, ids), token, headers=forged, json={})

    assert [answer.status_code for answer in answers] == [403, 403]
    errors = [answer.json()["error"] for answer in answers]
    assert errors[0]["message"] == errors[1]["message"]
    assert {error["reason"] for error in errors} == {"forbidden"}
    assert (nobody.status_code, service.status_code) == (401, 401)


@every_route
def test_roles_that_are_too_few_are_refused_before_the_request_is_read(
    office: Office, customers: Customers, route: Route
) -> None:
    assert route.rule is not None
    if route.rule.role is Role.READER:
        return
    sender = customers.member if route.rule.role is Role.ADMIN else customers.reader
    path = f"{path_with(route, theirs(customers)).partition('?')[0]}?colour=red"

    error = office.ask(route.method, path, sender, 403, data=b"{").json()["error"]

    assert error["reason"] == "forbidden"
