"""``openstack custom image create|list|show|delete``."""

import argparse
from typing import Any

from openstack import exceptions as sdk
from osc_lib import exceptions as osc

from instance_images_client.commands import text
from instance_images_client.commands.arguments import (
    account_query,
    add_accounts,
    add_location,
    add_location_filter,
    add_wait,
    server_id_of,
)
from instance_images_client.commands.base import Column, Command, Lister, ShowOne, field, plain
from instance_images_client.commands.errors import sentence_of
from instance_images_client.commands.progress import wait_for

STATUSES = ("creating", "available", "error", "deleting")
FIELDS = (
    *plain("id", "name", "account_id", "location", "source_instance_id", "source_instance_name"),
    field("size_bytes", text.exact_size),
    *plain("status", "consistency", "created_at", "available_at", "deleted_at", "error"),
    *plain("task_id", "cloud_image_id"),
    field("virtual_size_bytes", text.exact_size),
    *plain("project_id", "origin"),
)


class CreateImage(ShowOne):
    """Capture the primary disk of an instance as an image.

    Other volumes of the instance are not captured.
    """

    example = "openstack custom image create web-1 --name golden --wait"
    fields = FIELDS

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser."""
        parser = super().get_parser(prog_name)
        parser.add_argument("server", metavar="<server>", help="Instance to capture (name or ID)")
        parser.add_argument("--name", metavar="<name>", required=True, help="Name of the image")
        parser.add_argument(
            "--require-quiesce",
            action="store_true",
            help="Refuse the capture if the file systems cannot be frozen for it",
        )
        add_location(parser)
        add_wait(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> Any:
        """Begin the capture."""
        image = self.images.create_image(
            name=parsed_args.name,
            source_instance_id=server_id_of(self.connection, parsed_args.server),
            require_quiesce=parsed_args.require_quiesce or None,
            location=parsed_args.location,
        )
        if parsed_args.wait:
            wait_for(self.images, image.task_id)
            image = self.images.get_image(image.id)
        return self.shown(image, parsed_args)


class ListImages(Lister):
    """List custom images."""

    example = "openstack custom image list --status available"
    columns = (
        Column("ID", "id"),
        Column("Name", "name"),
        Column("Source Instance", "source_instance_name"),
        Column("Size", "size_bytes", text.size),
        Column("Status", "status", text.capitalized),
        Column("Created", "created_at"),
        Column("Location", "location", is_long=True),
        Column("Consistency", "consistency", text.capitalized, is_long=True),
        Column("Available", "available_at", is_long=True),
        Column("Error", "error", is_long=True),
        Column("Project ID", "project_id", is_of_all=True),
    )

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser."""
        parser = super().get_parser(prog_name)
        parser.add_argument("--status", choices=STATUSES, help="List only images of this status")
        parser.add_argument("--name", metavar="<name>", help="List only images of this name")
        add_location_filter(parser)
        add_accounts(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> Any:
        """Return the images."""
        query = account_query(self.connection, parsed_args)
        for name in ("status", "name", "location"):
            if getattr(parsed_args, name):
                query[name] = getattr(parsed_args, name)
        return self.listed(self.images.images(**query), parsed_args)


class ShowImage(ShowOne):
    """Show a custom image."""

    example = "openstack custom image show golden"
    fields = FIELDS

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser."""
        parser = super().get_parser(prog_name)
        parser.add_argument("image", metavar="<image>", help="Image to show (name or ID)")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> Any:
        """Return the image."""
        return self.shown(self.images.find_image(parsed_args.image, False), parsed_args)


class DeleteImage(Command):
    """Delete custom images permanently.

    Instances that were deployed from them are not affected.
    """

    example = "openstack custom image delete golden golden-old"

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "images", metavar="<image>", nargs="+", help="Images to delete (name or ID)"
        )
        parser.add_argument(
            "--force", action="store_true", help="Delete even if a Heat stack uses the image"
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        """Delete all of the images that can be deleted."""
        failed = 0
        for reference in parsed_args.images:
            try:
                image = self.images.find_image(reference, False)
                task = self.images.delete_image(image, False, force=parsed_args.force)
            except sdk.ServiceDisabledException:
                raise
            except sdk.SDKException as error:
                failed += 1
                self.log.error(
                    "Could not delete image %r: %s", text.printable(reference), sentence_of(error)
                )
                continue
            if task is not None:
                self.log.warning(
                    "The cloud has not answered yet. The deletion continues: see 'openstack custom"
                    " image task show %s'.",
                    task.id,
                )
        if failed:
            raise osc.CommandError(f"{failed} of {len(parsed_args.images)} images not deleted.")
