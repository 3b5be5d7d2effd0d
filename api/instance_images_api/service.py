"""What the handlers of a process share: the settings, the operations' application, the policy.

Holds no state of requests: what is kept is a cache.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from threading import BoundedSemaphore
from typing import Any

from instance_images.config.settings import Settings
from instance_images.errors import UsageError
from instance_images.instants import Clock, system_clock
from instance_images.locations.application import Application
from instance_images.locations.site import Site
from instance_images.model.records import Account
from instance_images.model.requests.caller import Caller
from instance_images.names import printable
from instance_images_api.keystone import KeystoneComparison
from instance_images_api.limits_of_keystone import KeystoneLimits

# Of the database, each time that it is asked. A request ends within 60 s.
ANSWER_SECONDS = 20


@dataclass
class Service:
    """One process's view of the deployment. Everything in it is made on first use, after a fork."""

    settings: Settings
    libraries: Any
    comparison: KeystoneComparison
    clock: Clock = system_clock

    @cached_property
    def application(self) -> Application:
        """What the operations work with."""
        return Application(self.settings, self.clock, ANSWER_SECONDS)

    @cached_property
    def keystone_limits(self) -> KeystoneLimits:
        """The limits in Keystone, as they were a moment ago."""
        return KeystoneLimits()

    @cached_property
    def policy(self) -> Any:
        """The rules, with what the operator's file says otherwise."""
        from instance_images_api.policies import enforcer

        return enforcer(self.libraries)

    @cached_property
    def cloud_turns(self) -> BoundedSemaphore:
        """The turns of those that ask the cloud; who gets none is told so at once."""
        return BoundedSemaphore(self.settings.api.cloud_requests)

    @cached_property
    def report_turns(self) -> BoundedSemaphore:
        """The turns of those that render reports."""
        return BoundedSemaphore(self.settings.api.reports)

    @contextlib.contextmanager
    def report_turn(self) -> Iterator[bool]:
        """Yield whether this request may render a report now."""
        has_turn = self.report_turns.acquire(blocking=False)
        try:
            yield has_turn
        finally:
            if has_turn:
                self.report_turns.release()

    @contextlib.contextmanager
    def cloud_turn(self) -> Iterator[bool]:
        """Yield whether this request may ask the cloud now."""
        has_turn = self.cloud_turns.acquire(blocking=False)
        try:
            yield has_turn
        finally:
            if has_turn:
                self.cloud_turns.release()

    @contextlib.contextmanager
    def overdue_turn(self) -> Iterator[bool]:
        """Yield whether this request may look at the cloud for a task that no worker looks at."""
        if not self.settings.api.settle_overdue:
            yield False
            return
        with self.cloud_turn() as has_turn:
            yield has_turn

    def locations(self, named: str | None = None) -> list[str]:
        """Return the location that a request names, or else all that the API serves."""
        served = self.settings.api.locations
        if named is not None and named not in served:
            raise UsageError(f"The location {printable(named)!r} is unknown: {self._known()}.")
        names = list(served) if named is None else [named]
        self.comparison.require(names)
        return names

    def site(self, caller: Caller, location: str | None) -> Site:
        """Return the location that a request names, or the only one, for its caller."""
        names = self.locations(location)
        if len(names) > 1:
            raise UsageError(f"Name the location: {self._known()}.")
        site = self.application.site(names[0]).for_caller(caller)
        return replace(site, creates_per_minute=self.settings.api.creates_per_minute)

    def _known(self) -> str:
        return f"known are {', '.join(self.settings.api.locations)}"


def account_of(caller: Caller, settings: Settings) -> Account:
    """Return the account that the token is for, without asking the cloud for its name."""
    return Account(caller.account_id, caller.account_id, scope=settings.account_scope)
