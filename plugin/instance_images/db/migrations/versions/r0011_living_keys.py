"""Ids of the cloud count at their image service, and while the image lives.

Which service the records are of is written down by the next reading of their location. Until then
their ids count everywhere, as before.
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_IMAGES = sa.table(
    "images",
    sa.column("image_id", sa.String),
    sa.column("status", sa.String),
    sa.column("created_at", sa.BigInteger),
    sa.column("cloud_image_id", sa.String),
    sa.column("living_key", sa.String),
)
_IDS_PER_QUERY = 500


def upgrade() -> None:
    """Add the columns, and the keys of what lives."""
    op.add_column("images", sa.Column("image_service", sa.String(200)))
    op.add_column("images", sa.Column("living_key", sa.String(265)))
    op.execute(
        sa.update(_IMAGES)
        .where(_IMAGES.c.status != "deleted", _IMAGES.c.cloud_image_id.is_not(None))
        .values(living_key=sa.literal("? ").concat(_IMAGES.c.cloud_image_id))
    )
    op.drop_index("ix_images_cloud_image_id", "images")
    op.create_index("ix_images_cloud_image_id", "images", ["cloud_image_id"])
    op.create_index("ix_images_living_key", "images", ["living_key"], unique=True)


def downgrade() -> None:
    """Drop them. Of images with one id, the older schema keeps the id of one that lives."""
    _forget_ids_of_the_dead()
    op.drop_index("ix_images_living_key", "images")
    op.drop_index("ix_images_cloud_image_id", "images")
    op.create_index("ix_images_cloud_image_id", "images", ["cloud_image_id"], unique=True)
    op.drop_column("images", "living_key")
    op.drop_column("images", "image_service")


def _forget_ids_of_the_dead() -> None:
    connection = op.get_bind()
    several = (
        sa.select(_IMAGES.c.cloud_image_id)
        .where(_IMAGES.c.cloud_image_id.is_not(None))
        .group_by(_IMAGES.c.cloud_image_id)
        .having(sa.func.count() > 1)
    )
    for cloud_image_id in list(connection.execute(several).scalars()):
        same = connection.execute(
            sa.select(_IMAGES.c.image_id, _IMAGES.c.living_key)
            .where(_IMAGES.c.cloud_image_id == cloud_image_id)
            .order_by(_IMAGES.c.living_key.is_(None), _IMAGES.c.created_at.desc())
        ).all()
        if len([one for one in same if one.living_key is not None]) > 1:
            raise RuntimeError(
                f"Images of two image services have the id {cloud_image_id}, which the older schema"
                " cannot hold: delete one of them before the downgrade."
            )
        others = [one.image_id for one in same[1:]]
        for first in range(0, len(others), _IDS_PER_QUERY):
            connection.execute(
                sa.update(_IMAGES)
                .where(_IMAGES.c.image_id.in_(others[first : first + _IDS_PER_QUERY]))
                .values(cloud_image_id=None)
            )
