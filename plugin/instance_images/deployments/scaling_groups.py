"""Makes scaling groups from the account's images, and chooses other images for them.

A group is a stack in a project of the account, so the stack itself is the record: its name is
unique there, and its parameters hold the image. A repeated request changes nothing. So no tasks are
needed.
"""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace

from instance_images.deployments.instances import (
    Order,
    fault_of_order,
    fault_of_size,
    request_of,
    require_available,
)
from instance_images.errors import (
    CloudUnavailable,
    ConfigurationError,
    NotFound,
    Refused,
    UsageError,
    WrongState,
)
from instance_images.locations.site import Site, require_enabled
from instance_images.model.cloud import CloudImage, Project
from instance_images.model.records import Account, Image
from instance_images.model.requests.idempotency import fault_of_key, ids_of_request
from instance_images.model.scaling import (
    ASK_TO_REPLACE,
    GroupRequest,
    GroupStatus,
    Rollout,
    ScalingGroup,
    fault_of_group,
    fault_of_image_change,
    is_done,
)
from instance_images.names import printable
from instance_images.parallel import in_parallel
from instance_images.tasks.advancing import current_image

LOG = logging.getLogger(__name__)

PAUSE_SECONDS = 1.0
# Each asks for several stacks at a time itself.
_PROJECTS_AT_ONCE = 4


def list_groups(site: Site, projects: Sequence[Project]) -> list[ScalingGroup]:
    """Return the scaling groups in these projects by name, without their members."""

    def groups_in(project: Project) -> list[ScalingGroup]:
        found = site.provider.list_scaling_groups(project.id)
        return [replace(group, project_name=project.name) for group in found]

    listed = in_parallel(groups_in, projects, _PROJECTS_AT_ONCE)
    groups = [group for found in listed for group in found]
    return sorted(groups, key=lambda group: (group.name, group.project_name, group.group))


def find_group(
    site: Site,
    account: Account,
    reference: str,
    group_name: str | None = None,
    project: str | None = None,
) -> ScalingGroup:
    """Return the scaling group in the account's stack of that id or name, with its members.

    ``group_name``: which one, if the stack has several. ``project``: id or name of the account's
    project that has the stack, None to look in all. Raises NotFound, also for a stack of another
    account, and Refused, also where stacks of several projects have the name.
    """
    projects = site.directory.projects_to_look_in(account, site.project_named(project))
    if len(projects) == 1:
        return _group_in(site, projects[0], reference, group_name)

    def look(where: Project) -> ScalingGroup | None:
        try:
            return _group_in(site, where, reference, group_name)
        except NotFound as error:
            if error.kind == "Scaling group":
                return None
            raise

    found = [group for group in in_parallel(look, projects, _PROJECTS_AT_ONCE) if group]
    if not found:
        raise NotFound(
            "Scaling group",
            reference,
            f"No project of account {printable(account.name)} has a stack of that id or name in"
            f" {site.name}.",
        )
    if len(found) > 1:
        names = ", ".join(printable(group.project_name) for group in found)
        raise Refused(
            f"{len(found)} stacks are named {printable(reference)!r}, in the projects {names}: name"
            " the project of one.",
            case="project",
        )
    return found[0]


def _group_in(
    site: Site, project: Project, reference: str, group_name: str | None = None
) -> ScalingGroup:
    found = site.provider.find_scaling_group(project.id, reference, group_name)
    return replace(found, project_name=project.name)


def _request_id(
    site: Site, account: Account, key: str, reference: str, group: GroupRequest, order: Order
) -> str:
    """Return what names the request; another request with the key has another name."""
    request = {"image": reference, "group": asdict(group), "order": asdict(order)}
    ids = ids_of_request(account.id, site.name, "group", key, request)
    return f"{ids.task_id}-{(ids.digest or '')[:16]}"


def create_group(
    site: Site,
    account: Account,
    reference: str,
    group: GroupRequest,
    order: Order,
    project: str | None = None,
    *,
    key: str | None = None,
) -> ScalingGroup:
    """Start to make a scaling group of instances from the account's image.

    ``project``: id or name of the account's project to make it in, None for the image's own. Raises
    FeatureNotEnabled, UsageError, NotFound, WrongState and Refused, and ConfigurationError where
    groups cannot be made without the admin role, with nothing made. After CloudUnavailable the
    group may exist; a repeated request creates no second one. With the same ``key`` it returns the
    group that the same request has made.
    """
    require_enabled(site)
    fault = fault_of_group(group) or fault_of_order(order) or (fault_of_key(key) if key else None)
    if fault:
        raise UsageError(fault)
    if key:
        group = replace(group, request_id=_request_id(site, account, key, reference, group, order))
    image, found = _available(site, account, reference)
    named = site.project_named(project)
    where = site.directory.project_of(account, image.project_id if named is None else named)
    flavor = site.provider.find_flavor(where.id, order.flavor)
    fault = fault_of_size(found, flavor)
    if fault:
        raise Refused(fault)
    site.provider.require_group_rights(where.id)
    server = site.provider.resolve_group_request(where.id, request_of(order, found, flavor))
    _let_in(site, where.id, found)
    try:
        group_id = site.provider.create_scaling_group(where.id, group, server)
    except CloudUnavailable as error:
        raise _unknown(error, group.name, project) from error
    LOG.info("%s: scaling group %s created in project %s", site.name, group_id, where.id)
    return _group_in(site, where, group_id)


