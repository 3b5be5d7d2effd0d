"""The invoice and the billing period of a statement in the words of FOCUS. Pure.

A statement is one invoice: of one account, month and currency. The closing of its period is what
issues it, for nothing in it changes afterwards. The id is derived, so that it is the same whenever
and wherever a report is made; it is not the number that a bookkeeping system gives its document.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from urllib.parse import quote

from instance_images.names import printable
from instance_images_reports.presentation import FocusOptions
from instance_images_reports.statement.statement import Statement

Row = dict[str, object]

SERVICE = "Instance Images"


@dataclass(frozen=True, slots=True)
class Item:
    """What is one item of an invoice: charges of a category and service at a location.

    ``corrected_month`` is the earlier month that they correct, if they do.
    """

    location: str
    category: str
    corrected_month: str | None = None
    service: str = SERVICE

    def id_in(self, statement: Statement) -> str:
        """Return the id of the item: no other item of any invoice has it."""
        parts = (self.service, self.location, self.category, self.corrected_month)
        quoted = [quote(part, safe="") for part in parts if part is not None]
        return "/".join([invoice_id(statement, statement.period.name), *quoted])


def invoice_id(statement: Statement, month: str) -> str:
    """Return the id of the invoice that the account has for the month in this currency."""
    return f"{month}-{quote(statement.account.id, safe='')}-{statement.currency}"


def last_updated(statement: Statement) -> datetime:
    """Return when the statement changed last: by being closed, or by being metered."""
    return statement.closed_at or statement.metered_until or statement.period.start


def billing_period(statement: Statement, options: FocusOptions) -> Row:
    """Return the row of Billing Period, which came to be when the period began."""
    return {
        "BillingPeriodCreated": statement.period.start,
        "BillingPeriodEnd": statement.period.end,
        "BillingPeriodLastUpdated": last_updated(statement),
        "BillingPeriodStart": statement.period.start,
        "BillingPeriodStatus": statement.period_state.capitalize(),
        "InvoiceIssuerName": options.provider_name,
    }


def invoice_details(
    statement: Statement, options: FocusOptions, charged: Iterable[tuple[Item, Decimal]]
) -> list[Row]:
    """Return the rows of Invoice Detail: the charged amounts, added up by item."""
    amounts: dict[Item, Decimal] = {}
    for item, amount in charged:
        amounts[item] = amounts.get(item, Decimal(0)) + amount
    of_all = _of_all(statement, options)
    return [of_all | _detail(statement, item, amount) for item, amount in amounts.items()]


def _of_all(statement: Statement, options: FocusOptions) -> Row:
    return {
        "BillingAccountId": statement.account.id,
        "BillingCurrency": statement.currency,
        "BillingPeriodEnd": statement.period.end,
        "BillingPeriodStart": statement.period.start,
        "InvoiceDetailCreated": statement.period.start,
        "InvoiceDetailLastUpdated": last_updated(statement),
        "InvoiceId": invoice_id(statement, statement.period.name),
        "InvoiceIssueDate": statement.closed_at,
        "InvoiceIssueStatus": "Issued" if statement.period_state == "closed" else "Open",
        "InvoiceIssuerName": options.provider_name,
        "PaymentTerms": options.payment_terms,
    }


def _detail(statement: Statement, item: Item, amount: Decimal) -> Row:
    grain = {"RegionId": printable(item.location), "ServiceName": printable(item.service)}
    about = f"{item.service} at {item.location}" if item.location else item.service
    if item.corrected_month:
        grain["x_CorrectedBillingPeriod"] = item.corrected_month
        about += f", correction of {item.corrected_month}"
    return {
        "BilledCost": amount,
        "ChargeCategory": item.category,
        "InvoiceDetailDescription": about,
        "InvoiceDetailGrain": json.dumps(grain),
        "InvoiceDetailId": item.id_in(statement),
        "ReferenceInvoiceId": invoice_id(statement, item.corrected_month or statement.period.name),
    }
