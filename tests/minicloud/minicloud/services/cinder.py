"""Cinder: API, scheduler and one back end of sparse files (drivers/volumes.py)."""

import os
import shlex
import sys
from typing import Any

from minicloud import sqlite_immediate
from minicloud.cloud import Cloud
from minicloud.ini import (
    copy_stock,
    credentials,
    database,
    default,
    locks,
    notifications,
    section,
    token_check,
    write,
)
from minicloud.runtime import HOST_NAME, RPC_URL, Runtime, privileged_here

NEVER_SECONDS = 315360000


def configure(cloud: Cloud) -> None:
    """Write cinder.conf."""
    for directory in ("conversion", "volumes", "coordination"):
        cloud.data("cinder", directory).mkdir(parents=True, exist_ok=True)
    write(
        cloud.etc("cinder", "cinder.conf"),
        default(
            resource_query_filters_file=str(cloud.etc("cinder", "resource_filters.json")),
            transport_url=RPC_URL,
            host=HOST_NAME,
            my_ip="127.0.0.1",
            state_path=str(cloud.data("cinder")),
            osapi_volume_workers=1,
            api_paste_config=str(cloud.etc("cinder", "api-paste.ini")),
            enabled_backends="files",
            default_volume_type="files",
            glance_api_servers=cloud.url("glance"),
            auth_strategy="keystone",
            image_conversion_dir=str(cloud.data("cinder", "conversion")),
            report_interval=10,
            service_down_time=NEVER_SECONDS,
            quota_volumes=-1,
            quota_snapshots=-1,
            quota_gigabytes=-1,
            scheduler_driver_init_wait_time=1,
            rootwrap_config="/dev/null",
            enable_force_upload="true",
        ),
        section(
            "files",
            volume_driver="minicloud.drivers.volumes.FileDriver",
            volume_backend_name="files",
        ),
        database(cloud, "cinder"),
        token_check(cloud, "cinder"),
        credentials(cloud, "cinder", "service_user", send_service_user_token="true"),
        credentials(cloud, "nova", "nova", interface="public"),
        section("coordination", backend_url=f"file://{cloud.data('cinder', 'coordination')}"),
        section("key_manager", backend="barbican"),
        locks(cloud),
        notifications(cloud),
    )
    copy_stock(cloud, "cinder", "api-paste.ini", "resource_filters.json")


def start(runtime: Runtime) -> list[Any]:
    """Serve the volume API, and run what does its work."""
    conf = str(runtime.cloud.etc("cinder", "cinder.conf"))
    sys.argv = ["cinder-minicloud", "--config-file", conf]
    use_native_threads()
    sqlite_immediate.register()
    import cinder.cmd.volume  # its import registers the options of cinder-volume
    from cinder import objects
    from cinder.wsgi import wsgi

    objects.register_all()
    if runtime.first:
        from cinder.cmd import manage

        argv = ["cinder-manage", "--config-file", conf, "db", "sync"]
        runtime.once("cinder-manage db sync", manage.main, argv)
        sqlite_immediate.use_wal(runtime.cloud.database("cinder"))
    application = wsgi.initialize_application()
    runtime.wait_for("keystone")
    workers = start_workers(cinder.cmd.volume)
    if runtime.first:
        create_volume_type()
    runtime.serve(application)
    return workers


def use_native_threads() -> None:
    """Keep eventlet's green threads out: one blocked on a SQLite lock would stop all.

    Cinder 29's image_utils still calls eventlet's tpool, which hangs in every thread but the
    first that uses it: let it call straight through.
    """
    from eventlet import tpool

    tpool.execute = lambda function, *args, **kwargs: function(*args, **kwargs)
    tpool.Proxy = lambda wrapped, *args, **kwargs: wrapped
    os.environ["OS_CINDER_DISABLE_EVENTLET_PATCHING"] = "true"
    from cinder import monkey_patch

    monkey_patch.patch()


def start_workers(volume_command: Any) -> list[Any]:
    """Run scheduler and volume manager on threads of this process."""
    import cinder.scheduler.manager
    import cinder.volume.manager  # noqa: F401  both register options
    import os_brick
    from cinder import service, utils
    from cinder.common import constants
    from oslo_privsep import priv_context

    conf = volume_command.CONF
    privileged_here("cinder.privsep", "os_brick.privileged")
    priv_context.init(root_helper=shlex.split(utils.get_root_helper()))
    os_brick.setup(conf)
    scheduler = service.Service.create(binary="cinder-scheduler")
    scheduler.start()
    conf.register_opt(volume_command.host_opt, group="files")
    volume = service.Service.create(
        host=f"{conf.host}@files",
        service_name="files",
        binary=constants.VOLUME_BINARY,
        coordination=True,
    )
    volume.start()
    return [scheduler, volume]


def create_volume_type() -> None:
    """Make the volume type that the configuration calls the default."""
    from cinder import context
    from cinder.volume import volume_types

    extra_specs = {"volume_backend_name": "files"}
    volume_types.create(context.get_admin_context(), "files", extra_specs)
