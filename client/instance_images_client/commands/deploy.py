"""``openstack custom image deploy``."""

import argparse
import base64
from pathlib import Path
from typing import Any

from osc_lib import exceptions as osc

from instance_images_client.commands.arguments import add_wait
from instance_images_client.commands.base import ShowOne
from instance_images_client.commands.progress import wait_for
from instance_images_client.commands.task import FIELDS


class DeployImage(ShowOne):
    """Deploy new instances from a custom image."""

    example = (
        "openstack custom image deploy golden web-2 --flavor m1.small --network private --wait"
    )
    fields = FIELDS

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser."""
        parser = super().get_parser(prog_name)
        add = parser.add_argument
        add("image", metavar="<image>", help="Image to deploy from (name or ID)")
        add(
            "name",
            metavar="<name>",
            help="Name of the instance; with --count N, instances are named <name>-1 to <name>-N",
        )
        add("--flavor", metavar="<flavor>", required=True, help="Flavor (name or ID)")
        add(
            "--network",
            metavar="<network>",
            action="append",
            help="Network to attach (name or ID; repeat for several); 'none' attaches none",
        )
        add("--key-name", metavar="<key-name>", help="Key pair to inject")
        add(
            "--security-group",
            metavar="<security-group>",
            action="append",
            help="Security group (name or ID; repeat for several)",
        )
        add("--user-data", metavar="<file>", help="File with user data for the instances")
        add("--count", metavar="<count>", type=int, help="Number of instances: all or none")
        add(
            "--boot-from-volume",
            metavar="<size>",
            type=int,
            dest="volume_gib",
            help="Boot from a new volume of this size in GiB, which is deleted with the instance",
        )
        add("--server-group", metavar="<server-group>", help="Server group (name or ID)")
        add("--availability-zone", metavar="<zone>", help="Availability zone")
        add_wait(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> Any:
        """Begin the deployment."""
        task = self.images.deploy_image(
            self.images.find_image(parsed_args.image, False),
            name=parsed_args.name,
            flavor=parsed_args.flavor,
            networks=parsed_args.network,
            key_name=parsed_args.key_name,
            security_groups=parsed_args.security_group,
            user_data=_user_data(parsed_args.user_data),
            count=parsed_args.count,
            volume_gib=parsed_args.volume_gib,
            server_group=parsed_args.server_group,
            availability_zone=parsed_args.availability_zone,
        )
        if parsed_args.wait:
            task = wait_for(self.images, task.id)
        return self.shown(task, parsed_args)


def _user_data(path: str | None) -> str | None:
    """Return a file's content as base64."""
    if path is None:
        return None
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise osc.CommandError(f"Cannot read {path}: {error.strerror}.") from error
    return base64.b64encode(content).decode()
