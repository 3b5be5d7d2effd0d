"""The FOCUS data sets: what is charged as what, and what the public linter says of them.

The linter of focus-data-toolkit knows FOCUS 1.4. There is none for 1.2 that runs on every Python
that is supported here: of 1.2 these tests hold the columns that it demands, and convert it to 1.4.
"""

import csv
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from focus_data_toolkit import detect_focus_schema, lint_focus_1_4_structure
from focus_data_toolkit.convert.cost_and_usage import convert_cost_and_usage
from focus_data_toolkit.validate.bundle import validate_dataset_bundle
from hypothesis import given, settings

from instance_images.model.records import Account
from instance_images_billing.pricing.periods import Period
from instance_images_reports.formats.datasets import write_dataset
from instance_images_reports.formats.focus.charges import pricing_quantity
from instance_images_reports.presentation import FocusOptions, Presentation
from instance_images_reports.statement.charges import Charge, charge_section
from instance_images_reports.statement.statement import Adjustment, Statement

from support.statements import sample_statements as samples
from support.statements.any_statement import statements

# What the provider declares to offer, so that the linter asks for what follows from it.
SUPPORTED = ("SupportsUnitPricing", "SupportsMultiplePricingCategories")
NAMES = {
    "provider_name": "Example Cloud",
    "payment_terms": "Net 30",
}
Rows = list[dict[str, str]]


@dataclass(frozen=True, slots=True)
class Datasets:
    """The files of a folder, read back."""

    costs: Rows
    details: Rows
    periods: Rows


def read(path: Path) -> Rows:
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, strict=True))


def written(folder: Path, *statements: Statement, version: str = "1.4", part: int = 0) -> Datasets:
    presentation = Presentation(focus=FocusOptions(version, **NAMES))
    write_dataset("focus", folder, statements, presentation, part)
    number = f"-{part:05}" if part else ""
    names = ("cost-and-usage", "invoice-detail", "billing-period")
    return Datasets(*(read(folder / f"{name}{number}.csv") for name in names))


def faults(found: Datasets) -> list[str]:
    """Return what the linter says of each data set, and of how they fit together."""
    sets: dict[str, Rows] = {
        "Cost and Usage": found.costs,
        "Invoice Detail": found.details,
        "Billing Period": found.periods,
    }
    messages = [
        message
        for name, rows in sets.items()
        if rows
        for message in lint_focus_1_4_structure(
            name, rows, supported_conditions=SUPPORTED
        ).messages()
    ]
    bundle = validate_dataset_bundle(
        sets, invoice_detail_authoritative=True, rounding_tolerance=Decimal(0)
    )
    return messages + [each.format() for each in bundle.diagnostics if each.is_failure]


def total(rows: Rows) -> Decimal:
    return sum((Decimal(row["BilledCost"]) for row in rows), Decimal(0))


OCTOBER = datetime(2026, 10, 20, 17, tzinfo=UTC)


def of_all_kinds() -> Statement:
    """Lines, an allowance, a minimum charge, corrections of this month and of October.

    1.77 - 0.50 + 2.00 - 0.01 - 0.20 = 3.06.
    """
    (within,) = samples.adjusted().sections[0].adjustments

    def beside(kind: str, amount: str, **changes: Any) -> Adjustment:
        of_none: dict[str, Any] = {"image_id": "", "name": "", "hour": samples.PERIOD.start}
        changes = of_none | {"until": samples.PERIOD.end} | changes
        value = Decimal(amount)
        return replace(within, kind=kind, amount=value, amount_exact=value, **changes)

    earlier = replace(
        within,
        amount=Decimal("-0.20"),
        hour=OCTOBER,
        until=datetime(2026, 10, 20, 18, tzinfo=UTC),
    )
    return samples.with_section(
        samples.plain(),
        total=Decimal("3.06"),
        adjustments=[
            beside("allowance", "-0.50", reason="5 GB are free in every hour"),
            beside("minimum", "2.00", reason="top-up to the minimum charge of 5.00 EUR"),
            within,
            earlier,
        ],
    )


