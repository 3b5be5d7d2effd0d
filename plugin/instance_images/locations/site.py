"""A location with everything that work on it needs, and what all such work begins with."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from functools import cached_property

import sqlalchemy as sa

from instance_images.config.settings import Location
from instance_images.db import accounts, images
from instance_images.db.cloud_images import Service
from instance_images.db.engine import Database
from instance_images.db.tables import MAX_SERVICE_CHARACTERS
from instance_images.drivers.provider import Provider
from instance_images.errors import ConfigurationError, FeatureNotEnabled, NotFound, Refused
from instance_images.instants import Clock
from instance_images.locations.directory import Directory
from instance_images.model.cloud import Project
from instance_images.model.deadlines import DEFAULT_DEADLINES, Deadlines
from instance_images.model.records import (
    NO_ADOPTION,
    Account,
    AccountScope,
    AdoptionPolicy,
    Image,
)
from instance_images.model.requests.caller import Caller
from instance_images.names import printable, suggestion


class Advance(Enum):
    """Which tasks an operation advances before it decides."""

    ACCOUNT = "account"  # all of the account
    NEEDED = "needed"  # those that the operation depends on


@dataclass(frozen=True, kw_only=True)
class Site:
    """A location, its driver, the database and the clock.

    ``caller`` is whose request it works for, None for the command line and whatever runs alone.
    ``advances`` is the front end's choice. ``creates_per_minute`` is how many captures an account
    may begin in a minute, 0 for any number.
    """

    location: Location
    provider: Provider
    database: Database
    clock: Clock
    default_max_images: int
    account_scope: AccountScope = AccountScope.PROJECT
    adoption: AdoptionPolicy = NO_ADOPTION
    deadlines: Deadlines = DEFAULT_DEADLINES
    caller: Caller | None = None
    advances: Advance = Advance.ACCOUNT
    creates_per_minute: int = 0

    @property
    def name(self) -> str:
        """The location's name."""
        return self.location.name

    @property
    def user_id(self) -> str | None:
        """The user whose request it works for, None for the command line."""
        return (self.caller.user_id or None) if self.caller else None

    @cached_property
    def service(self) -> Service:
        """The image service at which the ids of the location's images count."""
        named = self.provider.image_service()
        identity = f"location {self.name}" if named is None else named
        if len(identity) > MAX_SERVICE_CHARACTERS:
            identity = hashlib.sha256(identity.encode()).hexdigest()
        return Service(self.name, identity)

    @cached_property
    def directory(self) -> Directory:
        """Whose is what here, for as long as this site is."""
        return Directory(self.provider, self.account_scope)

    def for_caller(self, caller: Caller) -> "Site":
        """Return the location for one request: what it names is looked up as the caller.

        Only the tasks that the request depends on are advanced.
        """
        return replace(
            self,
            provider=self.provider.for_caller(caller),
            caller=caller,
            advances=Advance.NEEDED,
        )

    def project_named(self, reference: str | None) -> str | None:
        """Return the project that a request names; if it names none, that of the caller's token."""
        return self.caller.project_id if self.caller and reference is None else reference

    def account(self, reference: str | None) -> Account:
        """Return the account of that id or name, or the caller's or else the credentials' own.

        One that the cloud does not have any more is found by its id where it is on record. Raises
        NotFound, and Refused where the reference was another account's when last seen: what is
        meant is not guessed.
        """
        if reference is None and self.caller is not None:
            reference, caller = self.caller.account_id, self.caller
            if caller.account_name:  # which Keystone told with the token
                require_scope(self)
                name, domain_name = caller.account_name, caller.domain_name or None
                return Account(caller.account_id, name, domain_name, self.account_scope)
        try:
            found = self.directory.account(reference)
        except NotFound:
            with self.database.reading() as connection:
                row = accounts.find_account(connection, self.name, reference or "")
            if row is None:
                raise
            found = Account(row.account_id, row.account_name, row.domain_name, self.account_scope)
        require_scope(self)
        if reference not in (None, found.id):
            self._require_same(found, str(reference))
        return found

    def _require_same(self, found: Account, reference: str) -> None:
        with self.database.reading() as connection:
            known = accounts.ids_called(connection, self.name, reference)
        others = [account_id for account_id in known if account_id != found.id]
        if others:
            raise Refused(
                f"{printable(reference)!r} is now the name of account {found.id} in {self.name},"
                f" and was last known here as account {', '.join(others)}: give the id of the one"
                " that is meant."
            )

    def account_of_project(self, project_id: str) -> Account:
        """Return whose the project is; where it is gone, whose it was when it last had images."""
        found = self.directory.account_of_project(project_id)
        if found is None:
            with self.database.reading() as connection:
                found = accounts.account_that_has(connection, self.name, project_id)
        return found or Account(project_id, project_id, scope=self.account_scope)

    def projects_of(self, account: Account) -> Sequence[Project]:
        """Return the account's projects here."""
        return self.directory.projects_of(account)

    def projects_that_may_use(self, image: Image) -> Sequence[Project]:
        """Return the projects that the image serves, without those that are disabled."""
        if self.account_scope is AccountScope.PROJECT:
            return [Project(image.project_id, image.project_id)]
        account = Account(image.account_id, image.account_id, scope=self.account_scope)
        return self.directory.projects_to_look_in(account, None)


def require_scope(site: Site) -> None:
    """Raise ConfigurationError where the ledger was begun under another account_scope."""
    if site.account_scope in site.database.verified:
        return
    with site.database.looking() as connection:
        differs = accounts.has_other_scope(connection, site.account_scope)
    if differs:
        raise ConfigurationError(
            f"Configuration: account_scope = {site.account_scope}, but the database has accounts"
            " of the other kind, and their images would be billed to other accounts: restore the"
            " old value, or use a new database."
        )
    site.database.verified.add(site.account_scope)


def require_enabled(site: Site) -> None:
    """Raise FeatureNotEnabled where the location does not offer images."""
    if not site.location.enabled:
        raise FeatureNotEnabled(site.name)


def resolve_image(connection: sa.Connection, site: Site, account: Account, reference: str) -> Image:
    """Return the account's image of that id, or of that name if only one has it.

    Raises NotFound, also where the image is another account's.
    """
    found = images.find_images(connection, site.name, account.id, reference)
    if not found:
        own = [image.name for image in images.list_images(connection, site.name, account.id)]
        raise NotFound(
            "Image",
            reference,
            f"Account {printable(account.name)} has none of that id or name in"
            f" {site.name}.{suggestion(reference, own)}",
        )
    if len(found) > 1:
        raise Refused(
            f"{len(found)} images are named {printable(reference)!r}: give the id of one of"
            f" {', '.join(image.id for image in found)}."
        )
    return found[0]
