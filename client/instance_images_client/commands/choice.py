"""``openstack custom image choice list``."""

import argparse
from typing import Any

from instance_images_client.commands import text
from instance_images_client.commands.arguments import add_location
from instance_images_client.commands.base import Column, Lister


class ListChoices(Lister):
    """List the images that can be deployed: OS Images and My Images."""

    example = "openstack custom image choice list"
    columns = (
        Column("Group", "group"),
        Column("ID", "id"),
        Column("Name", "name"),
        Column("Size", "size_bytes", text.size),
        Column("Min Disk", "min_disk_gib", "{} GiB".format),
        Column("Min RAM", "min_ram_mib", "{} MiB".format),
        Column("OS", "os_distro", is_long=True),
        Column("OS Version", "os_version", is_long=True),
        Column("Architecture", "architecture", is_long=True),
        Column("Image Service ID", "cloud_image_id", is_long=True),
    )

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser."""
        parser = super().get_parser(prog_name)
        add_location(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> Any:
        """Return the images."""
        return self.listed(self.images.choices(parsed_args.location), parsed_args)
