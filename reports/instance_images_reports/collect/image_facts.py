"""What the record has of an account's images beside the ledger: age and last deployment."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from instance_images.db.tables import accounts, images, tasks
from instance_images.model.records import TaskKind

# In the order of the columns: image id, when it became available, its last deployment.
Facts = tuple[str, datetime | None, datetime | None]


def read_image_facts(connection: sa.Connection, account_id: str) -> Sequence[Facts]:
    """Return the facts of the account's images that were not deleted.

    Only deployments made with this product are on record; failed ones count as well.
    """
    deployed_at = (
        sa.select(sa.func.max(tasks.c.started_at))
        .where(tasks.c.image_id == images.c.image_id, tasks.c.kind == TaskKind.DEPLOY)
        .scalar_subquery()
    )
    query = (
        sa.select(images.c.image_id, images.c.available_at, deployed_at)
        .join(accounts, accounts.c.account_key == images.c.account_key)
        .where(accounts.c.account_id == account_id, images.c.deleted_at.is_(None))
    )
    return [
        (image_id, available, deployed)
        for image_id, available, deployed in connection.execute(query)
    ]
