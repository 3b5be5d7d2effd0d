"""Puts the API together: the table of routes, and what a request passes before it."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import falcon
from keystonemiddleware.auth_token import AuthProtocol
from oslo_middleware import cors, http_proxy_to_wsgi, request_id
from oslo_middleware import opts as middleware_opts
from oslo_middleware.healthcheck import Healthcheck
from oslo_middleware.healthcheck import opts as healthcheck_opts

from instance_images.config.api import library_options
from instance_images.config.settings import Settings
from instance_images.errors import ConfigurationError
from instance_images.instants import Clock, system_clock
from instance_images_api.http.errors import ApiError
from instance_images_api.http.responding import Responder, write_error
from instance_images_api.http.route import Route
from instance_images_api.keystone import KeystoneComparison, bound_waiting
from instance_images_api.middleware import database_health
from instance_images_api.middleware.access_log import AccessLog
from instance_images_api.middleware.public_paths import (
    AuthErrors,
    ConfirmedOnly,
    Environ,
    PublicPaths,
    StartResponse,
    Wsgi,
)
from instance_images_api.middleware.size_limit import DEFAULT_BYTES, SizeLimit
from instance_images_api.routes import ROUTES
from instance_images_api.service import Service

HEALTHCHECK = "/healthcheck"
# What a browser's script may read of an answer, where the operator lets it ask.
_EXPOSED = ["ETag", "Location", "Retry-After", "X-Openstack-Request-Id"]
_ALLOWED = ["Content-Type", "Idempotency-Key", "If-Match", "If-None-Match", "X-Auth-Token"]


def create_application(
    settings: Settings,
    clock: Clock = system_clock,
    comparison: KeystoneComparison | None = None,
) -> Wsgi:
    """Return the WSGI application. Raises ConfigurationError; asks neither cloud nor database.

    ``comparison`` is what is known of the locations' Keystone already.
    """
    if not settings.api.locations:
        raise ConfigurationError(
            "Configuration: several locations are configured: set [api] locations to those whose"
            " Keystone is the one of [keystone_authtoken]."
        )
    libraries = library_options(settings.config_paths)
    bound_waiting(libraries)
    service = Service(settings, libraries, comparison or KeystoneComparison(settings), clock)
    served = router(service)
    auth_token = AuthProtocol(
        ConfirmedOnly(_audited(served, settings, libraries)),
        {"oslo_config_config": libraries, "delay_auth_decision": False},
    )
    public = {(route.method, route.path) for route in ROUTES if route.rule is None}
    wsgi: Wsgi = PublicPaths(served, AuthErrors(auth_token), public)
    wsgi = SizeLimit(wsgi, _most_bytes(libraries))
    wsgi = request_id.RequestId(AccessLog(wsgi), libraries)
    wsgi = _Health(_healthcheck(wsgi, libraries), wsgi)
    wsgi = _with_cors(wsgi, libraries)
    proxied: Wsgi = http_proxy_to_wsgi.HTTPProxyToWSGI(wsgi, libraries)
    return proxied


def router(service: Service) -> Wsgi:
    """Return the application without the middleware: the table's routes alone."""
    app: Any = falcon.App()
    by_path: dict[str, list[Route]] = {}
    for route in ROUTES:
        by_path.setdefault(route.path, []).append(route)
    for path, routes in by_path.items():
        resource = _Resource()
        for route in routes:
            setattr(resource, f"on_{route.method.lower()}", Responder(service, route))
        app.add_route(path, resource)
    app.add_error_handler(falcon.HTTPError, _tell)
    made: Wsgi = app
    return made


class _Resource:
    """The methods of a path."""


class _Health:
    """Sends requests for the health check there, and all others on."""

    def __init__(self, healthcheck: Wsgi, others: Wsgi) -> None:
        self._healthcheck, self._others = healthcheck, others

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        is_check = environ.get("PATH_INFO") == HEALTHCHECK
        is_read = environ["REQUEST_METHOD"] in ("GET", "HEAD")
        chosen = self._healthcheck if is_check and is_read else self._others
        return chosen(environ, start_response)


def _healthcheck(application: Wsgi, libraries: Any) -> Wsgi:
    libraries.register_opts(healthcheck_opts.HEALTHCHECK_OPTS, group="healthcheck")
    libraries.set_default(
        "backends", ["disable_by_file", database_health.NAME], group="healthcheck"
    )
    made: Wsgi = Healthcheck(application, libraries)
    return made


def _most_bytes(libraries: Any) -> int:
    for group, found in middleware_opts.list_opts_sizelimit():
        libraries.register_opts(found, group=group)
    libraries.set_default("max_request_body_size", DEFAULT_BYTES, group="oslo_middleware")
    return int(libraries.oslo_middleware.max_request_body_size)


def _audited(application: Wsgi, settings: Settings, libraries: Any) -> Wsgi:
    """Have each request with a token audited, where the operator wants it."""
    path = settings.api.audit_map_file
    if path is None:
        return application
    from keystonemiddleware.audit import AuditMiddleware

    if not Path(path).is_file():
        raise ConfigurationError(
            f"Configuration: [api] audit_map_file = {path}: there is no such file. Copy"
            " etc/api_audit_map.conf there."
        )
    # The middleware takes the name of its log from log_name, though it warns at each start that
    # it does not know the option.
    audited: Wsgi = AuditMiddleware(
        application, audit_map_file=path, oslo_config_config=libraries, log_name="audit"
    )
    return audited


def _with_cors(application: Wsgi, libraries: Any) -> Wsgi:
    libraries.register_opts(cors.CORS_OPTS, group="cors")
    if not libraries.cors.allowed_origin:
        return application
    cors.set_defaults(
        allow_headers=_ALLOWED,
        expose_headers=_EXPOSED,
        allow_methods=["GET", "POST", "PUT", "DELETE"],
    )
    made: Wsgi = cors.CORS(application, libraries)
    return made


def _tell(
    request: falcon.Request, response: falcon.Response, error: falcon.HTTPError, _parameters: Any
) -> None:
    """Answer what Falcon finds wrong in the shape of our errors."""
    status = falcon.http_status_to_code(error.status)
    reasons = {
        404: ("not_found", "There is no such path."),
        405: ("usage", "The path has no such method."),
    }
    reason, message = reasons.get(status, ("usage", error.title or "The request is invalid."))
    headers: Any = error.headers or {}  # a mapping, or pairs
    told = ApiError(status, reason, message, headers=dict(headers))
    write_error(response, told, str(request.env.get("openstack.request_id", "")))
