"""The driver for OpenStack: each operation, the service that does it, and whose rights it takes.

Requests for a project are made with a token of that project, so that what they make belongs to it.

What a request of a caller names is looked up as the caller, and instances and stacks are made as
the caller: through us, nobody finds or uses what he could not find or use himself. All else is
asked as the operator, because it outlives the request: captures, images, and every look that
settles a task. Without a caller the operator asks everything.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime

from instance_images.config.settings import Location
from instance_images.drivers.openstack.api.caller import CallerApi
from instance_images.drivers.openstack.api.operator import OpenStackApi
from instance_images.drivers.openstack.cinder import Volumes
from instance_images.drivers.openstack.doctor import Examination
from instance_images.drivers.openstack.glance import notifications
from instance_images.drivers.openstack.glance.images import Images
from instance_images.drivers.openstack.glance.offers import Offers
from instance_images.drivers.openstack.heat.rights import CallerRights, StackCloud, StackRights
from instance_images.drivers.openstack.heat.scaling_groups import ScalingGroups
from instance_images.drivers.openstack.keystone.limits import Limits
from instance_images.drivers.openstack.keystone.projects import Projects
from instance_images.drivers.openstack.nova.deployments import Deployments
from instance_images.drivers.openstack.nova.servers import Servers
from instance_images.drivers.openstack.nova.servers_of_request import ServersOfRequest
from instance_images.drivers.openstack.nova.shelved import ShelvedServers
from instance_images.drivers.openstack.service import accepted_name
from instance_images.drivers.provider import Provider
from instance_images.instants import Clock
from instance_images.model.cloud import (
    CapturePart,
    CloudImage,
    Domain,
    Flavor,
    IdentityService,
    MarkedPart,
    Notice,
    OfferedImage,
    PartKind,
    Project,
    RootVolume,
    Server,
    ServerRequest,
    Shelf,
)
from instance_images.model.findings import Finding
from instance_images.model.records import Account
from instance_images.model.requests.caller import Caller
from instance_images.model.scaling import GroupRequest, Rollout, ScalingGroup


class _Services:
    """The services of one region, with the rights of one user."""

    def __init__(self, location: Location, api: OpenStackApi, rights: StackRights) -> None:
        self.projects = Projects(location, api)
        self.limits = Limits(location, api)
        self.servers = Servers(location, api)
        self.deployments = Deployments(location, api)
        self.shelved = ShelvedServers(location, api)
        self.images = Images(location, api)
        self.offers = Offers(location, api)
        self.volumes = Volumes(location, api)
        self.groups = ScalingGroups(location, api, rights)


class OpenStackProvider(Provider):
    """Drives one region of an OpenStack cloud with one entry of clouds.yaml.

    ``operator`` is another driver's connection to the same region; ``caller`` is whom this one
    acts for, if for anybody.
    """

    def __init__(
        self,
        location: Location,
        operator: OpenStackApi | None = None,
        caller: Caller | None = None,
    ) -> None:
        self._location = location
        self._operator_api = operator = operator or OpenStackApi(location)
        stack_cloud = StackCloud(location, operator)
        self._operator = self._caller = _Services(location, operator, stack_cloud)
        self._examination = Examination(location, operator, stack_cloud)
        self._found: ServersOfRequest | None = None
        if caller is not None:
            api = CallerApi(location, operator, caller)
            self._caller = _Services(location, api, CallerRights(operator, api))
            self._found = ServersOfRequest(location, api, operator)
            self._caller.servers = self._found

    def for_caller(self, caller: Caller) -> "OpenStackProvider":
        """Return the driver that does with the caller's token what is for the caller to do."""
        return OpenStackProvider(self._location, self._operator_api, caller)

    # ------------------------------------------------------------------ projects, limits, doctor

    def find_project(self, reference: str | None) -> Project:
        return self._operator.projects.find_project(reference)

    def identity_service(self) -> IdentityService:
        return self._operator.projects.identity_service()

    def find_domain(self, reference: str) -> Domain:
        return self._operator.projects.find_domain(reference)

    def list_projects(self, domain_id: str | None = None) -> Sequence[Project]:
        return self._operator.projects.list_projects(domain_id)

    def sees_all_accounts(self) -> bool:
        return self._operator.projects.sees_all_accounts()

    def account_limit(self, account: Account) -> int | None:
        return self._operator.limits.account_limit(account)

    def default_limit(self) -> int | None:
        """Return what the cloud's operator allows an account he says nothing of."""
        return self._operator.limits.default_limit()

    def full_quota(self, project_id: str) -> str | None:
        return self._operator.images.full_quota(project_id)

    def examine(
        self, *, project_ids: Collection[str], max_images: int, clock: Clock
    ) -> Iterator[Finding]:
        return self._examination.findings(project_ids, max_images, clock)

    # ------------------------------------------------------------------ instances

    def find_server(self, project_id: str, reference: str) -> Server:
        return self._caller.servers.find_server(project_id, reference)

    def find_servers(self, project_ids: Collection[str], reference: str) -> list[Server]:
        return self._caller.servers.find_servers(project_ids, reference)

    def get_server(self, project_id: str, server_id: str) -> Server | None:
        return self._operator.servers.get_server(project_id, server_id)

    def disk_bytes(self, project_id: str, server: Server) -> int | None:
        return self._caller.servers.disk_bytes(project_id, server)

    def freezes_file_systems(self, project_id: str, server: Server) -> bool:
        known = self._found.freezes_if_known(project_id, server) if self._found else None
        if known is not None:
            return known
        return self._operator.servers.freezes_file_systems(project_id, server)

    def shelved(self, instance_ids: Collection[str]) -> Mapping[str, str]:
        return self._operator.shelved.shelved(instance_ids)

    def shelf_of(self, instance_ids: Collection[str]) -> Mapping[str, Shelf]:
        return self._operator.shelved.shelf_of(instance_ids)

    # ------------------------------------------------------------------ captures of local disks

    def kept_name(self, name: str) -> str:
        return accepted_name(name)

    def request_capture(self, project_id: str, server_id: str, name: str, request_id: str) -> str:
        is_known = self._found is not None and self._found.has_found(project_id, server_id)
        return self._operator.servers.request_capture(
            project_id, server_id, name, request_id, is_of_project=is_known
        )

    def find_captured(self, project_id: str, request_id: str) -> Sequence[CloudImage]:
        return self._operator.images.find_captured(project_id, request_id)

    # ------------------------------------------------------------------ captures of volumes

    def find_root_volume(self, project_id: str, server_id: str) -> RootVolume:
        return self._operator.volumes.find_root_volume(project_id, server_id)

    def request_snapshot(self, project_id: str, volume_id: str, request_id: str) -> str:
        return self._operator.volumes.request_snapshot(project_id, volume_id, request_id)

    def request_volume(self, project_id: str, snapshot_id: str, request_id: str) -> str:
        return self._operator.volumes.request_volume(project_id, snapshot_id, request_id)

    def label_volume(self, project_id: str, volume_id: str, request_id: str) -> None:
        self._operator.volumes.label_volume(project_id, volume_id, request_id)

    def request_upload(self, project_id: str, volume_id: str, name: str, disk_format: str) -> str:
        return self._operator.volumes.request_upload(project_id, volume_id, name, disk_format)

    def complete_image(
        self, project_id: str, cloud_image_id: str, request_id: str, minima: Mapping[str, int]
    ) -> None:
        self._operator.images.complete_image(project_id, cloud_image_id, request_id, minima)

    def get_part(self, project_id: str, kind: PartKind, part_id: str) -> CapturePart | None:
        return self._operator.volumes.get_part(project_id, kind, part_id)

    def find_parts(self, project_id: str, kind: PartKind, request_id: str) -> Sequence[CapturePart]:
        return self._operator.volumes.find_parts(project_id, kind, request_id)

    def list_parts(self) -> Iterator[MarkedPart]:
        return self._operator.volumes.list_parts()

    def delete_part(self, project_id: str, part: CapturePart, *, force: bool = False) -> None:
        self._operator.volumes.delete_part(project_id, part, force=force)

    # ------------------------------------------------------------------ images

    def image_service(self) -> str | None:
        return self._operator.images.image_service()

    def get_image(self, cloud_image_id: str) -> CloudImage | None:
        return self._operator.images.get_image(cloud_image_id)

    def list_images(self) -> Iterator[CloudImage]:
        return self._operator.images.list_images()

    def read_notification(self, event_type: str, payload: object) -> Notice | None:
        return notifications.read_notification(event_type, payload)

    def share_image(self, cloud_image_id: str, project_ids: Collection[str]) -> None:
        self._operator.images.share_image(cloud_image_id, project_ids)

    def delete_image(self, project_id: str, cloud_image_id: str) -> bool:
        return self._operator.images.delete_image(project_id, cloud_image_id)

    # ------------------------------------------------------------------ deployments

    def list_os_images(self, project_id: str) -> Sequence[OfferedImage]:
        return self._caller.offers.list_os_images(project_id)

    def offered_images(
        self, project_id: str, cloud_image_ids: Sequence[str]
    ) -> Sequence[OfferedImage]:
        return self._operator.offers.offered_images(project_id, cloud_image_ids)

    def find_flavor(self, project_id: str, reference: str) -> Flavor:
        return self._caller.deployments.find_flavor(project_id, reference)

    def resolve_request(self, project_id: str, request: ServerRequest) -> ServerRequest:
        return self._caller.deployments.resolve_request(project_id, request)

    def request_server(self, project_id: str, request: ServerRequest) -> str:
        return self._caller.deployments.request_server(project_id, request)

    def find_requested_servers(
        self, project_id: str, request_id: str, since: datetime
    ) -> Sequence[Server]:
        return self._operator.deployments.find_requested_servers(project_id, request_id, since)

    # ------------------------------------------------------------------ scaling groups

    def offers_scaling_groups(self) -> bool:
        return self._operator.groups.offers_scaling_groups()

    def list_scaling_groups(self, project_id: str) -> Sequence[ScalingGroup]:
        return self._caller.groups.list_scaling_groups(project_id)

    def find_scaling_group(
        self, project_id: str, reference: str, group: str | None = None
    ) -> ScalingGroup:
        return self._caller.groups.find_scaling_group(project_id, reference, group)

    def require_group_rights(self, project_id: str) -> None:
        self._caller.groups.require_group_rights(project_id)

    def resolve_group_request(self, project_id: str, server: ServerRequest) -> ServerRequest:
        return self._caller.groups.resolve_group_request(project_id, server)

    def create_scaling_group(
        self, project_id: str, group: GroupRequest, server: ServerRequest
    ) -> str:
        return self._caller.groups.create_scaling_group(project_id, group, server)

    def change_group_image(
        self, group: ScalingGroup, cloud_image_id: str, rollout: Rollout | None
    ) -> None:
        self._caller.groups.change_group_image(group, cloud_image_id, rollout)

    def stacks_using_image(self, project_id: str, cloud_image_id: str) -> Sequence[str]:
        return self._operator.groups.stacks_using_image(project_id, cloud_image_id)
