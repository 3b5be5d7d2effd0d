"""Limits of accounts."""

import hashlib
from collections.abc import Callable
from dataclasses import replace

from instance_images.db import accounts
from instance_images.locations.limits import find_limit, set_limit
from instance_images.locations.site import Site
from instance_images.model.records import Account, Limit
from instance_images.views.fields import as_json
from instance_images.views.records import LIMIT
from instance_images_api.http.errors import ApiError, missing
from instance_images_api.http.route import Answer, Call


def list_limits(call: Call) -> Answer:
    """Return the account's limit at each location; for all accounts, those set for one.

    What Keystone holds may be half a minute old; whatever takes a slot asks Keystone itself.
    """
    service = call.service
    names = service.locations()
    if call.parameters.get("all_accounts"):
        with service.application.database.reading() as connection:
            found = accounts.own_limits(connection, names)
    else:
        reference = call.parameters.get("account_id")
        sites = [_site_to_read(call, name) for name in names]
        ask = service.keystone_limits.of
        found = [find_limit(site, site.account(reference), ask) for site in sites]
    return Answer(200, {"limits": [as_json(LIMIT, limit) for limit in found]})


def _site_to_read(call: Call, name: str) -> Site:
    """Return the location; only for another account is a driver with the caller's rights made."""
    if call.is_wider:
        return call.service.site(call.sender, name)
    return replace(call.service.application.site(name), caller=call.sender)


def put_limit(call: Call) -> Answer:
    """Give an account a limit of its own."""
    asked = call.body["limit"]
    site, account = _place(call, asked.get("location"))
    limit = set_limit(site, account, asked["max_images"], _unless_changed(call))
    return Answer(200, {"limit": as_json(LIMIT, limit)}, {"ETag": _etag(limit)})


def delete_limit(call: Call) -> Answer:
    """Take the account's own limit away: what applies otherwise takes effect."""
    site, account = _place(call, call.parameters.get("location"))
    set_limit(site, account, None, _unless_changed(call))
    return Answer(204)


def _place(call: Call, location: str | None) -> tuple[Site, Account]:
    site = call.service.site(call.sender, location)
    account = site.account(call.parameters["account_id"])
    if account.id != call.parameters["account_id"]:
        raise missing("account")  # another one has it for a name
    return site, account


def _unless_changed(call: Call) -> Callable[[Limit], None] | None:
    """Return what refuses the change if the limit is not as the caller knows it."""
    expected = call.headers.get("If-Match")
    if expected is None or expected.strip() == "*":
        return None

    def require(limit: Limit) -> None:
        if _etag(limit) not in [tag.strip() for tag in expected.split(",")]:
            raise ApiError(412, "changed", "The limit has changed: read it again.")

    return require


def _etag(limit: Limit) -> str:
    """Return what names the limit as it is; how many images are held does not count."""
    text = f"{limit.account_id} {limit.location} {limit.max_images} {limit.source}"
    return f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'
