"""A request finds, uses and makes nothing that its caller could not himself."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from instance_images.drivers.openstack.api.caller import CallerApi
from instance_images.drivers.openstack.api.operator import OpenStackApi
from instance_images.errors import NotFound, Refused, TokenRejected
from instance_images.locations.site import Site
from instance_images.model.cloud import ServerRequest
from instance_images.model.records import Account
from instance_images.model.requests.caller import Caller

from support.clouds.embedded_cloud import EmbeddedCloud, Project
from support.processes.command_line import CommandLine

pytestmark = pytest.mark.cloud


@dataclass(frozen=True)
class Office:
    """Two customers, of whom one is the caller, and the location as the command line has it."""

    cloud: EmbeddedCloud
    site: Site
    project: Project
    stranger: Project

    def caller(self, cloud: str | None = None) -> Caller:
        """Return who sends a request with a token of the cloud's user for the project."""
        with self.cloud.connection(cloud or self.project.cloud, self.project) as connection:
            session: Any = connection.session
            access = session.auth.get_access(session)
        return Caller(
            account_id=self.project.id,
            project_id=self.project.id,
            user_id=access.user_id,
            roles=access.role_names,
            token=access.auth_token,
        )


@pytest.fixture
def office(cloud: EmbeddedCloud, cli: CommandLine) -> Office:
    return Office(cloud, cli.site("RegionOne"), cloud.new_project(), cloud.new_project())


def test_instances_are_found_and_made_as_the_caller(office: Office) -> None:
    """Key pairs are a user's own: the caller's is found, the service user's is not."""
    with office.cloud.connection(office.project.cloud) as member:
        compute: Any = member.compute
        compute.create_keypair(name="mine")
        image = next(iter(member.image.images()))
    with office.cloud.connection() as operator:
        operator.compute.create_keypair(name=f"not {office.project.name}")
    caller = office.caller()
    provider = office.site.for_caller(caller).provider
    flavor = provider.find_flavor(office.project.id, "m1.tiny")
    request = ServerRequest(
        request_id="1", name="web", cloud_image_id=image.id, flavor=flavor, networks=("none",),
        key_name="mine", security_groups=(), user_data=None, count=1, volume_gib=None,
        server_group=None, availability_zone=None,
    )  # fmt: skip

    resolved = provider.resolve_request(office.project.id, request)
    server_id = provider.request_server(office.project.id, resolved)

    assert provider.find_server(office.project.id, "web").id == server_id
    with office.cloud.connection(office.project.cloud) as member:
        assert member.compute.get_server(server_id).user_id == caller.user_id
    with pytest.raises(NotFound, match="Key pair"):
        others = replace(request, key_name=f"not {office.project.name}")
        provider.resolve_request(office.project.id, others)


def test_nothing_of_another_project_is_found_or_made(office: Office) -> None:
    site = office.site.for_caller(office.caller())
    stranger = Account(office.stranger.id, office.stranger.name)

    asks: list[Callable[[], object]] = [
        lambda: site.provider.find_server(office.stranger.id, "web"),
        lambda: site.provider.find_flavor(office.stranger.id, "m1.tiny"),
        lambda: site.provider.list_scaling_groups(office.stranger.id),
        lambda: site.directory.find_server(stranger, "web", None),
    ]

    for ask in asks:
        with pytest.raises(Refused, match="Your token is for project"):
            ask()
    assert site.account(None).id == office.project.id


@pytest.mark.parametrize("token", ["", "no token", None])
def test_token_that_is_not_valid_is_rejected_and_never_shown(
    office: Office, token: str | None
) -> None:
    caller = office.caller()
    if token is None:
        with office.cloud.connection() as operator:
            identity: Any = operator.identity
            gone = identity.delete("/auth/tokens", headers={"X-Subject-Token": caller.token})
            assert gone.status_code == 204
        office.cloud.forget_login(office.project)
    else:
        caller = replace(caller, token=token)

    with pytest.raises(TokenRejected) as told:
        office.site.for_caller(caller).provider.find_server(office.project.id, "web")

    assert told.value.code == "token_rejected"
    assert caller.token not in str(told.value) or not caller.token
    assert caller.token not in repr(caller) or not caller.token


def test_no_stack_is_touched_with_the_admin_role(office: Office) -> None:
    with office.cloud.connection() as operator:
        identity: Any = operator.identity
        admin = identity.find_user("admin", ignore_missing=False)
        role = identity.find_role("admin", ignore_missing=False)
        identity.assign_project_role_to_user(office.project.id, admin, role)
    member = office.site.for_caller(office.caller()).provider
    operator_as_caller = office.site.for_caller(office.caller("admin")).provider

    assert list(member.list_scaling_groups(office.project.id)) == []
    member.require_group_rights(office.project.id)

    with pytest.raises(Refused, match="role admin"):
        operator_as_caller.list_scaling_groups(office.project.id)
    with pytest.raises(Refused, match="role admin"):
        operator_as_caller.require_group_rights(office.project.id)


def test_what_outlives_the_request_is_asked_as_the_service_user(office: Office) -> None:
    """A token may expire while a capture is under way."""
    provider = office.site.for_caller(replace(office.caller(), token="expired")).provider

    assert provider.get_server(office.project.id, "0" * 8) is None
    assert provider.sees_all_accounts()


@pytest.mark.parametrize("has_role", [True, False])
def test_token_of_a_service_user_with_the_role_goes_with_the_callers(
    office: Office, has_role: bool
) -> None:
    """Services then take the caller's token for as long as the request lasts."""
    roles = ("admin", "service") if has_role else ("admin",)
    user = office.cloud.new_user_of(office.stranger, *roles)
    office.cloud.enter_in_clouds_yaml(user)
    location = replace(office.site.location, cloud=user.cloud)
    caller = office.caller()
    service_user = OpenStackApi(location)
    api = CallerApi(location, service_user, caller)

    sent: Any = api._connection.session.get_auth_headers()
    answered = api.ask(office.project.id, "compute", "GET", "/servers")

    assert sent["X-Auth-Token"] == caller.token
    assert ("X-Service-Token" in sent) == has_role
    assert sent.get("X-Service-Token") != caller.token
    assert answered.json()["servers"] == []
