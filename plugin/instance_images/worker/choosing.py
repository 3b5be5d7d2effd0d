"""Which of the checks that are due a worker begins now. Pure."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from instance_images.db.checks import DueCheck


def choose(
    due: Sequence[DueCheck],
    running: Iterable[DueCheck],
    *,
    threads: int,
    most_at: Callable[[str], int],
    now: datetime,
) -> list[DueCheck]:
    """Return the checks to begin, in the order of ``due``; as many as threads are free.

    Checks of one instance or image follow one another, also where another worker has claimed one.
    ``most_at``: how many may run at a location at once.
    """
    at_work = list(running)
    busy = {key for one in at_work for key in _keys(one)}
    busy |= {key for one in due if _is_claimed(one, now) for key in _keys(one)}
    count_at = Counter(one.location for one in at_work)
    chosen: list[DueCheck] = []
    for one in due:
        if len(at_work) + len(chosen) >= threads:
            break
        if busy.isdisjoint(_keys(one)) and count_at[one.location] < most_at(one.location):
            chosen.append(one)
            busy |= _keys(one)
            count_at[one.location] += 1
    return chosen


def _keys(check: DueCheck) -> set[tuple[str, str]]:
    return {("image", check.image_id), ("instance", check.source_instance_id)}


def _is_claimed(check: DueCheck, now: datetime) -> bool:
    return check.claimed_until is not None and check.claimed_until > now
