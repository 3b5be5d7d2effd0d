"""The same work at several locations at once, where one that fails stops no other.

Owns the rule which outcome of several counts. What is shown of it is the front ends' matter.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from instance_images.errors import InstanceImagesError, NotFound
from instance_images.locations.application import Application
from instance_images.locations.site import Site
from instance_images.parallel import in_parallel

Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Skipped:
    """A location at which the work failed, and why."""

    location: str
    error: InstanceImagesError


@dataclass(frozen=True, slots=True)
class Everywhere(Generic[Found]):
    """What was found at the locations, in their order, and the locations that failed."""

    found: Sequence[Found]
    skipped: Sequence[Skipped]


def at_each(
    application: Application, names: Sequence[str], look: Callable[[Site], Found]
) -> Everywhere[Found]:
    """Return what ``look`` returns at each location, and which locations failed.

    A location where there is nothing (``look`` raises NotFound: the account, for example, need not
    be everywhere) has not failed. Raises the first error where nothing was found: a failure rather
    than NotFound, which is certain only where all locations answered.
    """

    def outcome(name: str) -> Found | InstanceImagesError:
        try:
            return look(application.site(name))
        except InstanceImagesError as error:
            return error

    outcomes = in_parallel(outcome, names)
    found = [one for one in outcomes if not isinstance(one, InstanceImagesError)]
    missing = [one for one in outcomes if isinstance(one, NotFound)]
    skipped = [
        Skipped(name, one)
        for name, one in zip(names, outcomes, strict=True)
        if isinstance(one, InstanceImagesError) and not isinstance(one, NotFound)
    ]
    if not found:
        raise skipped[0].error if skipped else missing[0]
    return Everywhere(found, skipped)
