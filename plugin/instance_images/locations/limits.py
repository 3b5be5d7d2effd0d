"""How many images an account may hold at a location: the limit that applies, and changes to it."""

import logging
from collections.abc import Callable

import sqlalchemy as sa

from instance_images.db import accounts
from instance_images.db.connections.fixed_queries import Asking
from instance_images.locations.site import Site
from instance_images.model.limits import applicable_limit, require_slot
from instance_images.model.records import Account, Limit

LOG = logging.getLogger(__name__)


def find_limit(
    site: Site, account: Account, ask: Callable[[Site, Account], int | None] | None = None
) -> Limit:
    """Return the limit that applies to the account, and how many images it holds.

    ``ask`` tells what ``Provider.account_limit`` says, or said a moment ago.
    """
    keystone_limit = ask(site, account) if ask else site.provider.account_limit(account)
    with site.database.asking() as connection:
        return limit_of(connection, site, account, keystone_limit)


def set_limit(
    site: Site,
    account: Account,
    max_images: int | None,
    require: Callable[[Limit], None] | None = None,
) -> Limit:
    """Give the account a limit of its own, or with None take it away; return what applies now.

    ``require`` is called with the limit that applies before, and stops the change by raising.
    """
    is_wanted = max_images is None or require is not None
    keystone_limit = site.provider.account_limit(account) if is_wanted else None

    def work(connection: sa.Connection) -> Limit:
        row = accounts.lock_account(connection, site.name, account)
        if require is not None:
            require(limit_of(connection, site, account, keystone_limit))
        accounts.set_own_limit(connection, row.account_key, max_images)
        return limit_of(connection, site, account, keystone_limit)

    limit = site.database.write(work)
    what = "removed" if max_images is None else f"set to {max_images}"
    LOG.info("%s: limit of account %s %s", site.name, account.id, what)
    return limit


def limit_of(connection: Asking, site: Site, account: Account, keystone_limit: int | None) -> Limit:
    """Return the limit that applies to the account, and how many images it holds.

    ``keystone_limit`` is what ``Provider.account_limit`` says, asked for before the transaction.
    """
    row, held, default = accounts.find_account_and_held(connection, site.name, account.id)
    max_images, source = applicable_limit(
        row.max_images if row else None,
        keystone_limit,
        site.location.max_images if default is None else default,
        site.default_max_images,
    )
    return Limit(
        account_id=account.id,
        account_name=account.name,
        location=site.name,
        max_images=max_images,
        source=source,
        held=held,
    )


def require_free_slot(
    connection: sa.Connection, site: Site, account: Account, keystone_limit: int | None
) -> None:
    """Raise LimitReached unless one more image fits into the account's limit.

    The account's row is locked, and whoever takes the slot does so in the same transaction.
    """
    limit = limit_of(connection, site, account, keystone_limit)
    require_slot(account.name, site.name, limit.held, limit.max_images)
