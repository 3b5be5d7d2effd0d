"""Finds the account that a report is asked for: an id is the ledger's, a name is Keystone's.

The ledger keeps the name that an account had when it was last seen. Another customer may have it by
now, and a report is somebody's bill: so a name is used only as far as Keystone says whose it is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from instance_images.db.tables import accounts
from instance_images.errors import (
    CloudUnavailable,
    ConfigurationError,
    InstanceImagesError,
    NotFound,
    Refused,
    UsageError,
)
from instance_images.locations.application import Application
from instance_images.locations.site import Site
from instance_images.model.records import Account
from instance_images.names import printable


@dataclass(frozen=True, slots=True)
class _Known:
    """The accounts of the ledger: their names by location and id."""

    names: Mapping[str, Mapping[str, str]]

    def called(self, location: str, name: str) -> set[str]:
        """Return the ids of the location's accounts that were last called so."""
        return {key for key, known in self.names.get(location, {}).items() if known == name}

    @property
    def by_id(self) -> dict[str, str]:
        """The accounts of all locations by id."""
        return {key: name for known in self.names.values() for key, name in known.items()}


def find_account(application: Application, reference: str | None) -> Account:
    """Return the account of that id or name, or the only one that there is.

    An id, and the only account, need no cloud. Raises NotFound, UsageError, Refused where a name
    may mean another account than the ledger's, and CloudUnavailable or ConfigurationError where
    Keystone does not say whose a name is.
    """
    with application.database.reading() as connection:
        known = _read_known(connection)
    by_id = known.by_id
    if reference is None:
        if len(by_id) != 1:
            raise UsageError("Name the account.", case="accounts", known=_listed(by_id))
        return next(Account(*item) for item in by_id.items())
    if reference in by_id:
        return Account(reference, by_id[reference])
    return _by_name(application, known, reference)


def _read_known(connection: sa.Connection) -> _Known:
    names: dict[str, dict[str, str]] = {}
    query = sa.select(accounts.c.location, accounts.c.account_id, accounts.c.account_name).order_by(
        accounts.c.account_key
    )
    for location, account_id, name in connection.execute(query):
        names.setdefault(location, {})[account_id] = name
    return _Known(names)


def _by_name(application: Application, known: _Known, name: str) -> Account:
    """Return the account that has the name now, or had it when it was last there."""
    by_id = known.by_id
    found: dict[str, str] = {}
    asked = [location.name for location in application.settings.locations]
    for location in asked:
        called = known.called(location, name)
        now = _asked(application.site(location), name, called)
        found |= {now.id: now.name} if now is not None else dict.fromkeys(called, name)
    found = {key: shown for key, shown in found.items() if key in by_id}
    elsewhere = {
        key for place in known.names if place not in asked for key in known.called(place, name)
    }
    if elsewhere - found.keys():
        raise Refused(
            f"{printable(name)!r} was the name of account {_ids(elsewhere)} at a location that is"
            " not configured, so its current owner is unknown: give the id of the account."
        )
    if len(found) > 1:
        raise Refused(
            f"{len(found)} accounts are named {printable(name)!r}: give the id of one of"
            f" {_ids(found)}."
        )
    if not found:
        raise NotFound(
            "Account",
            name,
            "No account of that id or name has had images.",
            case="known accounts",
            known=_listed(by_id),
        )
    return next(Account(*item) for item in found.items())


def _asked(site: Site, name: str, called: set[str]) -> Account | None:
    """Return whose the name is at the location, None if nobody has it there.

    Raises Refused where it means another account than the ledger's.
    """
    try:
        try:
            return site.account(name)
        except NotFound:
            if not site.provider.sees_all_accounts():
                raise ConfigurationError(
                    f"The credentials of {site.name} cannot see all accounts."
                ) from None
        still_there = site.directory.current(called, with_domains=False)
    except (CloudUnavailable, ConfigurationError) as error:
        raise _untold(site, name, called, error) from error
    for account in still_there.values():
        raise Refused(
            f"{printable(name)!r} was the name of account {account.id}, which is called"
            f" {printable(account.name)!r} now: give its id or its current name."
        )
    return None


def _untold(
    site: Site, name: str, called: set[str], error: InstanceImagesError
) -> InstanceImagesError:
    known = f" It was last the name of account {_ids(called)}." if called else ""
    kind = CloudUnavailable if isinstance(error, CloudUnavailable) else ConfigurationError
    return kind(
        f"Could not look up the name {printable(name)!r} in {site.name}: {error}{known} Give the id"
        " of the account: it needs no lookup."
    )


def _ids(found: Sequence[str] | Mapping[str, str] | set[str]) -> str:
    return ", ".join(sorted(found))


def _listed(known: Mapping[str, str]) -> str:
    shown = sorted(f"{printable(name)} ({account_id})" for account_id, name in known.items())
    more = f" and {len(shown) - 20} more" if len(shown) > 20 else ""
    return (", ".join(shown[:20]) or "none, because no image was ever captured") + more
