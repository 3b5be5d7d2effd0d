"""What installed distributions add: entry points, found and loaded one by one.

A distribution that cannot be loaded is told by name and left out: it breaks nothing but itself. Of
several entry points of one name, this product's own counts.
"""

import sys
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.metadata import Distribution, EntryPoint, distribution, distributions
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
    by_name: dict[str, EntryPoint] = {}
    for one in _declared(group):
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


def _declared(group: str) -> Iterator[EntryPoint]:
    """Yield the group's entry points; a list that cannot even be read adds nothing.

    The library parses the lists of all that is installed, which takes long for a short command.
    """
    for one, listed in _lists(tuple(sys.path)):
        try:
            if f"[{group}]" in listed and _is_imported(one, listed):
                yield from one.entry_points.select(group=group)
        except Exception:  # noqa: S112 - of its author's making
            continue


@cache
def _lists(path: tuple[str, ...]) -> Sequence[tuple[Distribution, str]]:
    """Return the distributions on the path that add to this product, and their lists."""
    found = []
    for one in distributions(path=[*path]):
        try:
            listed = one.read_text("entry_points.txt") or ""
        except Exception:  # noqa: S112 - of its author's making
            continue
        if "[instance_images." in listed:
            found.append((one, listed))
    return found


def _is_imported(found: Distribution, listed: str) -> bool:
    """Return whether this is the first one of its name on the path, as of those with modules."""
    return distribution(str(found.name)).read_text("entry_points.txt") == listed
