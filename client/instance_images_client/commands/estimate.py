"""``openstack custom image estimate``."""

import argparse
from typing import Any

from openstack import exceptions as sdk
from osc_lib import exceptions as osc

from instance_images_client.commands import text
from instance_images_client.commands.arguments import add_location, server_id_of
from instance_images_client.commands.base import ShowOne, field, plain


class ShowEstimate(ShowOne):
    """Estimate the size and the cost of an image of an instance.

    Nothing is captured. The basis of the size is last_capture, similar (images of this account), or
    disk (the maximum).
    """

    example = "openstack custom image estimate web-1"
    fields = (
        field("size_bytes", text.exact_size),
        *plain("basis", "per_hour", "per_month", "currency", "rate"),
        field("free_bytes_left", text.exact_size),
        *plain("held"),
        field("max_images", text.limit),
        field("fits", text.yes_or_no),
    )

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser."""
        parser = super().get_parser(prog_name)
        parser.add_argument("server", metavar="<server>", help="Instance (name or ID)")
        add_location(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> Any:
        """Return the estimate."""
        server_id = server_id_of(self.connection, parsed_args.server)
        try:
            estimate = self.images.estimate(server_id, parsed_args.location)
        except sdk.NotFoundException as error:
            raise osc.CommandError("The service of this cloud offers no estimates yet.") from error
        return self.shown(estimate, parsed_args)
