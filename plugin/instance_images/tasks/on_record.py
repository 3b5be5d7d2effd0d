"""Names the task of a request that is on record when the database fails.

By then the cloud may have done what it was asked for: a repeated request would do it twice.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from instance_images.errors import DatabaseUnavailable

LOG = logging.getLogger(__name__)


@contextmanager
def on_record(task_id: str) -> Iterator[None]:
    """Name the request's task in the error of a database that fails from here on."""
    try:
        yield
    except DatabaseUnavailable as error:
        LOG.warning("Could not record the outcome of task %s: %s", task_id, error)
        raise DatabaseUnavailable(
            f"The database does not answer. The request is recorded as task {task_id}.",
            task_id=task_id,
        ) from error
