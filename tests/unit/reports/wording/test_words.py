"""How numbers, instants and texts are put for readers of several countries."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from babel.numbers import get_group_symbol

from instance_images.errors import UsageError
from instance_images.model.image_events import Event
from instance_images_billing.pricing.reasons import MINIMUM_CORRECTED, WAIVER_ENDED, Reason
from instance_images_reports.statement.statement import Adjustment, Comparison, Ending, Forecast
from instance_images_reports.wording import sentences
from instance_images_reports.wording.reasons import adjustment_reason
from instance_images_reports.wording.words import Words

from support.statements import sample_statements as samples

BERLIN = ZoneInfo("Europe/Berlin")
NBSP = "\xa0"
# CLDR changed the apostrophe between the releases of Babel that are supported.
SWISS_GROUP = get_group_symbol("de_CH")


def words(locale: str = "en_GB", currency: str = "EUR", zone: ZoneInfo = BERLIN) -> Words:
    return Words(locale, zone, currency)


# ---------------------------------------------------------------------- numbers


@pytest.mark.parametrize(
    ("locale", "currency", "amount", "shown"),
    [
        ("en_GB", "EUR", "1234567.50", f"EUR{NBSP}1,234,567.50"),
        ("en_GB", "EUR", "-0.01", f"-EUR{NBSP}0.01"),
        ("en_GB", "EUR", "0E-2", f"EUR{NBSP}0.00"),
        ("de_DE", "EUR", "1234567.50", f"1.234.567,50{NBSP}EUR"),
        ("de_DE", "EUR", "-0.01", f"-0,01{NBSP}EUR"),
        ("de_CH", "CHF", "1234.50", f"CHF{NBSP}1{SWISS_GROUP}234.50"),
        ("fr_FR", "EUR", "1234.50", f"1\u202f234,50{NBSP}EUR"),
        ("hi_IN", "INR", "1234567.50", f"INR{NBSP}12,34,567.50"),
        ("ja_JP", "JPY", "1825", f"JPY{NBSP}1,825"),
        ("en_GB", "BHD", "0.500", f"BHD{NBSP}0.500"),
    ],
)
def test_money_is_put_as_the_locale_has_it(
    locale: str, currency: str, amount: str, shown: str
) -> None:
    assert words(locale, currency).money(Decimal(amount)) == shown


def test_an_amount_keeps_all_of_its_decimals() -> None:
    assert words("de_DE").amount(Decimal("1234.016438356")) == "1.234,016438356"
    assert words("de_DE").amount(Decimal("1825")) == "1.825"
    assert words().amount(Decimal("5E+2")) == "500"


@pytest.mark.parametrize(
    ("currency", "shown"), [("EUR", "EUR 5.00"), ("JPY", "JPY 5"), ("BHD", "BHD 5.000")]
)
def test_a_price_has_the_decimals_of_its_currency_at_least(currency: str, shown: str) -> None:
    assert words(currency=currency).price(Decimal("5.000000000")).replace(NBSP, " ") == shown
    assert words(currency="EUR").price(Decimal("0.0505")).replace(NBSP, " ") == "EUR 0.0505"


def test_quantities_rates_and_shares_are_put_as_the_locale_has_them() -> None:
    german = words("de_DE")

    assert german.quantity(Decimal("5410.1234567")) == "5.410,123"
    assert german.rate(Decimal("0.050000000")) == "0,05"
    assert german.rate(Decimal("0.073000001")) == "0,073000001"
    assert german.percent(Decimal("42.1")) == f"42,1{NBSP}%"
    assert german.percent(Decimal("3.0"), signed=True) == f"+3,0{NBSP}%"
    assert words().percent(Decimal("-3.0"), signed=True) == "-3.0%"
    assert german.integer(2**30) == "1.073.741.824"


def test_durations_are_exact_to_the_second() -> None:
    # 72 x 3600 + 29 x 60 + 30 = 260970
    assert words().duration(260_970) == "72:29:30"
    assert words().duration(59) == "0:00:59"


# ------------------------------------------------------------------------ dates


@pytest.mark.parametrize(
    ("locale", "instant", "moment", "month"),
    [
        ("en_GB", "23 November 2026, 13:00", "23 Nov 2026, 13:00:00", "November 2026"),
        ("en_US", "November 23, 2026, 13:00", "Nov 23, 2026, 13:00:00", "November 2026"),
        ("de_DE", "23. November 2026, 13:00", "23.11.2026, 13:00:00", "November 2026"),
        ("ja_JP", "2026年11月23日 13:00", "2026/11/23 13:00:00", "2026年11月"),
    ],
)
def test_instants_are_local_and_put_as_the_locale_has_them(
    locale: str, instant: str, moment: str, month: str
) -> None:
    noon = datetime(2026, 11, 23, 12, tzinfo=UTC)

    assert words(locale).instant(noon) == instant
    assert words(locale).moment(noon) == moment
    assert words(locale).month_of(samples.PERIOD) == month
    assert words(locale).day(date(2026, 11, 23)) == words(locale).date_of(noon)


def test_the_hour_that_a_clock_shows_twice_is_told_apart() -> None:
    instants = [datetime(2026, 10, 25, hour, 30, tzinfo=UTC) for hour in (0, 1, 2)]

    shown = [words().time_of(instant) for instant in instants]

    assert shown == ["02:30:00 CEST", "02:30:00 CET", "03:30:00"]


def test_zones_of_half_and_quarter_hours_are_kept() -> None:
    start = datetime(2026, 10, 31, 18, 15, tzinfo=UTC)  # 00:00 at +05:45

    assert words(zone=ZoneInfo("Asia/Kathmandu")).instant(start) == "1 November 2026, 00:00"


# ---------------------------------------------------------------------- locales


@pytest.mark.parametrize("name", ["de", "de_DE", "de-AT", "de_DE.UTF-8"])
def test_german_texts_are_found_for_every_german_locale(name: str) -> None:
    assert words(name).language == "de"
    assert words(name).gettext("Total") == "Gesamtbetrag"


def test_texts_are_english_where_a_language_is_not_shipped() -> None:
    assert words("ja_JP").language == "en"
    assert words("ja_JP").gettext("Total") == "Total"


@pytest.mark.parametrize(
    "name", ["xx", "de_XX", "", "../../etc/passwd", "C", "POSIX", "root", "d\x1b[31m", "de/.."]
)
def test_an_unknown_locale_is_named_with_what_to_write(name: str) -> None:
    with pytest.raises(UsageError, match="not a known locale: write a language") as raised:
        words(name)

    assert "\x1b" not in str(raised.value)


# -------------------------------------------------------------------- sentences


def test_what_is_missing_is_said_while_metering_is_behind() -> None:
    assert sentences.coverage_text(words(), samples.plain()) == (
        "Charges after 23 November 2026, 13:00 are not in this report yet. The period ends on"
        " 1 December 2026, 00:00."
    )


def test_what_is_missing_is_said_where_a_location_is_not_metered() -> None:
    assert "charges are missing" in sentences.coverage_text(words(), samples.empty())


def test_a_whole_period_that_is_open_can_still_change() -> None:
    whole = replace(samples.plain(), metered_until=samples.PERIOD.end)

    assert "still open" in sentences.coverage_text(words(), whole)
    assert sentences.coverage_text(words(), samples.closed()).startswith("The period is closed")


@pytest.mark.parametrize(
    ("ending", "english", "german"),
    [
        (Ending.STORED, "still stored", "gespeichert"),
        (Ending.PERIOD_ENDED, "end of period", "Zeitraumende"),
        (Ending.DELETED, "deleted", "gelöscht"),
        (Ending.RATE_CHANGED, "rate changed", "neuer Preis"),
        (Ending.SIZE_CHANGED, "size changed", "neue Größe"),
        (Ending.OWNER_CHANGED, "owner changed", "anderes Konto"),
    ],
)
def test_every_ending_is_told_apart(ending: Ending, english: str, german: str) -> None:
    line = samples.plain().sections[0].lines[0]._replace(ending=ending)

    assert sentences.ending_text(words(), line) == english
    assert sentences.ending_text(words("de"), line) == german


def adjustment(reason: str, **changes: object) -> Adjustment:
    made = Adjustment(
        image_id="id", hour=samples.METERED_UNTIL, reason=reason, amount=Decimal("1.00")
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def test_what_the_hourly_run_posted_is_put_in_local_times() -> None:
    at = datetime(2026, 11, 20, 17, 20, tzinfo=UTC)
    learned = datetime(2026, 11, 21, 8, tzinfo=UTC)
    late = adjustment("deleted at ...", cause=Reason("deleted", at, learned))

    assert adjustment_reason(words(), late) == (
        "deleted at 20 Nov 2026, 18:20:00, which became known at 21 Nov 2026, 09:00:00"
    )
    assert adjustment_reason(words("de"), late) == (
        "gelöscht am 20.11.2026, 18:20:00, bekannt geworden am 21.11.2026, 09:00:00"
    )


@pytest.mark.parametrize("event", list(Event))
def test_every_event_has_words(event: Event) -> None:
    at = samples.METERED_UNTIL

    german = adjustment_reason(words("de"), adjustment("", cause=Reason(event, at, at)))

    assert "bekannt geworden" in german


@pytest.mark.parametrize(
    ("code", "german"),
    [
        (WAIVER_ENDED, "der erlassene Betrag wurde seither korrigiert und wird nicht zweimal"),
        (MINIMUM_CORRECTED, "Mindestbetrag für 2026-11, dessen Nutzung seither korrigiert wurde"),
    ],
)
def test_the_other_codes_have_words(code: str, german: str) -> None:
    shown = adjustment_reason(words("de"), adjustment("x", cause=Reason(code)))

    assert shown.startswith(german)


@pytest.mark.parametrize(
    "reason",
    [
        "storage outage",
        "100 %(instant)s %s %",
        "deleted at 2026-11-20T17:20:00Z, which became known at 2026-11-21T08:00:00Z",
    ],
)
def test_what_somebody_wrote_by_hand_stays_as_it_is(reason: str) -> None:
    assert adjustment_reason(words("de"), adjustment(reason)) == reason


def test_allowance_and_minimum_are_said_with_what_was_set() -> None:
    free = adjustment("", kind="allowance", threshold=Decimal("2.5"), unit="GB")
    least = adjustment("", kind="minimum", threshold=Decimal("5.000000000"))
    german = words("de_DE")

    assert adjustment_reason(words(), free) == "2.5 GB are free in every hour"
    assert adjustment_reason(german, free) == "2,5 GB sind in jeder Stunde frei"
    assert adjustment_reason(german, least) == (f"Differenz zum Mindestbetrag von 5,00{NBSP}EUR")


@pytest.mark.parametrize(
    ("difference", "percent", "said"),
    [
        ("0.57", "47.5", "EUR 0.57 (+47.5%) more than in October 2026."),
        ("-0.30", "-25.0", "EUR 0.30 (-25.0%) less than in October 2026."),
        ("0.30", None, "EUR 0.30 more than in October 2026."),
        ("0.00", "0.0", "As much as in October 2026."),
    ],
)
def test_a_comparison_is_said_in_a_sentence(
    difference: str, percent: str | None, said: str
) -> None:
    comparison = Comparison(
        samples.OCTOBER,
        Decimal("1.20"),
        Decimal(difference),
        None if percent is None else Decimal(percent),
    )

    assert sentences.comparison_text(words(), comparison).replace(NBSP, " ") == said


def test_a_forecast_says_what_it_rests_on() -> None:
    def said(images_count: int, others_count: int = 0) -> str:
        forecast = Forecast(
            Decimal("2.00"), Decimal("1.50"), Decimal("0.50"), images_count, others_count
        )
        return sentences.forecast_basis(words(), forecast).replace(NBSP, " ")

    assert "EUR 1.50 so far; no image was stored when the last hour was metered." in said(0)
    assert "the images still stored are charged in another currency." in said(0, 2)
    assert "EUR 1.50 so far, and EUR 0.50 if the image still stored is kept" in said(1)
    assert "if the 3 images still stored are kept until the period ends" in said(3)
