"""Runs a command's work at each of several locations, and reports locations that failed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from instance_images.commands.hints import with_hint
from instance_images.commands.output import tell_error

if TYPE_CHECKING:
    from instance_images.commands.main import Invocation
    from instance_images.locations.everywhere import Everywhere
    from instance_images.locations.site import Site

Found = TypeVar("Found")


def at_each(
    invocation: Invocation, names: Sequence[str], look: Callable[[Site], Found]
) -> Sequence[Found]:
    """Return the result of each location, in their order; report those that failed."""
    from instance_images.locations.everywhere import at_each

    return told(invocation, at_each(invocation.application, names, look))


def told(invocation: Invocation, outcome: Everywhere[Found]) -> Sequence[Found]:
    """Return the result; report a location that failed, and set exit code 1."""
    for skipped in outcome.skipped:
        tell_error(f"Skipped location {skipped.location}: {with_hint(skipped.error)}")
        invocation.exit_code = 1
    return outcome.found
