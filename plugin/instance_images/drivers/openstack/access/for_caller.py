"""The driver for OpenStack on behalf of a caller: which requests go with the caller's own token.

What a request names is looked up as the caller, and instances and stacks are made as the caller:
through us, nobody finds or uses what he could not find or use himself. All else is asked as the
service user, because it outlives the request: captures, images, and every look that settles a task.
"""

from collections.abc import Collection, Sequence

from instance_images.config.settings import Location
from instance_images.drivers.openstack.access.caller_api import CallerApi
from instance_images.drivers.openstack.api import OpenStackApi
from instance_images.drivers.openstack.driver import OpenStackProvider
from instance_images.drivers.openstack.glance_offers import OpenStackChoices
from instance_images.drivers.openstack.heat import OpenStackStacks
from instance_images.drivers.openstack.nova import OpenStackServers
from instance_images.drivers.openstack.nova_deploy import OpenStackDeployments
from instance_images.drivers.openstack.stack_rights import StackRights, privileged
from instance_images.errors import TooManyRights
from instance_images.model.caller import Caller
from instance_images.model.cloud import Flavor, OfferedImage, Server, ServerRequest
from instance_images.model.scaling import GroupRequest, Rollout, ScalingGroup


class OpenStackForCaller(OpenStackProvider):
    """Drives one region for one request of a caller."""

    def __init__(self, location: Location, operator: OpenStackApi, caller: Caller) -> None:
        super().__init__(location, operator)
        api = CallerApi(location, operator, caller)
        self._server_part = OpenStackServers(location, api)
        self._deploy_part = OpenStackDeployments(location, api)
        self._offer_part = OpenStackChoices(location, api)
        self._rights = _CallerRights(location, operator, api)
        self._stack_part = OpenStackStacks(location, api, self._rights)

    # ------------------------------------------------------------------ what a request names

    def find_server(self, project_id: str, reference: str) -> Server:
        """Return the project's instance of that id or name, if the caller sees it."""
        return self._server_part.find_server(project_id, reference)

    def find_servers(self, project_ids: Collection[str], reference: str) -> list[Server]:
        """Return the instances of that id or name in the projects, as far as the caller sees."""
        return self._server_part.find_servers(project_ids, reference)

    def disk_bytes(self, project_id: str, server: Server) -> int | None:
        """Return the size of the disk that the flavor of the caller's instance has."""
        return self._server_part.disk_bytes(project_id, server)

    def find_flavor(self, project_id: str, reference: str) -> Flavor:
        """Return the flavor of that id or name that the caller may use."""
        return self._deploy_part.find_flavor(project_id, reference)

    def resolve_request(self, project_id: str, request: ServerRequest) -> ServerRequest:
        """Return the request with ids of what the caller may use in place of names."""
        return self._deploy_part.resolve_request(project_id, request)

    def list_os_images(self, project_id: str) -> list[OfferedImage]:
        """Return what the provider offers, as the caller sees it."""
        return self._offer_part.list_os_images(project_id)

    # ---------------------------------------------------------------------- instances, stacks

    def request_server(self, project_id: str, request: ServerRequest) -> str:
        """Start to make the instances as the caller, whose they are; return the first one's id."""
        return self._deploy_part.request_server(project_id, request)

    def list_scaling_groups(self, project_id: str) -> list[ScalingGroup]:
        """Return the project's scaling groups by name, without their members."""
        self._rights.checked_api(project_id)
        return self._stack_part.list_scaling_groups(project_id)

    def find_scaling_group(
        self, project_id: str, reference: str, group: str | None = None
    ) -> ScalingGroup:
        """Return the scaling group in the project's stack of that id or name."""
        self._rights.checked_api(project_id)
        return self._stack_part.find_scaling_group(project_id, reference, group)

    def require_group_rights(self, project_id: str) -> None:
        """Raise Refused where the caller has more rights than a template may be executed with."""
        self._stack_part.require_group_rights(project_id)

    def resolve_group_request(self, project_id: str, server: ServerRequest) -> ServerRequest:
        """Return the request with ids of what the caller may use in place of names."""
        return self._stack_part.resolve_group_request(project_id, server)

    def create_scaling_group(
        self, project_id: str, group: GroupRequest, server: ServerRequest
    ) -> str:
        """Start to make a scaling group as the caller; return its id."""
        return self._stack_part.create_scaling_group(project_id, group, server)

    def change_group_image(
        self, group: ScalingGroup, cloud_image_id: str, rollout: Rollout | None
    ) -> None:
        """Have the group make new instances from the image, as the caller."""
        self._stack_part.change_group_image(group, cloud_image_id, rollout)


class _CallerRights(StackRights):
    """The caller's token in place of ``stack_cloud``, if its rights are few enough."""

    def __init__(self, location: Location, operator: OpenStackApi, api: CallerApi) -> None:
        super().__init__(location, operator)
        self._caller_api = api

    def checked_api(self, project_id: str) -> OpenStackApi:
        """Return what asks Heat to act in the project as the caller.

        Raises Refused where the caller's token has a privileged role, or is the service user's.
        """
        access = self._caller_api.access_in(project_id)
        roles: Sequence[str] = privileged(access.role_names)
        if not roles and access.user_id == self._operator.access.user_id:
            roles = ["of this service's own user"]
        if roles:
            raise TooManyRights(
                f"Scaling groups cannot be used with the role {', '.join(roles)}: Heat would"
                " execute the templates of customers with it. Use a token with the role member"
                " alone."
            )
        return self._caller_api
