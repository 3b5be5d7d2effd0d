"""``openstack custom image limit list|show|set|unset``."""

import argparse
from collections.abc import Iterable
from typing import Any

from osc_lib import exceptions as osc

from instance_images_client.commands import text
from instance_images_client.commands.arguments import (
    account_id_of,
    account_query,
    add_accounts,
    add_location,
)
from instance_images_client.commands.base import Column, Command, Lister, ShowOne, field, plain

FIELDS = (
    *plain("account_id", "account_name", "location"),
    field("max_images", text.limit),
    *plain("source", "held"),
)
DEFAULT_FIELDS = (*plain("location"), field("max_images", text.limit), *plain("source"))


class ListLimits(Lister):
    """List how many images an account may hold, by location.

    With --all-projects, list the limits that were set for one account.
    """

    example = "openstack custom image limit list"
    columns = (
        Column("Account", "account_name"),
        Column("Account ID", "account_id"),
        Column("Location", "location"),
        Column("Limit", "max_images", text.limit),
        Column("Set For", "source", text.capitalized),
        Column("Held", "held"),
    )

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser."""
        parser = super().get_parser(prog_name)
        add_accounts(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> Any:
        """Return the limits."""
        query = account_query(self.connection, parsed_args)
        return self.listed(self.images.limits(**query), parsed_args)


class ShowLimit(ShowOne):
    """Show how many images an account may hold at a location.

    With --default, show it for accounts without a limit of their own. Its source says where to
    change it: keystone, operator (limit set --default), or the configuration of the service.
    """

    example = "openstack custom image limit show --location RegionOne"
    fields = FIELDS

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "project",
            metavar="<project>",
            nargs="?",
            help="Project, or domain where accounts are domains (name or ID; operators only);"
            " default: your own",
        )
        parser.add_argument(
            "--default",
            action="store_true",
            help="Show the limit of accounts without one of their own (operators only)",
        )
        add_location(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> Any:
        """Return the limit."""
        query = {}
        if parsed_args.default and parsed_args.project:
            raise osc.CommandError("Give <project> or --default, not both.")
        if parsed_args.default:
            self.fields = DEFAULT_FIELDS
            limit = _only(self.images.default_limits(), parsed_args.location)
            return self.shown(limit, parsed_args)
        if parsed_args.project:
            query["account_id"] = account_id_of(self.connection, parsed_args.project)
        return self.shown(_only(self.images.limits(**query), parsed_args.location), parsed_args)


class SetLimit(ShowOne):
    """Set how many images an account may hold at a location (operators only).

    With --default, set it for all accounts without a limit of their own.
    """

    example = "openstack custom image limit set acme 25 --location RegionOne"
    fields = FIELDS

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser."""
        parser = super().get_parser(prog_name)
        _add_project(parser)
        parser.add_argument(
            "max_images",
            metavar="<number>",
            nargs="?",
            type=int,
            help="Most images; -1 for any number",
        )
        parser.add_argument(
            "--default",
            metavar="<number>",
            type=int,
            help="Most images of accounts without a limit of their own; -1 for any number",
        )
        add_location(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> Any:
        """Set the limit."""
        if parsed_args.default is not None and parsed_args.project is None:
            self.fields = DEFAULT_FIELDS
            place = _only(self.images.default_limits(), parsed_args.location).location
            default = self.images.set_default_limit(place, parsed_args.default)
            return self.shown(default, parsed_args)
        if parsed_args.max_images is None or parsed_args.default is not None:
            raise osc.CommandError("Give <project> and <number>, or --default <number> alone.")
        limit = self.images.set_limit(
            account_id_of(self.connection, parsed_args.project),
            parsed_args.max_images,
            location=parsed_args.location,
        )
        return self.shown(limit, parsed_args)


class UnsetLimit(Command):
    """Remove the limit of an account (operators only).

    The limit that applies otherwise takes effect. With --default, remove what limit set --default
    has set.
    """

    example = "openstack custom image limit unset acme --location RegionOne"

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser."""
        parser = super().get_parser(prog_name)
        _add_project(parser)
        parser.add_argument(
            "--default",
            action="store_true",
            help="Remove the limit of accounts without one of their own",
        )
        add_location(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        """Remove the limit."""
        if parsed_args.default == (parsed_args.project is not None):
            raise osc.CommandError("Give <project>, or --default alone.")
        if parsed_args.default:
            place = _only(self.images.default_limits(), parsed_args.location).location
            self.images.unset_default_limit(place)
            return
        account_id = account_id_of(self.connection, parsed_args.project)
        self.images.unset_limit(account_id, location=parsed_args.location)


def _add_project(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "project",
        metavar="<project>",
        nargs="?",
        help="Project, or domain where accounts are domains (name or ID)",
    )


def _only(limits: Iterable[Any], location: str | None) -> Any:
    """Return the limit at the location, or the only one."""
    found = [one for one in limits if location in (None, one.location)]
    if not found:
        raise osc.CommandError(f"No location is named {location!r}.")
    if len(found) > 1:
        names = ", ".join(one.location for one in found)
        raise osc.CommandError(f"Name one of the locations with --location: {names}.")
    return found[0]
