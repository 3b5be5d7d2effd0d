"""``openstack custom image location list``."""

import argparse
from typing import Any

from instance_images_client.commands import text
from instance_images_client.commands.base import Column, Lister


def _enabled(value: bool) -> str:
    return "Enabled" if value else "Not enabled"


class ListLocations(Lister):
    """List locations with their prices."""

    example = "openstack custom image location list"
    columns = (
        Column("Location", "name"),
        Column("Images", "enabled", _enabled),
        Column("Price", "price"),
        Column("Currency", "currency"),
        Column("Unit", "unit", "{} and month".format),
        Column("Next Price", "next_price"),
        Column("Next Price From", "next_price_from"),
        Column("Hours per Month", "hours_per_month", is_long=True),
        Column("Partial Hour", "partial_hour", is_long=True),
        Column("Free", "free_bytes", text.size, is_long=True),
        Column("Minimum", "minimum_charge", is_long=True),
    )

    def take_action(self, parsed_args: argparse.Namespace) -> Any:
        """Return the locations."""
        return self.listed(self.images.locations(), parsed_args)
