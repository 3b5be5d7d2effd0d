"""How long a location whose services fail is left alone. Knows no clock: seconds are given."""

from dataclasses import dataclass, field
from threading import Lock

LONGEST_SECONDS = 60.0
# A service may ask for more; an absurd answer of a proxy must not stop a location for days.
LONGEST_ASKED_SECONDS = 3600.0


# What a service, or the proxy before it, answers while it can deal with no request.
_OVERLOADED = (429, 502, 503, 504)


def is_of_service(status: int | None, retry_after_seconds: float | None) -> bool:
    """Return whether an error is the service's, and not that of the one thing that was asked for.

    A service that answers, and fails at one image or instance, keeps nobody else waiting: only
    that task is put off.
    """
    return status is None or retry_after_seconds is not None or status in _OVERLOADED


@dataclass(slots=True)
class _Failing:
    count: int
    since_seconds: float
    until_seconds: float


@dataclass
class BackOff:
    """The locations that fail. Safe for several threads. Seconds are those of a monotonic clock."""

    _failing: dict[str, _Failing] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def failed(
        self,
        location: str,
        *,
        began_seconds: float,
        now_seconds: float,
        retry_after_seconds: float | None = None,
    ) -> float:
        """Note that a check failed; return how long the location is left alone from now on.

        1, 2, 4 ... 60 s, or longer where a service asks for it. Checks that began before the last
        failure was known, and that fail as well, do not count again.
        """
        with self._lock:
            known = self._failing.get(location)
            if known is not None and began_seconds < known.since_seconds:
                return max(known.until_seconds - now_seconds, 0.0)
            count = 1 if known is None else known.count + 1
            asked_seconds = min(retry_after_seconds or 0.0, LONGEST_ASKED_SECONDS)
            pause_seconds = max(min(2.0 ** (count - 1), LONGEST_SECONDS), asked_seconds)
            self._failing[location] = _Failing(count, now_seconds, now_seconds + pause_seconds)
            return pause_seconds

    def succeeded(self, location: str, *, began_seconds: float) -> None:
        """Note that a check succeeded: the location is well, if that began after it failed."""
        with self._lock:
            known = self._failing.get(location)
            if known is not None and began_seconds >= known.since_seconds:
                del self._failing[location]

    def waits(self, location: str, now_seconds: float) -> bool:
        """Return whether the location is to be left alone now."""
        known = self._failing.get(location)
        return known is not None and now_seconds < known.until_seconds

    def is_failing(self, location: str) -> bool:
        """Return whether the last check there failed: then one at a time tries again."""
        return location in self._failing
