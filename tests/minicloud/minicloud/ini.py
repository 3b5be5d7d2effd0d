"""The text of the services' configuration files: sections, and those that all services share."""

import shutil
import sys
from pathlib import Path

from minicloud.cloud import PASSWORD, REGION, Cloud

Value = str | int | float


def section(name: str, /, **options: Value | None) -> str:
    """Return one section; an option that is None is left out."""
    lines = [f"{key} = {value}" for key, value in options.items() if value is not None]
    return "\n".join([f"[{name}]", *lines]) + "\n"


def default(**options: Value | None) -> str:
    """Return [DEFAULT], with the log going to the process's standard error."""
    return section("DEFAULT", debug="false", log_file="", use_stderr="true", **options)


def database(cloud: Cloud, name: str, group: str = "database") -> str:
    """Return the section of a database."""
    url = cloud.database_url(name)
    return section(group, connection=url, sqlite_synchronous="false", max_retries=3)


def password_of(cloud: Cloud, user: str, group: str, /, **options: Value | None) -> str:
    """Return a section with the password of a service's user."""
    return section(
        group,
        auth_type="password",
        auth_url=cloud.auth_url,
        username=user,
        password=PASSWORD,
        user_domain_name="Default",
        **options,
    )


def credentials(cloud: Cloud, user: str, group: str, /, **options: Value | None) -> str:
    """Return a section with which one service calls another."""
    return password_of(
        cloud,
        user,
        group,
        project_name="service",
        project_domain_name="Default",
        region_name=REGION,
        **options,
    )


def token_check(cloud: Cloud, user: str) -> str:
    """Return the section of keystonemiddleware."""
    return credentials(
        cloud,
        user,
        "keystone_authtoken",
        www_authenticate_uri=cloud.auth_url,
        service_token_roles="service",
        service_token_roles_required="true",
        token_cache_time=300,
    )


def locks(cloud: Cloud) -> str:
    """Return the section of the lock files."""
    return section("oslo_concurrency", lock_path=str(cloud.data("locks")))


def notifications(cloud: Cloud) -> str:
    """Return where notifications go: nowhere, or to the broker that was asked for."""
    if cloud.notify_url is None:
        return section("oslo_messaging_notifications", driver="noop")
    return section(
        "oslo_messaging_notifications",
        driver="messagingv2",
        transport_url=cloud.notify_url,
        topics="notifications",
    )


def write(path: Path, *sections: str) -> None:
    """Write a configuration file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(sections))


def copy_stock(cloud: Cloud, service: str, *names: str) -> None:
    """Take files unchanged from what the service's package installs below etc/."""
    for name in names:
        target = cloud.etc(service, name)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(Path(sys.prefix, "etc", service, name), target)
