"""What nearly all services import: loaded once, in the supervisor, before it forks.

eventlet is kept out. oslo's libraries ask for it and adapt; Nova refuses to run on native threads
when somebody has loaded it.
"""

import importlib
import sys
from collections.abc import Sequence

MODULES = [
    "sqlalchemy",
    "sqlalchemy.orm",
    "alembic.config",
    "oslo_db.sqlalchemy.enginefacade",
    "oslo_db.options",
    "oslo_db.sqlalchemy.models",
    "oslo_config.cfg",
    "oslo_log.log",
    "oslo_policy.policy",
    "oslo_policy.opts",
    "oslo_middleware",
    "keystonemiddleware.auth_token",
    "keystoneauth1.loading",
    "keystoneauth1.identity",
    "keystoneauth1.session",
    "keystoneauth1.adapter",
    "requests",
    "webob",
    "webob.dec",
    "routes",
    "routes.middleware",
    "paste.deploy",
    "jsonschema",
    "werkzeug.serving",
    "dogpile.cache",
    "stevedore",
    "cryptography.fernet",
    "oslo_messaging",
    "oslo_messaging.rpc.server",
    "oslo_concurrency.lockutils",
    "oslo_concurrency.processutils",
    "oslo_cache",
    "oslo_utils.timeutils",
    "oslo_i18n",
    "oslo_context.context",
    "oslo_serialization.jsonutils",
    "oslo_upgradecheck.upgradecheck",
    "oslo_reports.guru_meditation_report",
    "oslo_reports.opts",
    "oslo_versionedobjects.base",
    "osprofiler.initializer",
    "yaml",
    "lxml.etree",
    "netaddr",
    "psutil",
    "futurist",
    "oslo_privsep.priv_context",
    "castellan.key_manager",
    "glanceclient.v2.client",
    "oslo_limit.limit",
    "keystoneclient.v3.client",
    "cursive.signature_utils",
    "openstack.connection",
    "taskflow.engines",
    "os_brick.initiator.connector",
]

# These say that they run on native threads only when eventlet cannot be imported at all.
WITHOUT_EVENTLET = frozenset({"keystone", "glance", "placement", "nova"})


class NoEventlet:
    """An importer that answers for eventlet: there is none."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None, target: object = None) -> None:
        if name.partition(".")[0] == "eventlet":
            raise ImportError("no eventlet here")


def load() -> None:
    """Import what the services share, without eventlet."""
    sys.meta_path.insert(0, NoEventlet)
    from oslo_service import backend

    backend.init_backend(backend.BackendType.THREADING)
    for name in MODULES:
        try:
            importlib.import_module(name)
        except ImportError as error:  # it only costs time: the service itself will say so
            print(f"preload: {name}: {error}", file=sys.stderr)


def allow_eventlet() -> None:
    """Let this process import eventlet after all: Cinder, Heat and Neutron still name it."""
    sys.meta_path.remove(NoEventlet)
