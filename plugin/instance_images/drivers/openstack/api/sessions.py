"""Sends each request with the timeout that is left to whoever waits for it."""

from typing import Any

from keystoneauth1 import exceptions as keystone_errors
from keystoneauth1.session import Session

from instance_images.drivers import patience


class LimitedSession(Session):
    """A session of keystoneauth, for tokens, catalogs and requests alike."""

    def request(  # type: ignore[override]
        self, url: str, method: str, **more: Any
    ) -> Any:
        """Send the request; raise ConnectTimeout where no time is left.

        The timeout is that of the connection, and of each wait for more of the answer.
        """
        remaining = patience.seconds_left()
        if remaining is not None:
            if remaining <= 0:
                raise keystone_errors.ConnectTimeout("there is no time left to ask it.")
            longest = more.get("timeout") or self.timeout
            more["timeout"] = min(remaining, longest) if longest else remaining
        return super().request(url, method, **more)
