"""``instance-images doctor``: check the deployment and suggest fixes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from instance_images.commands.options import locations_of, locations_option, pass_invocation
from instance_images.commands.output import chosen_format, format_option, show_list
from instance_images.config.redaction import redact_message
from instance_images.errors import InstanceImagesError

if TYPE_CHECKING:
    from instance_images.commands.main import Invocation
    from instance_images.doctor.checks import Examined
    from instance_images.model.findings import Finding


@click.command()
@locations_option
@format_option
@pass_invocation
def doctor(invocation: Invocation, location: str | None, output_format: str | None) -> None:
    """Check the deployment and suggest fixes.

    The configuration, the database, the credentials, the services and their clocks, the images, and
    the rates. Nothing is changed. Run it as the user of the hourly runs. The exit code is 1 if
    anything was found.

    Example: instance-images doctor -f json
    """
    from instance_images.views.records import FINDING

    examined = _examine(invocation, location)
    findings = [_safe(finding) for one in examined for finding in one.findings]
    if chosen_format(output_format) == "table":
        for one in examined:
            count = len(one.findings)
            click.echo(f"{one.check}: {'OK' if not count else f'{count} found'}")
        if not findings:
            return
    show_list(FINDING, findings, output_format)
    invocation.exit_code = 1 if findings else 0


def _safe(finding: Finding) -> Finding:
    """Return the finding without secrets: an error in it may contain some."""
    return replace(finding, what=redact_message(finding.what), cure=redact_message(finding.cure))


def _examine(invocation: Invocation, location: str | None) -> list[Examined]:
    """Run the checks; report an unusable configuration as a finding."""
    from instance_images.doctor.checks import Examined, broken, examine

    try:
        application = invocation.application
    except InstanceImagesError as error:
        return [Examined("configuration", [broken("configuration", None, error)])]
    names = locations_of(invocation, location)
    locations = [application.settings.location(name) for name in names]
    return [Examined("configuration", []), *examine(application, locations)]