EVERY_SAMPLE = [
    samples.plain,
    samples.closed,
    samples.adjusted,
    samples.yen,
    samples.dinars,
    samples.gibibytes,
    samples.hostile,
    of_all_kinds,
]


# ------------------------------------------------------------------------ what the linter says


@pytest.mark.parametrize("sample", EVERY_SAMPLE)
def test_the_linter_of_1_4_finds_nothing(tmp_path: Path, sample: Any) -> None:
    assert faults(written(tmp_path, sample())) == []


def test_the_linter_would_find_something(tmp_path: Path) -> None:
    found = written(tmp_path, samples.plain())
    found.costs[0]["ListCost"] = "0.38"
    found.details[0]["BilledCost"] = "1.63"
    found.periods[0]["BillingPeriodStatus"] = "open"

    assert len(faults(found)) == 3


@settings(max_examples=40, deadline=None)
@given(statements())
def test_any_statement_is_billed_to_its_total_exactly(statement: Statement) -> None:
    with tempfile.TemporaryDirectory() as folder:
        found = written(Path(folder), statement)
        older = written(Path(folder), statement, version="1.2")

    section = statement.sections[0]
    assert total(found.costs) == total(found.details) == total(older.costs) == statement.total
    assert len(found.costs) == len(older.costs) == len(section.lines) + len(section.adjustments)
    assert faults(found) == []
    assert {row["InvoiceId"] for row in found.costs} == {row["InvoiceId"] for row in found.details}


def test_an_account_without_charges_has_a_billing_period_and_no_charge(tmp_path: Path) -> None:
    found = written(tmp_path, samples.empty())

    assert (found.costs, found.details) == ([], [])
    assert (tmp_path / "cost-and-usage.csv").read_text().startswith("BilledCost,")
    assert faults(found) == []
    (period,) = found.periods
    assert period["BillingPeriodLastUpdated"] == period["BillingPeriodStart"]


# -------------------------------------------------------------------------- what is charged


def only(rows: Rows, **values: str) -> dict[str, str]:
    (found,) = (row for row in rows if values.items() <= row.items())
    return found


def test_a_line_is_usage_at_its_list_price(tmp_path: Path) -> None:
    found = written(tmp_path, samples.plain())

    # 73 GB for 250 hours are 18250 GB-hours, / 730 = 25 GB-months; x 0.05 = 1.25
    row = only(found.costs, ResourceName="production-web-server-v2")
    assert {name: value for name, value in row.items() if value} == {
        "BilledCost": "1.25",
        "BillingAccountId": "5f0c6f1e2d3b4a59",
        "BillingAccountName": "Example GmbH",
        "BillingAccountType": "Project",
        "BillingCurrency": "EUR",
        "BillingPeriodEnd": "2026-11-30T23:00:00Z",
        "BillingPeriodStart": "2026-10-31T23:00:00Z",
        "ChargeCategory": "Usage",
        "ChargeDescription": "Storage of an image, per GB and month",
        "ChargeFrequency": "Usage-Based",
        "ChargePeriodEnd": "2026-11-20T18:00:00Z",
        "ChargePeriodStart": "2026-11-10T08:00:00Z",
        "ConsumedQuantity": "18250.000000",
        "ConsumedUnit": "GB-Hours",
        "ContractedCost": "1.250000000",
        "ContractedUnitPrice": "0.050000000",
        "EffectiveCost": "1.25",
        "HostProviderName": "Example Cloud",
        "InvoiceDetailId": "2026-11-5f0c6f1e2d3b4a59-EUR/Instance%20Images/RegionOne/Usage",
        "InvoiceId": "2026-11-5f0c6f1e2d3b4a59-EUR",
        "InvoiceIssuerName": "Example Cloud",
        "ListCost": "1.250000000",
        "ListUnitPrice": "0.050000000",
        "PricingCategory": "Standard",
        "PricingQuantity": "25.000000000000000000",
        "PricingUnit": "GB-Months",
        "RegionId": "RegionOne",
        "RegionName": "RegionOne",
        "ResourceId": "22222222-2222-4222-8222-222222222222",
        "ResourceName": "production-web-server-v2",
        "ResourceType": "Instance Image",
        "ServiceCategory": "Storage",
        "ServiceName": "Instance Images",
        "ServiceProviderName": "Example Cloud",
        "ServiceSubcategory": "Other (Storage)",
        "SkuId": "instance-image-storage",
        "SkuMeter": "Image Storage",
        "SkuPriceDetails": '{"x_HoursPerMonth": "730"}',
        "SkuPriceId": "instance-image-storage/RegionOne/GB/730",
        "x_AmountExact": "1.250000000",
        "x_BillableSeconds": "900000",
        "x_ChargeKind": "usage",
        "x_MeteredUntil": "2026-11-23T12:00:00Z",
        "x_PartialHour": "prorate",
        "x_SizeBytes": "73000000000",
        "x_SourceInstanceId": "aaaaaaaa-2222-4222-8222-222222222222",
        "x_SourceInstanceName": "web-1",
    }


