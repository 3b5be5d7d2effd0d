"""The options of the HTTP API, and the files from which its libraries read their options.

A part of ``config``. The libraries check their own sections: keystonemiddleware, oslo.policy,
oslo.middleware and oslo.cache.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from oslo_config import cfg

from instance_images.errors import ConfigurationError

LIBRARY_SECTIONS = (
    "keystone_authtoken",
    "audit_middleware_notifications",
    "oslo_policy",
    "oslo_middleware",
    "healthcheck",
    "cors",
    "cache",
)

API_OPTS = [
    cfg.ListOpt(
        "locations",
        default=[],
        sample_default=["RegionOne"],
        help=(
            "Names of the locations that the API serves. Required if several are configured:"
            " each must use the Keystone of [keystone_authtoken], because project ids of two"
            " clouds cannot be told apart. Unset: the only location."
        ),
    ),
    cfg.StrOpt(
        "public_endpoint",
        sample_default="https://images.example.com",
        help=(
            "Base URL of links in responses, without /v1. Unset: the URL of the request; a proxy"
            " must then set X-Forwarded-Proto, and [oslo_middleware]"
            " enable_proxy_headers_parsing must be true."
        ),
    ),
    cfg.StrOpt(
        "audit_map_file",
        sample_default="/etc/instance-images/api_audit_map.conf",
        help="File that names the API's resources in audit events of keystonemiddleware. Set it to"
        " have each request with a token audited; [audit_middleware_notifications] says where"
        " events go. Unset: no audit.",
    ),
    cfg.IntOpt(
        "page_limit",
        default=100,
        min=1,
        max=1000,
        help="Default number of items in a page of a list.",
    ),
    cfg.IntOpt(
        "creates_per_minute",
        default=20,
        min=0,
        help="Number of captures that an account may begin, or retry, in a minute at a location;"
        " further ones get 429. Counted over all processes. 0: any number.",
    ),
    cfg.IntOpt(
        "cloud_timeout_seconds",
        default=20,
        min=1,
        max=20,
        help="Seconds to wait for one answer of a service of the cloud. All services together get"
        " twice that for a request, so that every request ends within 60 s.",
    ),
    cfg.IntOpt(
        "cloud_requests",
        default=6,
        min=1,
        help=(
            "Maximum number of requests per process that call the cloud at the same time; others"
            " get 503 busy at once. Choose fewer than the server's threads per process, so that"
            " lists work while the cloud hangs."
        ),
    ),
    cfg.IntOpt(
        "reports",
        default=2,
        min=1,
        help=(
            "Maximum number of reports that one process renders at the same time; other requests"
            " get 503 busy at once."
        ),
    ),
    cfg.BoolOpt(
        "settle_overdue",
        default=True,
        help="Have a request for one image or task look at the cloud, for at most 5 seconds, where"
        " its next check is overdue by 5 seconds: then tasks advance without a worker. With a"
        " worker that keeps up, reads never ask the cloud.",
    ),
    cfg.IntOpt(
        "max_page_limit",
        default=1000,
        min=1,
        max=1000,
        help="Maximum number of items in a page that a request may ask for.",
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiSettings:
    """The options of [api]; ``locations`` are the names of the served locations."""

    locations: tuple[str, ...] = ()
    public_endpoint: str | None = None
    audit_map_file: str | None = None
    page_limit: int = 100
    max_page_limit: int = 1000
    creates_per_minute: int = 20
    cloud_timeout_seconds: int = 20
    cloud_requests: int = 6
    reports: int = 2
    settle_overdue: bool = True


DEFAULT_API = ApiSettings()


def api_settings(group: Any, names: Sequence[str]) -> ApiSettings:
    """Return the values of [api]. Raises ConfigurationError for an unknown location."""
    for name in group.locations:
        if name not in names:
            raise ConfigurationError(
                f"Configuration: [api] locations names {name}, which is not in [DEFAULT]"
                " locations: correct it."
            )
    if group.page_limit > group.max_page_limit:
        raise ConfigurationError(
            f"Configuration: [api] page_limit = {group.page_limit} is more than max_page_limit ="
            f" {group.max_page_limit}: lower it."
        )
    return ApiSettings(
        locations=tuple(dict.fromkeys(group.locations))
        or (tuple(names) if len(names) == 1 else ()),
        public_endpoint=(group.public_endpoint or "").rstrip("/") or None,
        audit_map_file=group.audit_map_file or None,
        page_limit=group.page_limit,
        max_page_limit=group.max_page_limit,
        creates_per_minute=group.creates_per_minute,
        cloud_timeout_seconds=group.cloud_timeout_seconds,
        cloud_requests=group.cloud_requests,
        reports=group.reports,
        settle_overdue=group.settle_overdue,
    )


def library_options(paths: Sequence[Path]) -> cfg.ConfigOpts:
    """Return the files as the libraries read them, each of which registers its own options."""
    conf = cfg.ConfigOpts()
    conf(
        [],
        project="instance-images",
        default_config_files=list(map(str, paths)),
        default_config_dirs=[],
    )
    return conf
