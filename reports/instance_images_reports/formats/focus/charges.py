"""The charges of a statement in the words of FOCUS. Pure.

Every line and adjustment is one charge, over the whole time that it is about. It is billed with its
rounded amount, so that charges, invoice and statement come to the same total. What is charged
beside the lines is classed like this:

- An allowance is a Credit: it is granted on the sum of all images of an hour, not on one of them.
- What is missing to a minimum charge is an Adjustment: nothing was used or bought for it.
- A correction of an earlier month is Usage of the class Correction: it changes what is on another
  month's invoice. Its charge period lies in that month, its billing period is the statement's. If
  it is about that month's minimum charge, which is of no image, it is an Adjustment of that class.
- A correction within the month is an Adjustment: of Usage that is no Correction, FOCUS wants a
  quantity and a unit price, and a correction has an amount alone.
- What is in a section that others add is an Adjustment, since it has no price list that is known.
"""

import json
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from urllib.parse import quote
from zoneinfo import ZoneInfo

from instance_images_billing.pricing.money import round_half_even
from instance_images_billing.pricing.periods import Period, period_of
from instance_images_billing.pricing.rating import SECONDS_PER_HOUR
from instance_images_billing.pricing.units import UNIT_BYTES
from instance_images_reports.formats.focus.invoice import SERVICE, Item, Row, invoice_id
from instance_images_reports.presentation import FocusOptions
from instance_images_reports.statement.adjustments import ALLOWANCE, CORRECTION, MINIMUM
from instance_images_reports.statement.charges import ChargeLine
from instance_images_reports.statement.rounding import decimal_of
from instance_images_reports.statement.statement import Adjustment, Line, Statement

_RESOURCE = "Instance Image"
_SKU = "instance-image-storage"
_USAGE = "usage"
# With so many, price x quantity is the exact cost to the last of its nine decimals.
_QUANTITY_DIGITS = 18

_CATEGORIES = {CORRECTION: "Adjustment", ALLOWANCE: "Credit", MINIMUM: "Adjustment"}
_FREQUENCIES = {CORRECTION: "One-Time", ALLOWANCE: "Usage-Based", MINIMUM: "Recurring"}


@dataclass(frozen=True, slots=True)
class Charge:
    """A row of Cost and Usage, with the columns of all versions, and its item of the invoice.

    Values are texts, Decimals and instants; what is None, empty or missing is null.
    """

    item: Item
    amount: Decimal
    row: Row


def charges(statement: Statement, options: FocusOptions) -> list[Charge]:
    """Return the charges of the statement, whose amounts add up to its total."""
    of_all = _of_all(statement, options)
    found = []
    for section in statement.sections:
        found += [_usage(statement, of_all, line) for line in section.lines]
        found += [_beside(statement, of_all, each) for each in section.adjustments]
    for added in statement.added:
        found += [_added(statement, of_all, added.title, line) for line in added.lines]
    return found


def pricing_quantity(line: Line, period: Period) -> Decimal:
    """Return the GB-months (or GiB-months) that the line's rate is charged for, rounded."""
    seconds_per_month = period.duration_seconds
    if line.hours_per_month != "calendar":
        seconds_per_month = int(line.hours_per_month) * SECONDS_PER_HOUR
    months = Fraction(
        line.size_bytes * line.billable_seconds, UNIT_BYTES[line.unit] * seconds_per_month
    )
    return decimal_of(round_half_even(months * 10**_QUANTITY_DIGITS), _QUANTITY_DIGITS)


def _of_all(statement: Statement, options: FocusOptions) -> Row:
    return {
        "BillingAccountId": statement.account.id,
        "BillingAccountName": statement.account.name,
        "BillingAccountType": options.account_type,
        "BillingCurrency": statement.currency,
        "BillingPeriodEnd": statement.period.end,
        "BillingPeriodStart": statement.period.start,
        "HostProviderName": options.provider_name,
        "InvoiceId": invoice_id(statement, statement.period.name),
        "InvoiceIssuerName": options.provider_name,
        "ProviderName": options.provider_name,
        "PublisherName": options.provider_name,
        "ServiceCategory": "Storage",
        "ServiceName": SERVICE,
        "ServiceProviderName": options.provider_name,
        "ServiceSubcategory": "Other (Storage)",
        "x_MeteredUntil": statement.metered_until,
    }