@pytest.mark.parametrize(
    ("kind", "amount", "category", "charge_class", "frequency"),
    [
        ("allowance", "-0.50", "Credit", "", "Usage-Based"),
        ("minimum", "2.00", "Adjustment", "", "Recurring"),
        ("correction", "-0.01", "Adjustment", "", "One-Time"),
        ("correction", "-0.20", "Usage", "Correction", "One-Time"),
    ],
)
def test_what_stands_beside_the_lines_has_its_category(
    tmp_path: Path, kind: str, amount: str, category: str, charge_class: str, frequency: str
) -> None:
    found = written(tmp_path, of_all_kinds())

    row = only(found.costs, x_ChargeKind=kind, BilledCost=amount)
    assert (row["ChargeCategory"], row["ChargeClass"]) == (category, charge_class)
    assert row["ChargeFrequency"] == frequency
    assert row["ListCost"] == row["ContractedCost"] == row["EffectiveCost"] == amount
    for column in ("SkuPriceId", "PricingQuantity", "PricingUnit", "ConsumedQuantity"):
        assert row[column] == ""


def test_a_correction_of_an_earlier_month_lies_there_and_is_billed_here(tmp_path: Path) -> None:
    found = written(tmp_path, of_all_kinds())

    row = only(found.costs, ChargeClass="Correction")
    assert (row["ChargePeriodStart"], row["ChargePeriodEnd"]) == (
        "2026-10-20T17:00:00Z",
        "2026-10-20T18:00:00Z",
    )
    assert row["BillingPeriodStart"] == "2026-10-31T23:00:00Z"
    detail = only(found.details, InvoiceDetailId=row["InvoiceDetailId"])
    assert detail["InvoiceId"] == row["InvoiceId"] == "2026-11-5f0c6f1e2d3b4a59-EUR"
    assert detail["ReferenceInvoiceId"] == "2026-10-5f0c6f1e2d3b4a59-EUR"
    assert detail["BilledCost"] == "-0.20"


def test_a_correction_of_an_earlier_minimum_charge_is_no_usage(tmp_path: Path) -> None:
    (first,) = samples.adjusted().sections[0].adjustments
    of_october = replace(first, image_id="", name="", hour=OCTOBER)

    found = written(tmp_path, samples.with_section(samples.adjusted(), adjustments=[of_october]))

    row = only(found.costs, ChargeClass="Correction")
    assert (row["ChargeCategory"], row["ResourceType"]) == ("Adjustment", "")
    assert faults(found) == []


