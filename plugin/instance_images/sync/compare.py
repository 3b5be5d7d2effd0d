"""Compares a location with our record: what is gone, what is otherwise, what is not on record.

Reads the cloud and the record, and changes neither. An image that a listing leaves out is looked
up by its id before it is believed to be gone. If anything cannot be read, nothing is believed: the
error goes to the caller.
"""

import logging
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from instance_images.db import cloud_images as images_in_cloud
from instance_images.db.cloud_images import AvailableState
from instance_images.errors import CloudUnavailable, ImagesMissing, Refused
from instance_images.locations.site import Site
from instance_images.model.adoption import is_eligible, is_stored, shelves
from instance_images.model.cloud import CloudImage
from instance_images.model.records import Account, AdoptionPolicy, AdoptMode, Image
from instance_images.names import storable_name
from instance_images.parallel import in_parallel
from instance_images.sync.restore import Returned, find_returned
from instance_images.tasks.image_lookup import require_sight

LOG = logging.getLogger(__name__)

# So many images missing, and more than half, and a reading is not believed.
_MANY = 10


@dataclass(frozen=True, slots=True)
class Change:
    """An available image that has another owner or another size than on record."""

    image: Image
    owner: Account
    found: CloudImage


@dataclass(frozen=True, slots=True)
class Stranger:
    """An image that is not on record and is to be adopted, with the account that owns it."""

    owner: Account
    found: CloudImage


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What differs. ``vanished`` are images on record as available that the cloud has no more.

    ``doubtful`` were not listed, and the image service failed at each of them when it was asked for
    its id: they are taken to be there. ``confirmed`` were not listed either, and are there.
    ``disks`` are the ids of the images that hold disks of shelved instances.
    """

    vanished: Sequence[Image] = ()
    changed: Sequence[Change] = ()
    renamed: Sequence[tuple[Image, str]] = ()
    strangers: Sequence[Stranger] = ()
    returned: Sequence[Returned] = ()
    confirmed: Sequence[Image] = ()
    disks: Collection[str] = ()
    doubtful: Sequence[Image] = ()


@dataclass(slots=True, kw_only=True)
class Listed:
    """What was picked out of a listing while it passed by: there may be a million images.

    ``on_record``: how many available images each project had on record. ``unknown`` are images with
    bytes that are not among them. ``stored`` are all images with bytes, as the service has them.
    ``without_bytes`` are the ids of those that are available on record only. ``services``: the
    image services that the available images have on record.
    """

    unlisted: dict[str, AvailableState]
    on_record: Counter[str]
    any_id: str | None = None
    differing: dict[str, CloudImage] = field(default_factory=dict)
    renamed: dict[str, str] = field(default_factory=dict)
    unknown: dict[str, CloudImage] = field(default_factory=dict)
    stored: dict[str, AvailableState] = field(default_factory=dict)
    without_bytes: list[str] = field(default_factory=list)
    services: Collection[str | None] = ()


def require_most(site: Site, listed: Listed) -> None:
    """Raise ImagesMissing where the image service has lost most of the location's images.

    That many are rarely deleted between two readings: more often the reading is wrong. A few
    projects may delete what they have, however much that is of all: no other hour waits for them.
    """
    unlisted = Counter(state[0] for state in listed.unlisted.values())
    if not are_most(unlisted, listed.on_record):
        return
    cloud_ids = list(listed.unlisted)
    found = zip(cloud_ids, in_parallel(partial(_has, site), cloud_ids), strict=True)
    missing = Counter(listed.unlisted[one][0] for one, is_there in found if not is_there)
    if are_most(missing, listed.on_record):
        raise ImagesMissing(site.name, missing.total(), listed.on_record.total())


def are_most(missing: Counter[str], on_record: Counter[str]) -> bool:
    """Return whether most images are missing, also without half of the projects. Pure.

    Those that miss most are left out, so that whoever has less than half of the projects of a
    location cannot stop it.
    """
    lost, had = missing.total(), on_record.total()
    if lost < _MANY or 2 * lost <= had:
        return False
    if len(on_record) == 1:
        return True
    worst = missing.most_common((len(on_record) + 1) // 2)
    lost -= sum(count for _, count in worst)
    had -= sum(on_record[project_id] for project_id, _ in worst)
    return 2 * lost > had


def _has(site: Site, cloud_image_id: str) -> bool:
    """Return whether the image is there, or may be: the service fails at it."""
    try:
        return site.provider.get_image(cloud_image_id) is not None
    except CloudUnavailable as error:
        if error.status is None:
            raise
    except Refused:
        pass
    return True


def compare(site: Site, listed: Listed) -> Comparison:
    """Return what the cloud holds otherwise than our record."""
    with site.database.reading() as connection:
        missing = images_in_cloud.available_of_cloud_ids(
            connection, site.name, list(listed.unlisted)
        )
        changed = images_in_cloud.available_of_cloud_ids(
            connection, site.name, list(listed.differing)
        )
        renamed = images_in_cloud.available_of_cloud_ids(
            connection, site.name, list(listed.renamed)
        )
    looks = list(zip(missing, in_parallel(lambda i: _is_there(site, i), missing), strict=True))
    doubtful = [image for image, is_there in looks if is_there is None]
    if doubtful:
        _require_answers(site, listed.any_id, doubtful[0])
    with site.database.reading() as connection:
        service = images_in_cloud.with_former(connection, site.service, listed.services)
        known = images_in_cloud.known_cloud_ids(connection, service, list(listed.unknown))
    returned = find_returned(site, service, listed.unknown, known)
    strangers, disks = _eligible(
        site,
        {
            image_id: one
            for image_id, one in listed.unknown.items()
            if image_id not in known and _may_be_adopted(one, site.adoption)
        },
    )
    found_of = [(image, listed.differing[image.cloud_image_id or ""]) for image in changed]
    owner_ids = sorted({found.owner_id for found in [*strangers, *listed.differing.values()]})
    owners = {owner_id: site.account_of_project(owner_id) for owner_id in owner_ids}
    return Comparison(
        vanished=[image for image, is_there in looks if is_there is False],
        changed=[Change(image, owners[found.owner_id], found) for image, found in found_of],
        renamed=[(image, listed.renamed[image.cloud_image_id or ""]) for image in renamed],
        strangers=[Stranger(owners[found.owner_id], found) for found in strangers],
        returned=returned,
        confirmed=[image for image, is_there in looks if is_there],
        disks=disks,
        doubtful=doubtful,
    )


def compare_image(site: Site, image: Image, found: CloudImage) -> Comparison:
    """Return what the image service has of one available image otherwise than our record."""
    size_bytes = image.size_bytes or 0
    state = (image.project_id, size_bytes, image.virtual_size_bytes, image.name)
    name = None if found.name == image.name else _new_name(site, image.name, found)
    return Comparison(
        changed=[Change(image, site.account_of_project(found.owner_id), found)]
        if _differs(state, found)
        else [],
        renamed=[(image, name)] if name else [],
    )


def list_cloud(site: Site) -> Listed:
    """Read all images of the location, beside those that are available on record."""
    on_record: dict[str, AvailableState] = {}
    services: set[str | None] = set()
    with site.database.reading() as connection:
        for cloud_id, state, service in images_in_cloud.available_in_cloud(connection, site.name):
            on_record[cloud_id] = state
            services.add(service)
    listed = Listed(
        unlisted=on_record,
        on_record=Counter(state[0] for state in on_record.values()),
        services=services,
    )
    require_sight(site, {state[0] for state in listed.unlisted.values()})
    for found in site.provider.list_images():
        listed.any_id = found.id
        known = listed.unlisted.pop(found.id, None)
        has_bytes = is_stored(found)
        if has_bytes:
            state = (found.owner_id, found.size_bytes or 0, found.virtual_size_bytes, found.name)
            # As almost all are; the one on record is kept, for memory.
            if known is not None and state == known:
                listed.stored[found.id] = known
                continue
            listed.stored[found.id] = _state(known, found)
        if known is None:
            if has_bytes:
                listed.unknown[found.id] = found
            continue
        if not has_bytes:
            listed.without_bytes.append(found.id)
        if _differs(known, found):
            listed.differing[found.id] = found
        if found.name != known[3] and (name := _new_name(site, known[3], found)):
            listed.renamed[found.id] = name
    return listed


def _state(known: AvailableState | None, found: CloudImage) -> AvailableState:
    """Return what the image service has; as it is on record where it is the same, for memory."""
    if known is not None and not _differs(known, found):
        return known
    return found.owner_id, found.size_bytes or 0, found.virtual_size_bytes, ""


def _differs(known: AvailableState, found: CloudImage) -> bool:
    """Return whether the image service has another owner or size; 0 and less is no answer."""
    return is_stored(found) and known[:3] != (
        found.owner_id,
        found.size_bytes,
        found.virtual_size_bytes,
    )


def _new_name(site: Site, name: str, found: CloudImage) -> str | None:
    """Return the name that the image was given in the image service, None if it is the old one."""
    new = storable_name(found.name)
    return None if new in ("", name, storable_name(site.provider.kept_name(name))) else new


def _may_be_adopted(found: CloudImage, policy: AdoptionPolicy) -> bool:
    """Return whether more is to be found out about an image that is not on record as available.

    One with our mark may be that of a capture of ours that was given up too soon: it is ours
    whatever the policy says.
    """
    marked = AdoptionPolicy(AdoptMode.MARKED, policy.excluded_project_ids)
    return is_eligible(found, policy) or is_eligible(found, marked)


def _is_there(site: Site, image: Image) -> bool | None:
    """Return whether the image service has the image; None where it fails at this request."""
    assert image.cloud_image_id is not None
    try:
        return site.provider.get_image(image.cloud_image_id) is not None
    except CloudUnavailable as error:
        if error.status is None:
            raise
        LOG.warning("Could not look up image %s, which is not listed: %s", image.id, error)
    except Refused as error:
        LOG.warning("Could not look up image %s, which is not listed: %s", image.id, error)
    return None


def _require_answers(site: Site, listed_id: str | None, doubtful: Image) -> None:
    """Raise CloudUnavailable unless the service tells of other images by their ids.

    Then it fails at single images, which keep no hour open; else it is not to be believed.
    """
    if listed_id is None or site.provider.get_image(listed_id) is None:
        raise CloudUnavailable(
            f"The image service of location {site.name} lists no image {doubtful.cloud_image_id},"
            " and failed when asked for it: skipped the location. Try again later."
        )


def eligible(site: Site, unknown: Mapping[str, CloudImage]) -> list[CloudImage]:
    """Return those that are to be adopted, as far as the cloud and our record can tell now.

    ``unknown`` are images by their ids.
    """
    with site.database.reading() as connection:
        known = images_in_cloud.known_cloud_ids(connection, site.service, list(unknown))
    return _eligible(site, {i: one for i, one in unknown.items() if i not in known})[0]


def _eligible(
    site: Site, strangers: Mapping[str, CloudImage]
) -> tuple[list[CloudImage], Collection[str]]:
    """Return those that are to be adopted, and the ids of the disks of shelved instances.

    ``strangers`` have no record.
    """
    if not strangers:
        return [], ()
    marks = [one.claims.request_id for one in strangers.values() if one.claims.request_id]
    with site.database.reading() as connection:
        asked_for = images_in_cloud.projects_of_requests(connection, marks)
    found = [
        one
        for one in strangers.values()
        if is_eligible(one, site.adoption)
        or asked_for.get(one.claims.request_id or "") == one.owner_id
    ]
    like_shelves = [one for one in found if one.claims.looks_shelved]
    instance_ids = {one.claims.source_instance_id for one in like_shelves} - {None}
    shelved = site.provider.shelf_of({one for one in instance_ids if one})
    disks = shelves(like_shelves, shelved)
    return [one for one in found if one.id not in disks], disks
