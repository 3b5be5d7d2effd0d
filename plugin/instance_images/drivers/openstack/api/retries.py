"""How often, and after which pauses, a read is sent again that found a service unavailable.

A listing of a thousand pages must not be lost to one connection that breaks. A request that changes
something is never sent again: it may have taken effect, and whoever sent it looks.
"""

import random
from collections.abc import Iterator

RETRIES = 3
FIRST_PAUSE_SECONDS = 0.2


def pauses_seconds(*, is_read: bool) -> Iterator[float | None]:
    """Yield the pause after each attempt, should it fail; None after the last one.

    Pauses double, and vary by a quarter so that many callers do not come back at once.
    """
    for attempt in range(RETRIES if is_read else 0):
        yield FIRST_PAUSE_SECONDS * 2**attempt * random.uniform(1, 1.25)  # noqa: S311
    yield None