def test_the_month_that_is_corrected_is_that_of_the_providers_zone(tmp_path: Path) -> None:
    # 22:30 UTC on 31 October is 23:30 in Berlin: the last hour of October.
    (first, *_others) = samples.adjusted().sections[0].adjustments
    last_hour = replace(first, hour=datetime(2026, 10, 31, 22, tzinfo=UTC))
    first_hour = replace(first, hour=samples.PERIOD.start)

    found = written(
        tmp_path, samples.with_section(samples.adjusted(), adjustments=[last_hour, first_hour])
    )

    classes = [row["ChargeClass"] for row in found.costs if row["x_ChargeKind"] == "correction"]
    assert classes == ["Correction", ""]


@pytest.mark.parametrize(
    ("hours_per_month", "months"),
    [("730", "25"), ("720", "25.347222222222222222"), ("672", "27.157738095238095238")],
)
def test_the_quantity_is_in_months_of_the_rate(hours_per_month: str, months: str) -> None:
    line = samples.plain().sections[0].lines[1]  # 18250 GB-hours

    quantity = pricing_quantity(
        line._replace(hours_per_month=hours_per_month), samples.plain().period
    )

    assert quantity == Decimal(months)


def test_a_calendar_month_has_its_real_hours() -> None:
    line = samples.plain().sections[0].lines[1]._replace(hours_per_month="calendar")
    # With the night in which clocks are put back October has 745 hours in Berlin.
    october = Period(
        "2026-10",
        datetime(2026, 9, 30, 22, tzinfo=UTC),
        datetime(2026, 10, 31, 23, tzinfo=UTC),
    )

    # 18250 / 745 = 24.4966442953020134228...
    assert pricing_quantity(line, october) == Decimal("24.496644295302013423")


def test_a_charge_of_an_added_section_names_its_service(tmp_path: Path) -> None:
    added = charge_section(
        "addresses",
        "Addresses",
        [Charge(name="198.51.100.7", amount=Decimal("0.72"), details="IPv4")],
        2,
    )

    found = written(tmp_path, replace(samples.plain(), added=[added], total=Decimal("2.49")))

    row = only(found.costs, ServiceName="Addresses")
    assert (row["BilledCost"], row["ChargeDescription"]) == ("0.72", "198.51.100.7 IPv4")
    assert total(found.costs) == total(found.details) == Decimal("2.49")
    assert faults(found) == []


# ---------------------------------------------------------------- invoice and billing period


def test_an_invoice_adds_up_its_charges_by_location_and_category(tmp_path: Path) -> None:
    found = written(tmp_path, of_all_kinds())

    # RegionOne: 0.37 + 1.25 of usage; 2.00 - 0.01 of adjustments.
    assert [
        (row["InvoiceDetailDescription"], row["ChargeCategory"], row["BilledCost"])
        for row in found.details
    ] == [
        ("Instance Images at RegionOne", "Usage", "1.62"),
        ("Instance Images at RegionTwo", "Usage", "0.15"),
        ("Instance Images at RegionOne", "Credit", "-0.50"),
        ("Instance Images at RegionOne", "Adjustment", "1.99"),
        ("Instance Images at RegionOne, correction of 2026-10", "Usage", "-0.20"),
    ]
    assert {row["PaymentTerms"] for row in found.details} == {"Net 30"}
    assert total(found.details) == Decimal("3.06")


def test_an_open_period_has_an_open_invoice(tmp_path: Path) -> None:
    found = written(tmp_path, samples.plain())

    assert {(row["InvoiceIssueStatus"], row["InvoiceIssueDate"]) for row in found.details} == {
        ("Open", "")
    }
    (period,) = found.periods
    assert period == {
        "BillingPeriodCreated": "2026-10-31T23:00:00Z",
        "BillingPeriodEnd": "2026-11-30T23:00:00Z",
        "BillingPeriodLastUpdated": "2026-11-23T12:00:00Z",
        "BillingPeriodStart": "2026-10-31T23:00:00Z",
        "BillingPeriodStatus": "Open",
        "InvoiceIssuerName": "Example Cloud",
    }


