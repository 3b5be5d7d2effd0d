"""A check of oslo.middleware's health check: the database answers, with this version's schema.

The cloud is not asked: while Nova is down, lists and reports can still be had.
"""

import logging
from functools import cached_property
from typing import Any

from oslo_middleware.healthcheck.pluginbase import HealthcheckBaseExtension, HealthcheckResult

from instance_images.config.options import GROUPS
from instance_images.db.engine import Database
from instance_images.db.schema import require_head
from instance_images.errors import InstanceImagesError

LOG = logging.getLogger(__name__)
NAME = "instance_images_database"
# The balancer in front waits no longer.
ANSWER_SECONDS = 5


class DatabaseHealth(HealthcheckBaseExtension):
    """Whether the database can be used. Why it cannot is in the log, once per reason."""

    _logged = ""

    @cached_property
    def _database(self) -> Database:
        self.oslo_conf.register_opts(GROUPS["database"], group="database")
        url = self.oslo_conf.database.connection
        return Database(url, answer_seconds=ANSWER_SECONDS)

    def healthcheck(self, server_port: int) -> Any:
        """Return whether the database answers; the reason says nothing of where it is."""
        try:
            require_head(self._database)
        except InstanceImagesError as error:
            if self._logged != str(error):
                LOG.warning("Could not use the database in a health check: %s", error)
            self._logged = str(error)
            return HealthcheckResult(False, "The database cannot be used.", str(error))
        if self._logged:
            LOG.info("The health check could use the database again.")
        self._logged = ""
        return HealthcheckResult(True, "OK")
