"""Errors of the SDK as one sentence for whoever typed the command."""

import contextlib
from collections.abc import Iterator
from typing import Any

from keystoneauth1 import exceptions as keystone
from openstack import exceptions as sdk
from osc_lib import exceptions as osc

from instance_images_client.commands.text import printable

_NOT_IN_CATALOG = (
    "The catalog of this cloud has no service 'instance-images'{region}: your provider does not"
    " offer custom images here."
)


@contextlib.contextmanager
def as_command_errors(app: Any) -> Iterator[None]:
    """Raise CommandError with one sentence for what the SDK raises."""
    try:
        yield
    except (sdk.ServiceDisabledException, keystone.EndpointNotFound) as error:
        raise osc.CommandError(_not_in_catalog(app)) from error
    except sdk.SDKException as error:
        raise osc.CommandError(sentence_of(error)) from error
    except keystone.ConnectionError as error:
        told = printable(str(error))
        raise osc.CommandError(f"No answer: {told}. Try again, or ask your provider.") from error


def sentence_of(error: Exception) -> str:
    """Return what an error says, without addresses and classes."""
    if isinstance(error, sdk.HttpException):
        return printable(str(error.details or error.message))
    return printable(str(error))


def _not_in_catalog(app: Any) -> str:
    region = app.client_manager.region_name
    return _NOT_IN_CATALOG.format(region=f" in region {region}" if region else "")
