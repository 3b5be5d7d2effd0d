"""A cloud that is not OpenStack, and the client library that its vendor would give to everybody.

It is what ``toy_driver`` drives in the page on drivers: machines and discs with words and units of
their own, sizes in MiB and times in seconds since 1970.
"""

import time
import uuid
from collections import defaultdict
from typing import Any

Thing = dict[str, Any]


class Down(Exception):
    """The cloud does not answer."""


class Cloud:
    """What is in the cloud, by kind and id."""

    def __init__(self) -> None:
        self.things: dict[str, dict[str, Thing]] = defaultdict(dict)
        self.is_down = False

    def pass_time(self) -> None:
        """Fill the discs that are being copied, and start the machines that are being built."""
        for disc in self.things["disc"].values():
            if disc["state"] == "copying":
                disc.update(state="full", mib=64, changed=time.time())
        for machine in self.things["machine"].values():
            machine["state"] = "on"


CLOUDS: dict[str, Cloud] = defaultdict(Cloud)


class Client:
    """Requests to the cloud at an address; connects with each."""

    def __init__(self, address: str) -> None:
        self._address = address

    def all(self, kind: str, **like: str) -> list[Thing]:
        """Return the things of a kind that have these values."""
        found = self._cloud().things[kind].values()
        return [thing for thing in found if all(thing.get(key) == like[key] for key in like)]

    def add(self, kind: str, **values: Any) -> str:
        """Make a thing of that kind; return its id."""
        now = time.time()
        thing = {"id": str(uuid.uuid4()), "made": now, "changed": now, **values}
        self._cloud().things[kind][thing["id"]] = thing
        return str(thing["id"])

    def remove(self, kind: str, id: str) -> None:
        """Remove a thing."""
        del self._cloud().things[kind][id]

    def _cloud(self) -> Cloud:
        if CLOUDS[self._address].is_down:
            raise Down("connection refused")
        return CLOUDS[self._address]
