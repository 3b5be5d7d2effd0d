"""Locations with their prices, rates, and the images to choose from."""

import sqlalchemy as sa

from instance_images.deployments.choices import choices
from instance_images.errors import UsageError
from instance_images.instants import parse_hour
from instance_images.views.fields import as_json
from instance_images.views.records import CHOICE
from instance_images_api.http.route import Answer, Call
from instance_images_billing.config import billing_settings
from instance_images_billing.ledger import rates
from instance_images_billing.pricing.money import parse_price
from instance_images_billing.pricing.rating import Rate
from instance_images_billing.rates.estimates import estimate
from instance_images_billing.rates.offers import offer_of
from instance_images_billing.rates.preview import preview_price
from instance_images_billing.rates.rates import set_rate
from instance_images_billing.views import ESTIMATE, OFFER, PREVIEW, RATE


def list_locations(call: Call) -> Answer:
    """Return what each location offers, and at what price."""
    service = call.service
    billable_size = billing_settings(service.settings).billable_size
    with service.application.database.reading() as connection:
        offers = [
            offer_of(connection, service.settings.location(name), billable_size, service.clock())
            for name in service.locations()
        ]
    return Answer(200, {"locations": [as_json(OFFER, one) for one in offers]})


def list_rates(call: Call) -> Answer:
    """Return the past, current and future rates."""
    names = call.service.locations(call.parameters.get("location"))
    with call.service.application.database.reading() as connection:
        found = [rate for name in names for rate in rates.list_rates(connection, name)]
    return Answer(200, {"rates": [as_json(RATE, rate) for rate in found]})


def create_rate(call: Call) -> Answer:
    """Set the price of a location from an hour on, or say what it would have cost."""
    asked, service = call.body["rate"], call.service
    location = service.site(call.sender, asked.get("location")).location
    price_nanos = parse_price(asked["price"])
    billing, database = billing_settings(service.settings), service.application.database
    now = service.clock()
    if call.parameters.get("preview"):
        with database.snapshot() as connection:
            shown = preview_price(connection, location, billing, price_nanos, now)
        return Answer(200, {"preview": as_json(PREVIEW, shown)})
    try:
        from_hour = parse_hour(asked["from"]) if "from" in asked else None
    except ValueError as error:
        raise UsageError(f"rate.from: {error}.") from error

    def work(connection: sa.Connection) -> Rate:
        return set_rate(
            connection=connection,
            location=location,
            billing=billing,
            price_nanos=price_nanos,
            from_hour=from_hour,
            now=now,
        )

    return Answer(201, {"rate": as_json(RATE, database.write(work))})


def get_estimate(call: Call) -> Answer:
    """Return what an image of an instance would be and cost."""
    parameters, billing = call.parameters, billing_settings(call.service.settings)
    site = call.service.site(call.sender, parameters.get("location"))
    found = estimate(site, site.account(None), parameters["source_instance_id"], billing)
    return Answer(200, {"estimate": as_json(ESTIMATE, found)})


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
