"""Rules 4 to 9 in random worlds: the ledger always is what one undisturbed run would have made.

Images come, change and go, while runs are missed, repeated, doubled, rehearsed, cut off at any
statement, and made ahead of time; clocks go back; things become known late and twice.
"""

import contextlib
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from instance_images.config.settings import Settings
from instance_images.db.accounts import accounts_by_key
from instance_images.db.billing_queue import tell
from instance_images.db.engine import Database
from instance_images.db.images import get_image
from instance_images.db.readings import last_read_at
from instance_images.db.schema import upgrade
from instance_images.errors import CloudUnavailable, Refused
from instance_images.images.capture import capture
from instance_images.model.cloud import CloudImageStatus
from instance_images.model.image_events import Event, Learning, Source
from instance_images.tasks.settling import settle
from instance_images_billing.audit.adjust import Decision, decide
from instance_images_billing.audit.verify import verify_location, verify_periods
from instance_images_billing.config import PART
from instance_images_billing.hours.close import meter, rehearse
from instance_images_billing.ledger.closed_periods import find_closed
from instance_images_billing.months.close import close_period
from instance_images_billing.months.minimums import minimums_between
from instance_images_billing.pricing.corrections import LATE, MINIMUM
from instance_images_billing.pricing.periods import period_of, periods_between
from instance_images_billing.rates import rates
from instance_images_reports.proof.reconcile import prove_statements
from instance_images_reports.proof.statements import check_statements

from support.worlds.ledger_oracle import ImageLife, Terms, expected
from support.worlds.ledger_world import LOCATION, World, at

START = datetime(2026, 10, 24, tzinfo=UTC)  # Berlin puts its clocks back the next night
HOUR = 3600


class Cut(Exception):
    """The process ends here."""


