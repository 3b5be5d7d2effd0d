"""What happens in the crash tests: the same images in every run, many of them known too late."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random

START = datetime(2026, 11, 1, tzinfo=UTC)
HOURS = 60
LATE_BY = 6  # hours after which everything has become known
ACCOUNTS = ("a", "b", "c", "d")
SIZE = 10**9


@dataclass(frozen=True)
class StoryImage:
    """An image, from second to second, and the hours in which that becomes known."""

    id: str
    begins: int
    ends: int
    told_begin: int
    told_end: int


def _images() -> list[StoryImage]:
    random = Random(4)
    found = []
    for number in range(40):
        begins = 0 if number == 0 else random.randrange(0, (HOURS - 20) * 3600)
        ends = begins + random.randrange(1, 15 * 3600)
        told_begin = -(-begins // 3600) + random.choice([0, 0, 1, LATE_BY - 1])
        told_end = max(told_begin, -(-ends // 3600) + random.choice([0, 0, 2, LATE_BY - 2]))
        found.append(StoryImage(f"image-{number}", begins, ends, told_begin, told_end))
    return found


@dataclass(frozen=True)
class CrashScenario:
    """The images of the crash tests."""

    images: list[StoryImage] = field(default_factory=_images)
