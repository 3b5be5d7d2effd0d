"""Locations with their prices, rates, and the images to choose from."""

from instance_images.model.estimates import Basis
from instance_images_api.schemas.base import (
    COUNT,
    INSTANT,
    LOCATION_NAME,
    TEXT,
    asked,
    nullable,
    record,
)

PRICE = {"type": "string", "pattern": "^[0-9]{1,12}[.][0-9]{2,9}$"}
LOCATION = record(
    name=TEXT,
    enabled={"type": "boolean"},
    currency=TEXT,
    price=nullable(PRICE),
    unit=nullable(TEXT),
    hours_per_month=nullable(TEXT),
    partial_hour=nullable(TEXT),
    free_bytes=nullable(COUNT),
    minimum_charge=nullable(PRICE),
    next_price=nullable(PRICE),
    next_price_from=nullable(INSTANT),
    billable_size={"enum": ["stored", "virtual"]},
)
LOCATIONS = record(locations={"type": "array", "items": LOCATION})
RATE = {
    **record(
        location=TEXT,
        price=PRICE,
        currency=TEXT,
        unit=TEXT,
        hours_per_month=TEXT,
        partial_hour=TEXT,
        set_at=INSTANT,
        free_bytes=COUNT,
        minimum_charge=PRICE,
    )
}
RATE["properties"] = {**RATE["properties"], "from": INSTANT}
RATE["required"] = [*RATE["required"], "from"]
RATES = record(rates={"type": "array", "items": RATE})
CHOICE = record(
    group=TEXT,
    id=TEXT,
    name=TEXT,
    cloud_image_id=TEXT,
    size_bytes=nullable(COUNT),
    min_disk_gib=COUNT,
    min_ram_mib=COUNT,
    os_type=nullable(TEXT),
    os_distro=nullable(TEXT),
    os_version=nullable(TEXT),
    architecture=nullable(TEXT),
)
CHOICES = record(
    groups={
        "type": "array",
        "items": record(name=TEXT, images={"type": "array", "items": CHOICE}),
    }
)

RATE_SET = asked(
    "rate",
    ["price"],
    **{
        "location": LOCATION_NAME,
        "price": {"type": "string", "pattern": "^[0-9]{1,12}([.][0-9]{1,9})?$"},
        "from": {"type": "string", "maxLength": 40},
    },
)
RATE_EXAMPLE = {"rate": {"location": "RegionOne", "price": "0.05", "from": "2026-12-01T00:00:00Z"}}
ONE_RATE = record(rate=RATE)
AMOUNT = {"type": "string", "pattern": "^-?[0-9]+[.][0-9]{9}$"}
PREVIEW = record(
    preview=record(
        location=TEXT,
        period=TEXT,
        currency=TEXT,
        old_total=AMOUNT,
        new_total=AMOUNT,
        difference=AMOUNT,
    )
)
ESTIMATE = record(
    size_bytes=nullable(COUNT),
    basis={"enum": [one.value for one in Basis]},
    per_hour=nullable(AMOUNT),
    per_month=nullable(AMOUNT),
    currency=TEXT,
    rate=nullable(PRICE),
    free_bytes_left=COUNT,
    held=COUNT,
    max_images={"type": "integer", "minimum": -1},
    fits={"type": "boolean"},
)
ONE_ESTIMATE = record(estimate=ESTIMATE)
