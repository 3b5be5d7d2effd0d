"""Placement."""

import os

from minicloud import sqlite_immediate
from minicloud.cloud import Cloud
from minicloud.ini import database, default, section, token_check, write
from minicloud.runtime import Runtime


def configure(cloud: Cloud) -> None:
    """Write placement.conf."""
    write(
        cloud.etc("placement", "placement.conf"),
        default(),
        database(cloud, "placement", "placement_database"),
        section("api", auth_strategy="keystone"),
        token_check(cloud, "placement"),
    )


def start(runtime: Runtime) -> None:
    """Serve the placement API."""
    os.environ["OS_PLACEMENT_CONFIG_DIR"] = str(runtime.cloud.etc("placement"))
    sqlite_immediate.register()
    from placement import wsgi

    if runtime.first:
        from placement.cmd import manage

        conf = str(runtime.cloud.etc("placement", "placement.conf"))
        argv = ["placement-manage", "--config-file", conf, "db", "sync"]
        runtime.once("placement-manage db sync", manage.main, argv)
        sqlite_immediate.use_wal(runtime.cloud.database("placement"))
    runtime.serve(wsgi.init_application())
