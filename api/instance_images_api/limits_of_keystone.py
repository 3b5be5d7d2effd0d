"""The limits that Keystone holds, remembered for half a minute: to be shown, not to decide by."""

import time
from threading import Lock

from instance_images.locations.site import Site
from instance_images.model.records import Account

SECONDS = 30.0
_MOST = 10_000


class KeystoneLimits:
    """What Keystone said last of accounts, None where it holds no limit. Safe for threads."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], tuple[float, int | None]] = {}
        self._lock = Lock()

    def of(self, site: Site, account: Account) -> int | None:
        """Return the account's limit at the location; ask where it is not known, or too old."""
        key, now = (site.name, account.id), time.monotonic()
        until, limit = self._known.get(key, (0.0, None))
        if until > now:
            return limit
        limit = site.provider.account_limit(account)
        with self._lock:
            if len(self._known) >= _MOST:
                self._known.clear()
            self._known[key] = (now + SECONDS, limit)
        return limit
