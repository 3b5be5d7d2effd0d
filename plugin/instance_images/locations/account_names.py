"""The names of accounts: what Keystone calls them now, and that a name proves nothing.

A project that is renamed stays the same account, and another one can get its old name. The ids on
record never change; the names beside them are for people, and are renewed with each reading.
"""

import logging

from instance_images.db import accounts
from instance_images.errors import InstanceImagesError
from instance_images.locations.site import Site
from instance_images.model.records import Account
from instance_images.names import recorded_name

LOG = logging.getLogger(__name__)


def refresh_names(site: Site) -> None:
    """Write down what the accounts of the location are called now, where that has changed.

    No money depends on a name: where Keystone does not tell, the names stay, and it is logged.
    """
    with site.database.reading() as connection:
        rows = accounts.accounts_by_key(connection, site.name)
    if not rows:
        return
    try:
        now = site.directory.current(
            {row.account_id for row in rows.values()},
            with_domains=any(row.domain_name is None for row in rows.values()),
        )
    except InstanceImagesError as error:
        LOG.warning("%s: Could not refresh account names: %s", site.name, error)
        return
    changed = []
    for key, row in rows.items():
        account = now.get(row.account_id)
        if account is None:
            continue
        domain_name = recorded_name(account.domain_name or "") or row.domain_name
        name = recorded_name(account.name)
        if (name, domain_name) != (row.account_name, row.domain_name):
            changed.append((key, Account(row.account_id, name, domain_name)))
    if changed:
        site.database.write(lambda connection: accounts.write_names(connection, changed))
    for _, account in changed:
        LOG.info("%s: name of account %s changed", site.name, account.id)
