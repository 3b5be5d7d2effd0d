"""Notifications that the image service does not confirm: counted, reported, and kept within bounds.

Whoever has the password of any service's broker account can send notifications. Each that is
looked into costs requests. So many may be in vain in a minute, for one owner and for all: what is
beyond that is left to the next reading, which finds everything. Nothing here asks or writes.
"""

import threading
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum

from instance_images.instants import Clock, format_instant
from instance_images.names import printable

WINDOW = timedelta(minutes=1)
IN_VAIN_FOR_OWNER = 60
IN_VAIN = 300
_SHOWN_CHARACTERS = 64


class Doubt(StrEnum):
    """Why nothing follows from a notification."""

    UNKNOWN = "about images that the image service does not have"
    OTHER_OWNER = "with another owner than the image service names"
    STILL_THERE = "about the deletion of images that are still there"
    REFUSED = "about images that the image service refuses to show"
    UNREADABLE = "that cannot be read"
    TOO_MANY = (
        "not checked, because too many others were not confirmed; the next run reads these images"
    )


class Watch:
    """Watches over one location's notifications. Any thread may use it."""

    def __init__(self, location: str, clock: Clock) -> None:
        self._location = location
        self._clock = clock
        self._lock = threading.Lock()
        self._window_began: datetime | None = None
        # By whether the image is on record: forged ids keep nobody from telling of real images.
        self._in_vain: dict[bool, Counter[str]] = {True: Counter(), False: Counter()}
        self._counts: Counter[Doubt] = Counter()
        self._unsaved: Counter[str] = Counter()
        self._example = ""
        self._since: datetime | None = None
        self._reported_at: datetime | None = None

    def may_ask(self, owner_id: str, *, is_on_record: bool) -> bool:
        """Return whether another request for the owner's image is within the bounds."""
        with self._lock:
            self._roll()
            spent = self._in_vain[is_on_record]
            return spent.total() < IN_VAIN and spent[owner_id] < IN_VAIN_FOR_OWNER

    def in_vain(self, owner_id: str, *, is_on_record: bool) -> None:
        """Count that the image service was asked for nothing."""
        with self._lock:
            self._roll()
            self._in_vain[is_on_record][owner_id] += 1

    def doubt(self, why: Doubt, image_id: str = "") -> None:
        """Count a notification from which nothing follows."""
        with self._lock:
            self._since = self._since or self._clock()
            self._counts[why] += 1
            self._unsaved[why.name.lower()] += 1
            self._example = self._example or printable(image_id)[:_SHOWN_CHARACTERS]

    def save(self, write: Callable[[Mapping[str, int]], object]) -> None:
        """Have ``write`` record what was counted since it was last recorded, by reason."""
        with self._lock:
            counts, self._unsaved = self._unsaved, Counter()
        if not counts:
            return
        try:
            write(counts)
        except BaseException:
            with self._lock:
                self._unsaved += counts
            raise

    def report(self, tell: Callable[[str], object], *, at_once: bool = False) -> None:
        """Tell what was counted since the last report, at most once a minute or ``at_once``."""
        with self._lock:
            now = self._clock()
            last = self._reported_at
            if self._since is None or (not at_once and last is not None and now - last < WINDOW):
                return
            sentence = self._sentence()
            self._counts, self._example, self._since = Counter(), "", None
            self._reported_at = now
        tell(sentence)

    def _sentence(self) -> str:
        assert self._since is not None
        what = ", ".join(f"{count} {why}" for why, count in self._counts.most_common())
        example = f" (such as image {self._example})" if self._example else ""
        return (
            f"{self._location}: notifications since {format_instant(self._since)} that the image"
            f" service does not confirm: {what}{example}. Nothing is charged for them. If this"
            " continues, they may be forged: change the passwords of the message broker."
        )

    def _roll(self) -> None:
        now = self._clock()
        if self._window_began is None or not timedelta(0) <= now - self._window_began < WINDOW:
            self._window_began = now
            for spent in self._in_vain.values():
                spent.clear()
