"""Nova: API, conductor, scheduler and one compute host, with our driver (drivers/compute.py)."""

import logging
import os
import shlex
import sys
from typing import Any

from minicloud import drivers, sqlite_immediate
from minicloud.cloud import REGION, Cloud
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
    """Write nova.conf."""
    cloud.data("nova", "instances").mkdir(parents=True, exist_ok=True)
    write(
        cloud.etc("nova", "nova.conf"),
        general(cloud),
        database(cloud, "nova_cell1"),
        database(cloud, "nova_api", "api_database"),
        section("api", auth_strategy="keystone", max_limit=1000),
        section("wsgi", api_paste_config=str(cloud.etc("nova", "api-paste.ini"))),
        locks(cloud),
        notifications(cloud),
        section(
            "notifications",
            notify_on_state_change="vm_and_task_state",
            notification_format="both",
        ),
        section("cache", enabled="false"),
        section("conductor", workers=1),
        section("scheduler", workers=1, discover_hosts_in_cells_interval=-1),
        section("vnc", enabled="false"),
        section("spice", enabled="false"),
        section("quota", instances=-1, cores=-1, ram=-1, server_groups=-1),
        section("key_manager", backend="barbican"),
        token_check(cloud, "nova"),
        credentials(cloud, "nova", "service_user", send_service_user_token="true"),
        credentials(cloud, "placement", "placement"),
        credentials(cloud, "glance", "glance", endpoint_override=cloud.url("glance")),
        credentials(cloud, "nova", "neutron"),
        credentials(
            cloud,
            "nova",
            "cinder",
            catalog_info="volumev3::publicURL",
            os_region_name=REGION,
        ),
        credentials(cloud, "nova", "keystone"),
    )
    copy_stock(cloud, "nova", "api-paste.ini")


def general(cloud: Cloud) -> str:
    """Return [DEFAULT]: one host, and none of the periodic tasks that clean up behind others."""
    return default(
        transport_url=RPC_URL,
        host=HOST_NAME,
        my_ip="127.0.0.1",
        state_path=str(cloud.data("nova")),
        compute_driver="compute.SnapshottingFakeDriver",
        shutdown_timeout=2,
        report_interval=10,
        service_down_time=NEVER_SECONDS,
        default_schedule_zone="nova",
        reclaim_instance_interval=0,
        running_deleted_instance_poll_interval=0,
        heal_instance_info_cache_interval=-1,
        sync_power_state_interval=-1,
        update_resources_interval=0,
        resize_confirm_window=0,
        block_device_allocate_retries_interval=1,
        instance_usage_audit="false",
    )


def start(runtime: Runtime) -> list[Any]:
    """Serve the compute API, and run what does its work."""
    os.environ["OS_NOVA_CONFIG_DIR"] = str(runtime.cloud.etc("nova"))
    os.environ["OS_NOVA_CONFIG_FILES"] = "api-paste.ini;nova.conf"
    os.environ["OS_NOVA_DISABLE_EVENTLET_PATCHING"] = "true"
    sys.argv = ["nova-minicloud"]
    from nova import monkey_patch

    monkey_patch.patch(backend="threading")
    sqlite_immediate.register()
    from nova.api.openstack import wsgi_app

    if runtime.first:
        create_databases(runtime)
    wsgi_app.init_global_data(wsgi_app._get_config_files(), "osapi_compute", "nova-api-os-compute")
    runtime.wait_for("keystone", "placement")
    log_lost_exceptions()
    ask_for_no_allocations()
    prepare_compute()
    workers = start_workers(runtime)
    runtime.serve(wsgi_app.init_application("osapi_compute", "nova-api-os-compute"))
    return workers


def create_databases(runtime: Runtime) -> None:
    """Make the tables and the cells."""
    from nova.cmd import manage

    cloud = runtime.cloud

    def run(*arguments: str) -> None:
        argv = ["nova-manage", "--config-file", str(cloud.etc("nova", "nova.conf")), *arguments]
        runtime.once(" ".join(["nova-manage", *arguments[:2]]), manage.main, argv)

    run("api_db", "sync")
    cell0 = cloud.database_url("nova_cell0")
    run("cell_v2", "map_cell0", "--database_connection", cell0)
    run("db", "sync")
    run("cell_v2", "create_cell", "--name", "cell1")
    for name in ("nova_api", "nova_cell0", "nova_cell1"):
        sqlite_immediate.use_wal(cloud.database(name))


def prepare_compute() -> None:
    """Do what nova-compute's main() does before its service, and let Nova find our driver."""
    import nova.conf
    import nova.virt
    import os_brick
    import os_vif
    from nova import utils
    from oslo_privsep import priv_context
    from oslo_service import opts

    nova.virt.__path__.extend(drivers.__path__)  # Nova loads nova.virt.<compute_driver>
    privileged_here("nova.privsep", "os_brick.privileged")
    opts.register_service_opts(nova.conf.CONF)
    priv_context.init(root_helper=shlex.split(utils.get_root_helper()))
    os_brick.setup(nova.conf.CONF)
    os_vif.initialize()


def start_workers(runtime: Runtime) -> list[Any]:
    """Run conductor, scheduler and compute on threads of this process."""
    import nova.compute.manager
    import nova.compute.rpcapi
    import nova.conductor.manager
    import nova.conductor.rpcapi
    import nova.scheduler.manager
    import nova.scheduler.rpcapi
    from nova import context, service
    from nova.objects import host_mapping

    workers = []
    for binary, topic, second_topic in (
        ("nova-conductor", nova.conductor.rpcapi.RPC_TOPIC, None),
        ("nova-scheduler", nova.scheduler.rpcapi.RPC_TOPIC, None),
        ("nova-compute", nova.compute.rpcapi.RPC_TOPIC, nova.compute.rpcapi.RPC_TOPIC_ALT),
    ):
        worker = service.Service.create(binary=binary, topic=topic, topic_alt=second_topic)
        worker.start()
        workers.append(worker)
        runtime.note(f"{binary} started")
    host_mapping.discover_hosts(context.get_admin_context())
    return workers


def ask_for_no_allocations() -> None:
    """Spare Placement a request for every server there is whenever one comes or goes.

    Nova reads what each server has of its host in case the driver gives it a new form, which ours
    never does; here one host has the servers of all tests.
    """
    from nova.scheduler.client.report import SchedulerReportClient

    SchedulerReportClient.get_allocations_for_provider_tree = lambda *_: {}


def log_lost_exceptions() -> None:
    """Log what pooled tasks (snapshot, build) raise: Nova 34 drops it."""
    from nova import thread_pool_factory

    log = logging.getLogger("minicloud.nova")
    spawn_on = thread_pool_factory.spawn_on

    def logging_spawn_on(kind: Any, function: Any, *args: Any, **kwargs: Any) -> Any:
        def report(future: Any) -> None:
            if not future.cancelled() and (error := future.exception()):
                log.error("%s failed", getattr(function, "__name__", function), exc_info=error)

        future = spawn_on(kind, function, *args, **kwargs)
        future.add_done_callback(report)
        return future

    thread_pool_factory.spawn_on = logging_spawn_on
