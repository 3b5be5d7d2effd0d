"""Heat in our types: scaling groups in stacks of their project, and which stacks need an image.

A stack's name comes from Heat or is checked first, so that no path holds anything else. The
credentials of the location only read here, and only what has Heat execute nothing: a stack without
its outputs, and no resource's attributes, which Heat would look up with the admin role. All else is
asked with the rights that ``StackRights`` has checked.
"""

import json
import logging
import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from instance_images.config.settings import Location
from instance_images.drivers.openstack.api.answers import body_of, reason_of
from instance_images.drivers.openstack.api.operator import OpenStackApi
from instance_images.drivers.openstack.heat.customer_yaml import parsed
from instance_images.drivers.openstack.heat.descriptions import (
    Body,
    changed_parameters,
    fault_of_definition,
    members_of,
    status_of,
)
from instance_images.drivers.openstack.heat.rights import StackRights
from instance_images.drivers.openstack.heat.templates import (
    GROUP_TYPE,
    Definition,
    definition_of,
    group_names,
    member_type,
    needs_files,
    stack_of_group,
    tags_of_group,
)
from instance_images.drivers.openstack.nova.deployments import Deployments
from instance_images.drivers.openstack.service import PAGE, Service
from instance_images.errors import (
    ConfigurationError,
    NotFound,
    ProjectUnavailable,
    Refused,
    TooDeep,
    WrongState,
)
from instance_images.model.cloud import ServerRequest
from instance_images.model.scaling import (
    GroupRequest,
    GroupStatus,
    Member,
    Rollout,
    ScalingGroup,
    is_group_name,
)
from instance_images.names import printable
from instance_images.parallel import carried

LOG = logging.getLogger(__name__)
_STACK_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_AT_ONCE = 8  # requests, where each of many stacks has to be looked at
_DEPTH = 2  # of stacks below the stack of a group: the group's own, and one for each member

Item = TypeVar("Item")
Found = TypeVar("Found")