def test_closing_a_period_issues_its_invoice(tmp_path: Path) -> None:
    closed_at = datetime(2026, 12, 3, 9, 30, 1, tzinfo=UTC)

    found = written(tmp_path, replace(samples.closed(), closed_at=closed_at))

    assert {(row["InvoiceIssueStatus"], row["InvoiceIssueDate"]) for row in found.details} == {
        ("Issued", "2026-12-03T09:30:01Z")
    }
    (period,) = found.periods
    assert period["BillingPeriodStatus"] == "Closed"
    assert period["BillingPeriodLastUpdated"] == "2026-12-03T09:30:01Z"


def test_an_invoice_keeps_its_id_while_its_charges_grow(tmp_path: Path) -> None:
    before = written(tmp_path, samples.plain())
    after = written(tmp_path, samples.closed())

    assert {row["InvoiceId"] for row in before.costs} == {row["InvoiceId"] for row in after.costs}


def of_account(number: int, **changes: Any) -> Statement:
    return replace(samples.plain(), account=Account(f"id-{number}", f"account {number}"), **changes)


def test_accounts_and_currencies_have_invoices_of_their_own(tmp_path: Path) -> None:
    later = datetime(2026, 11, 23, 13, tzinfo=UTC)

    found = written(
        tmp_path, of_account(1), of_account(2, metered_until=later), of_account(2, currency="USD")
    )

    assert {row["InvoiceId"] for row in found.details} == {
        "2026-11-id-1-EUR",
        "2026-11-id-2-EUR",
        "2026-11-id-2-USD",
    }
    assert total(found.costs) == 3 * Decimal("1.77")
    (period,) = found.periods
    assert period["BillingPeriodLastUpdated"] == "2026-11-23T13:00:00Z"
    assert faults(found) == []


def test_several_processes_write_parts_that_fit_together(tmp_path: Path) -> None:
    parts = [written(tmp_path, of_account(part), part=part) for part in range(3)]

    whole = Datasets(
        *([row for part in parts for row in getattr(part, name)] for name in Datasets.__slots__)
    )
    assert len(whole.periods) == 1
    assert len(whole.costs) == 9
    assert faults(whole) == []


# ------------------------------------------------------------------------------ hostile names


def test_no_text_is_calculated_by_a_spreadsheet_or_steers_a_terminal(tmp_path: Path) -> None:
    statement = samples.hostile()
    lines = [line._replace(location="=1+1") for line in statement.sections[0].lines]

    found = written(tmp_path, samples.with_section(statement, lines=lines))

    numbers = {"BilledCost", "ContractedCost", "EffectiveCost", "ListCost", "x_AmountExact"}
    for row in (*found.costs, *found.details):
        for name, value in row.items():
            assert value.isprintable() or "\u200d" in value
            if name not in numbers:
                assert not value.lstrip().startswith(("=", "+", "-", "@"))
    assert found.costs[4]["ResourceName"] == "'" + samples.HOSTILE_NAMES[4]
    assert faults(found) == []


def test_a_location_cannot_pretend_to_be_another_item_of_the_invoice(tmp_path: Path) -> None:
    base, *_others = samples.plain().sections[0].lines
    names = ["a", "a/Usage", "a%2FUsage", "a\x07"]
    lines = [base._replace(location=name) for name in names]

    found = written(tmp_path, samples.of_lines(samples.plain(), lines, "1.48"))

    assert len({row["InvoiceDetailId"] for row in found.details}) == 4


# ------------------------------------------------------------------------------------- 1.2

