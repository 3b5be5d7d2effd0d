"""What ``meter verify --cloud`` tells of the balance of locations. Holds no logic."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from instance_images.commands.main import Invocation
    from instance_images.locations.site import Site
    from instance_images_billing.hours.balance import Balance


def tell_balances(invocation: Invocation, names: Sequence[str]) -> list[str]:
    """Return what is out of balance at the locations, and tell what is exempt by name."""
    from instance_images.commands.everywhere import at_each
    from instance_images_billing.config import billing_settings
    from instance_images_billing.hours.close import balance_now

    billing = billing_settings(invocation.application.settings)

    def read(site: Site) -> Balance:
        return balance_now(site, billing)

    lines: list[str] = []
    for one in at_each(invocation, names, read):
        lines += [f"{one.location}: {difference.sentence}" for difference in one.differences]
        for reason, (count, total) in sorted(one.exempt.items()):
            click.echo(f"{one.location}: not billed: {reason}: {count}, {total} bytes.")
        if not one.differences:
            click.echo(f"{one.location}: stored and billed bytes match.")
    return lines
