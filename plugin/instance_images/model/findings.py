"""What the doctor finds, and what would cure it. Pure."""

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """An error keeps something from working or from being billed; a warning may come to that."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong. ``location`` is None where it concerns all of them."""

    check: str
    severity: Severity
    location: str | None
    what: str
    cure: str
