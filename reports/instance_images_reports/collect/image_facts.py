"""What the record has of an account's images beside the ledger: age and last deployment."""

from collections.abc import Iterator, Sequence
from datetime import datetime

import sqlalchemy as sa

from instance_images.db.tables import accounts, images, tasks
from instance_images.model.records import TaskKind

# In the order of the columns: image id, when it became available, its last deployment.
Facts = tuple[str, datetime | None, datetime | None]
_IN_ONE_QUERY = 500


def read_image_facts(connection: sa.Connection, account_id: str) -> Sequence[Facts]:
    """Return the facts of the account's images that were not deleted.

    Only deployments made with this product are on record; failed ones count as well.
    """
    query = (
        sa.select(images.c.image_id, images.c.available_at, last_deployment())
        .join(accounts, accounts.c.account_key == images.c.account_key)
        .where(accounts.c.account_id == account_id, images.c.deleted_at.is_(None))
    )
    return [
        (image_id, available, deployed)
        for image_id, available, deployed in connection.execute(query)
    ]


def read_facts_of_accounts(
    connection: sa.Connection, account_keys: Sequence[int]
) -> Iterator[tuple[int, Facts]]:
    """Yield the facts of images that were not deleted, with the keys of their accounts."""
    for start in range(0, len(account_keys), _IN_ONE_QUERY):
        query = (
            sa.select(
                images.c.account_key, images.c.image_id, images.c.available_at, last_deployment()
            )
            .where(
                images.c.account_key.in_(account_keys[start : start + _IN_ONE_QUERY]),
                images.c.deleted_at.is_(None),
            )
            .order_by(images.c.account_key, images.c.available_at, images.c.image_id)
        )
        for key, image_id, available, deployed in connection.execute(query):
            yield key, (image_id, available, deployed)


def last_deployment() -> sa.ScalarSelect[datetime | None]:
    """Return the expression of when an image of a query was last deployed from.

    The kind of a task is no condition: SQLite would read all deployments for each image.
    """
    started_at = sa.case((tasks.c.kind == TaskKind.DEPLOY, tasks.c.started_at))
    latest: sa.Function[datetime | None] = sa.func.max(started_at)
    return sa.select(latest).where(tasks.c.image_id == images.c.image_id).scalar_subquery()
