"""What a run came to at one location: measured, and logged. Prints nothing, decides nothing."""

import contextlib
import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass

from instance_images.errors import InstanceImagesError
from instance_images.instants import format_instant
from instance_images_billing.hours.close import Metered
from instance_images_billing.ledger.anchors import anchor_text
from instance_images_billing.pricing.money import price_text

LOG = logging.getLogger(__name__)


@dataclass(slots=True)
class Outcome:
    """A run at one location. ``done`` stays None where it failed, ``error`` where it did not.

    Where it was broken off, by a fault or from outside, both are None.
    """

    location: str
    done: Metered | None = None
    error: InstanceImagesError | None = None
    duration_seconds: float = 0.0
    has_begun: bool = False

    @contextlib.contextmanager
    def observed(self, *, is_rehearsal: bool = False) -> Iterator[None]:
        """Measure the run inside, keep the error that ends it, and log what came of it."""
        began = time.monotonic()
        self.has_begun = True
        try:
            yield
        except InstanceImagesError as error:
            self.error = error
        finally:
            self.duration_seconds = time.monotonic() - began
            if not is_rehearsal:
                self._log()

    @property
    def amount_nanos(self) -> int:
        """The sum of what the run has posted."""
        return sum(posting.amount_nanos for posting in self.done.postings) if self.done else 0

    def _log(self) -> None:
        if self.error is not None:
            LOG.error("Could not meter %s: %s", self.location, self.error, exc_info=self.error)
        if self.done is None:
            return
        for problem in self.done.problems:
            LOG.warning("%s: %s", self.location, problem)
        newest = f" Digest {anchor_text(self.done.newest)}" if self.done.newest else ""
        LOG.info(
            "%s: %s, in %.2f s.%s", self.location, _account(self), self.duration_seconds, newest
        )


def _account(outcome: Outcome) -> str:
    """Return in words what a run that did not fail came to."""
    done = outcome.done
    assert done is not None
    until = format_instant(done.closed_until) if done.closed_until else ""
    late = f", {len(done.adjustments)} adjustments of closed hours" if done.adjustments else ""
    if done.hours:
        return (
            f"closed {done.hours} hours up to {until}, {len(done.postings)} postings,"
            f" {price_text(outcome.amount_nanos)} {done.currency}{late}"
        )
    what = "another run is active" if done.other_run else "nothing to close"
    return f"{what}, all before {until} is closed{late}" if until else what