class LedgerMachine(RuleBasedStateMachine):
    """A world, and beside it what is true of it."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = tempfile.TemporaryDirectory()
        url = f"sqlite:///{Path(self.directory.name) / 'ledger.db'}"
        self.database = Database(url)
        upgrade(self.database)
        self.world = World(self.database)
        self.now = 0
        self.lives: dict[str, ImageLife] = {}
        self.unread: dict[str, tuple[int, str, int]] = {}  # changed in the cloud, not read yet
        self.vanished: set[str] = set()

    @initialize(
        zone=st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kathmandu", "America/St_Johns"]),
        partial_hour=st.sampled_from(["prorate", "round_up"]),
        hours_per_month=st.sampled_from(["730", "calendar"]),
        free=st.sampled_from([0, 0, 3]),
        minimum=st.sampled_from([0, 0, 10**12, 10**15]),
        price=st.integers(0, 10**12),
        sizes=st.lists(st.integers(1, 10**13), max_size=4),
    )
    def begin(
        self,
        zone: str,
        partial_hour: str,
        hours_per_month: str,
        free: int,
        minimum: int,
        price: int,
        sizes: list[int],
    ) -> None:
        self.world.with_terms(
            timezone=ZoneInfo(zone), partial_hour=partial_hour, hours_per_month=hours_per_month
        )
        self.terms = Terms(zone, partial_hour, hours_per_month, free * 10**9)
        self.location = replace(LOCATION, free_units=Decimal(free), minimum_charge_nanos=minimum)
        self.minimum = minimum
        self.world.clock.now = START
        self._set_rate(price, START)
        for size in sizes:  # of few images little can become known
            self.an_image_is_captured("ab"[len(self.lives) % 2], size)

    # ------------------------------------------------------------------ the world

    @rule(seconds=st.integers(1, 30 * HOUR))
    def time_goes_on(self, seconds: int) -> None:
        self.now += seconds

    @rule(seconds=st.integers(1, 3 * HOUR))
    def the_clock_is_put_back(self, seconds: int) -> None:
        self.now = max(0, self.now - seconds)

    @rule(account=st.sampled_from("ab"), size=st.integers(1, 10**13))
    def an_image_is_captured(self, account: str, size: int) -> None:
        image_id = self.world.capture(self._instant(), f"i{len(self.lives)}", account, size)
        self.lives[image_id] = ImageLife(self.now, {self.now: (account, size)})

    @rule(account=st.sampled_from("ab"))
    def a_capture_fails(self, account: str) -> None:
        self.world.clock.now = self._instant()
        cloud, owner = self.world.cloud, self.world.cloud.account(account)
        before = set(cloud.images)
        capture(self.world.site, owner, f"vm-{self.now}-{len(before)}", "failing")
        for image_id in set(cloud.images) - before:
            cloud.images[image_id] = replace(cloud.images[image_id], status=CloudImageStatus.LOST)
        settle(self.world.site, owner.id)

    @precondition(lambda self: self._known())
    @rule(data=st.data())
    def an_image_is_deleted(self, data: st.DataObject) -> None:
        image_id = data.draw(st.sampled_from(self._known()))
        account = list(self.lives[image_id].states.values())[-1][0]
        self.world.delete(self._instant(), image_id, account)
        self.lives[image_id].ends = self.now

    @precondition(lambda self: self._known())
    @rule(data=st.data(), hours=st.integers(1, 60), back=st.integers(0, 80 * HOUR))
    def a_deletion_becomes_known_late(self, data: st.DataObject, hours: int, back: int) -> None:
        self.now += hours * HOUR
        with self._attempt():
            self._meter(self.world, 0)
        known = self._known()
        if not known:
            return  # the run has learned that the last one vanished
        image_id = data.draw(st.sampled_from(known))
        account = list(self.lives[image_id].states.values())[-1][0]
        when = max(0, self.now - back)
        self.world.delete(START + timedelta(seconds=when), image_id, account)
        self.lives[image_id].ends = when
        with self._attempt():
            self._meter(self.world, 0)

    @precondition(lambda self: self._known())
    @rule(data=st.data(), account=st.sampled_from("abc"), size=st.integers(1, 10**13))
    def an_image_gets_another_owner_or_size(
        self, data: st.DataObject, account: str, size: int
    ) -> None:
        image_id = data.draw(st.sampled_from(self._known()))
        cloud_id = self._cloud_id(image_id)
        self.world.cloud.images[cloud_id] = replace(
            self.world.cloud.images[cloud_id],
            owner_id=account,
            size_bytes=size,
            changed_at=self._instant(),
        )
        self.unread[image_id] = (self.now, account, size)

    # Where ten are missing at once, the reading stops and asks.
    @precondition(lambda self: self._known() and len(self.vanished) < 9)
    @rule(data=st.data())
    def an_image_vanishes_from_the_cloud(self, data: st.DataObject) -> None:
        image_id = data.draw(st.sampled_from(self._known()))
        del self.world.cloud.images[self._cloud_id(image_id)]
        self.vanished.add(image_id)

    @precondition(lambda self: any(life.ends is not None for life in self.lives.values()))
    @rule(data=st.data(), earlier=st.integers(0, 5 * HOUR) | st.integers(0, 240 * HOUR))
    def a_deletion_is_told_again_and_otherwise(self, data: st.DataObject, earlier: int) -> None:
        ended = [image_id for image_id, life in self.lives.items() if life.ends is not None]
        life = self.lives[image_id := data.draw(st.sampled_from(ended))]
        assert life.ends is not None
        life.ends = max(0, life.ends - earlier)
        when = START + timedelta(seconds=life.ends)
        with self.database.writing() as connection:
            tell(connection, image_id, Event.DELETED, when, Learning(when, Source.HAND))

    @rule(
        price=st.integers(0, 10**12),
        hours=st.integers(1, 48),
        minimum=st.sampled_from([0, 10**12, 10**15]),
    )
    def a_rate_is_set(self, price: int, hours: int, minimum: int) -> None:
        self.world.clock.now = self._instant()
        closed_until = self.world.watermark() or START
        first = max(closed_until, START + timedelta(hours=self.now // HOUR))
        self.location = replace(self.location, minimum_charge_nanos=minimum)
        with contextlib.suppress(Refused):
            self._set_rate(price, first + timedelta(hours=hours))

    # ------------------------------------------------------------------- the runs

    @rule(ahead=st.sampled_from([0, 0, 0, 1, 30]))
    def the_meter_runs(self, ahead: int) -> None:
        with self._attempt():
            done = self._meter(self.world, ahead)
            assert done.problems == []

    @rule()
    def a_run_finds_the_cloud_down(self) -> None:
        self.world.cloud.is_down = True
        with contextlib.suppress(CloudUnavailable), self._attempt():
            self._meter(self.world, 0)
        self.world.cloud.is_down = False

    @rule()
    def a_listing_leaves_images_out(self) -> None:
        self.world.cloud.unlisted = set(self.world.cloud.images) - {
            self._cloud_id(image_id) for image_id in self.unread
        }
        with self._attempt():
            self._meter(self.world, 0)
        self.world.cloud.unlisted = set()

    @rule(statements=st.integers(0, 60), ahead=st.sampled_from([0, 20]))
    def a_run_is_cut_off(self, statements: int, ahead: int) -> None:
        left = [statements]

        def count(*_: object) -> None:
            left[0] -= 1
            if left[0] < 0:
                raise Cut

        engine = self.database.engine
        with self._attempt():
            sa.event.listen(engine, "before_cursor_execute", count)
            sa.event.listen(engine, "commit", count)
            with contextlib.suppress(Cut):
                self._meter(self.world, ahead)
            sa.event.remove(engine, "before_cursor_execute", count)
            sa.event.remove(engine, "commit", count)

    @rule()
    def a_run_is_rehearsed(self) -> None:
        self.world.clock.now = self._instant()
        before = self.world.postings(), self.world.adjustments(), self.world.watermark()
        until = START + timedelta(hours=self.now // HOUR)
        shown = rehearse(self.world.site, self.world.billing, until, accept_missing=True)
        assert (self.world.postings(), self.world.adjustments(), self.world.watermark()) == before
        with self._attempt():
            done = meter(self.world.site, self.world.billing, until, accept_missing=True)
        assert (shown.postings, shown.adjustments) == (done.postings, done.adjustments)

    @rule()
    def two_meters_run_at_once(self) -> None:
        other = World(Database(str(self.database.url)), self.world.billing)
        other.cloud.images, other.cloud.marks = self.world.cloud.images, self.world.cloud.marks
        failures: list[BaseException] = []

        def run(world: World) -> None:
            try:
                self._meter(world, 0)
            except BaseException as error:
                failures.append(error)

        with self._attempt():
            threads = [threading.Thread(target=run, args=[w]) for w in (self.world, other)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        other.database.engine.dispose()
        assert failures == []

    # ---------------------------------------------------------- decisions and closing

    @precondition(lambda self: self.lives and self.world.watermark())
    @rule(data=st.data(), hours=st.integers(1, 5), back=st.integers(0, 40))
    def a_charge_is_waived(self, data: st.DataObject, hours: int, back: int) -> None:
        image_id = data.draw(st.sampled_from(sorted(self.lives)))
        closed_until = self.world.watermark()
        assert closed_until is not None
        end = closed_until - timedelta(hours=back)
        decision = Decision(
            image_id=image_id,
            start=end - timedelta(hours=hours),
            end=end,
            wanted_nanos=None,
            reason="waived",
            author="op",
        )
        with contextlib.suppress(Refused), self.database.writing() as connection:
            decide(
                connection, [LOCATION.name], decision, self.world.billing.timezone, self._instant()
            )

    @rule(hours=st.integers(-200, 50))
    def october_is_closed(self, hours: int) -> None:
        october = period_of(START, self.world.billing.timezone)
        end = int((october.end - START).total_seconds())
        self.now = max(self.now, end + hours * HOUR)
        with self._attempt():
            self._meter(self.world, 0)
        with contextlib.suppress(Refused), self.database.writing() as connection:
            close_period(connection, [LOCATION.name], october, self._instant())

    # ------------------------------------------------------------------ what must hold

    @rule()
    def the_ledger_is_what_it_has_to_be(self) -> None:
        with self._attempt():
            self._meter(self.world, 0)
        closed_until = self.world.watermark()
        if closed_until is None:
            return
        until = int((closed_until - START).total_seconds())
        wanted = expected(list(self.lives.values()), self.terms, START, until)
        assert self._charged() == {place: sums for place, sums in wanted.items() if any(sums)}
        self._require_minimums(wanted)

    def _require_minimums(self, wanted: dict[tuple[str, int], tuple[int, int]]) -> None:
        """Once October is closed, whoever is charged for usage in it pays its minimum for it.

        That is the minimum of the first rate: October has no rate before START.
        """
        october = period_of(START, self.world.billing.timezone)
        with self.database.reading() as connection:
            if find_closed(connection, october.name) is None:
                return
            posted = {
                owner.account_id: sum(
                    one.amount_nanos
                    for one in minimums_between(connection, key, october.start, october.end)
                )
                for key, owner in accounts_by_key(connection, LOCATION.name).items()
            }
        end = int((october.end - START).total_seconds())
        for account in posted:
            used = [sums for (owner, low), sums in wanted.items() if owner == account and low < end]
            nanos = sum(amount for _, amount in used)
            missing = self.minimum - nanos if nanos else 0
            corrected = sum(
                one.amount_nanos for one in self.world.adjustments(account) if one.kind == MINIMUM
            )
            assert posted[account] + corrected == max(0, missing)

    def teardown(self) -> None:
        try:
            if hasattr(self, "terms"):
                self.the_ledger_is_what_it_has_to_be()
                assert self._findings() == []
        finally:
            self.database.engine.dispose()
            self.directory.cleanup()

    def _findings(self) -> list[str]:
        configured = Settings(
            locations=(LOCATION,),
            database_connection="",
            parts={PART: self.world.billing},
            default_max_images=10,
        )
        with self.database.reading() as connection:
            return [
                *verify_location(connection, LOCATION.name, self.world.billing.timezone),
                *verify_periods(connection),
                *check_statements(connection, configured, [LOCATION.name]),
                *self._faults_of_sums(connection),
            ]

    def _faults_of_sums(self, connection: sa.Connection) -> list[str]:
        """Return in which period's sums differ from what its statements would come to."""
        start, end = at("1T00:00") - timedelta(days=40), at("30T00:00") + timedelta(days=40)
        return [
            finding
            for period in periods_between(start, end, self.world.billing.timezone)
            for finding in prove_statements(connection, period).findings
        ]

    def _charged(self) -> dict[tuple[str, int], tuple[int, int]]:
        """Return what is charged by account and slice, decisions by hand left out."""
        found: dict[tuple[str, int], tuple[int, int]] = {}
        for account in "abc":
            rows = [
                (p.starts_at, p.byte_seconds, p.amount_nanos) for p in self.world.postings(account)
            ]
            rows += [
                (one.corrects_at, one.byte_seconds, one.amount_nanos)
                for one in self.world.adjustments(account)
                if one.kind == LATE
            ]
            for instant, byte_seconds, nanos in rows:
                place = (account, int((instant - START).total_seconds()))
                before = found.get(place, (0, 0))
                found[place] = (before[0] + byte_seconds, before[1] + nanos)
        return {place: sums for place, sums in found.items() if any(sums)}

    def _instant(self) -> datetime:
        return START + timedelta(seconds=self.now)

    def _known(self) -> list[str]:
        """Return the images of which all is known that happened to them."""
        return sorted(
            image_id
            for image_id, life in self.lives.items()
            if life.ends is None and image_id not in self.unread and image_id not in self.vanished
        )

    def _cloud_id(self, image_id: str) -> str:
        with self.database.reading() as connection:
            return get_image(connection, image_id).cloud_image_id or ""

    def _set_rate(self, price: int, from_hour: datetime) -> None:
        with self.database.writing() as connection:
            rates.set_rate(
                connection=connection,
                location=self.location,
                billing=self.world.billing,
                price_nanos=price,
                from_hour=from_hour,
                now=self.world.clock.now,
            )
        second = int((from_hour - START).total_seconds())
        kept = [(at, nanos) for at, nanos in self.terms.prices if at != second]
        self.terms.prices = sorted([*kept, (second, price)])

    def _meter(self, world: World, ahead: int):  # type: ignore[no-untyped-def]
        world.clock.now = self._instant()
        until = START + timedelta(hours=self.now // HOUR + ahead)
        return meter(world.site, world.billing, until, accept_missing=True)  # any may vanish

    @contextlib.contextmanager
    def _attempt(self) -> Iterator[None]:
        """Let a run be made, and take over what it has learned of the cloud."""
        self.world.clock.now = self._instant()
        with self.database.reading() as connection:
            read_at = last_read_at(connection, LOCATION.name)
        last = int((read_at - START).total_seconds()) if read_at else 0
        try:
            yield
        finally:
            self._take_over(last)

    def _take_over(self, last_read: int) -> None:
        with self.database.reading() as connection:
            known = {i: get_image(connection, i) for i in {*self.unread, *self.vanished}}
        for image_id, (changed, account, size) in list(self.unread.items()):
            image, life = known[image_id], self.lives[image_id]
            if (image.account_id, image.size_bytes) == (account, size):
                at = max(life.begins, last_read, min(changed, self.now))
                life.states[at] = (account, size)
                del self.unread[image_id]
        for image_id in list(self.vanished):
            if known[image_id].deleted_at is not None:
                self.lives[image_id].ends = max(self.lives[image_id].begins, last_read)
                self.vanished.remove(image_id)


LedgerMachine.TestCase.settings = settings(
    max_examples=15,
    stateful_step_count=30,
    deadline=None,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)
TestLedgerMachine = LedgerMachine.TestCase
