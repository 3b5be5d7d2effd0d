"""Whatever happens in whatever order, the ledger holds what an undisturbed run would have made.

The oracle works in Fractions from the lives of the images alone, and shares no code with the
product.
"""

import itertools
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from instance_images.config.settings import Settings
from instance_images.db.engine import Database
from instance_images.db.schema import upgrade
from instance_images.errors import CloudUnavailable
from instance_images_billing.pricing.periods import parse_period
from instance_images_reports.collect.account import collect
from instance_images_reports.collect.cutoff import list_places
from instance_images_reports.statement.statement import Statement

from support.worlds.ledger_world import LOCATION, World

START = datetime(2026, 10, 24, tzinfo=UTC)  # Berlin puts its clocks back the next night
SPAN_SECONDS = 3 * 86400
ZONES = ["UTC", "Europe/Berlin", "Asia/Kathmandu", "America/St_Johns"]


@dataclass(frozen=True)
class Life:
    """An image: its account, its size, and the seconds after START at which it begins and ends."""

    account: str
    size_bytes: int
    begins: int
    ends: int


@dataclass(frozen=True, kw_only=True)
class Histories:
    """Images, the instants of the runs, and those of them at which the cloud is down."""

    lives: list[Life]
    runs: list[int]
    outages: set[int]
    zone: str
    partial_hour: str
    hours_per_month: str
    price_nanos: int


@st.composite
def stories(draw: st.DrawFn) -> Histories:
    instants = st.integers(0, SPAN_SECONDS - 1)
    lives = []
    for _ in range(draw(st.integers(1, 6))):
        begins, ends = sorted((draw(instants), draw(instants)))
        lives.append(Life(draw(st.sampled_from("ab")), draw(st.integers(1, 10**13)), begins, ends))
    runs = sorted(set(draw(st.lists(instants, max_size=8))))
    return Histories(
        lives=lives,
        runs=runs,
        outages=set(draw(st.lists(st.sampled_from(runs), max_size=3))) if runs else set(),
        zone=draw(st.sampled_from(ZONES)),
        partial_hour=draw(st.sampled_from(["prorate", "round_up"])),
        hours_per_month=draw(st.sampled_from(["730", "720", "672", "calendar"])),
        price_nanos=draw(st.integers(0, 10**12)),
    )


def play(past: Histories, world: World) -> None:
    """Let the images live and the meter run, in the order of time."""
    world.clock.now = START
    world.with_terms(
        timezone=ZoneInfo(past.zone),
        partial_hour=past.partial_hour,
        hours_per_month=past.hours_per_month,
    )
    world.set_rate(past.price_nanos, START)
    events = [(life.begins, 0, index) for index, life in enumerate(past.lives)]
    events += [(life.ends, 1, index) for index, life in enumerate(past.lives)]
    events += [(run, 2, 0) for run in past.runs]
    images: dict[int, str] = {}
    for seconds, kind, index in sorted(events):
        when = START + timedelta(seconds=seconds)
        if kind == 0:
            life = past.lives[index]
            images[index] = world.capture(when, f"image {index}", life.account, life.size_bytes)
        elif kind == 1:
            world.delete(when, images[index], past.lives[index].account)
        else:
            run(world, when, is_down=seconds in past.outages)
    run(world, START + timedelta(seconds=SPAN_SECONDS), is_down=False)


def run(world: World, when: datetime, *, is_down: bool) -> None:
    world.cloud.is_down = is_down
    try:
        done = world.run(when)
        assert done.problems == []
        assert not is_down
    except CloudUnavailable:
        assert is_down
    world.cloud.is_down = False


