"""Limits of accounts."""

from instance_images.db import accounts
from instance_images.locations.limits import find_limit
from instance_images.views.fields import as_json
from instance_images.views.records import LIMIT
from instance_images_api.http.route import Answer, Call


def list_limits(call: Call) -> Answer:
    """Return the account's limit at each location; for all accounts, those set for one."""
    service = call.service
    names = service.locations()
    if call.parameters.get("all_accounts"):
        with service.application.database.reading() as connection:
            found = accounts.own_limits(connection, names)
    else:
        reference = call.parameters.get("account_id")
        sites = [service.site(call.sender, name) for name in names]
        found = [find_limit(site, site.account(reference)) for site in sites]
    return Answer(200, {"limits": [as_json(LIMIT, limit) for limit in found]})