def _usage(statement: Statement, of_all: Row, line: Line) -> Charge:
    """Return the charge of a line. Nothing is negotiated: what is paid is the list price."""
    item = Item(line.location, "Usage")
    row = {
        **of_all,
        **_where(statement, item),
        **_resource(line.image_id, line.name),
        **_price(line),
        "BilledCost": line.amount,
        "ChargeDescription": f"Storage of an image, per {line.unit} and month",
        "ChargeFrequency": "Usage-Based",
        "ChargePeriodEnd": line.billable_until,
        "ChargePeriodStart": line.billable_from,
        "ConsumedQuantity": line.unit_hours,
        "ConsumedUnit": f"{line.unit}-Hours",
        "ContractedCost": line.amount_exact,
        "EffectiveCost": line.amount,
        "ListCost": line.amount_exact,
        "PricingQuantity": pricing_quantity(line, statement.period),
        "PricingUnit": f"{line.unit}-Months",
        "x_AmountExact": line.amount_exact,
        "x_BillableSeconds": Decimal(line.billable_seconds),
        "x_ChargeKind": _USAGE,
        "x_PartialHour": line.partial_hour,
        "x_SizeBytes": Decimal(line.size_bytes),
        "x_SourceInstanceId": line.source_instance_id,
        "x_SourceInstanceName": line.source_instance_name,
    }
    return Charge(item, line.amount, row)


def _price(line: Line) -> Row:
    """Return the price and its place in the price list, which stays when its amount changes."""
    place = (_SKU, quote(line.location, safe=""), line.unit, line.hours_per_month)
    return {
        "ContractedUnitPrice": line.rate,
        "ListUnitPrice": line.rate,
        "PricingCategory": "Standard",
        "SkuId": _SKU,
        "SkuMeter": "Image Storage",
        "SkuPriceDetails": json.dumps({"x_HoursPerMonth": line.hours_per_month}),
        "SkuPriceId": "/".join(place),
    }


def _beside(statement: Statement, of_all: Row, each: Adjustment) -> Charge:
    """Return the charge of an adjustment. It has no price: all of its costs are its amount."""
    item = _item(statement, each)
    row = {
        **of_all,
        **_where(statement, item),
        **_resource(each.image_id, each.name),
        "BilledCost": each.amount,
        "ChargeClass": "Correction" if item.corrected_month else None,
        "ChargeDescription": each.reason,
        "ChargeFrequency": _FREQUENCIES[each.kind],
        "ChargePeriodEnd": each.until or statement.period.end,
        "ChargePeriodStart": each.hour,
        "ContractedCost": each.amount,
        "EffectiveCost": each.amount,
        "ListCost": each.amount,
        "x_AmountExact": each.amount_exact,
        "x_ChargeKind": each.kind,
    }
    return Charge(item, each.amount, row)


def _added(statement: Statement, of_all: Row, title: str, line: ChargeLine) -> Charge:
    """Return a charge of a section that others added: all that is known is what it says."""
    item = Item(line.location, "Adjustment", service=title)
    row = {
        **of_all,
        **_where(statement, item),
        "BilledCost": line.amount,
        "ChargeDescription": f"{line.name} {line.details}".strip(),
        "ChargeFrequency": "Usage-Based",
        "ChargePeriodEnd": statement.metered_until or statement.period.end,
        "ChargePeriodStart": statement.period.start,
        "ContractedCost": line.amount,
        "EffectiveCost": line.amount,
        "ListCost": line.amount,
        "ServiceCategory": "Other",
        "ServiceName": title,
        "ServiceSubcategory": "Other (Other)",
        "x_AmountExact": line.amount_exact,
        "x_ChargeKind": _USAGE,
    }
    return Charge(item, line.amount, row)


def _item(statement: Statement, each: Adjustment) -> Item:
    """Return the item of an adjustment.

    An earlier month counts as invoiced whether it is closed yet or not: what is counted in this
    month never comes onto that invoice.
    """
    if each.kind == CORRECTION and each.hour < statement.period.start:
        month = period_of(each.hour, ZoneInfo(statement.timezone)).name
        return Item(each.location, "Usage" if each.image_id else "Adjustment", month)
    return Item(each.location, _CATEGORIES[each.kind])


def _where(statement: Statement, item: Item) -> Row:
    """Return where a charge was made, and where it stands on the invoice."""
    return {
        "ChargeCategory": item.category,
        "InvoiceDetailId": item.id_in(statement),
        "RegionId": item.location,
        "RegionName": item.location,
    }


def _resource(image_id: str, name: str) -> Row:
    kind = _RESOURCE if image_id else None
    return {"ResourceId": image_id, "ResourceName": name, "ResourceType": kind}
