"""Neutron's API, with a mechanism driver that binds every port (drivers/network.py)."""

import importlib
import os
import sys

from minicloud import sqlite_immediate
from minicloud.cloud import Cloud
from minicloud.ini import (
    copy_stock,
    database,
    default,
    locks,
    notifications,
    section,
    token_check,
    write,
)
from minicloud.runtime import HOST_NAME, RPC_URL, Runtime

ENTRY_POINTS = """\
[neutron.ml2.mechanism_drivers]
anywhere = minicloud.drivers.network:AnywhereMechanismDriver
"""


def configure(cloud: Cloud) -> None:
    """Write neutron.conf, and the metadata by which Neutron finds our mechanism driver."""
    cloud.data("neutron").mkdir(parents=True, exist_ok=True)
    write(
        cloud.etc("neutron", "neutron.conf"),
        default(
            transport_url=RPC_URL,
            host=HOST_NAME,
            core_plugin="ml2",
            service_plugins="",
            auth_strategy="keystone",
            state_path=str(cloud.data("neutron")),
            api_paste_config=str(cloud.etc("neutron", "api-paste.ini")),
            dhcp_agent_notification="false",
            notify_nova_on_port_status_changes="false",
            notify_nova_on_port_data_changes="false",
        ),
        database(cloud, "neutron"),
        token_check(cloud, "neutron"),
        section(
            "ml2",
            type_drivers="local",
            tenant_network_types="local",
            mechanism_drivers="anywhere",
            extension_drivers="port_security",
        ),
        section("quotas", default_quota=-1),
        locks(cloud),
        notifications(cloud),
    )
    copy_stock(cloud, "neutron", "api-paste.ini")
    metadata = "Metadata-Version: 2.1\nName: minicloud\nVersion: 1\n"
    write(cloud.etc("entry_points", "minicloud-1.dist-info", "METADATA"), metadata)
    write(cloud.etc("entry_points", "minicloud-1.dist-info", "entry_points.txt"), ENTRY_POINTS)


def start(runtime: Runtime) -> None:
    """Serve the network API."""
    cloud = runtime.cloud
    sys.path.append(str(cloud.etc("entry_points")))
    sys.argv = ["neutron-minicloud", "--config-file", str(cloud.etc("neutron", "neutron.conf"))]
    os.environ["OS_NEUTRON_CONFIG_DIR"] = str(cloud.etc("neutron"))
    os.environ["OS_NEUTRON_CONFIG_FILES"] = "neutron.conf"
    sqlite_immediate.register()
    # All models, or there are no tables, and listing ports says "Port has no attribute ...".
    importlib.import_module("neutron.db.migration.models.head")
    from neutron import server
    from neutron.server import api

    if runtime.first:
        runtime.once("neutron models", lambda: create_tables(cloud), sys.argv)
        sqlite_immediate.use_wal(cloud.database("neutron"))
    runtime.wait_for("keystone")
    runtime.serve(server.boot_server(api.api_server, prog="neutron-api"))


def create_tables(cloud: Cloud) -> None:
    """Make the tables from the models: Neutron's migrations do not run on SQLite."""
    import sqlalchemy
    from neutron_lib.db import model_base

    engine = sqlalchemy.create_engine(cloud.database_url("neutron"))
    model_base.BASEV2.metadata.create_all(engine)
