"""What the handlers of a process share: the settings, the operations' application, the policy.

Holds no state of requests: what is kept is a cache.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from instance_images.config.settings import Settings
from instance_images.instants import Clock, system_clock
from instance_images.locations.application import Application
from instance_images.locations.site import Site
from instance_images.model.caller import Caller


@dataclass
class Service:
    """One process's view of the deployment. Everything in it is made on first use, after a fork."""

    settings: Settings
    libraries: Any
    clock: Clock = system_clock

    @cached_property
    def application(self) -> Application:
        """What the operations work with."""
        return Application(self.settings, self.clock)

    @cached_property
    def policy(self) -> Any:
        """The rules, with what the operator's file says otherwise."""
        from instance_images_api.policies import enforcer

        return enforcer(self.libraries)

    def site(self, caller: Caller, location: str | None) -> Site:
        """Return the location for one request, which is the caller's."""
        return self.application.site(location).for_caller(caller)
