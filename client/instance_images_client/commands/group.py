"""``openstack custom image group list|show|create|set``: scaling groups."""

import argparse
from typing import Any

from instance_images_client.commands import text
from instance_images_client.commands.arguments import add_location
from instance_images_client.commands.base import Column, Lister, ShowOne, field, plain


def _members(members: list[dict[str, Any]]) -> str:
    return "\n".join(f"{one['name']} ({one['server_id']}): {one['status']}" for one in members)


FIELDS = (
    *plain("id", "name", "group", "project_id", "project_name", "status", "reason"),
    *plain("cloud_image_id", "flavor", "min_size", "max_size", "size"),
    field("keeps_members", text.yes_or_no),
    field("fault"),
    field("members", _members),
)


class ListGroups(Lister):
    """List scaling groups."""

    example = "openstack custom image group list"
    columns = (
        Column("ID", "id"),
        Column("Name", "name"),
        Column("Group", "group"),
        Column("Status", "status", text.capitalized),
        Column("Image", "cloud_image_id"),
        Column("Size", "size"),
        Column("Min", "min_size"),
        Column("Max", "max_size"),
        Column("Flavor", "flavor", is_long=True),
        Column("Project", "project_name", is_long=True),
        Column("Fault", "fault", is_long=True),
    )

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser."""
        parser = super().get_parser(prog_name)
        add_location(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> Any:
        """Return the groups."""
        return self.listed(self.images.scaling_groups(parsed_args.location), parsed_args)


class _OfOne(ShowOne):
    """A command for one scaling group."""

    fields = FIELDS

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "stack", metavar="<stack>", help="Heat stack of the scaling group (name or ID)"
        )
        parser.add_argument(
            "--group", metavar="<group>", help="Name of the group, if the stack has several"
        )
        add_location(parser)
        return parser

    def stack_id(self, parsed_args: argparse.Namespace) -> str:
        """Return the id of the stack."""
        found = self.images.find_scaling_group(
            parsed_args.stack, False, location=parsed_args.location
        )
        return str(found.id)


class ShowGroup(_OfOne):
    """Show a scaling group with its instances."""

    example = "openstack custom image group show web"

    def take_action(self, parsed_args: argparse.Namespace) -> Any:
        """Return the group."""
        group = self.images.get_scaling_group(
            self.stack_id(parsed_args), group=parsed_args.group, location=parsed_args.location
        )
        return self.shown(group, parsed_args)


class SetGroup(_OfOne):
    """Set the image of a scaling group.

    Current instances keep their image unless --replace is given.
    """

    example = "openstack custom image group set web --image golden --replace"

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser."""
        parser = super().get_parser(prog_name)
        add = parser.add_argument
        add("--image", metavar="<image>", required=True, help="New image (name or ID)")
        add("--replace", action="store_true", help="Replace current instances, in batches")
        add(
            "--batch-size",
            metavar="<number>",
            type=int,
            help="Most instances to replace at once",
        )
        add("--pause", metavar="<seconds>", type=int, help="Seconds between two batches")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> Any:
        """Set the image."""
        group = self.images.set_scaling_group_image(
            self.stack_id(parsed_args),
            self.images.find_image(parsed_args.image, False).id,
            replace=parsed_args.replace or None,
            batch_size=parsed_args.batch_size,
            pause_seconds=parsed_args.pause,
            group=parsed_args.group,
            location=parsed_args.location,
        )
        return self.shown(group, parsed_args)


class CreateGroup(ShowOne):
    """Create a scaling group of instances from a custom image."""

    example = "openstack custom image group create web --image golden --flavor m1.small --max 5"
    fields = FIELDS

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser."""
        parser = super().get_parser(prog_name)
        add = parser.add_argument
        add("name", metavar="<name>", help="Name of the stack")
        add("--image", metavar="<image>", required=True, help="Image (name or ID)")
        add("--flavor", metavar="<flavor>", required=True, help="Flavor (name or ID)")
        add("--min", metavar="<number>", type=int, help="Fewest instances")
        add("--max", metavar="<number>", type=int, help="Most instances")
        add("--desired", metavar="<number>", type=int, help="Instances at first")
        add("--cooldown", metavar="<seconds>", type=int, help="Seconds between two scalings")
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
        add_location(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> Any:
        """Begin to make the group."""
        group = self.images.create_scaling_group(
            name=parsed_args.name,
            image_id=self.images.find_image(parsed_args.image, False).id,
            flavor=parsed_args.flavor,
            min_size=parsed_args.min,
            max_size=parsed_args.max,
            desired_size=parsed_args.desired,
            cooldown_seconds=parsed_args.cooldown,
            networks=parsed_args.network,
            key_name=parsed_args.key_name,
            security_groups=parsed_args.security_group,
            location=parsed_args.location,
        )
        return self.shown(group, parsed_args)
