"""Keystone, with Fernet tokens; on the first start it also fills itself (identity.py)."""

import os

from minicloud import identity, sqlite_immediate
from minicloud.cloud import PASSWORD, REGION, Cloud
from minicloud.ini import database, default, section, write
from minicloud.runtime import Runtime


def configure(cloud: Cloud) -> None:
    """Write keystone.conf."""
    write(
        cloud.etc("keystone", "keystone.conf"),
        default(),
        database(cloud, "keystone"),
        section("token", provider="fernet", expiration=86400),
        section("fernet_tokens", key_repository=str(cloud.data("keystone", "fernet"))),
        section("credential", key_repository=str(cloud.data("keystone", "credential"))),
        section("identity", password_hash_rounds=4),
        section("cache", enabled="true", backend="dogpile.cache.memory", expiration_time=60),
        section("oslo_middleware", enable_proxy_headers_parsing="true"),
    )
    cloud.data("keystone").mkdir(parents=True, exist_ok=True)


def start(runtime: Runtime) -> None:
    """Serve the identity API."""
    conf = str(runtime.cloud.etc("keystone", "keystone.conf"))
    os.environ["OS_KEYSTONE_CONFIG_FILES"] = conf
    sqlite_immediate.register()
    from keystone.server import wsgi

    if runtime.first:
        create_database(runtime, conf)
    runtime.serve(wsgi.initialize_public_application())
    if runtime.first:
        identity.fill(runtime.cloud)
        runtime.note("users and catalogue made")


def create_database(runtime: Runtime, conf: str) -> None:
    """Make the keys, the tables and the first administrator."""
    from keystone.cmd import cli

    def manage(*arguments: str) -> None:
        argv = ["keystone-manage", "--config-file", conf, *arguments]
        runtime.once(
            f"keystone-manage {arguments[0]}",
            lambda: cli.main(argv=argv, developer_config_file=None),
            argv,
        )

    owner = ("--keystone-user", str(os.geteuid()), "--keystone-group", str(os.getegid()))
    manage("fernet_setup", *owner)
    manage("credential_setup", *owner)
    manage("db_sync")
    sqlite_immediate.use_wal(runtime.cloud.database("keystone"))
    urls = [f"--bootstrap-{kind}-url" for kind in ("public", "internal", "admin")]
    manage(
        "bootstrap",
        *("--bootstrap-password", PASSWORD, "--bootstrap-region-id", REGION),
        *(word for url in urls for word in (url, runtime.cloud.auth_url)),
    )
