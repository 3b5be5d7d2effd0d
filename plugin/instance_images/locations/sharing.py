"""What follows from whose an image is: a domain's images serve all projects of the domain.

Each image remembers the projects that it was shared with, as a digest: a run asks the cloud only
for images whose domain has other projects by now. What cannot be shared now is logged, stays to be
done, and stops nothing: neither money nor a limit depends on it.
"""

import hashlib
import logging
from collections.abc import Collection, Sequence
from functools import partial

from instance_images.db import accounts, shared_images
from instance_images.db.accounts import AccountRow
from instance_images.errors import InstanceImagesError
from instance_images.locations.site import Site
from instance_images.model.records import Account, AccountScope

LOG = logging.getLogger(__name__)

# A new project in a domain of many images must not hold up the run; the next one goes on.
MOST_IMAGES_PER_RUN = 500
# Nor must an account whose images cannot be shared.
MOST_FAILURES_PER_ACCOUNT = 20


def share_new(site: Site, account_id: str | None) -> None:
    """Share the images of one account, or of all, that were not shared since they are available."""
    if site.account_scope is not AccountScope.DOMAIN:
        return
    with site.database.reading() as connection:
        unshared = shared_images.not_shared_with(connection, site.name, account_id, None)
        rows = accounts.accounts_by_key(connection, site.name) if unshared else {}
    for key in sorted({image.account_key for image in unshared}):
        _share(site, rows[key], MOST_IMAGES_PER_RUN, only_new=True)


def keep_ownership(site: Site) -> None:
    """Share images with projects that are new in their domains."""
    if site.account_scope is not AccountScope.DOMAIN:
        return
    with site.database.reading() as connection:
        rows = accounts.accounts_by_key(connection, site.name)
        holding = shared_images.account_keys_with_available(connection, site.name)
    left = MOST_IMAGES_PER_RUN
    for key in _turned(holding, int(site.clock().timestamp()) // 3600):
        left -= _share(site, rows[key], left, only_new=False)


def _turned(keys: Sequence[int], by: int) -> list[int]:
    """Return the keys beginning with another one each hour, so that every account comes first."""
    first = by % len(keys) if keys else 0
    return [*keys[first:], *keys[:first]]


def _share(site: Site, row: AccountRow, most: int, *, only_new: bool) -> int:
    """Share images of the account with all its projects; return how many it was tried with.

    An account many of whose images cannot be shared is left for the next time.
    """
    account = Account(row.account_id, row.account_name, row.domain_name, AccountScope.DOMAIN)
    try:
        project_ids = {project.id for project in site.projects_of(account)}
    except InstanceImagesError as error:
        LOG.warning(
            "%s: Could not list the projects of account %s: %s", site.name, account.id, error
        )
        return 0
    digest = digest_of(project_ids)
    with site.database.reading() as connection:
        unshared = shared_images.not_shared_with(
            connection, site.name, account.id, None if only_new else digest
        )[:most]
    failures = 0
    for number, image in enumerate(unshared):
        if failures == MOST_FAILURES_PER_ACCOUNT:
            LOG.warning(
                "%s: Postponed sharing more images of account %s: %d could not be shared",
                site.name,
                account.id,
                failures,
            )
            return number
        try:
            site.provider.share_image(image.cloud_image_id, project_ids - {image.project_id})
        except InstanceImagesError as error:
            LOG.warning("%s: Could not share image %s: %s", site.name, image.image_id, error)
            failures += 1
            continue
        site.database.write(
            partial(
                shared_images.set_shared_with,
                image_id=image.image_id,
                project_id=image.project_id,
                digest=digest,
            )
        )
    return len(unshared)


def digest_of(project_ids: Collection[str]) -> str:
    """Return a digest of a set of projects."""
    return hashlib.sha256(" ".join(sorted(project_ids)).encode()).hexdigest()
