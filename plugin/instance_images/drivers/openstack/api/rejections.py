"""Finds out why Keystone rejects credentials: its answer does not say."""

from typing import Any

from keystoneauth1 import loading
from openstack.connection import Connection

from instance_images.names import printable

_PASSWORD_TYPES = (None, "password", "v3password")


def has_user(connection: Connection) -> bool:
    """Return whether Keystone knows user and password: without a project it needs no role."""
    config = connection.config
    given = config.get_auth_args()
    if "password" not in given or config.config.get("auth_type") not in _PASSWORD_TYPES:
        return False
    wanted = {"auth_url", "username", "user_id", "password", "user_domain_id"}
    wanted |= {"user_domain_name", "default_domain_id", "default_domain_name"}
    user = {key: value for key, value in given.items() if key in wanted}
    try:
        loader: Any = loading.get_plugin_loader("v3password")
        session: Any = connection.session
        return bool(session.get_token(loader.load_from_options(**user, unscoped=True)))
    except Exception:  # nothing more is known then
        return False


def scope_of(auth: dict[str, Any]) -> str:
    """Return the project or domain that the credentials of an entry are for, as in a sentence."""
    for key in ("project_name", "project_id", "domain_name", "domain_id"):
        if value := auth.get(key):
            return f"{key.partition('_')[0]} {printable(str(value))!r}"
    return "its project"
