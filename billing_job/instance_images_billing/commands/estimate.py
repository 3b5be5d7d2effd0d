"""``instance-images estimate``: what an image of an instance would cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from instance_images.commands.options import (
    account_option,
    location_option,
    pass_invocation,
    project_option,
)
from instance_images.commands.output import format_option, show_one

if TYPE_CHECKING:
    from instance_images.commands.main import Invocation


@click.command()
@click.argument("server")
@account_option
@project_option
@location_option
@format_option
@pass_invocation
def estimate(
    invocation: Invocation,
    server: str,
    account: str | None,
    project: str | None,
    location: str | None,
    output_format: str | None,
) -> None:
    """Show the expected size and price of an image of an instance.

    The size is that of the latest image of the same instance; else the mean of the account's
    others; else that of the disk, which is the maximum. The price is that of the rate now, without
    minimum charges.

    Example: instance-images estimate web-1
    """
    from instance_images_billing.config import billing_settings
    from instance_images_billing.rates.estimates import estimate
    from instance_images_billing.views import ESTIMATE

    application = invocation.application
    site = application.site(location)
    billing = billing_settings(application.settings)
    found = estimate(site, site.account(account), server, billing, project)
    show_one(ESTIMATE, found, output_format)
