"""What installed distributions add: entry points, found and loaded one by one.

A distribution that cannot be loaded is told by name and left out: it breaks nothing but itself. Of
several entry points of one name, this product's own counts.
"""

from collections.abc import Iterator
from importlib.metadata import Distribution, EntryPoint, EntryPoints, distributions, entry_points
from typing import Any

from instance_images.errors import BrokenExtension

OWN_DISTRIBUTION = "instance-images"
GROUPS = (
    "instance_images.providers",
    "instance_images.settings",
    "instance_images.commands",
    "instance_images.doctor",
    "instance_images.checks",
    "instance_images.after_hours",
    "instance_images.tables",
    "instance_images.report_sections",
)


def extensions(group: str, name: str | None = None) -> list[EntryPoint]:
    """Return the group's entry points in the order of their names, or those of one name."""
    try:
        found = list(entry_points(group=group))
    except Exception:  # somebody's list of entry points cannot even be read
        found = [one for readable in _readable() for one in readable.select(group=group)]
    by_name: dict[str, EntryPoint] = {}
    for one in found:
        if name not in (None, one.name):
            continue
        if one.name not in by_name or _owner(one) == OWN_DISTRIBUTION:
            by_name[one.name] = one
    return [by_name[known] for known in sorted(by_name)]


def loaded(found: EntryPoint) -> Any:
    """Return what the entry point names. Raises BrokenExtension, which names the entry point."""
    try:
        return found.load()
    except (Exception, SystemExit) as error:  # importing runs whatever its author has written
        fault = f"{type(error).__name__}: {error}"
        raise BrokenExtension(found.group, found.name, found.value, _owner(found), fault) from error


def broken_extensions() -> Iterator[BrokenExtension]:
    """Load all that is installed; yield what cannot be loaded."""
    for group in GROUPS:
        for found in extensions(group):
            try:
                loaded(found)
            except BrokenExtension as error:
                yield error


def _owner(found: EntryPoint) -> str:
    of: Distribution | None = found.dist
    return "an unknown distribution" if of is None else str(of.name)


def _readable() -> Iterator[EntryPoints]:
    for one in distributions():
        try:
            yield one.entry_points
        except Exception:  # noqa: S112 - it adds nothing
            continue
