"""What the ``openstack`` client imports at each start, so nothing heavy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import argparse

DEFAULT_API_VERSION = "1"
API_VERSION_OPTION = "os_instance_images_api_version"
API_NAME = "instance_images"
API_VERSIONS = ("1",)


def make_client(instance: Any) -> Any:
    """Return the proxy of the service, on the connection of the commands."""
    from instance_images_client.sdk import add_to

    return add_to(instance.sdk_connection)


def build_option_parser(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Add the global option for the version of the API."""
    from osc_lib import utils

    parser.add_argument(
        "--os-instance-images-api-version",
        metavar="<instance-images-api-version>",
        default=utils.env("OS_INSTANCE_IMAGES_API_VERSION"),
        help="Custom images API version, default=1 (Env: OS_INSTANCE_IMAGES_API_VERSION)",
    )
    return parser
