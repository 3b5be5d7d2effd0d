"""What a command does at each of several locations: at once, and one that fails stops no other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

import click

from instance_images.errors import InstanceImagesError, NotFound

if TYPE_CHECKING:
    from instance_images.commands.main import Invocation
    from instance_images.locations.site import Site

Found = TypeVar("Found")


def at_each(
    invocation: Invocation, names: Sequence[str], look: Callable[[Site], Found]
) -> list[Found]:
    """Return what was found at each location, in their order.

    Where there is nothing (``look`` raises NotFound: the account, for example, need not be
    everywhere), another location has something. A location that fails is told, and makes the exit
    code 1. Raises the first error where nothing was found: a failure rather than NotFound, which
    is certain only where all have been seen.
    """
    from instance_images.parallel import in_parallel

    def seen(name: str) -> Found | InstanceImagesError:
        try:
            return look(invocation.application.site(name))
        except InstanceImagesError as error:
            return error

    outcomes = in_parallel(seen, names)
    found = [one for one in outcomes if not isinstance(one, InstanceImagesError)]
    missing = [one for one in outcomes if isinstance(one, NotFound)]
    failed = [
        (name, one)
        for name, one in zip(names, outcomes, strict=True)
        if isinstance(one, InstanceImagesError) and not isinstance(one, NotFound)
    ]
    if not found:
        raise failed[0][1] if failed else missing[0]
    for name, error in failed:
        click.echo(f"Error: {name} was not looked at: {error}", err=True)
        invocation.exit_code = 1
    return found