class ScalingGroups(Service):
    """Scaling groups of Heat, and the stacks that need an image."""

    def __init__(self, location: Location, api: OpenStackApi, rights: StackRights) -> None:
        super().__init__(location, api)
        self._rights = rights

    def offers_scaling_groups(self) -> bool:
        """Return whether the catalog has Heat."""
        return self._api.offers("orchestration")

    def list_scaling_groups(self, project_id: str) -> list[ScalingGroup]:
        """Return the project's scaling groups by name, without their members."""
        self._rights.require_reader(project_id)
        self._require_heat()

        def groups_in(stack: Body) -> list[ScalingGroup]:
            try:
                return groups_of(stack)
            except TooDeep as error:  # the customer's own, which hides no other group
                LOG.warning("Skipped stack %s of project %s: %s", stack["id"], project_id, error)
                return []

        def groups_of(stack: Body) -> list[ScalingGroup]:
            template = self._read(project_id, f"{_path(stack)}/template")
            names = group_names(template or {})
            shown = self._shown(project_id, _path(stack)) if names else None
            if template is None or shown is None:
                return []  # of no interest, or deleted just now
            return [self._group(project_id, shown["stack"], template, name) for name in names]

        stacks = sorted(self._stacks(project_id), key=lambda stack: str(stack["stack_name"]))
        return [group for groups in self._of_each(groups_in, stacks) for group in groups]

    def find_scaling_group(
        self, project_id: str, reference: str, group: str | None = None
    ) -> ScalingGroup:
        """Return the scaling group in the project's stack of that id or name, with its members."""
        self._rights.require_reader(project_id)
        self._require_heat()
        stack = self._find_stack(project_id, reference)
        template = self._read(project_id, f"{_path(stack)}/template") if stack else None
        if stack is None or template is None:
            raise NotFound(
                "Scaling group",
                reference,
                f"Project {project_id} has no stack of that id or name in {self._location.name}.",
            )
        names = group_names(template)
        if not names:
            raise Refused(f"Stack {stack['stack_name']} has no scaling group ({GROUP_TYPE}).")
        if group is None and len(names) > 1:
            raise Refused(
                f"Stack {stack['stack_name']} has {len(names)} scaling groups: name one of"
                f" {_listed(names)}.",
                case="group",
            )
        if group is not None and group not in names:
            raise NotFound(
                "Group", group, f"Stack {stack['stack_name']} has these: {_listed(names)}."
            )
        return self._group(project_id, stack, template, group or names[0], with_members=True)

    def require_group_rights(self, project_id: str) -> None:
        """Raise ConfigurationError unless stacks can be changed without the admin role."""
        self._require_heat()
        self._rights.checked_api(project_id)

    def resolve_group_request(self, project_id: str, server: ServerRequest) -> ServerRequest:
        """Return the request with ids in place of names, as the user of the stacks sees them."""
        self._require_heat()
        finder = Deployments(self._location, self._rights.checked_api(project_id))
        return finder.resolve_request(project_id, server)

    def create_scaling_group(
        self, project_id: str, group: GroupRequest, server: ServerRequest
    ) -> str:
        """Start to make a scaling group of such instances; return its id."""
        self._require_heat()
        answer = self._execute(
            project_id,
            "POST",
            "/stacks",
            json=stack_of_group(group, server),
            allow=(400, 403, 409),
        )
        if answer.status_code == 409:
            made = self._made_before(project_id, group)
            if made is not None:
                return made
            raise Refused(
                f"There is a stack named {group.name} already.",
                case="group exists",
                name=group.name,
            )
        if answer.status_code != 201:
            raise Refused(f"Heat refused to make the scaling group: {reason_of(answer)}")
        return str(answer.json()["stack"]["id"])

    def _made_before(self, project_id: str, group: GroupRequest) -> str | None:
        """Return the id of the stack that the same request has made, if it has."""
        tags = set(tags_of_group(group))
        for stack in self._stacks(project_id, name=group.name) if group.request_id else ():
            if stack["stack_name"] == group.name and tags <= set(stack.get("tags") or ()):
                return str(stack["id"])
        return None

    def change_group_image(
        self, group: ScalingGroup, cloud_image_id: str, rollout: Rollout | None
    ) -> None:
        """Have the group make new instances from the image; see ``heat_templates``."""
        stack = self._find_stack(group.project_id, group.id)
        template = self._read(group.project_id, f"/stacks/{group.name}/{group.id}/template")
        if stack is None or template is None:
            raise NotFound("Scaling group", group.name, "It was deleted just now.")
        if str(stack["stack_status"]).endswith("_IN_PROGRESS"):
            # Heat would take the update, and make members anew that it has not finished with.
            raise WrongState(
                f"Heat is busy with stack {group.name}: try again when that has ended."
            )
        definition = self._definition(group.project_id, stack, template, group.group)
        answer = self._execute(
            group.project_id,
            "PATCH",
            f"/stacks/{group.name}/{group.id}",
            json={"parameters": changed_parameters(group, definition, cloud_image_id, rollout)},
            allow=(400, 403, 409),
        )
        if answer.status_code == 409:
            raise WrongState(
                f"Heat is busy with stack {group.name}: {reason_of(answer)} Try again when that has"
                " ended."
            )
        if answer.status_code != 202:
            raise Refused(f"Heat refused to update stack {group.name}: {reason_of(answer)}")

    def stacks_using_image(self, project_id: str, cloud_image_id: str) -> list[str]:
        """Return the names of the stacks whose parameters or template hold the image's id.

        That is two requests a stack at most, eight at a time; Heat itself limits how many stacks a
        project has (512, where nobody has changed that).
        """
        if not self.offers_scaling_groups():
            return []

        def holds(stack: Body) -> bool:
            try:
                shown = self._shown(project_id, _path(stack)) or {}
                if cloud_image_id in json.dumps(shown.get("stack", {}).get("parameters", {})):
                    return True
                template = self._read(project_id, f"{_path(stack)}/template")
                return cloud_image_id in json.dumps(template)
            except (TooDeep, RecursionError):
                return True  # whoever wrote the stack decides whether to do without the image

        stacks = self._stacks(project_id)
        found = zip(stacks, self._of_each(holds, stacks), strict=True)
        return sorted(str(stack["stack_name"]) for stack, is_used in found if is_used)

    # ------------------------------------------------------------------ reading Heat

    def _require_heat(self) -> None:
        if not self.offers_scaling_groups():
            raise Refused(
                f"Location {self._location.name} has no scaling groups: the catalog of its cloud"
                " has no Heat."
            )

    def _ask(self, project_id: str, method: str, path: str, **more: Any) -> Any:
        return self._api.ask(project_id, "orchestration", method, path, **more)

    def _execute(self, project_id: str, method: str, path: str, **more: Any) -> Any:
        """Have Heat execute something in the project."""
        api = self._rights.checked_api(project_id)
        return api.ask(project_id, "orchestration", method, path, **more)

    def _read(self, project_id: str, path: str, **params: str) -> Any:
        """Return what Heat has there, None if there is nothing for the project."""
        answer = self._ask(project_id, "GET", path, allow=(403, 404), params=params)
        return None if answer.status_code in (403, 404) else body_of(answer)

    def _shown(self, project_id: str, path: str) -> Any:
        """Return the stack without its outputs: Heat would look their values up with our rights."""
        return self._read(project_id, path, resolve_outputs="false")

    def _of_each(self, look: Callable[[Item], Found], items: Sequence[Item]) -> list[Found]:
        """Look at each item, several at a time; return what was found, in their order."""
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            return list(pool.map(carried(look), items))

    def _stacks(self, project_id: str, **filters: str) -> list[Body]:
        """Return the project's stacks; Heat shows the admin role those of every project."""
        params = {"limit": str(PAGE), **filters}
        stacks: list[Body] = []
        while True:
            answer = self._ask(project_id, "GET", "/stacks", params=params).json()
            stacks += [stack for stack in answer["stacks"] if _project_of(stack) == project_id]
            if len(answer["stacks"]) < PAGE:
                return stacks
            params["marker"] = answer["stacks"][-1]["id"]

    def _find_stack(self, project_id: str, reference: str) -> Body | None:
        """Return the project's stack of that id or name."""
        path = f"/stacks/{reference}"
        if not _STACK_ID.fullmatch(reference):
            if not is_group_name(reference):
                return None
            named = self._stacks(project_id, name=reference)
            path = next((_path(s) for s in named if s["stack_name"] == reference), "")
        shown = self._shown(project_id, path) if path else None
        if shown is None or _project_of(shown["stack"]) != project_id:
            return None
        return dict(shown["stack"])

    def _definition(self, project_id: str, stack: Body, template: Body, name: str) -> Definition:
        files: dict[str, Body] = {}
        if needs_files(template, name):
            files = self._file(project_id, stack, member_type(template, name))
        return definition_of(template, name, stack["parameters"], files)

    def _file(self, project_id: str, stack: Body, kind: str) -> dict[str, Body]:
        """Return the template that the stack brings for a type, by the type; no other is read."""
        contents = self._read(project_id, f"{_path(stack)}/files") or {}
        environment = self._read(project_id, f"{_path(stack)}/environment") or {}
        registry = environment.get("resource_registry")
        target = registry.get(kind, kind) if isinstance(registry, dict) else kind
        return {kind: parsed(contents[target])} if target in contents else {}

    def _group(
        self,
        project_id: str,
        stack: Body,
        template: Body,
        name: str,
        with_members: bool = False,
    ) -> ScalingGroup:
        definition = self._definition(project_id, stack, template, name)
        path = f"{_path(stack)}/resources"
        params = {"nested_depth": str(_DEPTH)}
        resources = self._ask(project_id, "GET", path, params=params).json()["resources"]
        size, members = members_of(stack, resources, name)
        if with_members:
            members = self._seen_by_nova(project_id, members)
        status, reason = status_of(stack, resources, name)
        if status is GroupStatus.READY and self._is_scaling(project_id, stack, name):
            status, reason = GroupStatus.CHANGING, "The group is scaling."
        return ScalingGroup(
            id=stack["id"],
            name=stack["stack_name"],
            project_id=project_id,
            group=name,
            status=status,
            reason=reason,
            cloud_image_id=definition.image,
            flavor=definition.flavor,
            min_size=definition.min_size,
            max_size=definition.max_size,
            desired_size=definition.desired_size,
            size=size,
            keeps_members=definition.keeps_members,
            fault=fault_of_definition(definition, size),
            members=tuple(members) if with_members else (),
        )

    def _is_scaling(self, project_id: str, stack: Body, name: str) -> bool:
        """Return whether the group acts on a signal; an update meanwhile would upset both.

        Heat answers this by looking all attributes of the group up, so it is asked with the rights
        that would change the group. Without them nothing can be changed, and it need not be known.
        """
        path = f"{_path(stack)}/resources/{name}/metadata"
        try:
            answer = self._execute(project_id, "GET", path, allow=(403, 404))
        except (ConfigurationError, ProjectUnavailable):
            return False
        found = answer.json() if answer.ok else {}
        return bool(found.get("metadata", {}).get("scaling_in_progress"))

    def _seen_by_nova(self, project_id: str, members: Sequence[Member]) -> list[Member]:
        """Return the members with their names, states and images."""

        def look(member: Member) -> Member:
            path = f"/servers/{member.server_id}"
            answer = self._api.ask(project_id, "compute", "GET", path, allow=(404,))
            if answer.status_code == 404:
                return member
            server = answer.json()["server"]
            image = server["image"]["id"] if server["image"] else None
            return Member(member.id, member.server_id, server["name"], server["status"], image)

        return self._of_each(look, members)


def _project_of(stack: Body) -> str:
    """Return the project that the stack's own address names: .../PROJECT/stacks/NAME/ID."""
    address = next(str(link["href"]) for link in stack["links"] if link["rel"] == "self")
    return address.rsplit("/", 4)[1]


def _path(stack: Body) -> str:
    return f"/stacks/{stack['stack_name']}/{stack['id']}"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(printable, names))
