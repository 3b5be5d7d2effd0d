"""The parts of a driver that a cloud may lack: domains, scaling groups, volumes. Knows no cloud.

A driver overrides all methods of a part or none. What it does not override refuses, and changes
nothing; what can be answered truly without the part (no groups, no leftovers) is answered.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence

from instance_images.errors import Refused
from instance_images.model.cloud import (
    CapturePart,
    Domain,
    MarkedPart,
    PartKind,
    Project,
    RootVolume,
    ServerRequest,
)
from instance_images.model.scaling import GroupRequest, Rollout, ScalingGroup


class DomainPart:
    """Projects in domains, of which one can be an account: ``account_scope = domain``."""

    def find_domain(self, reference: str) -> Domain:
        """Return the domain of that id or name. Raises NotFound."""
        raise Refused("This cloud has no domains: set account_scope = project.")

    def list_projects(self, domain_id: str | None = None) -> Sequence[Project]:
        """Return all projects, or those of one domain, each once and with its domain's name.

        Raises Refused where the credentials may not list them, or the list would be cut off, and
        NotFound for an unknown domain. A driver without domains may have this one: it saves a
        request for each project.
        """
        raise Refused("This driver lists no projects.")

    def share_image(self, cloud_image_id: str, project_ids: Collection[str]) -> None:
        """Let these projects use the image too, without their consent.

        Projects that may use it already stay as they are: repeating it changes nothing. Raises
        Refused for an unknown image; after Refused and CloudUnavailable, some of the projects may
        have been let in.
        """
        raise Refused("This driver shares no images.")


class ScalingPart:
    """Groups of instances that are made from an image, in stacks of their project."""

    def offers_scaling_groups(self) -> bool:
        """Return whether the cloud has scaling groups, and the driver the methods below."""
        return False

    def list_scaling_groups(self, project_id: str) -> Sequence[ScalingGroup]:
        """Return the project's scaling groups by name, without their members."""
        raise _no_groups()

    def find_scaling_group(
        self, project_id: str, reference: str, group: str | None = None
    ) -> ScalingGroup:
        """Return the scaling group in the project's stack of that id or name, with its members.

        ``group`` names one where the stack has several. Raises NotFound, also for a stack of
        another project, and Refused.
        """
        raise _no_groups()

    def require_group_rights(self, project_id: str) -> None:
        """Return if groups of the project can be made and changed with a customer's rights.

        The cloud executes the customers' own templates with the rights of whoever changes a group:
        these must be no more than the customer's. Raises ConfigurationError or Refused.
        """
        raise _no_groups()

    def resolve_group_request(self, project_id: str, server: ServerRequest) -> ServerRequest:
        """Return the request with ids in place of names, as ``Provider.resolve_request`` does.

        They are those that whoever makes the group may use. Raises also what
        ``require_group_rights`` raises.
        """
        raise _no_groups()

    def create_scaling_group(
        self, project_id: str, group: GroupRequest, server: ServerRequest
    ) -> str:
        """Start to make a scaling group of such instances; return its id.

        ``server`` is what ``resolve_group_request`` returned, and its ``count`` is of no account.
        No two groups of a project have one name: a repeated request raises Refused, and makes no
        second one.
        """
        raise _no_groups()

    def change_group_image(
        self, group: ScalingGroup, cloud_image_id: str, rollout: Rollout | None
    ) -> None:
        """Have the group, as it was found, make new instances from the image.

        With a rollout its members are replaced; without, they are not touched. To repeat it
        changes nothing. Raises WrongState where the group is busy, and Refused.
        """
        raise _no_groups()

    def stacks_using_image(self, project_id: str, cloud_image_id: str) -> Sequence[str]:
        """Return the names of the project's stacks that cannot do without the image."""
        return []


class VolumePart:
    """Instances whose primary disk is a volume; their captures take several steps.

    The caller takes the steps in this order, and looks with ``get_part`` in between:
    ``request_snapshot``, ``request_volume``, ``label_volume``, ``request_upload``,
    ``complete_image``, and at the end ``delete_part``, the volume before the snapshot. Where an
    answer was lost, it looks with ``find_parts``, and believes what a part was made of. Whatever is
    made belongs to the project and is marked with the request id from its first moment. A request
    that is repeated makes a second thing: the caller sees to it that none is. The ids of volumes,
    snapshots and images are such as the driver itself has returned for the project.
    """

    def find_root_volume(self, project_id: str, server_id: str) -> RootVolume:
        """Return the volume that is the instance's primary disk.

        Raises NotFound where the project has no such instance, and WrongState where its primary
        disk is no volume, or cannot be told from others.
        """
        raise _no_volumes()

    def request_snapshot(self, project_id: str, volume_id: str, request_id: str) -> str:
        """Start to take a snapshot of a volume that may be in use; return the snapshot's id."""
        raise _no_volumes()

    def request_volume(self, project_id: str, snapshot_id: str, request_id: str) -> str:
        """Start to make a volume of the snapshot; return the volume's id."""
        raise _no_volumes()

    def label_volume(self, project_id: str, volume_id: str, request_id: str) -> None:
        """Have an image that is made of the volume marked with the request id.

        The image also gets the properties that say how the disk is to be booted, and no others.
        To do it again changes nothing.
        """
        raise _no_volumes()

    def request_upload(self, project_id: str, volume_id: str, name: str, disk_format: str) -> str:
        """Start to make an image of the volume; return the image's id.

        ``disk_format`` is the location's ``volume_image_format``: ``raw`` or ``qcow2``.
        """
        raise _no_volumes()

    def complete_image(
        self, project_id: str, cloud_image_id: str, request_id: str, minima: Mapping[str, int]
    ) -> None:
        """Give the image its mark and what it needs: ``min_disk`` in GiB, ``min_ram`` in MiB.

        To do it again changes nothing. Raises NotFound.
        """
        raise _no_volumes()

    def get_part(self, project_id: str, kind: PartKind, part_id: str) -> CapturePart | None:
        """Return the project's snapshot or volume of that id, with what it was made of.

        None if the project has none. One that is being deleted is there until it is gone.
        """
        return None

    def find_parts(self, project_id: str, kind: PartKind, request_id: str) -> Sequence[CapturePart]:
        """Return the project's snapshots, or its volumes, that are marked with the request id.

        Anybody in the project can write marks: ``source_id`` tells those that were made of
        something else, and comes from the cloud itself. One that is being deleted is among them.
        """
        return ()

    def list_parts(self) -> Iterable[MarkedPart]:
        """Yield the snapshots and volumes of all projects that are marked with a request id."""
        return ()

    def delete_part(self, project_id: str, part: CapturePart, *, force: bool = False) -> None:
        """Start to delete a snapshot or volume; one that is gone already is no error.

        With ``force`` also one that is stuck in a state of transition, if the credentials can.
        Raises Refused (or WrongState) while it is still used.
        """
        raise _no_volumes()


def _no_groups() -> Refused:
    return Refused("This location has no scaling groups: its cloud does not offer them.")


def _no_volumes() -> Refused:
    return Refused("This location's driver captures no instance whose primary disk is a volume.")
