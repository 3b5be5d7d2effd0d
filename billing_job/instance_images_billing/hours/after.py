"""What the parts above do once a run has closed its hours, found by entry points.

An entry point of the group ``instance_images.after_hours`` names a function of the application
that returns what is wrong, in sentences for the operator. All hours are committed by then: what
such a function does, or fails to do, changes nothing of them.
"""

import logging
from collections.abc import Callable, Iterator, Sequence

from instance_images.errors import InstanceImagesError
from instance_images.locations.application import Application
from instance_images.model.extensions import extensions, loaded

LOG = logging.getLogger(__name__)
GROUP = "instance_images.after_hours"

AfterHours = Callable[[Application], Sequence[str]]


def act_after_hours(application: Application) -> Iterator[str]:
    """Call all of them, one after the other; yield what is wrong. Raises nothing."""
    for found in extensions(GROUP):
        try:
            act: AfterHours = loaded(found)
            yield from act(application)
        except InstanceImagesError as error:
            LOG.warning("Could not complete %s after closing hours: %s", found.name, error)
            yield str(error)
        except Exception:  # the hours are closed, and the next run comes here again
            LOG.exception("Could not act after closing hours: %s", found.name)
            yield f"After closing the hours, {found.name} failed: see the log."
