"""Glance, with its images in files."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from minicloud import sqlite_immediate
from minicloud.cloud import REGION, Cloud
from minicloud.ini import (
    copy_stock,
    database,
    default,
    locks,
    notifications,
    password_of,
    section,
    token_check,
    write,
)
from minicloud.runtime import Runtime


def configure(cloud: Cloud) -> None:
    """Write glance-api.conf."""
    for directory in ("images", "staging", "tasks"):
        cloud.data("glance", directory).mkdir(parents=True, exist_ok=True)
    write(
        cloud.etc("glance", "glance-api.conf"),
        default(
            enabled_backends="files:file",
            show_image_direct_url="true",
            show_multiple_locations="true",
            enabled_import_methods="[glance-direct,copy-image]",
            worker_self_reference_url=cloud.url("glance"),
            use_keystone_limits="true" if cloud.limits else "false",
        ),
        database(cloud, "glance"),
        token_check(cloud, "glance"),
        password_of(
            cloud,
            "glance",
            "oslo_limit",
            system_scope="all",
            endpoint_service_type="image",
            endpoint_region_name=REGION,
            endpoint_interface="public",
        ),
        section("paste_deploy", flavor="keystone"),
        section("glance_store", default_backend="files"),
        store(cloud, "files", "images"),
        store(cloud, "os_glance_staging_store", "staging"),
        store(cloud, "os_glance_tasks_store", "tasks"),
        locks(cloud),
        notifications(cloud),
    )
    copy_stock(cloud, "glance", "glance-api-paste.ini")


def store(cloud: Cloud, name: str, directory: str) -> str:
    """Return the section of a store that keeps files."""
    return section(
        name,
        filesystem_store_datadir=str(cloud.data("glance", directory)),
        filesystem_store_chunk_size=1 << 20,
    )


def start(runtime: Runtime) -> None:
    """Serve the image API."""
    os.environ["OS_GLANCE_CONFIG_DIR"] = str(runtime.cloud.etc("glance"))
    sqlite_immediate.register()
    from glance.common import wsgi_app

    ask_once_where_limits_are()
    if runtime.first:
        from glance.cmd import manage

        conf = str(runtime.cloud.etc("glance", "glance-api.conf"))
        argv = ["glance-manage", "--config-file", conf, "db"]
        runtime.once("glance-manage db sync", manage.main, [*argv, "sync"])
        # Without any definition, Horizon shows an error wherever an instance is launched.
        definitions = str(Path(sys.prefix) / "etc" / "glance" / "metadefs")
        runtime.once("loading metadefs", manage.main, [*argv, "load_metadefs", definitions])
        sqlite_immediate.use_wal(runtime.cloud.database("glance"))
    runtime.serve(wsgi_app.init_app())


def ask_once_where_limits_are() -> None:
    """Have oslo.limit look its endpoint and the model up once, not at each check."""
    from oslo_limit import limit

    endpoint = once(limit._EnforcerUtils._get_endpoint)
    model = once(limit.Enforcer._get_enforcement_model)
    limit._EnforcerUtils._get_endpoint = endpoint
    limit.Enforcer._get_enforcement_model = model


def once(method: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return a method that answers for every object what it answered for the first."""
    answers: list[Any] = []

    def answered(self: Any) -> Any:
        if not answers:
            answers.append(method(self))
        return answers[0]

    return answered
