"""Turns errors of the SDK and error answers of services into errors of this product.

Each says what happened, at which service of which location, and what to do. ``rejections`` finds
out more about rejected credentials.
"""

from collections.abc import Callable
from typing import Any

from keystoneauth1 import exceptions as keystone_errors
from openstack import exceptions as sdk_errors
from openstack.connection import Connection

from instance_images.config.settings import Location
from instance_images.drivers.openstack.api.answers import one_line, reason_of
from instance_images.drivers.openstack.api.microversions import MICROVERSIONS
from instance_images.drivers.openstack.api.rejections import has_user, scope_of
from instance_images.errors import CloudUnavailable, ConfigurationError, Refused

_SERVICE_NAMES = {
    "identity": "Keystone",
    "compute": "Nova",
    "image": "Glance",
    "network": "Neutron",
    "orchestration": "Heat",
    "block_storage": "Cinder",
}

_NO_ENDPOINT = (keystone_errors.CatalogException, sdk_errors.ServiceDiscoveryException)
# An endpoint of the catalog that does not even tell its versions counts as not reached.
_NO_ANSWER = (
    keystone_errors.ConnectionError,
    keystone_errors.DiscoveryFailure,
    sdk_errors.NotSupported,
    sdk_errors.ResourceTimeout,
)


class Faults:
    """The errors of one location, with the credentials of one entry of clouds.yaml.

    ``connection`` is called when credentials are rejected, to find out why.
    """

    def __init__(
        self, location: Location, cloud: str, connection: Callable[[], Connection]
    ) -> None:
        self._location, self._cloud, self._connection = location, cloud, connection

    def where(self, service: str) -> str:
        """Return the service and the location as sentences name them."""
        return f"{_SERVICE_NAMES[service]} of location {self._location.name}"

    def explained(self, error: Exception, service: str) -> Exception:
        """Return our error for an error of the SDK. A bug is returned as it is.

        CloudUnavailable: no answer. ConfigurationError: credentials, endpoints. Else as ``failed``.
        """
        reason = one_line(str(error))
        told = f"{error}{getattr(error, 'url', '')}"
        if "/auth/tokens" in told or "attempting to authenticate" in told:
            service = "identity"  # which gives the token for the request to the other one
        where = self.where(service)
        if isinstance(error, keystone_errors.HttpError):
            if error.http_status == 400 and service == "identity":
                return self.unusable(reason)
            return self.failed(service, error.http_status, reason)
        if isinstance(error, _NO_ANSWER):
            return CloudUnavailable(
                f"{where} cannot be reached: {reason} Try again when it answers."
            )
        if isinstance(error, _NO_ENDPOINT):
            return ConfigurationError(
                f"{where} has no usable endpoint in region {self._location.region_name!r}: {reason}"
                f" Correct region_name in [location:{self._location.name}], or the catalog."
            )
        # A certificate's file that is missing is an OSError; a user's password, an Exception.
        known = (keystone_errors.ClientException, sdk_errors.SDKException, OSError)
        if isinstance(error, known) or type(error) is Exception:
            return self.unusable(reason)
        return error

    def unusable(self, reason: str) -> ConfigurationError:
        """Return that the credentials cannot be used, and why."""
        return ConfigurationError(
            f"The credentials of {self._cloud!r} in clouds.yaml cannot be used: {reason} Correct"
            " them there."
        )

    def failed(
        self, service: str, status: int, reason: str, retry_after_seconds: int | None = None
    ) -> Exception:
        """Return our error for an answer with an HTTP status of 400 or more.

        CloudUnavailable: 408, 429, 5xx. ConfigurationError: 401, 406. Refused: all others.
        """
        where = self.where(service)
        if status >= 500 or status in (408, 429):
            return CloudUnavailable(
                f"{where} answered HTTP {status}: {reason} Try again later.",
                status,
                retry_after_seconds,
            )
        if status == 401:
            return self._rejected(service, reason)
        if status == 406 and service in MICROVERSIONS:
            needed = MICROVERSIONS[service]
            return ConfigurationError(
                f"{where} is too old: it does not know microversion {needed} of its API (HTTP 406):"
                f" {reason} Upgrade it."
            )
        return Refused(f"{where} answered HTTP {status}: {reason}")

    def no_json(self, service: str, answer: Any) -> CloudUnavailable:
        """Return the error for what a proxy in front of the service has to say instead."""
        return CloudUnavailable(
            f"{self.where(service)} returned an answer that is not JSON: {reason_of(answer)}"
            " Try again later."
        )

    def _rejected(self, service: str, reason: str) -> ConfigurationError:
        """Return what is known: Keystone answers alike to a wrong password and a missing role."""
        if service != "identity":
            return ConfigurationError(
                f"{self.where(service)} rejects the token that Keystone gave for the credentials"
                f" of {self._cloud!r} (HTTP 401): {reason} Check [keystone_authtoken] of the"
                " service, and whether the user is disabled."
            )
        connection = self._connection()
        scope = scope_of(connection.config.get_auth_args())
        if has_user(connection):
            cause = (
                f"their password is right, but the user has no role on {scope}, or that does not"
                " exist or is disabled. Give the user a role there, or correct the project."
            )
        else:
            cause = (
                "it does not say why. The user, its domain or the password may be wrong, the user"
                f" disabled, or without a role on {scope}: {reason} Correct them there."
            )
        return ConfigurationError(
            f"Keystone rejects the credentials of {self._cloud!r} in clouds.yaml: {cause}"
        )
