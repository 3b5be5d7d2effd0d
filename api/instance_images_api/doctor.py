"""The doctor's check of the API: configuration, credentials, catalog, and what answers there.

A deployment without [keystone_authtoken] has no API, and nothing is found.
"""

from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from urllib.parse import urlsplit

from instance_images.config.settings import Location, Settings
from instance_images.doctor.checks import of_each
from instance_images.errors import CloudUnavailable, ConfigurationError
from instance_images.locations.application import Application
from instance_images.model.findings import Finding, Severity

_CHECK = "api"
PORT = 8794
_NEEDED = ("falcon", "jsonschema", "keystonemiddleware", "oslo_middleware", "oslo_policy")
# With it, services take the caller's token for as long as a request lasts.
_SERVICE_ROLE = "service"


def check_api(application: Application, locations: Sequence[Location]) -> Iterator[Finding]:
    """Find what keeps the API from answering its callers."""
    if not all(map(find_spec, _NEEDED)):
        return  # the extra is not installed here
    from instance_images_api import keystone

    settings = application.settings
    if not keystone.is_configured(settings):
        return
    if not settings.api.locations:
        yield _error(
            "Several locations are configured, and [api] locations does not say which are served.",
            f"Set [api] locations to those whose Keystone is the one of [{keystone.SECTION}].",
        )
    yield from _policy(settings)
    try:
        known = keystone.token_keystone(settings)
    except (ConfigurationError, CloudUnavailable) as error:
        yield _error(str(error), f"Check [{keystone.SECTION}] and Keystone.")
        return
    yield from _endpoints(known.endpoints)
    served = [one for one in locations if one.name in settings.api.locations]
    yield from of_each(_CHECK, served, lambda one: _location(application, one, known))


def _policy(settings: Settings) -> Iterator[Finding]:
    from instance_images.config.api import library_options
    from instance_images_api.policies import enforcer

    try:
        rules = enforcer(library_options(settings.config_paths))
        rules.load_rules(force_reload=True)
        is_usable = rules.check_rules()
    except Exception as error:  # whatever the file trips over
        yield _error(f"The policy cannot be read: {error}", "Correct [oslo_policy] policy_file.")
        return
    if not is_usable:
        yield _error(
            "The policy has rules that name rules that do not exist, or themselves.",
            "Correct [oslo_policy] policy_file: the validator of oslo.policy names these rules.",
        )


def _endpoints(urls: Sequence[str]) -> Iterator[Finding]:
    from instance_images_api.keystone import SERVICE_TYPE, versions_at

    if not urls:
        yield _error(
            f"The catalog has no public endpoint of a service of type {SERVICE_TYPE}: no client"
            " finds the API.",
            "Create service and endpoint, with the URL http://HOST:8794/v1.",
        )
    for url in urls:
        try:
            found = versions_at(url)
        except CloudUnavailable as error:
            yield _error(
                f"Nothing usable answers at the endpoint in the catalog: {error}",
                _cure_of_port(url)
                or "Check the API and the proxy in front of it, or correct host and port of the"
                " endpoint.",
            )
            continue
        if not _is_ours(found):
            yield _error(
                f"Another service answers at the endpoint in the catalog, {url}.",
                _cure_of_port(url) or "Correct host, port and path of the endpoint.",
            )


def _cure_of_port(url: str) -> str | None:
    """Return which port to enter in the catalog, where the API answers at its own."""
    from instance_images_api.keystone import versions_at

    parts = urlsplit(url)
    right = f"{parts.scheme}://{parts.hostname}:{PORT}/v1"
    try:
        is_ours = _is_ours(versions_at(right))
    except CloudUnavailable:
        return None
    return (
        f"The API answers at port {PORT}: set the endpoint's URL to {right}." if is_ours else None
    )


def _is_ours(found: object) -> bool:
    """Return whether a service that tells these versions is the API."""
    listed = found.get("versions") if isinstance(found, dict) else None
    return isinstance(listed, list) and "v1.0" in [one.get("id") for one in listed]


def _location(application: Application, location: Location, known: object) -> Iterator[Finding]:
    from instance_images_api.keystone import TokenKeystone, fault_of_location

    assert isinstance(known, TokenKeystone)
    provider = application.provider(location)
    own = provider.identity_service()
    if own is None:
        return
    fault = fault_of_location(location.name, provider, own, known)
    if fault is not None:
        cure = f"Take {location.name} out of [api] locations, or correct [keystone_authtoken]."
        yield _error(fault, cure, location.name)
    if _SERVICE_ROLE not in own.role_names:
        yield Finding(
            _CHECK,
            Severity.WARNING,
            location.name,
            f"The user of {location.cloud!r} does not have the role {_SERVICE_ROLE}: services"
            " refuse a caller's token that expires during a request, and those of application"
            " credentials with access rules.",
            f"Give the user the role {_SERVICE_ROLE} in its project.",
        )


def _error(what: str, cure: str, location: str | None = None) -> Finding:
    return Finding(_CHECK, Severity.ERROR, location, what, cure)