def oracle(past: Histories, account: str) -> dict[int, tuple[int, int]]:
    """Return byte-seconds and nanos by the second after START at which a posting begins."""
    edges = {hour * 3600 for hour in range(SPAN_SECONDS // 3600 + 1)}
    months = month_edges(past.zone)
    edges |= {edge for edge in months if 0 < edge < SPAN_SECONDS}
    cuts = sorted(edges)
    found = {}
    for low, high in itertools.pairwise(cuts):
        byte_seconds = sum(
            life.size_bytes * max(0, min(end, high) - max(begin, low))
            for life in past.lives
            if life.account == account
            for begin, end in [charged(life, past.partial_hour)]
        )
        if byte_seconds:
            found[low] = (byte_seconds, nanos(byte_seconds, past, low, months))
    return found


def charged(life: Life, partial_hour: str) -> tuple[int, int]:
    if partial_hour == "prorate" or life.begins == life.ends:
        return life.begins, life.ends
    return life.begins // 3600 * 3600, -(-life.ends // 3600) * 3600


def month_edges(zone: str) -> list[int]:
    """Return where October, November and December begin, in seconds after START."""
    return [
        int(datetime(2026, month, 1, tzinfo=ZoneInfo(zone)).timestamp() - START.timestamp())
        for month in (10, 11, 12)
    ]


def nanos(byte_seconds: int, past: Histories, second: int, months: list[int]) -> int:
    hours = Fraction(730 if past.hours_per_month == "calendar" else int(past.hours_per_month))
    if past.hours_per_month == "calendar":
        october, november, december = months
        length = november - october if second < november else december - november
        hours = Fraction(length, 3600)
    exact = Fraction(byte_seconds * past.price_nanos, 10**9 * 3600) / hours
    floor = exact.numerator // exact.denominator
    rest = exact - floor
    up = rest > Fraction(1, 2) or (rest == Fraction(1, 2) and floor % 2 == 1)
    return floor + up


@settings(max_examples=25, deadline=None, print_blob=True, suppress_health_check=list(HealthCheck))
@given(stories())
def test_the_ledger_is_what_one_undisturbed_run_would_have_made(past: Histories) -> None:
    with tempfile.TemporaryDirectory() as directory:
        world = new_world(Path(directory))

        play(past, world)

        for account in "ab":
            posted = {
                int((p.starts_at - START).total_seconds()): (p.byte_seconds, p.amount_nanos)
                for p in world.postings(account)
            }
            assert posted == oracle(past, account)
        world.database.engine.dispose()


@settings(max_examples=15, deadline=None, print_blob=True, suppress_health_check=list(HealthCheck))
@given(stories())
def test_lines_add_up_to_the_total_and_that_is_the_rounded_sum_of_the_postings(
    past: Histories,
) -> None:
    with tempfile.TemporaryDirectory() as directory:
        world = new_world(Path(directory))
        play(past, world)

        for name in ("2026-10", "2026-11"):
            for account in {life.account for life in past.lives}:
                check_statement(statement_of(world, account, name), world, account, name)
        world.database.engine.dispose()


def new_world(directory: Path) -> World:
    database = Database(f"sqlite:///{directory / 'ledger.db'}")
    upgrade(database)
    return World(database)


def statement_of(world: World, account: str, period: str) -> Statement:
    configured = Settings(
        locations=(LOCATION,),
        database_connection="",
        default_max_images=10,
        parts={"billing": world.billing},
    )
    with world.database.reading() as connection:
        found = list_places(connection, account_id=account)[0].account
        month = parse_period(period, world.billing.timezone)
        return collect(connection, configured, found, month, None)


def check_statement(statement: Statement, world: World, account: str, period: str) -> None:
    month = parse_period(period, world.billing.timezone)
    posted = [p for p in world.postings(account) if month.start <= p.starts_at < month.end]
    lines = statement.sections[0].lines
    cents = Fraction(sum(p.amount_nanos for p in posted), 10**7)
    assert abs(Fraction(statement.total) * 100 - cents) <= Fraction(1, 2)
    assert sum((line.amount for line in lines), start=statement.total * 0) == statement.total
    for line in lines:
        assert abs(line.amount - line.amount_exact) < Fraction(1, 100) + Fraction(1, 10**6)
    used = sum(line.size_bytes * line.billable_seconds for line in lines)
    assert used == sum(p.byte_seconds for p in posted)
    days = statement.sections[0].days
    assert sum(day.amount_exact for day in days) * 10**9 == sum(p.amount_nanos for p in posted)
