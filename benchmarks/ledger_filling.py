"""Fills a ledger's database with accounts and images, in bulk; counts and weighs what is in it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from instance_images.config.settings import Location
from instance_images.db.engine import Database
from instance_images.instants import HOUR
from instance_images_billing.config import BillingSettings
from instance_images_billing.ledger import watermarks
from instance_images_billing.ledger.tables import postings
from instance_images_billing.rates import rates

LOCATION = Location(
    name="RegionOne",
    enabled=True,
    provider="memory",
    cloud="memory",
    region_name="RegionOne",
    currency="EUR",
    max_images=1000,
)
BILLING = BillingSettings(
    unit="GB",
    hours_per_month="730",
    partial_hour="prorate",
    timezone=ZoneInfo("UTC"),
    billable_size="stored",
)
FIRST_HOUR = datetime(2026, 10, 1, tzinfo=UTC)
MONTH_HOURS = 730

# A multiplication that scatters 1, 2, 3 ... over 32 bits and back: keys as random as UUIDs are.
_SCATTER = 2654435761
_TAIL = "-0000-4000-8000-000000000000"


def image_id_of(number: int) -> str:
    """Return the id of the image of that number, as the fill makes it in SQL."""
    return f"{number * _SCATTER % 2**32:08x}{_TAIL}"


def size_of(number: int) -> int:
    """Return the bytes of the image of that number, as the fill makes them in SQL."""
    return (1 + number * 7919 % 50) * 1_000_000_000 + number


def fill(database: Database, images: int, accounts: int) -> None:
    """Add accounts with their images, all available within the first hour; nothing is metered."""
    first = int(FIRST_HOUR.timestamp())
    with database.writing() as connection:
        _execute(
            connection,
            "INSERT INTO accounts (account_key, location, account_id, account_name)"
            f" SELECT n, 'RegionOne', {{id}}, 'account ' || n FROM {{1..{accounts}}}",
        )
        _execute(
            connection,
            "INSERT INTO images (image_id, account_key, name, source_instance_id,"
            " source_instance_name, size_bytes, status, consistency, created_at, available_at,"
            " task_id, cloud_image_id)"
            f" SELECT {{id}}, 1 + n % {accounts}, 'image-' || n, {{id}}, 'vm-' || n,"
            f" {{size}}, 'available', 'crash', {first}, {first} + n % 3600, {{id}}, {{id}}"
            f" FROM {{1..{images}}}",
        )
        connection.exec_driver_sql(
            "UPDATE images SET project_id = (SELECT account_id FROM accounts"
            " WHERE accounts.account_key = images.account_key),"
            " image_service = 'location RegionOne',"
            " living_key = 'location RegionOne ' || cloud_image_id"
        )
        connection.exec_driver_sql(
            "INSERT INTO news (image_id, account_key, event, effective_at, size_bytes, learned_at,"
            " source) SELECT image_id, account_key, 'available', available_at, size_bytes,"
            " available_at, 'command' FROM images"
        )
        _set_rate(connection)
    analyze(database)


def fill_unchanged(database: Database, images: int, accounts: int) -> None:
    """Add accounts with open intervals that began before the first hour; no image, no news."""
    first = int(FIRST_HOUR.timestamp())
    with database.writing() as connection:
        _execute(
            connection,
            "INSERT INTO accounts (account_key, location, account_id, account_name)"
            f" SELECT n, 'RegionOne', {{id}}, 'account ' || n FROM {{1..{accounts}}}",
        )
        _execute(
            connection,
            "INSERT INTO intervals (image_id, starts_at, account_key, size_bytes)"
            f" SELECT {{id}}, {first} - 86400 + n % 3600, 1 + n % {accounts}, {{size}}"
            f" FROM {{1..{images}}}",
        )
        _set_rate(connection)
    analyze(database)


def add_history(database: Database, images: int, accounts: int, after: int) -> None:
    """Add images that were billed and deleted before the first hour, numbered from ``after``."""
    first = int(FIRST_HOUR.timestamp())
    begins, ends = f"{first} - 2592000 + n % 86400", f"{first} - 1296000 + n % 86400"
    with database.writing() as connection:
        _execute(
            connection,
            "INSERT INTO images (image_id, account_key, name, source_instance_id,"
            " source_instance_name, size_bytes, status, consistency, created_at, available_at,"
            " deleted_at, task_id, cloud_image_id)"
            f" SELECT {{id}}, 1 + n % {accounts}, 'image-' || n, {{id}}, 'vm-' || n, {{size}},"
            f" 'deleted', 'crash', {begins}, {begins}, {ends}, {{id}}, {{id}}"
            f" FROM {{{after + 1}..{after + images}}}",
        )
        _execute(
            connection,
            "INSERT INTO intervals (image_id, starts_at, ends_at, account_key, size_bytes)"
            f" SELECT {{id}}, {begins}, {ends}, 1 + n % {accounts}, {{size}}"
            f" FROM {{{after + 1}..{after + images}}}",
        )
    analyze(database)


YEAR_PRICES = (50_000_000, 60_000_000)  # before and after the rate changes


@dataclass(frozen=True, slots=True)
class Year:
    """A metered year: all hours are closed, those from ``posted_from`` on have their postings."""

    start: datetime
    end: datetime
    posted_from: datetime
    rate_changes_at: datetime


def fill_year(database: Database, year: Year, images: int, accounts: int) -> None:
    """Add accounts and a year of their images, with their intervals, postings and closed hours.

    Every posting has the amount that its account's share of all images would have at the mean
    size: a trend adds amounts up and does not compute them again.
    """
    with database.writing() as connection:
        _execute(
            connection,
            "INSERT INTO accounts (account_key, location, account_id, account_name)"
            f" SELECT n, 'RegionOne', {{id}}, 'account ' || n FROM {{1..{accounts}}}",
        )
        for price, from_hour in zip(YEAR_PRICES, (year.start, year.rate_changes_at), strict=True):
            rates.set_rate(
                connection=connection,
                location=LOCATION,
                billing=BILLING,
                price_nanos=price,
                from_hour=from_hour,
                now=year.start,
            )
        _add_year_of_images(connection, year, images, accounts)
        watermarks.begin_watermark(connection, LOCATION.name, year.start)
        connection.exec_driver_sql(f"UPDATE watermarks SET hour = {int(year.end.timestamp())}")
        _close_year(connection, year, images, accounts)
    analyze(database)


STEADY = "5fead100-0000-4000-8000-000000000000"  # the id of the account whose statements are exact


def add_steady_account(database: Database, year: Year, images: int) -> None:
    """Add an account whose images are stored all year, with postings that are exact to the nano.

    Statements of one account are computed from its images, and held against its postings. Use it
    on a ledger that ``fill_year`` filled; a second time it does nothing.
    """
    with database.writing() as connection:
        keys = connection.exec_driver_sql("SELECT max(account_key) FROM accounts")
        key = int(keys.scalar_one()) + 1
        if connection.execute(
            sa.text("SELECT 1 FROM accounts WHERE account_id = :id"), {"id": STEADY}
        ).first():
            return
        _execute(
            connection,
            "INSERT INTO accounts (account_key, location, account_id, account_name)"
            f" SELECT {key}, 'RegionOne', '{STEADY}', 'steady account' FROM {{1..1}}",
        )
        start = int(year.start.timestamp())
        first = 1 + connection.exec_driver_sql("SELECT count(*) FROM images").scalar_one()
        numbers = f"{{{first}..{first + images - 1}}}"
        _execute(
            connection,
            "INSERT INTO images (image_id, account_key, name, source_instance_id,"
            " source_instance_name, size_bytes, status, consistency, created_at, available_at,"
            " task_id, cloud_image_id)"
            f" SELECT {{id}}, {key}, 'image-' || n, {{id}}, 'vm-' || n, {{size}}, 'available',"
            f" 'crash', {start}, {start}, {{id}}, {{id}} FROM {numbers}",
        )
        _execute(
            connection,
            "INSERT INTO intervals (image_id, starts_at, account_key, size_bytes)"
            f" SELECT {{id}}, {start}, {key}, {{size}} FROM {numbers}",
        )
        sizes = sa.text("SELECT size_bytes FROM intervals WHERE account_key = :key")
        byte_seconds = 3600 * sum(connection.execute(sizes, {"key": key}).scalars())
        cuts = (year.start, year.rate_changes_at, year.end)
        for (begins, ends), price in zip(pairwise(cuts), YEAR_PRICES, strict=True):
            nanos = round(Fraction(byte_seconds * price, 10**9 * 3600 * 730))
            hours, first_hour = (ends - begins) // HOUR, int(begins.timestamp())
            connection.exec_driver_sql(
                "INSERT INTO postings (account_key, starts_at, byte_seconds, amount_nanos)"
                f" SELECT {key}, {first_hour} + 3600 * (h.n - 1), {byte_seconds}, {nanos}"
                f" FROM {_numbers(connection, hours, 'h')}"
            )
            connection.exec_driver_sql(
                f"UPDATE closings SET amount_nanos = CAST(amount_nanos AS BIGINT) + {nanos}"
                f" WHERE hour >= {first_hour} AND hour < {int(ends.timestamp())}"
            )


def _add_year_of_images(connection: sa.Connection, year: Year, images: int, accounts: int) -> None:
    start, end = int(year.start.timestamp()), int(year.end.timestamp())
    begins = f"{start} + (n % 2) * (n * 7919 % {end - start - 3600})"
    ends = f"{begins} + 86400 * (1 + n % 90)"
    # A deletion after the end of the year has not happened.
    deleted = f"CASE WHEN n % 10 = 1 AND {ends} < {end} THEN {ends} END"
    grows = f"{start} + 86400 * (30 + n % 300)"
    _execute(
        connection,
        "INSERT INTO images (image_id, account_key, name, source_instance_id,"
        " source_instance_name, size_bytes, status, consistency, created_at, available_at,"
        " deleted_at, task_id, cloud_image_id)"
        f" SELECT {{id}}, 1 + n % {accounts}, 'image-' || n, {{id}}, 'vm-' || n, {{size}},"
        f" CASE WHEN {deleted} IS NULL THEN 'available' ELSE 'deleted' END, 'crash', {begins},"
        f" {begins}, {deleted}, {{id}}, {{id}} FROM {{1..{images}}}",
    )
    first_ends = f"CASE WHEN n % 20 = 2 THEN {grows} ELSE {deleted} END"
    _execute(
        connection,
        "INSERT INTO intervals (image_id, starts_at, ends_at, account_key, size_bytes,"
        f" is_continued) SELECT {{id}}, {begins}, {first_ends}, 1 + n % {accounts}, {{size}},"
        f" n % 20 = 2 FROM {{1..{images}}}",
    )
    connection.execute(
        sa.text(
            "INSERT INTO intervals (image_id, starts_at, account_key, size_bytes, continues)"
            " SELECT image_id, ends_at, account_key, size_bytes + 1000000000, is_continued"
            " FROM intervals WHERE is_continued"
        )
    )
    _execute(
        connection,
        "INSERT INTO tasks (task_id, image_id, kind, state, stage, progress, attempts, created_at,"
        " started_at, updated_at, account_key) SELECT {id}, {id}, 'deploy', 'succeeded', 'done',"
        f" 100, 1, {end} - n % 20000000, {end} - n % 20000000, {end}, 1 + n % {accounts}"
        f" FROM {{1..{images}}} WHERE n % 3 = 0",
    )


def _close_year(connection: sa.Connection, year: Year, images: int, accounts: int) -> None:
    byte_seconds = images * 25_000_000_000 // accounts * 3600
    nanos = byte_seconds * 50_000_000 // (10**9 * 3600 * 730)
    hours = (year.end - year.posted_from) // HOUR
    posted = int(year.posted_from.timestamp())
    accounts_and_hours = (
        f"{_numbers(connection, accounts, 'a')} CROSS JOIN {_numbers(connection, hours, 'h')}"
    )
    connection.exec_driver_sql(
        "INSERT INTO postings (account_key, starts_at, byte_seconds, amount_nanos)"
        f" SELECT a.n, {posted} + 3600 * (h.n - 1), {byte_seconds}, {nanos}"
        f" FROM {accounts_and_hours}"
    )
    first = int(year.start.timestamp())
    connection.exec_driver_sql(
        "INSERT INTO closings (location, hour, postings_count, adjustments_count, amount_nanos,"
        f" digest, closed_at) SELECT 'RegionOne', {first} + 3600 * (h.n - 1), {accounts}, 0,"
        f" {nanos * accounts}, 'none', {first} + 3600 * h.n"
        f" FROM {_numbers(connection, (year.end - year.start) // HOUR, 'h')}"
    )


def _numbers(connection: sa.Connection, last: int, name: str) -> str:
    """Return the numbers from 1 on as a table of one column, ``n``."""
    if connection.dialect.name != "sqlite":
        return f"generate_series(1, {last}) AS {name}(n)"
    return (
        f"(WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {last})"
        f" SELECT n FROM s) AS {name}"
    )


def _set_rate(connection: sa.Connection) -> None:
    rates.set_rate(
        connection=connection,
        location=LOCATION,
        billing=BILLING,
        price_nanos=50_000_000,
        from_hour=FIRST_HOUR,
        now=FIRST_HOUR,
    )
    watermarks.begin_watermark(connection, LOCATION.name, FIRST_HOUR)


def repeat_hour(database: Database, hour: datetime, hours: int) -> None:
    """Write the postings of the hour again for the hours that follow it, one after the other.

    The rows are those that closing would write, in its order; it spares the sums.
    """
    others = [c for c in postings.c if c.name != "starts_at"]
    names = ", ".join(c.name for c in others)
    with database.engine.connect() as connection:
        connection = connection.execution_options(writes=True)
        with connection.begin():
            connection.execute(
                sa.text(
                    "CREATE TEMPORARY TABLE one_hour AS SELECT * FROM postings"
                    f" WHERE starts_at = {int(hour.timestamp())}"
                )
            )
        for number in range(1, hours + 1):
            following = int((hour + number * HOUR).timestamp())
            with connection.begin():
                connection.exec_driver_sql(
                    f"INSERT INTO postings ({names}, starts_at) SELECT {names}, {following}"
                    " FROM one_hour ORDER BY account_key"
                )
        with connection.begin():
            connection.exec_driver_sql("DROP TABLE one_hour")


def analyze(database: Database) -> None:
    """Let the database count the rows of tables that have some, as a server does by itself.

    A table that was counted while it was empty is planned for as empty, however much it grows.
    """
    if database.url.get_backend_name() != "postgresql":
        return
    with database.engine.connect() as connection:
        connection = connection.execution_options(isolation_level="AUTOCOMMIT")
        for name, rows in rows_by_table(database).items():
            if rows:
                connection.exec_driver_sql(f"VACUUM ANALYZE {name}")


def rows_by_table(database: Database) -> dict[str, int]:
    """Return how many rows each table has."""
    names = [
        name for name in sa.inspect(database.engine).get_table_names() if "alembic" not in name
    ]
    with database.reading() as connection:
        return {
            name: connection.exec_driver_sql(f"SELECT count(*) FROM {name}").scalar_one()
            for name in sorted(names)
        }


def size_bytes(database: Database) -> int:
    """Return the size of the database, indexes included, without its log."""
    with database.engine.connect() as connection:
        if database.url.get_backend_name() == "sqlite":
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
            return int(pages * connection.exec_driver_sql("PRAGMA page_size").scalar_one())
        query = "SELECT pg_database_size(current_database())"
        return int(connection.exec_driver_sql(query).scalar_one())


def hours_after(hours: int) -> str:
    """Return the instant that many hours after the first hour's start."""
    return (FIRST_HOUR + timedelta(hours=hours)).isoformat()


def _execute(connection: sa.Connection, statement: str) -> None:
    """Run a statement in which ``{id}``, ``{size}`` and ``{FIRST..LAST}`` stand for SQL."""
    head, _, series = statement.rpartition(" FROM {")
    series, _, rest = series.partition("}")
    first, _, last = series.partition("..")
    scattered = f"n * {_SCATTER} % 4294967296"
    if connection.dialect.name == "sqlite":
        image_id = f"printf('%08x{_TAIL}', {scattered})"
        numbers = (
            f"(WITH RECURSIVE s(n) AS (SELECT {first} UNION ALL SELECT n + 1 FROM s"
            f" WHERE n < {last}) SELECT n FROM s)"
        )
    else:
        image_id = f"lpad(to_hex({scattered}), 8, '0') || '{_TAIL}'"
        numbers = f"generate_series({first}::bigint, {last}) AS s(n)"
    size = "(1 + n * 7919 % 50) * 1000000000 + n"
    sql = head.replace("{id}", image_id).replace("{size}", size) + f" FROM {numbers}{rest}"
    connection.execute(sa.text(sql.replace(":bigint", "\\:bigint").replace(":\\:", "\\:\\:")))
