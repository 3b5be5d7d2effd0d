"""Runs the revisions on the connection that ``database.upgrade`` or ``downgrade`` hands over."""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=None,
    transactional_ddl=False,  # the caller holds the transaction
)
context.run_migrations()
