"""The manifest of a folder of reports: what is in it, and what it adds up to.

Owns the names of its fields, which are a contract: fields are added, never renamed. Amounts are
texts; those called ``exact`` have nine decimals, and so are whole nanos.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from instance_images.errors import Refused
from instance_images.instants import format_instant, parse_instant
from instance_images_billing.pricing.money import decimal_of
from instance_images_reports.collect.cutoff import Cut

MANIFEST = "manifest.json"
KIND = "cloud-usage-manifest"

# Nanos by location and currency.
Totals = dict[tuple[str, str], int]


@dataclass(frozen=True, slots=True)
class File:
    """A file of the folder, as it was written; ``path`` is relative, with ``/``."""

    path: str
    sha256: str
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountFile:
    """The report of an account in a currency. ``file`` is None where none was to be written.

    ``total`` is that of the images, ``nanos`` what it comes to exactly, by location. ``added`` are
    the totals of sections that others added, by their names: the ledger knows nothing of them.
    """

    account_id: str
    account_name: str
    currency: str
    lines_count: int
    total: Decimal
    nanos: Mapping[str, int]
    file: File | None = None
    added: Mapping[str, Decimal] = field(default_factory=dict)

    @property
    def report_total(self) -> Decimal:
        """What the report says: images and added sections."""
        return sum(self.added.values(), self.total)

    @property
    def charged_nanos(self) -> int:
        """What it comes to, before it is rounded."""
        return sum(self.nanos.values())


@dataclass(frozen=True, slots=True)
class Place:
    """Up to where a location was read; see ``cut``."""

    location: str
    metered_until: datetime | None
    last_adjustment: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The content of a folder of reports. ``accounts`` are sorted by id and currency.

    ``shared`` are the files that are of no account alone: the summaries, and the data set where the
    format is one.
    """

    version: str
    period: str
    timezone: str
    period_state: str
    output_format: str
    places: Sequence[Place]
    accounts: Sequence[AccountFile]
    shared: Sequence[File]
    totals: Mapping[tuple[str, str], int]
    added_totals: Mapping[tuple[str, str], Decimal] = field(default_factory=dict)


def file_of(path: str, content: bytes) -> File:
    """Return the manifest's entry of a file with that content."""
    return File(path, hashlib.sha256(content).hexdigest(), len(content))


def read_file(directory: Path, path: str) -> File:
    """Return the entry of a file of the folder, however large. Raises OSError."""
    with (directory / path).open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return File(path, digest, file.tell())


def places_of(cut: Cut) -> list[Place]:
    """Return up to where the locations are read in the cut."""
    return [
        Place(one.location, one.metered_until, one.last_adjustment)
        for one in cut.locations.values()
    ]


def totals_of(files: Iterable[AccountFile]) -> Totals:
    """Return what the reports come to, by location and currency."""
    totals: Totals = {}
    for one in files:
        for location, nanos in one.nanos.items():
            where = (location, one.currency)
            totals[where] = totals.get(where, 0) + nanos
    return dict(sorted(totals.items()))


def added_totals_of(files: Iterable[AccountFile]) -> dict[tuple[str, str], Decimal]:
    """Return what added sections come to in all reports, by section and currency."""
    totals: dict[tuple[str, str], Decimal] = {}
    for one in files:
        for section, total in one.added.items():
            which = (section, one.currency)
            totals[which] = totals.get(which, Decimal(0)) + total
    return dict(sorted(totals.items()))


# -------------------------------------------------------------------------- writing


def manifest_json(manifest: Manifest) -> str:
    """Return the manifest as JSON in ASCII, one line for each of the accounts."""
    head = {
        "report": KIND,
        "version": manifest.version,
        "period": {
            "name": manifest.period,
            "timezone": manifest.timezone,
            "state": manifest.period_state,
        },
        "format": manifest.output_format,
        "locations": [
            {
                "location": place.location,
                "metered_until": _instant(place.metered_until),
                "last_adjustment": place.last_adjustment,
            }
            for place in manifest.places
        ],
        "totals": [
            {"location": location, "currency": currency, "exact": exact_text(nanos)}
            for (location, currency), nanos in sorted(manifest.totals.items())
        ],
        "shared": [_file(one) for one in manifest.shared],
    }
    if manifest.added_totals:
        head["added_totals"] = [
            {"section": section, "currency": currency, "total": f"{total:f}"}
            for (section, currency), total in sorted(manifest.added_totals.items())
        ]
    rows = ",\n".join(f"    {json.dumps(_account(one))}" for one in manifest.accounts)
    before = json.dumps(head, indent=2).removesuffix("\n}")
    listed = f"[\n{rows}\n  ]" if rows else "[]"
    return f'{before},\n  "accounts": {listed}\n}}\n'


