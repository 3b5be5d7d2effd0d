"""Consumes notifications from a message broker, through oslo.messaging.

The only module that imports it. A message is acknowledged when it has been dealt with; one that
cannot be dealt with now goes back to its queue, and is given again after a pause. Each location has
a queue of its own and one thread, so that its messages stay in their order.
"""

import logging
import socket
import threading
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from instance_images.config.broker import driver_options
from instance_images.config.events import DRIVER_SECTION, EventSettings
from instance_images.errors import (
    CloudUnavailable,
    ConfigurationError,
    DatabaseUnavailable,
    InstanceImagesError,
)

LOG = logging.getLogger(__name__)

PAUSE_SECONDS = 5.0
_PORT = 5672  # where the URL says none
_CONNECT_SECONDS = 5.0
# What may have passed when the message is given again.
_FOR_A_WHILE = (CloudUnavailable, ConfigurationError, DatabaseUnavailable)

# What is called with the type and the payload of each message.
Handler = Callable[[str, object], None]


class Consumer:
    """Consumes the notifications of several locations.

    ``sources``: names of locations, with the URL of the broker and what takes its messages. A
    handler raises CloudUnavailable, ConfigurationError or DatabaseUnavailable for a message that
    cannot be dealt with now, and any other error for one that never can be. Raises
    ConfigurationError where a URL or an option cannot be used.
    """

    def __init__(self, settings: EventSettings, sources: Mapping[str, tuple[str, Handler]]) -> None:
        self._stopping = threading.Event()
        self._listeners: dict[str, Any] = {}
        messaging = _library()
        for location, (url, handler) in sources.items():
            transport = _transport(messaging, _options(settings), location, url)
            endpoint = _Endpoint(messaging, handler, self._stopping)
            self._listeners[location] = _listener(
                messaging, settings, transport, location, endpoint
            )

    def run(self, report: Callable[[str], None], tick: Callable[[], object]) -> None:
        """Consume until ``stop`` is called.

        A broker that does not answer is asked again until it does; ``report`` is called with the
        name of a location when it listens to it, and ``tick`` every few seconds.
        """
        started: list[Any] = []

        def start(location: str) -> None:
            self._listeners[location].start(override_pool_size=1)
            started.append(self._listeners[location])
            report(location)

        # To start waits for the broker, in a way that nothing can end: it is left behind then.
        for location in self._listeners:
            threading.Thread(target=start, args=(location,), daemon=True).start()
        while not self._stopping.wait(PAUSE_SECONDS):
            tick()
        for listener in started:
            listener.stop()
            listener.wait()

    def stop(self) -> None:
        """Have ``run`` return when the message that is being dealt with has been."""
        self._stopping.set()


def load_library() -> None:
    """Import oslo.messaging. Raises ConfigurationError where it is not installed.

    Call it in the main thread before another thread uses this module: it imports eventlet, and a
    thread other than the main one that imports that first is waited for without end.
    """
    _library()


def same_broker(urls: Mapping[str, str]) -> Sequence[str]:
    """Return the names of locations that share a broker's virtual host with another one."""
    messaging = _library()
    found: dict[tuple[Any, ...], set[str]] = {}
    for location, url in urls.items():
        parsed = _parsed(messaging, _options(EventSettings()), location, url)
        for host in parsed.hosts:
            place = (host.hostname, host.port or _PORT, parsed.virtual_host or "/")
            found.setdefault(place, set()).add(location)
    sharing = {location for some in found.values() if len(some) > 1 for location in some}
    return sorted(sharing)


def unreachable_hosts(settings: EventSettings, location: str, url: str) -> Sequence[str]:
    """Return those hosts of the location's broker that take no connection; logs in to none.

    Raises ConfigurationError where the URL or an option cannot be used.
    """
    messaging = _library()
    parsed = _parsed(messaging, _options(settings), location, url)
    return [f"{host.hostname}:{host.port or _PORT}" for host in parsed.hosts if not _answers(host)]


def _answers(host: Any) -> bool:
    try:
        socket.create_connection((host.hostname, host.port or _PORT), _CONNECT_SECONDS).close()
    except OSError:
        return False
    return True


def _library() -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what its own libraries will do without
            import oslo_messaging
    except ImportError as error:
        raise ConfigurationError(
            "Listening requires oslo.messaging: pip install 'instance-images[events]'."
        ) from error
    return oslo_messaging


def _options(settings: EventSettings) -> Any:
    """Return the values of oslo.messaging's own options, which stand in our files."""
    from oslo_messaging import opts

    return driver_options(settings, dict(opts.list_opts())[DRIVER_SECTION])


def _parsed(messaging: Any, conf: Any, location: str, url: str) -> Any:
    try:
        parsed = messaging.TransportURL.parse(conf, url)
    except (messaging.InvalidTransportURL, ValueError):
        raise _bad_url(location) from None  # the error may hold the password
    if not parsed.hosts or any("@" in (host.hostname or "") for host in parsed.hosts):
        raise _bad_url(location)
    return parsed


def _transport(messaging: Any, conf: Any, location: str, url: str) -> Any:
    _parsed(messaging, conf, location, url)
    try:
        return messaging.get_notification_transport(conf, url=url)
    except messaging.DriverLoadFailure:
        raise _bad_url(location) from None


def _bad_url(location: str) -> ConfigurationError:
    """Return the error for a URL, which holds a password and is not repeated."""
    return ConfigurationError(
        f"Configuration: [location:{location}] events_url is not the URL of a message broker:"
        " write rabbit://USER:PASSWORD@HOST:5672/VHOST, with special characters as %XX (@ as"
        " %40)."
    )


def _listener(
    messaging: Any,
    settings: EventSettings,
    transport: Any,
    location: str,
    endpoint: "_Endpoint",
) -> Any:
    targets = [
        messaging.Target(topic=topic, exchange=settings.exchange) for topic in settings.topics
    ]
    return messaging.get_notification_listener(
        transport,
        targets,
        [endpoint],
        executor="threading",
        allow_requeue=True,
        pool=f"{settings.queue}.{location}",
    )


class _Endpoint:
    """What oslo.messaging calls for each message of priority info."""

    def __init__(self, messaging: Any, handler: Handler, stopping: threading.Event) -> None:
        self._again = messaging.NotificationResult.REQUEUE
        self._handled = messaging.NotificationResult.HANDLED
        self._handler = handler
        self._stopping = stopping

    def info(
        self, _context: Any, _publisher_id: str, event_type: str, payload: object, _metadata: Any
    ) -> Any:
        """Deal with one message; return whether it is to be given again."""
        if self._stopping.is_set():
            return self._again
        try:
            self._handler(event_type, payload)
        except _FOR_A_WHILE as error:
            LOG.warning("Postponed a notification %s: %s", event_type, error)
            self._stopping.wait(PAUSE_SECONDS)
            return self._again
        except InstanceImagesError as error:
            LOG.warning(
                "Skipped a notification %s, the next run reads the image: %s", event_type, error
            )
        except Exception:
            LOG.exception("Skipped a notification %s, the next run reads the image.", event_type)
        return self._handled
