"""Locations with their prices, rates, and the images to choose from."""

from instance_images.deployments.choices import choices
from instance_images.views.fields import as_json
from instance_images.views.records import CHOICE
from instance_images_api.http.route import Answer, Call
from instance_images_billing.ledger import rates
from instance_images_billing.rates.offers import offer_of
from instance_images_billing.views import OFFER, RATE


def list_locations(call: Call) -> Answer:
    """Return what each location offers, and at what price."""
    service = call.service
    with service.application.database.reading() as connection:
        offers = [
            offer_of(connection, service.settings.location(name), service.clock())
            for name in service.locations()
        ]
    return Answer(200, {"locations": [as_json(OFFER, one) for one in offers]})


def list_rates(call: Call) -> Answer:
    """Return the past, current and future rates."""
    names = call.service.locations(call.parameters.get("location"))
    with call.service.application.database.reading() as connection:
        found = [rate for name in names for rate in rates.list_rates(connection, name)]
    return Answer(200, {"rates": [as_json(RATE, rate) for rate in found]})


def list_choices(call: Call) -> Answer:
    """Return OS Images and My Images."""
    site = call.service.site(call.sender, call.parameters.get("location"))
    groups = choices(site, site.account(None))
    return Answer(
        200,
        {
            "groups": [
                {"name": group.name, "images": [as_json(CHOICE, one) for one in group.images]}
                for group in groups
            ]
        },
    )