def set_image(
    site: Site,
    account: Account,
    reference: str,
    image_reference: str,
    rollout: Rollout | None,
    group_name: str | None = None,
    project: str | None = None,
) -> ScalingGroup:
    """Set the image for new instances of a scaling group of the account.

    ``rollout`` replaces its current instances; without it they stay. ``project`` and ``group_name``
    are those of ``find_group``. Returns the group as it is then. Raises FeatureNotEnabled,
    NotFound, WrongState and Refused, and ConfigurationError where it cannot be changed without the
    admin role, with nothing changed. It can be repeated after CloudUnavailable.
    """
    require_enabled(site)
    _image, found = _available(site, account, image_reference)
    group = find_group(site, account, reference, group_name, project)
    if is_done(group, found.id, rollout):
        return group
    fault = fault_of_image_change(group, found.id, rollout, _present(site, group))
    if fault:
        case = "replace" if fault.endswith(ASK_TO_REPLACE) else ""
        raise WrongState(
            f"The image of scaling group {group.name} was not changed. {fault}", case=case
        )
    _require_fit(site, group, found)
    site.provider.require_group_rights(group.project_id)
    _let_in(site, group.project_id, found)
    try:
        site.provider.change_group_image(group, found.id, rollout)
    except CloudUnavailable as error:
        raise _unknown(error, group.name, project) from error
    LOG.info(
        "%s: image of scaling group %s in project %s set to %s",
        site.name,
        group.id,
        group.project_id,
        found.id,
    )
    return _seen_again(site, group)


def wait_for_group(
    site: Site,
    group: ScalingGroup,
    report: Callable[[ScalingGroup], None],
    sleep: Callable[[float], None] = time.sleep,
) -> ScalingGroup:
    """Return the group once it has stopped changing; call ``report`` at every poll."""
    while True:
        report(group)
        if group.status is not GroupStatus.CHANGING:
            return group
        sleep(PAUSE_SECONDS)
        group = _seen_again(site, group)


def require_unused(site: Site, image: Image) -> None:
    """Raise WrongState if a stack in a project that may use the image refers to it.

    That includes scaling groups that only keep instances made from it: Heat checks the images of
    all members whenever it scales. Disabled projects are skipped.
    """
    if image.cloud_image_id is None:
        return
    hint = "Could not check whether stacks use the image."
    try:
        users = _users(site, image, image.cloud_image_id)
    except CloudUnavailable as error:
        raise CloudUnavailable(f"{error} {hint}", error.status, case="force") from error
    except ConfigurationError as error:
        raise ConfigurationError(f"{error} {hint}", case="force") from error
    except Refused as error:
        raise Refused(f"{error} {hint}", case="force") from error
    if not users:
        return
    listed = ", ".join(users[:20]) + (f" and {len(users) - 20} more" if users[20:] else "")
    raise WrongState(
        f"Image {printable(image.name)} ({image.id}) is used by {len(users)}"
        f" stack{'s' * (len(users) > 1)}, which could not create or keep instances without it:"
        f" {listed}. Choose another image for them first.",
        case="used",
        stacks=users,
    )


def _users(site: Site, image: Image, cloud_image_id: str) -> list[str]:
    """Return the names of the stacks that hold the image's id, with their projects' if several."""
    projects = site.projects_that_may_use(image)

    def users_in(project: Project) -> list[str]:
        told = f" (project {printable(project.name)})" if len(projects) > 1 else ""
        names = site.provider.stacks_using_image(project.id, cloud_image_id)
        return [f"{name}{told}" for name in names]

    return [user for found in in_parallel(users_in, projects, _PROJECTS_AT_ONCE) for user in found]


def _seen_again(site: Site, group: ScalingGroup) -> ScalingGroup:
    """Return the group as it is now."""
    found = site.provider.find_scaling_group(group.project_id, group.id, group.group)
    return replace(found, project_name=group.project_name)


def _available(site: Site, account: Account, reference: str) -> tuple[Image, CloudImage]:
    """Return the account's image of that id or name, and what the image service has of it."""
    image = current_image(site, account, reference)
    return image, require_available(site, account, image)


def _present(site: Site, group: ScalingGroup) -> set[str]:
    """Return those images of the group's members that the image service still has."""
    known = {member.cloud_image_id for member in group.members} - {None, group.cloud_image_id}
    ids = {group.cloud_image_id, *known}
    return {id for id in ids if id is not None and site.provider.get_image(id) is not None}


def _require_fit(site: Site, group: ScalingGroup, image: CloudImage) -> None:
    """Refuse an image that is too large for the group's flavor: Heat would fail half-way."""
    if group.flavor is None:
        return  # the template computes it, so that Heat alone can tell
    try:
        flavor = site.provider.find_flavor(group.project_id, group.flavor)
    except NotFound:
        return
    fault = fault_of_size(image, flavor)
    if fault:
        raise Refused(f"The image of scaling group {group.name} was not changed. {fault}")


def _let_in(site: Site, project_id: str, image: CloudImage) -> None:
    """Share the image with a project of the account before it is used there."""
    if project_id != image.owner_id:
        site.provider.share_image(image.id, [project_id])


def _unknown(error: CloudUnavailable, name: str, project: str | None) -> CloudUnavailable:
    return CloudUnavailable(
        f"{error} It may have taken effect; repeating the request is safe.",
        error.status,
        case="group of project unknown" if project else "group unknown",
        name=name,
        project=printable(project or ""),
    )
