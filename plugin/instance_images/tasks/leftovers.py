"""Removes what ended captures left in the cloud, for all accounts of a location.

Nothing that is billed depends on it, so a run does it after the hours are closed, within bounds: of
each account so many captures, and so long in all. What cannot be removed is looked at less and less
often, and is left to the operator after a week.
"""

import logging
import time
from collections import Counter
from collections.abc import Iterable, Iterator

from instance_images.db import tasks
from instance_images.errors import CloudUnavailable, ConfigurationError, Refused
from instance_images.locations.site import Site
from instance_images.model.image_events import Source
from instance_images.tasks.recording import Observation
from instance_images.tasks.settling import settle

LOG = logging.getLogger(__name__)

PER_ACCOUNT = 20
PER_RUN = 500
SECONDS = 120.0
_DUE_AT_MOST = 20_000


def tidy(site: Site) -> list[Observation]:
    """Remove what ended captures left, as far as it is due; return what was seen and decided."""
    with site.database.reading() as connection:
        due = tasks.due_leftovers(connection, site.name, None, site.clock(), _DUE_AT_MOST)
    chosen = list(_chosen(due))
    began = time.monotonic()
    seen: list[Observation] = []
    for number, task_id in enumerate(chosen):
        if time.monotonic() - began > SECONDS:
            LOG.warning(
                "%s: Postponed the leftovers of %d captures to the next run after %.0f s.",
                site.name, len(due) - number, SECONDS,
            )  # fmt: skip
            break
        try:
            seen += settle(site, None, source=Source.RUN, only=[task_id])
        except (CloudUnavailable, ConfigurationError, Refused) as error:
            LOG.warning("%s: Postponed the leftovers of captures: %s", site.name, error)
            break
    return seen


def _chosen(due: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Yield the tasks to look at: those that waited longest, and not too many of one account."""
    count_of: Counter[str] = Counter()
    for task_id, account_id in due:
        if count_of.total() >= PER_RUN:
            return
        if count_of[account_id] < PER_ACCOUNT:
            count_of[account_id] += 1
            yield task_id
