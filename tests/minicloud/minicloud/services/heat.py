"""Heat: API and engine."""

import sys
from pathlib import Path
from typing import Any

from minicloud import sqlite_immediate
from minicloud.cloud import PASSWORD, REGION, Cloud
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
from minicloud.runtime import HOST_NAME, RPC_URL, Runtime


def configure(cloud: Cloud) -> None:
    """Write heat.conf."""
    stock = Path(sys.prefix, "etc", "heat")
    write(
        cloud.etc("heat", "heat.conf"),
        default(
            transport_url=RPC_URL,
            host=HOST_NAME,
            heat_metadata_server_url=cloud.url("heat"),
            heat_waitcondition_server_url=cloud.url("heat") + "/v1/waitcondition",
            region_name_for_services=REGION,
            stack_domain_admin="heat_domain_admin",
            stack_domain_admin_password=PASSWORD,
            stack_user_domain_name="heat",
            num_engine_workers=1,
            environment_dir=str(stock / "environment.d"),
            template_dir=str(stock / "templates"),
            periodic_interval=10,
            deferred_auth_method="trusts",
            auth_encryption_key="minicloud-minicloud-minicloud-32",
        ),
        section("paste_deploy", api_paste_config=str(cloud.etc("heat", "api-paste.ini"))),
        database(cloud, "heat"),
        token_check(cloud, "heat"),
        password_of(cloud, "heat", "trustee"),  # not scoped: the trust is the scope
        section("clients_keystone", auth_uri=cloud.url("keystone")),
        section("cache", enabled="false"),
        locks(cloud),
        notifications(cloud),
    )
    copy_stock(cloud, "heat", "api-paste.ini")


def start(runtime: Runtime) -> Any:
    """Serve the orchestration API, and run the engine."""
    conf = str(runtime.cloud.etc("heat", "heat.conf"))
    sys.argv = ["heat-minicloud", "--config-file", conf]
    sqlite_immediate.register()
    import heat.cmd.engine  # noqa: F401  its import chooses native threads
    from heat.api.openstack import wsgi
    from heat.engine import service, template
    from heat.rpc import api

    if runtime.first:
        from heat.cmd import manage

        argv = ["heat-manage", "--config-file", conf, "db_sync"]
        runtime.once("heat-manage db_sync", manage.main, argv)
        sqlite_immediate.use_wal(runtime.cloud.database("heat"))
    runtime.wait_for("keystone")
    application = wsgi.init_application()
    template._get_template_extension_manager()
    look_often()
    engine = service.EngineService(wsgi.CONF.host, api.ENGINE_TOPIC)
    engine.start()
    runtime.serve(application)
    return engine


def look_often() -> None:
    """Have the engine look five times a second at what it waits for, not once."""
    from heat.engine.scheduler import TaskRunner

    sleep = TaskRunner._sleep
    TaskRunner._sleep = lambda self, wait_time: sleep(self, wait_time and wait_time / 5)
