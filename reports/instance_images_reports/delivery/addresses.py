"""The addresses on record that each account's reports are mailed to, and their file.

An account has any number of addresses, each with the format and the locale of its reports. The file
is CSV with the columns account_id, address, format and locale; the last two may be missing.
"""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from instance_images.errors import UsageError
from instance_images.names import is_storable_id, printable
from instance_images_reports.delivery.mail import parse_address
from instance_images_reports.delivery.tables import MAX_ADDRESS_CHARACTERS, report_addresses
from instance_images_reports.formats.registry import FORMATS
from instance_images_reports.presentation import DEFAULT_PRESENTATION
from instance_images_reports.wording.catalogue import parse_locale

DEFAULT_FORMAT = "pdf"
_REQUIRED, _OPTIONAL = ("account_id", "address"), ("format", "locale")
_IGNORED = ("account_name", "set_at")  # columns of the list, which can be imported as it is
_SHOWN_FAULTS = 5


@dataclass(frozen=True, slots=True)
class Address:
    """An address of an account, and how its reports are made."""

    account_id: str
    address: str
    format: str = DEFAULT_FORMAT
    locale: str = DEFAULT_PRESENTATION.locale
    set_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Imported:
    """How many addresses are new, changed, removed, and as they were."""

    added: int
    changed: int
    removed: int
    unchanged: int


def checked_address(account_id: str, address: str, format_name: str, locale: str) -> Address:
    """Return the address as it is recorded. Raises UsageError where a value cannot be used."""
    if not account_id or not is_storable_id(account_id):
        raise UsageError(f"{printable(account_id)!r} is not the id of an account.")
    local, _, domain = parse_address(address).rpartition("@")
    known = f"{local}@{domain.lower()}"
    if len(known) > MAX_ADDRESS_CHARACTERS:
        raise UsageError(f"An address has at most {MAX_ADDRESS_CHARACTERS} characters.")
    if format_name not in FORMATS:
        raise UsageError(
            f"{printable(format_name)!r} is not a format that can be mailed: choose one of"
            f" {', '.join(FORMATS)}."
        )
    return Address(account_id, known, format_name, str(parse_locale(locale)))


def list_addresses(connection: sa.Connection, account_id: str | None = None) -> list[Address]:
    """Return all addresses, or those of an account, sorted by account and address."""
    rows = report_addresses.c
    query = sa.select(report_addresses).order_by(rows.account_id, rows.address)
    if account_id is not None:
        query = query.where(rows.account_id == account_id)
    return [Address(**row._mapping) for row in connection.execute(query)]


def set_address(connection: sa.Connection, address: Address, now: datetime) -> None:
    """Record the address; one that is on record gets the format and the locale."""
    _remove(connection, address.account_id, address.address)
    _insert(connection, [address], now)


def unset_addresses(
    connection: sa.Connection, account_id: str, address: str | None = None
) -> list[str]:
    """Remove the address, or all addresses, of the account; return those that were removed."""
    known = [one.address for one in list_addresses(connection, account_id)]
    removed = [one for one in known if address in (None, one)]
    for one in removed:
        _remove(connection, account_id, one)
    return removed


def import_addresses(
    connection: sa.Connection, wanted: Sequence[Address], now: datetime, *, replace: bool
) -> Imported:
    """Record the addresses; with ``replace``, remove all others."""
    before = {_key(one): one for one in list_addresses(connection)}
    after = {_key(one): one for one in wanted}
    gone = [one for key, one in before.items() if replace and key not in after]
    changed = [
        one for key, one in after.items() if key in before and _way(before[key]) != _way(one)
    ]
    new = [one for key, one in after.items() if key not in before]
    for one in (*gone, *changed):
        _remove(connection, one.account_id, one.address)
    _insert(connection, [*changed, *new], now)
    same = len(after) - len(new) - len(changed)
    return Imported(len(new), len(changed), len(gone), same)


def _key(one: Address) -> tuple[str, str]:
    return one.account_id, one.address


def _way(one: Address) -> tuple[str, str]:
    return one.format, one.locale


def _remove(connection: sa.Connection, account_id: str, address: str) -> None:
    rows = report_addresses.c
    connection.execute(
        sa.delete(report_addresses).where(rows.account_id == account_id, rows.address == address)
    )


def _insert(connection: sa.Connection, addresses: Sequence[Address], now: datetime) -> None:
    if addresses:
        values = [
            {
                "account_id": one.account_id,
                "address": one.address,
                "format": one.format,
                "locale": one.locale,
                "set_at": now,
            }
            for one in addresses
        ]
        connection.execute(sa.insert(report_addresses), values)


# ----------------------------------------------------------------------------- the file


def parse_file(content: bytes, *, default_format: str, default_locale: str) -> list[Address]:
    """Return the addresses of a CSV file. Raises UsageError that names the first wrong lines."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError("The file is not UTF-8: save it as CSV UTF-8.") from error
    first = text.split("\n", 1)[0]
    reader = csv.DictReader(io.StringIO(text), delimiter=";" if ";" in first else ",")
    _require_columns([name.strip() for name in reader.fieldnames or ()])
    found: dict[tuple[str, str], Address] = {}
    faults: list[str] = []
    try:
        for row in reader:
            try:
                one = _address_of(row, default_format, default_locale)
                if _key(one) in found:
                    raise UsageError(f"{one.address} of {one.account_id} is there twice.")
                found[_key(one)] = one
            except UsageError as error:
                faults.append(f"line {reader.line_num}: {error}")
    except csv.Error as error:
        raise UsageError(f"The file is not CSV: line {reader.line_num}: {error}.") from error
    _require_no_faults(faults)
    return list(found.values())


def _require_columns(names: Sequence[str]) -> None:
    missing = [name for name in _REQUIRED if name not in names]
    unknown = sorted(set(names) - {*_REQUIRED, *_OPTIONAL, *_IGNORED})
    if missing or unknown:
        raise UsageError(
            "The first line of the file names its columns: account_id, address, and format and"
            f" locale if wanted. Missing: {', '.join(missing) or 'none'}; unknown:"
            f" {printable(', '.join(unknown)) or 'none'}."
        )


def _address_of(row: dict[str, str], default_format: str, default_locale: str) -> Address:
    if None in row or None in row.values():  # as the reader says of cells too many and too few
        raise UsageError("The row has not as many cells as the first line.")
    values = {name.strip(): _plain(value.strip()) for name, value in row.items()}
    return checked_address(
        values["account_id"],
        values["address"],
        values.get("format") or default_format,
        values.get("locale") or default_locale,
    )


def _plain(cell: str) -> str:
    """Return the cell without the mark that keeps a spreadsheet from taking it for a formula."""
    return cell[1:] if cell[:1] == "'" and cell[1:2] in tuple("=+-@") else cell


def _require_no_faults(faults: Iterable[str]) -> None:
    found = list(faults)
    if found:
        more = f" And {len(found) - _SHOWN_FAULTS} more." if len(found) > _SHOWN_FAULTS else ""
        raise UsageError(f"Nothing was imported. {' '.join(found[:_SHOWN_FAULTS])}{more}")
