"""Makes scaling groups from the account's images, and chooses other images for them.

A group is a stack in the account's own project, so the stack itself is the record of what was
asked for: its name is its own there, and its parameters hold the image. Each request can be
repeated, and then changes nothing. That is why none of this is a task of ours.
"""

import time
from collections.abc import Callable

from instance_images.cloud_objects import CloudImage
from instance_images.deployment import (
    Order,
    fault_of_order,
    fault_of_size,
    request_of,
    require_available,
)
from instance_images.domain import Account, Image
from instance_images.errors import CloudUnavailable, NotFound, Refused, UsageError, WrongState
from instance_images.names import printable
from instance_images.scaling import (
    GroupRequest,
    GroupStatus,
    Rollout,
    ScalingGroup,
    fault_of_group,
    fault_of_image_change,
    is_done,
)
from instance_images.settling import settle
from instance_images.site import Site, require_enabled, resolve_image

PAUSE_SECONDS = 1.0


def create_group(
    site: Site, account: Account, reference: str, group: GroupRequest, order: Order
) -> ScalingGroup:
    """Start to make a scaling group of instances from the account's image.

    Raises FeatureNotEnabled, UsageError, NotFound, WrongState and Refused with nothing made. After
    CloudUnavailable the group may be there; to ask for it again makes no second one.
    """
    require_enabled(site)
    fault = fault_of_group(group) or fault_of_order(order)
    if fault:
        raise UsageError(fault)
    _image, found = _available(site, account, reference)
    flavor = site.provider.find_flavor(site.directory.working_project(account), order.flavor)
    fault = fault_of_size(found, flavor)
    if fault:
        raise Refused(fault)
    server = site.provider.resolve_request(
        site.directory.working_project(account), request_of(order, found, flavor)
    )
    try:
        group_id = site.provider.create_scaling_group(
            site.directory.working_project(account), group, server
        )
    except CloudUnavailable as error:
        raise _unknown(error, group.name) from error
    return site.provider.find_scaling_group(site.directory.working_project(account), group_id)


def set_image(
    site: Site,
    account: Account,
    reference: str,
    image_reference: str,
    rollout: Rollout | None,
    group_name: str | None = None,
) -> ScalingGroup:
    """Have a scaling group of the account make new instances from another image of it.

    Its current instances are replaced with ``rollout``, else they stay as they are. Returns the
    group as it is then. Raises FeatureNotEnabled, NotFound, WrongState and Refused with nothing
    changed; to repeat it after CloudUnavailable does no harm.
    """
    require_enabled(site)
    _image, found = _available(site, account, image_reference)
    group = site.provider.find_scaling_group(
        site.directory.working_project(account), reference, group_name
    )
    if is_done(group, found.id, rollout):
        return group
    fault = fault_of_image_change(group, found.id, rollout, _present(site, group))
    if fault:
        raise WrongState(f"The image of scaling group {group.name} was not changed. {fault}")
    _require_fit(site, account, group, found)
    try:
        site.provider.change_group_image(group, found.id, rollout)
    except CloudUnavailable as error:
        raise _unknown(error, group.name) from error
    return site.provider.find_scaling_group(
        site.directory.working_project(account), group.id, group.group
    )


def wait_for_group(
    site: Site,
    group: ScalingGroup,
    report: Callable[[ScalingGroup], None],
    sleep: Callable[[float], None] = time.sleep,
) -> ScalingGroup:
    """Return the group when nothing changes it any more; ``report`` is called at every look."""
    while True:
        report(group)
        if group.status is not GroupStatus.CHANGING:
            return group
        sleep(PAUSE_SECONDS)
        group = site.provider.find_scaling_group(group.project_id, group.id, group.group)


def require_unused(site: Site, image: Image) -> None:
    """Raise WrongState where a stack of the image's project makes instances from it.

    That includes scaling groups that only keep instances made from it: Heat checks the images of
    all members whenever it scales.
    """
    if image.cloud_image_id is None:
        return
    try:
        names = [
            name
            for project_id in site.projects_that_may_use(image)
            for name in site.provider.stacks_using_image(project_id, image.cloud_image_id)
        ]
    except CloudUnavailable as error:
        raise CloudUnavailable(
            f"{error} Whether stacks use the image could not be seen: add --force to delete it all"
            " the same.",
            error.status,
        ) from error
    if names:
        listed = ", ".join(names[:20]) + (f" and {len(names) - 20} more" if names[20:] else "")
        raise WrongState(
            f"Image {printable(image.name)} ({image.id}) is used by {len(names)} stack"
            f"{'s' * (len(names) > 1)}, which could no longer make or keep instances without it:"
            f" {listed}. Choose another image for them ('instance-images scaling-group set-image"
            " STACK IMAGE --replace'), or add --force."
        )


def _available(site: Site, account: Account, reference: str) -> tuple[Image, CloudImage]:
    """Return the account's image of that id or name, and what the image service has of it."""
    settle(site, account.id)
    with site.database.reading() as connection:
        image = resolve_image(connection, site, account, reference)
    return image, require_available(site, account, image)


def _present(site: Site, group: ScalingGroup) -> set[str]:
    """Return those images of the group's members that the image service still has."""
    known = {member.cloud_image_id for member in group.members} - {None, group.cloud_image_id}
    ids = {group.cloud_image_id, *known}
    return {id for id in ids if id is not None and site.provider.get_image(id) is not None}


def _require_fit(site: Site, account: Account, group: ScalingGroup, image: CloudImage) -> None:
    """Refuse an image that is too large for the group's flavor: Heat would fail half-way."""
    if group.flavor is None:
        return  # the template computes it, so that Heat alone can tell
    try:
        flavor = site.provider.find_flavor(site.directory.working_project(account), group.flavor)
    except NotFound:
        return
    fault = fault_of_size(image, flavor)
    if fault:
        raise Refused(f"The image of scaling group {group.name} was not changed. {fault}")


def _unknown(error: CloudUnavailable, name: str) -> CloudUnavailable:
    return CloudUnavailable(
        f"{error} 'instance-images scaling-group show {name}' shows whether it took effect; to ask"
        " for it again does no harm.",
        error.status,
    )
