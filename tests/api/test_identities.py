"""Which tokens the API takes, what each kind may do, and which Keystone they are from."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import falcon.testing
import pytest

from instance_images.config.api import library_options
from instance_images.config.settings import load_settings
from instance_images.errors import CloudUnavailable, ConfigurationError
from instance_images.locations.application import Application
from instance_images.model.cloud import IdentityService
from instance_images_api import doctor
from instance_images_api.application import create_application, router
from instance_images_api.doctor import _endpoints, check_api
from instance_images_api.keystone import KeystoneComparison, TokenKeystone, fault_of_location
from instance_images_api.service import Service

from conftest import ConfiguredCommandLine
from support.clouds import installed_memory_cloud
from support.clouds.embedded_cloud import CHECKOUT
from support.clouds.memory_cloud import MemoryProvider
from support.processes.api_server import token_section
from support.processes.command_line import CommandLine
from support.worlds.api_world import Customers, Office

WEB = {"X-Project-Id": "web", "X-Project-Domain-Id": "acme"}
SHOP = {"X-Project-Id": "shop", "X-Project-Domain-Id": "acme"}
ACME, RIVAL = {"X-Domain-Id": "acme"}, {"X-Domain-Id": "rival"}
SERVER = "11111111-1111-4111-8111-111111111111"


class Domains:
    """An API whose accounts are domains: acme has the projects web and shop."""

    def __init__(self, cli: CommandLine) -> None:
        settings = load_settings([cli.config_file])
        libraries = library_options(settings.config_paths)
        service = Service(settings, libraries, KeystoneComparison(settings))
        self._client = falcon.testing.TestClient(router(service))

    def __call__(
        self, method: str, path: str, of: Mapping[str, str], roles: str, status: int, **more: Any
    ) -> Any:
        """Send a request with the headers that keystonemiddleware sets; require this status."""
        headers = {**of, "X-Roles": roles, "X-User-Id": "u"}
        answer = self._client.simulate_request(method, path, headers=headers, **more)
        assert answer.status_code == status, answer.text
        return answer.json if answer.content else None


@pytest.fixture
def domains(
    configured: ConfiguredCommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Domains]:
    monkeypatch.syspath_prepend(str(installed_memory_cloud.install(tmp_path / "site")))
    cli = configured(DEFAULT="account_scope = domain", location="provider = memory\ncloud = up")
    asked = Domains(cli)
    cli.ok("location", "list")
    location = load_settings([cli.config_file]).location("RegionOne")
    cloud = installed_memory_cloud.connect(location)
    assert isinstance(cloud, MemoryProvider)
    cloud.domain_of = {"web": "acme", "shop": "acme", "spy": "rival"}
    yield asked
    del installed_memory_cloud.CLOUDS["RegionOne"]


def test_a_domain_reads_its_account_and_its_manager_deletes(domains: Domains) -> None:
    body = {"image": {"name": "golden", "source_instance_id": SERVER}}
    made = domains("POST", "/v1/images", WEB, "member,reader", 202, json=body)
    path = f"/v1/images/{made['image']['id']}"

    for of in (WEB, SHOP, ACME):
        assert len(domains("GET", "/v1/images", of, "reader", 200)["images"]) == 1
        domains("GET", path, of, "reader", 200)
        assert domains("GET", "/v1/limits", of, "reader", 200)["limits"][0]["held"] == 1
        domains("GET", "/v1/reports/cloud-usage", of, "reader", 200)
    assert domains("GET", "/v1/images", RIVAL, "manager,member,reader", 200) == {"images": []}
    domains("DELETE", path, RIVAL, "manager,member,reader", 404)
    for of, roles in ((ACME, "member,reader"), (SHOP, "member,reader"), (WEB, "reader")):
        refused = domains("DELETE", path, of, roles, 403)["error"]
        assert refused["reason"] == "forbidden"
        assert "or the role manager for its domain" in refused["message"]
    task = f"/v1/tasks/{made['task']['id']}/retry"
    domains("POST", task, SHOP, "member,reader", 403)
    assert domains("POST", task, ACME, "manager,reader", 409)["error"]["reason"] == "wrong_state"
    scope = domains("POST", "/v1/images", ACME, "admin,manager,member", 403, json=body)["error"]
    assert (scope["reason"], "for a domain" in scope["message"]) == ("token_scope", True)
    domains("DELETE", path, ACME, "manager,member,reader", 204)


def test_location_of_another_keystone_is_known_by_address_and_project(
    domains: Domains, configured: ConfiguredCommandLine
) -> None:
    cloud = installed_memory_cloud.CLOUDS["RegionOne"]
    assert isinstance(cloud, MemoryProvider)
    own, known = IdentityService("one:5000", "spy"), TokenKeystone(["one:5000"], "web")

    def fault(own: IdentityService, known: TokenKeystone) -> str:
        return fault_of_location("RegionOne", cloud, own, known) or ""

    assert fault(own, known) == fault(own, replace(known, addresses=[])) == ""
    assert "is at two:5000" in fault(own, replace(known, addresses=["two:5000"]))
    assert "does not have project lost" in fault(own, replace(known, project_id="lost"))
    several = configured(DEFAULT="locations = RegionOne,RegionTwo", location="provider = memory")
    text = several.config_file.read_text().replace("locations = RegionOne\n", "", 1)
    several.config_file.write_text(f"{text}[location:RegionTwo]\ncloud = up\n")
    with pytest.raises(ConfigurationError, match=r"set \[api\] locations to those"):
        create_application(load_settings([several.config_file]))


@pytest.mark.cloud
def test_the_keystone_of_the_locations_is_compared(
    office: Office, configured: ConfiguredCommandLine
) -> None:
    section = token_section(office.cloud)

    def require(text: str) -> None:
        cli = configured(keystone_authtoken=text)
        KeystoneComparison(load_settings([cli.config_file])).require(["RegionOne"])

    require(section)
    with pytest.raises(ConfigurationError, match=r"keystone_authtoken\] cannot be used"):
        require(section.replace("password = minicloud", "password = wrong"))
    url = next(line for line in section.splitlines() if line.startswith("auth_url"))
    with pytest.raises(CloudUnavailable, match=r"keystone_authtoken\] does not answer"):
        require(section.replace(url, "auth_url = http://127.0.0.1:9/v3"))


@pytest.mark.cloud
def test_doctor_finds_what_is_wrong_with_the_api(
    office: Office, configured: ConfiguredCommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def found(more: str = "", **sections: str) -> list[str]:
        section = token_section(office.cloud) + more
        cli = configured(**({"keystone_authtoken": section} | sections))
        settings = load_settings([cli.config_file])
        return [one.what for one in check_api(Application(settings), settings.locations)]

    assert found(keystone_authtoken="") == []
    [told] = found()  # the embedded cloud's operator lacks the role
    assert "does not have the role service" in told
    [told] = found(more="\nusername = nobody")
    assert "[keystone_authtoken] cannot be used" in told
    policy = Path(office.cli.config_file).with_name("bad-policy.yaml")
    policy.write_text('"images:list": "rule:nowhere"\n')
    told, _ = found(oslo_policy=f"policy_file = {policy}")
    assert told.startswith("The policy has rules that name rules")
    known = list(_endpoints(["http://127.0.0.1:9/v1", office.api.url]))
    assert [one.what.split(":")[0] for one in known] == [
        "Nothing usable answers at the endpoint in the catalog"
    ]
    assert "no public endpoint" in next(_endpoints([])).what
    right = urlsplit(office.api.url).port
    monkeypatch.setattr(doctor, "PORT", right)  # which is 8794 elsewhere
    [wrong] = _endpoints(["http://127.0.0.1:9/v1"])
    assert wrong.cure == (
        f"The API answers at port {right}: set the endpoint's URL to http://127.0.0.1:{right}/v1."
    )


@pytest.mark.cloud
def test_requests_are_audited_where_that_is_configured(
    office: Office,
    customers: Customers,
    configured: ConfiguredCommandLine,
    caplog: pytest.LogCaptureFixture,
) -> None:
    cli = configured(
        api=f"audit_map_file = {CHECKOUT / 'etc' / 'api_audit_map.conf'}",
        audit_middleware_notifications="use_oslo_messaging = false",
        keystone_authtoken=token_section(office.cloud),
    )
    made = create_application(load_settings([cli.config_file]))

    def application(environ: Any, start_response: Any) -> Any:
        return made(environ, start_response)  # falcon looks at a signature

    client = falcon.testing.TestClient(application)
    token = office.token(customers.reader.cloud)

    with caplog.at_level("INFO", logger="audit"):
        client.simulate_get("/v1")
        client.simulate_delete(f"/v1/images/{SERVER}", headers={"X-Auth-Token": token})

    events = [one.args for one in caplog.records if one.name == "audit"]
    kinds = [event["event_type"] for event in events if isinstance(event, Mapping)]
    assert kinds == ["audit.http.request", "audit.http.response"]
    payload: Any = events[1]["payload"]  # type: ignore[call-overload,index]
    assert (payload["action"], payload["reason"]["reasonCode"]) == ("delete", "403")
    assert payload["target"]["typeURI"] == "service/instance-images/images/image_id"
    assert payload["initiator"]["project_id"] == customers.reader.id
    assert token not in caplog.text
    missing = configured(api="audit_map_file = /nowhere")
    with pytest.raises(ConfigurationError, match="there is no such file"):
        create_application(load_settings([missing.config_file]))


@pytest.mark.cloud
def test_token_that_is_revoked_or_of_another_keystone_is_no_token(
    office: Office, customers: Customers
) -> None:
    """One that auth_token has not seen yet, so that no cache answers for it."""
    sender = office.cloud.new_user_of(customers.member, "reader")
    with office.cloud.connection(sender.cloud) as connection:
        session: Any = connection.session
        token = session.get_token()
    with office.cloud.connection() as connection:
        admin: Any = connection.identity
        revoked = {"X-Subject-Token": token}
        assert admin.delete("/auth/tokens", headers=revoked).status_code == 204
    office.cloud.forget_login(sender)

    for dead in (token, token[:-8] + "AAAAAAAA", "gAAAAABm" + "x" * 180):
        assert office.api("GET", "/v1/images", dead).status_code == 401


@pytest.mark.cloud
def test_application_credential_is_held_to_its_access_rules(
    office: Office, customers: Customers
) -> None:
    """Its rules name our service and path; keystonemiddleware refuses what they do not name."""
    with office.cloud.connection(customers.reader.cloud) as connection:
        session: Any = connection.session
        auth_url, user_id = session.auth.auth_url, connection.current_user_id
        rule = {"service": "instance-images", "method": "GET", "path": "/v1/images"}
        wanted = {"name": "ours", "secret": "s3cret", "access_rules": [rule]}
        path = f"/users/{user_id}/application_credentials"
        identity: Any = connection.identity
        answer = identity.post(path, json={"application_credential": wanted})
    assert answer.status_code == 201, answer.text
    made = answer.json()["application_credential"]
    credential = {"id": made["id"], "secret": "s3cret"}
    auth = {
        "identity": {"methods": ["application_credential"], "application_credential": credential}
    }
    given = office.api.http.post(f"{auth_url}/auth/tokens", json={"auth": auth}, timeout=30)
    token = given.headers["X-Subject-Token"]

    allowed = office.api("GET", "/v1/images", token)
    others = [office.api("GET", "/v1/tasks", token), office.api("DELETE", "/v1/images", token)]

    assert [one["name"] for one in allowed.json()["images"]] == ["golden"]
    assert [one.status_code for one in others] == [401, 401]


@pytest.fixture
def customers(office: Office) -> Customers:
    return office.customers
