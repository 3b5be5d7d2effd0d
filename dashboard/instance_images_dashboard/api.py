"""The service as Horizon's pages see it: the one module that talks to it, with the user's token.

A page waits at most ``READ_SECONDS`` for an answer, and asks once. Whatever goes wrong is an
``ApiError`` whose text can be shown: an error of openstacksdk that reached Horizon would become its
page *Unauthorized*.
"""

import contextlib
import json
import logging
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import requests
from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext_lazy as _
from horizon import exceptions
from horizon.utils import functions, memoized
from keystoneauth1 import exceptions as keystone
from keystoneauth1 import session as sessions
from keystoneauth1 import token_endpoint
from openstack import exceptions as sdk
from openstack.config import cloud_region
from openstack.connection import Connection
from openstack_dashboard.api import base

from instance_images_client.sdk import InstanceImagesService, Proxy, reason_of

LOG = logging.getLogger(__name__)

SERVICE_TYPE = "instance-images"
READ_SECONDS = 8.0
# On a page that is not ours.
GUEST_SECONDS = 2.0
# A request that changes something waits for the cloud behind the service.
WRITE_SECONDS = 30.0
# A file takes longer to make than a page.
REPORT_SECONDS = 60.0
MAX_PAGE_ITEMS = 1000
PRICE_SECONDS = 60.0

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class ApiError(Exception):
    """What a page can show in one sentence; ``reason`` is the service's, None where it has none."""

    def __init__(self, message: Any, reason: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason


class Unavailable(ApiError):
    """The service gave no answer, or one that is not its own."""

    def __init__(self) -> None:
        super().__init__(
            _("The instance images service is unavailable. Try again in a few minutes.")
        )


class NotFound(ApiError):
    """The project has nothing of that id."""


class _PageProxy(Proxy):
    """Asks once, and trusts the URL of the catalog: no request but the one that is meant."""

    skip_discovery = True
    pauses_seconds = ()

    def request(self, url: str, method: str, *arguments: Any, **more: Any) -> requests.Response:
        """Send a request once; older releases of openstacksdk repeat one that has no answer."""
        return super().request(url, method, *arguments, **{**more, "connect_retries": 0})


class _PageService(InstanceImagesService):
    supported_versions = {"1": _PageProxy}  # noqa: RUF012 - declared so in the SDK


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a list, newest first, and whether there is one before and one after it."""

    items: list[Any]
    has_previous: bool = False
    has_next: bool = False


class Record:
    """An image or a task as the service shows it; what it does not show is None.

    A resource of the SDK takes ten times as long to make, and a page has a hundred.
    """

    def __init__(self, fields: dict[str, Any]) -> None:
        self.__dict__.update(fields)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return None


def is_id(text: str) -> bool:
    """Return whether the text has the form of an id."""
    return _ID.fullmatch(text) is not None


def is_offered(request: Any) -> bool:
    """Return whether the catalog has the service in the user's region."""
    return bool(base.is_service_enabled(request, SERVICE_TYPE))


# ---------------------------------------------------------------------- images


def list_images(
    request: Any, *, marker: str | None = None, backwards: bool = False, **filters: Any
) -> Page:
    """Return a page of images; ``filters``: ``name``, ``status``, ``source_instance_id``."""
    return _page_of(request, "images", marker, backwards, filters)


def available_images(request: Any) -> list[Any]:
    """Return the images that instances of the user's region can be made from, newest first."""
    query = {"status": "available", "sort": "created_at:desc", "limit": MAX_PAGE_ITEMS}
    place = location_of(request)
    with _told():
        found = _proxy(request).images(
            **query, paginated=False, **({"location": place} if place else {})
        )
        return [image for image in found if is_id(image.cloud_image_id or "")]


def get_image(request: Any, image_id: str) -> Record:
    """Return an image. Raises NotFound."""
    return _one(request, "image", image_id)


def create_image(
    request: Any, *, instance_id: str, name: str, requires_quiesce: bool, key: str
) -> Any:
    """Begin to capture an instance, and return the image; the same key makes the same image."""
    place = location_of(request)
    with _told():
        return _proxy(request, WRITE_SECONDS).create_image(
            name=name,
            source_instance_id=instance_id,
            require_quiesce=requires_quiesce or None,
            location=place,
            idempotency_key=key,
        )


def delete_image(request: Any, image_id: str) -> None:
    """Delete an image; it is no error if it is gone."""
    with _told():
        _proxy(request, WRITE_SECONDS).delete_image(_checked(image_id))


# ----------------------------------------------------------------------- tasks


def list_tasks(
    request: Any, *, marker: str | None = None, backwards: bool = False, **filters: Any
) -> Page:
    """Return a page of tasks; ``filters``: ``image_id``, ``state``, ``kind``."""
    return _page_of(request, "tasks", marker, backwards, filters)


def get_task(request: Any, task_id: str) -> Record:
    """Return a task. Raises NotFound."""
    return _one(request, "task", task_id)


def retry_task(request: Any, task_id: str) -> Any:
    """Begin a failed capture anew."""
    with _told():
        return _proxy(request, WRITE_SECONDS).retry_task(_checked(task_id))


# ------------------------------------------------------------ prices and limits


def estimate(request: Any, instance_id: str) -> Any:
    """Return the size and cost that an image of the instance would have, and the limit."""
    place = location_of(request)
    with _told():
        return _proxy(request).estimate(_checked(instance_id), place)


def list_limits(
    request: Any, account_id: str | None = None, *, seconds: float | None = None
) -> list[Any]:
    """Return an account's limits, one per location; by default the own."""
    query = {"account_id": account_id} if account_id else {}
    with _told():
        return list(_proxy(request, seconds).limits(**query))


def limit_here(request: Any) -> Any:
    """Return the limit at the user's region, or of the only location; None if there is no such.

    It waits for a moment only: the page is not ours.
    """
    limits = list_limits(request, seconds=GUEST_SECONDS)
    here = [one for one in limits if one.location == request.user.services_region]
    return (here or (limits if len(limits) == 1 else [None]))[0]


def set_limit(request: Any, account_id: str, max_images: int, location: str) -> None:
    """Set how many images an account may hold at a location; -1: any number."""
    with _told():
        _proxy(request, WRITE_SECONDS).set_limit(account_id, max_images, location=location)


def list_default_limits(request: Any) -> list[Any]:
    """Return the limits of accounts without one of their own, one per location."""
    try:
        with _told():
            return list(_proxy(request).default_limits())
    except NotFound as error:
        raise ApiError(
            _("This version of the instance images service has no default limits.")
        ) from error


def set_default_limit(request: Any, location: str, max_images: int) -> None:
    """Set how many images an account without a limit of its own may hold; -1: any number."""
    with _told():
        _proxy(request, WRITE_SECONDS).set_default_limit(location, max_images)


def locations(request: Any) -> list[Any]:
    """Return the locations with their prices, at most ``PRICE_SECONDS`` old."""
    key = (_url(request), request.user.project_id)
    known = _PRICES.get(key)
    if known is None:
        with _told():
            known = list(_proxy(request).locations())
        _PRICES.put(key, known)
    return known


def location_of(request: Any) -> str | None:
    """Return which of several locations is the user's region; None where there is but one."""
    names = [one.name for one in locations(request)]
    region = request.user.services_region
    return region if len(names) > 1 and region in names else None


class _Prices:
    """What was asked for a moment ago, by endpoint and project: each page shows prices."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[tuple[str, str], tuple[float, list[Any]]] = {}

    def get(self, key: tuple[str, str]) -> list[Any] | None:
        with self._lock:
            until, value = self._known.get(key, (0.0, []))
        return value if time.monotonic() < until else None

    def put(self, key: tuple[str, str], value: list[Any]) -> None:
        now = time.monotonic()
        with self._lock:
            self._known = {k: v for k, v in self._known.items() if now < v[0]}
            self._known[key] = (now + PRICE_SECONDS, value)

    def clear(self) -> None:
        with self._lock:
            self._known = {}


_PRICES = _Prices()


def forget_prices() -> None:
    """Forget what was asked for before."""
    _PRICES.clear()


# --------------------------------------------------------------------- reports


def list_months(request: Any, account_id: str | None = None) -> list[Any]:
    """Return the months in which an account is charged, the oldest first; by default the own."""
    with _told():
        return list(_proxy(request).months(account_id))


def get_summary(request: Any, period: str) -> dict[str, Any]:
    """Return what all accounts are charged in a month. Raises NotFound if there are none."""
    with _told():
        content = _proxy(request, REPORT_SECONDS).get_report(period, "json", all_accounts=True)
        summary = json.loads(content)
        if summary["report"] != "cloud-usage-summary":
            raise Unavailable
        return dict(summary)


def open_report(
    request: Any, period: str, format_name: str, *, etag: str | None = None, **query: Any
) -> Any:
    """Return a report as an answer whose content is not yet read; close it in the end.

    Its status is 304 if the report is still the one that ``etag`` names. ``query``: ``section``,
    ``currency``, ``locale``, ``account_id``, ``all_accounts``.
    """
    seconds = READ_SECONDS if format_name == "html" else REPORT_SECONDS
    with _told():
        answer = _proxy(request, seconds).open_report(period, format_name, etag=etag, **query)
        if "ETag" not in answer.headers:  # something else has answered
            answer.close()
            raise Unavailable
        return answer


# ----------------------------------------------------------------- the requests


@memoized.memoized
def _proxy(request: Any, timeout_seconds: float | None = None) -> Any:
    """Return the client's proxy with the user's token; nothing is sent."""
    url = _url(request)
    verify = settings.OPENSTACK_SSL_CACERT or True
    session = sessions.Session(
        auth=token_endpoint.Token(url, request.user.token.id),
        verify=False if settings.OPENSTACK_SSL_NO_VERIFY else verify,
        timeout=timeout_seconds or READ_SECONDS,
        app_name="instance-images-dashboard",
    )
    config = cloud_region.from_session(
        session,
        region_name=request.user.services_region,
        instance_images_endpoint_override=url,
        instance_images_api_version="1",
        instance_images_connect_retries=0,
        instance_images_status_code_retries=0,
    )
    connection = Connection(config=config)
    connection.add_service(_PageService(SERVICE_TYPE))
    return getattr(connection, SERVICE_TYPE.replace("-", "_"))


def _url(request: Any) -> str:
    try:
        return str(base.url_for(request, SERVICE_TYPE))
    except exceptions.ServiceCatalogException as error:
        raise Unavailable from error


def _one(request: Any, noun: str, record_id: str) -> Record:
    with _told():
        return Record(_proxy(request).get(f"/{noun}s/{_checked(record_id)}").json()[noun])


def _page_of(
    request: Any, noun: str, marker: str | None, backwards: bool, filters: dict[str, Any]
) -> Page:
    """Return the items after the marker, or those before it if ``backwards``."""
    most = min(functions.get_page_size(request), MAX_PAGE_ITEMS - 1)
    query = {
        **{name: value for name, value in filters.items() if value},
        "sort": "created_at:asc" if backwards else "created_at:desc",
        "limit": most + 1,
    }
    if marker is not None:
        query["marker"] = _checked(marker)
    with _told():
        answer = _proxy(request).get(f"/{noun}", params=query)
        found = [Record(fields) for fields in answer.json()[noun]]
    has_more = len(found) > most
    items = found[:most]
    if backwards:
        return Page(items[::-1], has_previous=has_more, has_next=True)
    return Page(items, has_previous=marker is not None, has_next=has_more)


def _checked(text: str) -> str:
    """Return an id; nothing else becomes part of a path."""
    if not is_id(text):
        raise NotFound(_("There is nothing with this ID in the project."))
    return text


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """Raise ApiError for whatever the client raises."""
    try:
        yield
    except ApiError:
        raise
    except sdk.HttpException as error:
        raise _error_of(error) from error
    except (
        sdk.SDKException,
        keystone.ClientException,
        requests.RequestException,
        AttributeError,
        KeyError,
        TypeError,
        ValueError,
    ) as error:  # no answer, or one that is not JSON, or not the service's
        LOG.warning("The instance images service gave no usable answer: %r", error)
        raise Unavailable from error


def _error_of(error: sdk.HttpException) -> ApiError:
    """Return what to show for an answer that is an error."""
    status, reason = error.status_code or 0, reason_of(error)
    LOG.info(
        "The instance images service answered %s (%s), request %s",
        status, reason, getattr(error, "request_id", None),
    )  # fmt: skip
    if status == 401:
        return ApiError(
            _("The instance images service did not accept your login. Log in again."),
            "unauthorized",
        )
    if reason is None or status >= 500:
        return Unavailable()
    if reason == "limit_reached":
        return ApiError(_limit_reached(getattr(error, "facts", {})), reason)
    if reason == "feature_not_enabled":
        return ApiError(_("Image feature is not enabled. Contact your provider."), reason)
    message = _in_language(reason, str(error.details or error.message))
    return NotFound(message, reason) if status == 404 else ApiError(message, reason)


# The service writes English. Its reasons are stable; other reasons keep its text.
_SENTENCES = {
    "forbidden": _("Your roles do not permit this."),
    "token_scope": _("Choose a project first: this does not work without one."),
    "not_found": _("There is nothing with this ID in the project."),
    "not_found_in_body": _("Something that was chosen is not there: %(message)s"),
    "wrong_state": _("The present state does not permit this: %(message)s"),
    "refused": _("This was refused: %(message)s"),
    "too_many_requests": _("Too many images were begun within a minute. Try again in a minute."),
}


def _in_language(reason: str, message: str) -> Any:
    """Return what to say for a reason: in English the service's own words."""
    sentence = _SENTENCES.get(reason)
    if sentence is None or (translation.get_language() or "en").startswith("en"):
        return message
    return sentence % {"message": message}


def _limit_reached(facts: dict[str, Any]) -> Any:
    return limit_reached(facts.get("held"), facts.get("max_images"))


def limit_reached(held: int | None, most: int | None) -> Any:
    """Return the sentence for an account that may hold no further image."""
    if held is None or most is None:
        return _(
            "Maximum image limit reached. Delete unused images, or ask your provider for a"
            " higher limit."
        )
    return _(
        "Maximum image limit reached: you have %(held)s of %(most)s images. Delete unused images,"
        " or ask your provider for a higher limit."
    ) % {"held": held, "most": most}