# Facts of FOCUS 1.2, from the rules of its official validator: the columns that every provider
# must have, those that follow from what is offered here, and which of them may not be null.
MANDATORY_1_2 = {
    "BilledCost", "BillingAccountId", "BillingAccountName", "BillingCurrency", "BillingPeriodEnd",
    "BillingPeriodStart", "ChargeCategory", "ChargeClass", "ChargeDescription", "ChargePeriodEnd",
    "ChargePeriodStart", "ContractedCost", "EffectiveCost", "InvoiceIssuerName", "ListCost",
    "PricingQuantity", "PricingUnit", "ProviderName", "PublisherName", "ServiceCategory",
    "ServiceName",
}  # fmt: skip
OFFERED_1_2 = {
    "ChargeFrequency", "ConsumedQuantity", "ConsumedUnit", "InvoiceId", "ListUnitPrice",
    "PricingCategory", "RegionId", "RegionName", "ResourceId", "ResourceName", "ResourceType",
    "ServiceSubcategory", "SkuId", "SkuMeter", "SkuPriceDetails", "SkuPriceId",
}  # fmt: skip
NULLABLE_1_2 = {
    "BillingAccountName", "ChargeClass", "ChargeDescription", "PricingQuantity", "PricingUnit",
}  # fmt: skip
ALLOWED_1_2 = {
    "ChargeCategory": {"Usage", "Purchase", "Tax", "Credit", "Adjustment"},
    "ChargeClass": {"", "Correction"},
    "ChargeFrequency": {"One-Time", "Recurring", "Usage-Based"},
    "PricingCategory": {"", "Standard", "Dynamic", "Committed", "Other"},
    "ServiceCategory": {"Storage"},
    "ServiceSubcategory": {"Other (Storage)"},
}


@pytest.mark.parametrize("sample", EVERY_SAMPLE)
def test_1_2_has_the_columns_and_values_that_it_demands(tmp_path: Path, sample: Any) -> None:
    found = written(tmp_path, sample(), version="1.2")

    assert found.details == found.periods == []
    for row in found.costs:
        assert row.keys() >= MANDATORY_1_2 | OFFERED_1_2
        assert all(row[name] for name in MANDATORY_1_2 - NULLABLE_1_2)
        assert all(row[name] in allowed for name, allowed in ALLOWED_1_2.items())
        if (row["ChargeCategory"], row["ChargeClass"]) == ("Usage", ""):
            assert row["PricingQuantity"] and row["SkuPriceId"] and row["ConsumedQuantity"]


@pytest.mark.parametrize("sample", EVERY_SAMPLE)
def test_1_2_can_be_converted_to_1_4(tmp_path: Path, sample: Any) -> None:
    rows = written(tmp_path, sample(), version="1.2").costs
    detected = detect_focus_schema(rows[0].keys())

    converted = convert_cost_and_usage(rows, "1.2")

    assert (detected.dataset, detected.detected_version) == ("Cost and Usage", "1.2")
    assert detected.unknown_columns == detected.additional_focus_columns == ()
    report = lint_focus_1_4_structure("Cost and Usage", converted, supported_conditions=SUPPORTED)
    assert report.messages() == []
    assert total(converted) == sample().total


# ---------------------------------------------------------------------------------- the files


@pytest.mark.parametrize("version", ["1.2", "1.4"])
def test_columns_of_focus_stand_before_ours_in_alphabetical_order(
    tmp_path: Path, version: str
) -> None:
    found = written(tmp_path, samples.plain(), version=version)

    for rows in (found.costs, found.details, found.periods):
        columns = list(rows[0]) if rows else []
        own = [name for name in columns if name.startswith("x_")]
        theirs = [name for name in columns if not name.startswith("x_")]
        assert columns == sorted(theirs) + sorted(own)


def test_lines_end_as_in_the_other_csv_and_files_are_utf_8(tmp_path: Path) -> None:
    written(tmp_path, samples.plain())

    content = (tmp_path / "cost-and-usage.csv").read_bytes()
    assert b"\r" not in content
    assert "datenbank-münchen" in content.decode()


def statement_files(folder: Path) -> Sequence[str]:
    return sorted(path.name for path in folder.iterdir())


def test_1_2_is_one_file_and_1_4_are_three(tmp_path: Path) -> None:
    for version in ("1.2", "1.4"):
        (tmp_path / version).mkdir()
        written(tmp_path / version, samples.plain(), version=version)

    assert statement_files(tmp_path / "1.2") == ["cost-and-usage.csv"]
    assert statement_files(tmp_path / "1.4") == [
        "billing-period.csv",
        "cost-and-usage.csv",
        "invoice-detail.csv",
    ]