def _account(one: AccountFile) -> dict[str, object]:
    added = {name: f"{total:f}" for name, total in sorted(one.added.items())}
    return {
        "account_id": one.account_id,
        "account_name": one.account_name,
        "currency": one.currency,
        "lines": one.lines_count,
        "total": f"{one.total:f}",
        "exact": exact_text(one.charged_nanos),
        "locations": {name: exact_text(nanos) for name, nanos in sorted(one.nanos.items())},
        **({"added": added, "report_total": f"{one.report_total:f}"} if added else {}),
        **(_file(one.file) if one.file else {}),
    }


def _file(one: File) -> dict[str, object]:
    return {"path": one.path, "sha256": one.sha256, "bytes": one.size_bytes}


def exact_text(nanos: int) -> str:
    """Return an amount with nine decimals."""
    return f"{decimal_of(nanos):f}"


def _instant(instant: datetime | None) -> str | None:
    return None if instant is None else format_instant(instant)


# -------------------------------------------------------------------------- reading


def parse_manifest(content: str) -> Manifest:
    """Return the manifest. Raises Refused where the text is none that this version can read."""
    try:
        return _manifest(json.loads(content))
    except (
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        ArithmeticError,
        RecursionError,
    ) as error:
        raise Refused(
            f"{MANIFEST} is no manifest of a folder of reports ({type(error).__name__}: {error})."
        ) from error


def _manifest(read: Any) -> Manifest:
    if read["report"] != KIND:
        raise ValueError(f"report is {read['report']!r}")
    return Manifest(
        version=str(read["version"]),
        period=str(read["period"]["name"]),
        timezone=str(read["period"]["timezone"]),
        period_state=str(read["period"]["state"]),
        output_format=str(read["format"]),
        places=[
            Place(
                str(one["location"]),
                None if one["metered_until"] is None else parse_instant(one["metered_until"]),
                int(one["last_adjustment"]),
            )
            for one in read["locations"]
        ],
        accounts=[_read_account(one) for one in read["accounts"]],
        shared=[_read_file(one) for one in read["shared"]],
        totals={(one["location"], one["currency"]): _nanos(one["exact"]) for one in read["totals"]},
        added_totals={
            (one["section"], one["currency"]): _amount(one["total"])
            for one in read.get("added_totals", ())
        },
    )


def _read_account(one: Any) -> AccountFile:
    found = AccountFile(
        account_id=str(one["account_id"]),
        account_name=str(one["account_name"]),
        currency=str(one["currency"]),
        lines_count=int(one["lines"]),
        total=_amount(one["total"]),
        nanos={str(name): _nanos(text) for name, text in one["locations"].items()},
        file=_read_file(one) if "path" in one else None,
        added={str(name): _amount(text) for name, text in one.get("added", {}).items()},
    )
    if "report_total" in one and found.report_total != _amount(one["report_total"]):
        raise ValueError(f"the sections of {found.account_id} do not add up to its report_total")
    if found.charged_nanos != _nanos(one["exact"]):
        raise ValueError(f"the locations of {found.account_id} do not add up to its exact amount")
    return found


def _read_file(one: Any) -> File:
    return File(str(one["path"]), str(one["sha256"]), int(one["bytes"]))


def _nanos(text: str) -> int:
    amount = _amount(text)
    if amount.as_tuple().exponent != -9:
        raise ValueError(f"{text!r} has not nine decimals")
    return int(amount.scaleb(9))


def _amount(text: str) -> Decimal:
    if not re.fullmatch(r"-?[0-9]{1,20}(\.[0-9]{1,9})?", text):
        raise ValueError(f"{text!r} is no amount")
    return Decimal(text)
