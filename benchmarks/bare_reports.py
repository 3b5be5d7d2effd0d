"""The floor of the reports of all accounts: the rows that they show, read by SQL and written.

    bare_reports.py DATABASE-URL FORMAT FOLDER

One query for the lines and one for the days of each account; a file for each account, by
``json.dumps`` or ``csv.writer``. Nothing is rated, rounded, compared or proved. One process.
FORMAT ``sum`` only adds up what the ledger charges, by account, and prints it: the floor of
``report reconcile``.
"""

import csv
import json
import sys
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import sqlalchemy as sa

START, END = 1790812800, 1793491200  # October 2026 in UTC
FIELDS = [
    "image_id",
    "name",
    "location",
    "source_instance_name",
    "size_bytes",
    "billable_from",
    "billable_until",
    "billable_seconds",
    "gb_hours",
    "rate",
    "amount_exact",
    "amount",
    "open",
    "unit",
    "hours_per_month",
    "partial_hour",
    "ending",
    "source_instance_id",
]
Row = Sequence[Any]

# One account after the other, as all of them together would not be held in memory.
LINES = f"""
    SELECT i.account_key, i.image_id, m.name, 'RegionOne', m.source_instance_name, i.size_bytes,
        i.starts_at, {END}, {END} - i.starts_at, i.size_bytes / 3600, '0.05',
        i.size_bytes / 7300, i.size_bytes / 73000, i.ends_at, 'GB', '730', 'prorate',
        'period_ended', m.source_instance_id
    FROM intervals i JOIN images m ON m.image_id = i.image_id
    WHERE i.account_key BETWEEN :first AND :last AND i.starts_at < {END}
        AND (i.ends_at IS NULL OR i.ends_at > {START})
    ORDER BY i.account_key, m.name, i.image_id"""
DAYS = f"""
    SELECT account_key, starts_at / 86400 AS day, sum(CAST(byte_seconds AS INTEGER)),
        sum(CAST(amount_nanos AS INTEGER))
    FROM postings WHERE account_key BETWEEN :first AND :last
        AND starts_at >= {START} AND starts_at < {END}
    GROUP BY account_key, day ORDER BY account_key, day"""
SUMS = f"""
    SELECT account_key, sum(CAST(amount_nanos AS INTEGER))
    FROM postings WHERE starts_at >= {START} AND starts_at < {END} GROUP BY account_key"""
ACCOUNTS_AT_A_TIME = 50


def rows_by_account(
    connection: sa.Connection, query: str, first: int
) -> Iterator[tuple[int, list[Row]]]:
    """Yield the rows of some accounts, account by account."""
    last = first + ACCOUNTS_AT_A_TIME - 1
    if connection.dialect.name != "sqlite":
        query = query.replace("AS INTEGER", "AS NUMERIC")
    found = connection.execute(sa.text(query), {"first": first, "last": last})
    cursor = found.cursor
    assert cursor is not None
    for key, rows in groupby(cursor.fetchall(), key=lambda row: row[0]):
        yield key, [row[1:] for row in rows]


def write(path: Path, output_format: str, lines: list[Row], days: list[Row]) -> None:
    """Write the rows of an account to a file."""
    with path.open("w", encoding="utf-8") as file:
        if output_format == "json":
            shown = [dict(zip(FIELDS, row, strict=True)) for row in lines]
            stored = [{"day": day, "stored": int(stored)} for day, stored, _ in days]
            file.write(json.dumps({"lines": shown, "days": stored}))
        else:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(FIELDS)
            writer.writerows(lines)


def main(url: str, output_format: str, folder: Path) -> None:
    """Write the files, or print how many accounts are charged and what."""
    with sa.create_engine(url).connect() as connection:
        if output_format == "sum":
            is_sqlite = connection.dialect.name == "sqlite"
            query = SUMS if is_sqlite else SUMS.replace("INTEGER", "NUMERIC")
            sums = connection.execute(sa.text(query)).all()
            print(len(sums), sum(int(row[1]) for row in sums))
            return
        folder.mkdir()
        highest = connection.execute(sa.text("SELECT max(account_key) FROM accounts")).scalar_one()
        for first in range(1, highest + 1, ACCOUNTS_AT_A_TIME):
            days = dict(rows_by_account(connection, DAYS, first))
            for key, lines in rows_by_account(connection, LINES, first):
                path = folder / f"{key}.{output_format}"
                write(path, output_format, lines, days.get(key, []))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
