"""Statements of ledgers that hypothesis makes up: what every format of a report must cope with.

The postings are what the hourly run would have posted of the images, so that a statement of them
exists. Locations and names are hostile on purpose.
"""

from datetime import UTC, datetime, timedelta
from urllib.parse import quote
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from instance_images.instants import HOUR, floor_hour
from instance_images.model.records import Account
from instance_images.names import printable
from instance_images_billing.pricing.charged import MinimumCharge, Posting
from instance_images_billing.pricing.corrections import LATE, Adjustment, usage_in
from instance_images_billing.pricing.periods import Period, days_of, parse_period, slices_of
from instance_images_billing.pricing.rating import Interval, Rate, posted_nanos, rate_at
from instance_images_reports.statement.compute import state
from instance_images_reports.statement.location_ledger import BilledImage, LocationLedger
from instance_images_reports.statement.statement import Statement

from support.statements.sample_statements import HOSTILE_NAMES

CURRENCY_DIGITS = {"EUR": 2, "JPY": 0, "BHD": 3}
ACCOUNT_KEY = 1

_NAMES = st.sampled_from(HOSTILE_NAMES) | st.text(
    st.characters(exclude_categories=("Cs",), exclude_characters="\x00"), min_size=1, max_size=20
)
# A location is a folder of the Parquet data set, whose name may have 255 bytes.
_LOCATIONS = _NAMES.filter(lambda name: len(quote(name)) < 200)
# Ids of accounts are Keystone's, and not blank; all else about them is doubted.
_IDS = _NAMES.filter(lambda name: printable(name).strip())
_NANOS = st.integers(-(10**13), 10**13)


def statements() -> st.SearchStrategy[Statement]:
    """Return a statement, of a ledger as below."""
    return ledgers_and_statements().map(lambda made: made[1])


@st.composite
def ledgers_and_statements(draw: st.DrawFn) -> tuple[list[LocationLedger], Statement]:
    """Return an account's ledgers and their statement of November 2026.

    It has up to three locations, which are metered for some hours.
    """
    currency = draw(st.sampled_from(sorted(CURRENCY_DIGITS)))
    zone = ZoneInfo(draw(st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kathmandu"])))
    period = parse_period("2026-11", zone)
    locations = draw(st.lists(_LOCATIONS, max_size=3, unique=True))
    closed = draw(st.booleans())
    ledgers = [draw(_ledgers(name, period, zone, currency)) for name in locations]
    statement = state(
        account=Account(draw(_IDS), draw(_NAMES)),
        period=period,
        timezone=zone.key,
        currency=currency,
        currency_digits=CURRENCY_DIGITS[currency],
        ledgers=ledgers,
        days=days_of(period, zone),
        period_state="closed" if closed else "open",
        previous=None,
        closed_at=datetime(2026, 12, 3, 9, 30, 1, tzinfo=UTC) if closed else None,
    )
    return ledgers, statement


@st.composite
def _ledgers(
    draw: st.DrawFn, location: str, period: Period, zone: ZoneInfo, currency: str
) -> LocationLedger:
    first = floor_hour(period.start)
    until = first + draw(st.integers(1, 30)) * HOUR
    changes = draw(st.lists(st.integers(1, 20), max_size=2, unique=True))
    rates = [
        draw(_rates(location, first + hours * HOUR, currency)) for hours in sorted([0, *changes])
    ]
    images = draw(st.lists(_images(location, first), max_size=4))
    corrections = draw(st.lists(_adjustments(first, until), max_size=3))
    minimums = draw(st.lists(st.integers(1, 10**12), max_size=1))
    return LocationLedger(
        location=location,
        metered_until=until,
        rates=rates,
        images=images,
        postings=_postings(images, rates, period, until, zone),
        adjustments=corrections,
        minimums=[MinimumCharge(ACCOUNT_KEY, "2026-11", until, nanos, until) for nanos in minimums],
        image_names={one.image_id: draw(_NAMES) for one in corrections},
    )


def _rates(location: str, from_hour: datetime, currency: str) -> st.SearchStrategy[Rate]:
    return st.builds(
        Rate,
        location=st.just(location),
        from_hour=st.just(from_hour),
        price_nanos=st.integers(0, 10**13),
        currency=st.just(currency),
        unit=st.sampled_from(["GB", "GiB"]),
        hours_per_month=st.sampled_from(["730", "720", "672", "calendar"]),
        partial_hour=st.sampled_from(["prorate", "round_up"]),
        set_at=st.just(from_hour),
        free_bytes=st.sampled_from([0, 5 * 10**8]),
        minimum_nanos=st.just(0),
    )


@st.composite
def _images(draw: st.DrawFn, location: str, first: datetime) -> BilledImage:
    image_id = draw(st.uuids(version=4).map(str))
    start = first + timedelta(seconds=draw(st.integers(-7200, 100_000)))
    lasts = draw(st.none() | st.integers(1, 100_000))
    end = None if lasts is None else start + timedelta(seconds=lasts)
    size = draw(st.integers(1, 10**13))
    interval = Interval(
        image_id=image_id, size_bytes=size, starts_at=start, ends_at=end, account_key=ACCOUNT_KEY
    )
    return BilledImage(
        image_id=image_id,
        name=draw(_NAMES),
        location=location,
        source_instance_name=draw(_NAMES),
        interval=interval,
        source_instance_id="instance",
    )


@st.composite
def _adjustments(draw: st.DrawFn, first: datetime, until: datetime) -> Adjustment:
    hours = draw(st.integers(-100, int((until - first) / HOUR) - 1))
    return Adjustment(
        account_key=ACCOUNT_KEY,
        image_id=draw(st.uuids(version=4).map(str)),
        corrects_at=first + hours * HOUR,
        counted_at=until,
        kind=LATE,
        byte_seconds=0,
        amount_nanos=draw(_NANOS),
        reason=draw(_NAMES),
        author="meter",
        posted_at=until,
    )


def _postings(
    images: list[BilledImage], rates: list[Rate], period: Period, until: datetime, zone: ZoneInfo
) -> list[Posting]:
    """Return what the hours until then are posted, those that lie in the period."""
    found = []
    for hour in (floor_hour(period.start) + n * HOUR for n in range(100)):
        for part in slices_of(hour, zone) if hour < until else ():
            rate = rate_at(rates, hour)
            assert rate is not None
            used = sum(
                usage_in([image.interval], part, rate).get(ACCOUNT_KEY, 0) for image in images
            )
            if used and part.period == period:
                nanos = posted_nanos(used, rate, part)
                found.append(Posting(ACCOUNT_KEY, part.start, used, nanos))
    return found
