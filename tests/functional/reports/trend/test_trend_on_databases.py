"""What the trends read from the ledger on each kind of database: the same numbers."""

from decimal import Decimal

from instance_images.config.settings import Settings
from instance_images.db.engine import Database
from instance_images.model.records import Account
from instance_images_billing.pricing.periods import parse_period
from instance_images_reports.trend.all_accounts.collect import collect_accounts_trend
from instance_images_reports.trend.collect import collect_trend
from instance_images_reports.trend.trend import Bridge

from support.worlds.ledger_world import World
from support.worlds.trend_world import HOSTILE, fill_two_accounts


def test_both_trends_are_the_same_on_each_database(database: Database) -> None:
    world = World(database)
    fill_two_accounts(world)
    settings = Settings(
        locations=(world.location,),
        database_connection="",
        parts={"billing": world.billing},
        default_max_images=10,
    )
    november = parse_period("2026-11", world.billing.timezone)

    with database.snapshot() as connection:
        each = [
            collect_trend(
                connection, settings, Account(name, name), november,
                periods=12, currency=None, idle_months=3,
            )
            for name in ("a", "b")
        ]  # fmt: skip
        [found] = collect_accounts_trend(
            connection, settings, november, periods=12, currency=None, idle_months=3
        ).currencies

    # See two_accounts_of: 8 EUR of "stays" after 4, 15 of the hostile image, 2 of "ends" before.
    assert [parts_of(one.bridge) for one in (*each, found)] == [
        ("6.00", "0.00", "-2.00", "2.33", "1.67", "8.00"),
        ("0.00", "15.00", "0.00", "0.00", "0.00", "15.00"),
        ("6.00", "15.00", "-2.00", "2.33", "1.67", "23.00"),
    ]
    assert [one.total for one in found.periods] == [Decimal("6.00"), Decimal("23.00")]
    assert [(one.account.id, one.change) for one in found.movers] == [("b", 15), ("a", 2)]
    assert [one.image.name for one in found.largest] == [HOSTILE, "stays"]


def parts_of(bridge: Bridge) -> tuple[str, ...]:
    parts = (
        bridge.before, bridge.new, bridge.ended, bridge.duration, bridge.price, bridge.after
    )  # fmt: skip
    return tuple(map(str, parts))
