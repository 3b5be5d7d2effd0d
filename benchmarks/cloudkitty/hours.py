"""What hours took: the first, in which all images began, the unchanged ones, and ratios."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

DAY = 24


@dataclass(frozen=True, slots=True)
class Took:
    """Seconds by the clock, and CPU seconds of the processes and their servers."""

    seconds: float
    cpu_seconds: float

    def rounded(self) -> dict[str, float]:
        """Return both to the millisecond."""
        return {"seconds": round(self.seconds, 3), "cpu_seconds": round(self.cpu_seconds, 3)}


def kinds_of_hours(hours: Sequence[Took]) -> dict[str, Took]:
    """Return the first hour, an unchanged one, and a day that is calculated from these two.

    An unchanged hour is the median of them by the clock, and their mean in CPU seconds, which are
    counted in hundredths for a server.
    """
    first, unchanged = hours[0], hours[1:]
    if not unchanged:
        return {"first_hour": first}
    one = Took(
        statistics.median(hour.seconds for hour in unchanged),
        statistics.fmean(hour.cpu_seconds for hour in unchanged),
    )
    day = Took(
        first.seconds + (DAY - 1) * one.seconds,
        first.cpu_seconds + (DAY - 1) * one.cpu_seconds,
    )
    return {"first_hour": first, "unchanged_hour": one, "day_calculated": day}


def ratios_of(theirs: Mapping[str, Any], ours: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    """Return by how much they took longer, for each kind of hours that both have.

    The hour that a run of its own reads and closes is compared with an unchanged one of theirs.
    """
    pairs = {name: (theirs[name], one) for name, one in ours.items() if name in theirs}
    if "unchanged_hour" in theirs:
        pairs["hour_of_its_own_run"] = theirs["unchanged_hour"], ours["hour_of_its_own_run"]
    return {
        name: {
            "wall_ratio": round(long.seconds / max(short.seconds, 0.001), 1),
            "cpu_ratio": round(long.cpu_seconds / max(short.cpu_seconds, 0.001), 1),
        }
        for name, (long, short) in pairs.items()
        if isinstance(short, Took)
    }


def shown(figures: Mapping[str, Any]) -> dict[str, Any]:
    """Return the figures as they can be written as JSON."""
    return {name: one.rounded() if isinstance(one, Took) else one for name, one in figures.items()}
