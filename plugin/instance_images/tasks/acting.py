"""Does in the cloud what was decided about a task."""

import logging
from dataclasses import replace

from instance_images.errors import CloudUnavailable, ProjectUnavailable, Refused
from instance_images.locations.site import Site
from instance_images.model.image_events import Source
from instance_images.model.outcomes import DeleteAgain, Deleted, Failed, Postponed
from instance_images.model.records import UNFINISHED
from instance_images.model.volume_capture import (
    Abandon,
    Ask,
    Complete,
    Remove,
    Watch,
    is_given_up,
)
from instance_images.tasks import volume_steps
from instance_images.tasks.postponing import is_for_later, postponed
from instance_images.tasks.recording import Observation

LOG = logging.getLogger(__name__)


def act(site: Site, seen: Observation, source: Source, account_id: str | None) -> Observation:
    """Do in the cloud what was decided; return what came of it."""
    task, image, decision = seen.task, seen.image, seen.decision
    try:
        match decision:
            case DeleteAgain() if seen.cloud_image_id is not None:
                site.provider.delete_image(image.project_id, seen.cloud_image_id)
                return replace(seen, decision=Deleted(site.clock()))
            case Ask():
                volume_steps.take(site, task, image, decision)
            case Complete(outcome) if seen.found is not None:
                if volume_steps.complete(site, task, image, seen.found, outcome):
                    return replace(seen, decision=outcome)
            case Remove():
                refusal = volume_steps.remove(site, task, decision)
                seen = replace(seen, decision=Watch(refusal)) if refusal else seen
    except ProjectUnavailable as error:
        seen = postponed(site, task, image, seen.seen_at, error, was_seen=True)
    except Refused as error:
        return replace(seen, decision=Failed(str(error)))
    except CloudUnavailable as error:
        if not is_for_later(task, source, account_id, is_answered=True):
            raise
        seen = postponed(site, task, image, seen.seen_at, error, was_seen=True)
    return _given_up(site, seen)


def _given_up(site: Site, seen: Observation) -> Observation:
    """Give up what an ended capture has left, and what could not be removed for days."""
    if seen.task.state in UNFINISHED or not is_given_up(seen.task, site.clock()):
        return seen
    match seen.decision:
        case Postponed(reason) | Watch(reason):
            why = reason or "The cloud has not finished deleting it."
            LOG.warning("Gave up the leftovers of capture %s: %s", seen.task.id, why)
            return replace(seen, decision=Abandon(why))
    return seen
