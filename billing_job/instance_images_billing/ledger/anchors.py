"""Digests that were recorded outside the database, and how they are written. Pure.

A line is ``HOUR=DIGEST LOCATION`` for a closed hour, ``YYYY-MM=DIGEST`` for a closed period. The
digest of an hour holds the ones of all hours before: the newest one anchors the whole past.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from instance_images.instants import format_instant, parse_hour

_DIGEST = re.compile("[0-9a-f]{64}")
_PERIOD = re.compile("[0-9]{4}-[0-9]{2}")


@dataclass(frozen=True, slots=True)
class Anchor:
    """A recorded digest: of the ``period``, or of the hour that starts at ``hour``.

    ``location`` is empty where it was not recorded: the digest may be any location's.
    """

    digest: str
    hour: datetime | None = None
    period: str = ""
    location: str = ""


def anchor_text(anchor: Anchor) -> str:
    """Return the anchor as a line, without its end."""
    name = format_instant(anchor.hour) if anchor.hour else anchor.period
    return f"{name}={anchor.digest} {anchor.location}".rstrip()


def parse_anchor(text: str) -> Anchor:
    """Read a line. Raises ValueError, with what is wrong."""
    name, separator, rest = text.strip().partition("=")
    digest, _, location = rest.partition(" ")
    digest = digest.strip().lower()
    if not separator or not _DIGEST.fullmatch(digest):
        raise ValueError(
            f"{text[:120]!r} is not a recorded digest: write HOUR=DIGEST with 64 hexadecimal"
            " digits, as the runs log it."
        )
    if _PERIOD.fullmatch(name):
        return Anchor(digest, period=name)
    return Anchor(digest, parse_hour(name), location=location.strip())


def parse_anchors(lines: Sequence[str], name: str) -> tuple[list[Anchor], list[str]]:
    """Read the lines of a file; return its anchors, and what is wrong in it.

    Blank lines and lines that begin with ``#`` are left out.
    """
    found: list[Anchor] = []
    faults: list[str] = []
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        try:
            found.append(parse_anchor(line))
        except ValueError as error:
            faults.append(f"{name}, line {number}: {error}")
    return found, faults
