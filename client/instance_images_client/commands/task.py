"""``openstack custom image task list|show|retry``."""

import argparse
from typing import Any

from instance_images_client.commands import text
from instance_images_client.commands.arguments import (
    account_query,
    add_accounts,
    add_location_filter,
    add_wait,
)
from instance_images_client.commands.base import Column, Lister, ShowOne, field, plain
from instance_images_client.commands.progress import wait_for

STATES = ("pending", "running", "succeeded", "failed")
KINDS = ("create", "delete", "deploy")
FIELDS = (
    *plain("id", "kind", "image_id", "image_name", "location", "state", "stage"),
    field("progress", text.percent),
    *plain("attempts", "error", "created_at", "updated_at", "started_at", "stage_began_at"),
    field("elapsed_seconds", text.duration),
    field("estimated_seconds_left", text.duration),
    *plain("server_id"),
    field("server_ids", ", ".join),
    *plain("project_id", "user_id", "request_id"),
)


class ListTasks(Lister):
    """List tasks of custom images."""

    example = "openstack custom image task list --state running"
    columns = (
        Column("ID", "id"),
        Column("Kind", "kind", text.capitalized),
        Column("Image", "image_name"),
        Column("State", "state", text.capitalized),
        Column("Stage", "stage"),
        Column("Progress", "progress", text.percent),
        Column("Error", "error"),
        Column("Image ID", "image_id", is_long=True),
        Column("Location", "location", is_long=True),
        Column("Attempts", "attempts", is_long=True),
        Column("Created", "created_at", is_long=True),
        Column("Elapsed", "elapsed_seconds", text.duration, is_long=True),
        Column("Left", "estimated_seconds_left", text.duration, is_long=True),
        Column("Project ID", "project_id", is_of_all=True),
    )

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "--image", metavar="<image>", help="List only tasks of this image (name or ID)"
        )
        parser.add_argument("--state", choices=STATES, help="List only tasks in this state")
        parser.add_argument("--kind", choices=KINDS, help="List only tasks of this kind")
        add_location_filter(parser)
        add_accounts(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> Any:
        """Return the tasks."""
        query = account_query(self.connection, parsed_args)
        if parsed_args.image:
            query["image_id"] = self.images.find_image(parsed_args.image, False, **query).id
        for name in ("state", "kind", "location"):
            if getattr(parsed_args, name):
                query[name] = getattr(parsed_args, name)
        return self.listed(self.images.tasks(**query), parsed_args)


class ShowTask(ShowOne):
    """Show a task with its current progress."""

    example = "openstack custom image task show 5f6e2c1a-9c34-4c5e-9a53-0a4ad3c7f0a1"
    fields = FIELDS

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser."""
        parser = super().get_parser(prog_name)
        parser.add_argument("task", metavar="<task>", help="Task to show (ID)")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> Any:
        """Return the task."""
        return self.shown(self.images.get_task(parsed_args.task), parsed_args)


class RetryTask(ShowOne):
    """Retry a failed capture with the same image."""

    example = "openstack custom image task retry 5f6e2c1a-9c34-4c5e-9a53-0a4ad3c7f0a1 --wait"
    fields = FIELDS

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser."""
        parser = super().get_parser(prog_name)
        parser.add_argument("task", metavar="<task>", help="Failed task (ID)")
        add_wait(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> Any:
        """Begin the capture anew."""
        task = self.images.retry_task(parsed_args.task)
        if parsed_args.wait:
            task = wait_for(self.images, task.id)
        return self.shown(task, parsed_args)
