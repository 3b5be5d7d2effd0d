"""``openstack custom image rate list|set``."""

import argparse
from typing import Any

from instance_images_client.commands import text
from instance_images_client.commands.arguments import add_location_filter
from instance_images_client.commands.base import Column, Lister, ShowOne, field, plain


class ListRates(Lister):
    """List past, current and future rates."""

    example = "openstack custom image rate list"
    columns = (
        Column("Location", "location"),
        Column("From", "starts_at"),
        Column("Price", "price"),
        Column("Currency", "currency"),
        Column("Unit", "unit", "{} and month".format),
        Column("Hours per Month", "hours_per_month"),
        Column("Partial Hour", "partial_hour", is_long=True),
        Column("Free", "free_bytes", text.size, is_long=True),
        Column("Minimum", "minimum_charge", is_long=True),
        Column("Set", "set_at", is_long=True),
    )

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser."""
        parser = super().get_parser(prog_name)
        add_location_filter(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> Any:
        """Return the rates."""
        return self.listed(self.images.rates(parsed_args.location), parsed_args)


class SetRate(ShowOne):
    """Set the price per unit and month of a location (operators only).

    With --preview, show what last month's usage would have cost, and change nothing.
    """

    example = "openstack custom image rate set RegionOne 0.05 --from 2026-12-01T00:00:00Z"
    fields = (
        Column("location", "location"),
        Column("from", "starts_at"),
        *plain("price", "currency", "unit", "hours_per_month", "partial_hour", "set_at"),
        field("free_bytes", text.exact_size),
        *plain("minimum_charge"),
    )
    preview_fields = plain("location", "period", "currency", "old_total", "new_total", "difference")

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser."""
        parser = super().get_parser(prog_name)
        parser.add_argument("location", metavar="<location>", help="Name of the location")
        parser.add_argument(
            "price", metavar="<price>", help="Price per unit and month, such as 0.05"
        )
        group = parser.add_mutually_exclusive_group()
        group.add_argument(
            "--from",
            metavar="<hour>",
            dest="starts_at",
            help="First hour of the rate (ISO 8601, UTC); default: the next full hour",
        )
        group.add_argument(
            "--preview",
            action="store_true",
            help="Show what last month's usage would have cost; change nothing",
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> Any:
        """Set the rate."""
        price, location = parsed_args.price, parsed_args.location
        if parsed_args.preview:
            self.fields = self.preview_fields
            return self.shown(self.images.preview_rate(price, location=location), parsed_args)
        rate = self.images.set_rate(price, location=location, starts_at=parsed_args.starts_at)
        return self.shown(rate, parsed_args)
