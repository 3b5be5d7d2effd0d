"""How an account's months are shown."""

from instance_images.views.fields import View
from instance_images_billing.pricing.money import decimal_of

MONTH: View = View(
    fields=(
        ("period", lambda one: one.period),
        ("currency", lambda one: one.currency),
        ("state", lambda one: one.state),
        ("total", lambda one: f"{decimal_of(one.total_nanos):f}"),
        ("metered_until", lambda one: one.metered_until),
        ("forecast", lambda one: None if one.forecast is None else f"{one.forecast:f}"),
    ),
    columns=(
        ("Period", lambda one: one.period),
        ("Total", lambda one: f"{decimal_of(one.total_nanos):f} {one.currency}"),
    ),
)
