"""Cloud Usage reports."""

from instance_images_api.schemas.base import INSTANT, TEXT, nullable, record

PERIOD = {"type": "string", "pattern": "^[0-9]{4}-(0[1-9]|1[0-2])$"}
MONTHS = record(
    months={
        "type": "array",
        "items": record(
            period=PERIOD,
            currency=TEXT,
            state={"enum": ["open", "closed"]},
            total={"type": "string", "pattern": "^-?[0-9]+[.][0-9]{9}$"},
            metered_until=nullable(INSTANT),
            forecast=nullable({"type": "string", "pattern": "^-?[0-9]+([.][0-9]+)?$"}),
        ),
    }
)
REPORT = {"type": "object"}
