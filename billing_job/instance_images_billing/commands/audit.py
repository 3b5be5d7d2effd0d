"""``instance-images meter verify`` and ``meter adjust``. Commands wire and hold no logic."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from instance_images.commands.options import locations_of, locations_option, parsed, pass_invocation
from instance_images.commands.output import show_list, tell_warning
from instance_images.errors import BrokenExtension, UsageError
from instance_images.instants import parse_hour
from instance_images_billing.commands.balance import tell_balances

if TYPE_CHECKING:
    import sqlalchemy as sa

    from instance_images.commands.main import Invocation
    from instance_images_billing.ledger.anchors import Anchor
    from instance_images_billing.pricing.corrections import Adjustment


@click.command()
@locations_option
@click.option(
    "--digest",
    "digest_texts",
    multiple=True,
    metavar="HOUR=DIGEST",
    help="Recorded digest of a closed hour, or of a closed period (2026-11=DIGEST), that the ledger"
    " must have; repeatable.",
)
@click.option(
    "--digests",
    "digest_files",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="File of recorded digests, such as a copy of digest_file, one a line; repeatable."
    " [default: digest_file of the configuration]",
)
@click.option(
    "--cloud",
    "with_cloud",
    is_flag=True,
    help="Compare the billed bytes with those that the image service stores, per project.",
)
@pass_invocation
def verify(
    invocation: Invocation,
    location: str | None,
    digest_texts: tuple[str, ...],
    digest_files: tuple[Path, ...],
    with_cloud: bool,
) -> None:
    """Recompute the whole ledger and list each row that differs.

    Postings and adjustments are recomputed from the history of the images and the rates, the
    chain of closed hours and periods from the rows, the statements from the postings. Exit code 1
    if anything differs.

    Whoever can rewrite the database can forge the chain too, but not a digest that was recorded
    elsewhere: by a run in its log and in digest_file, or by 'period close'. Give such digests, or
    set digest_file.

    With --cloud, each location is read as by a run, and nothing is written. What the image service
    stores, less what is exempt by name, must be what is billed.

    Example: instance-images meter verify --digests /mnt/audit/digests
    """
    from instance_images_billing.audit.recorded import compare_recorded
    from instance_images_billing.audit.verify import verify_location, verify_periods
    from instance_images_billing.config import billing_settings
    from instance_images_billing.ledger.anchors import parse_anchor

    application = invocation.application
    settings = application.settings
    names = locations_of(invocation, location)
    anchors = [parsed(parse_anchor, text) for text in digest_texts]
    recorded, faults = (
        _recorded(digest_files)
        if digest_files
        else _recorded_by_runs(invocation, billing_settings(settings).digest_file)
    )
    anchors += recorded
    checks = _installed_checks(invocation)
    findings: list[str] = list(faults)
    with application.database.snapshot() as connection:
        for name in names:
            findings += verify_location(connection, name, billing_settings(settings).timezone)
        if location is None:
            findings += verify_periods(connection)
        for check in checks:
            findings += check(connection, settings, names)
        findings += compare_recorded(connection, anchors, location)
    findings = list(dict.fromkeys(findings))  # of closed periods, each location tells
    unbalanced = tell_balances(invocation, names) if with_cloud else []
    for finding in [*findings, *unbalanced]:
        click.echo(finding)
    if unbalanced:
        invocation.exit_code = 1
    if findings:
        invocation.exit_code = 1
        count = "1 finding" if len(findings) == 1 else f"{len(findings)} findings"
        click.echo(
            f"{count}: the database was changed outside this product, or a disk failed. Compare"
            " it with a backup.",
            err=True,
        )
    elif not unbalanced:
        click.echo(f"{', '.join(names)}: all charges are correct.")
        if anchors:
            click.echo(f"Recorded digests compared: {len(anchors)}.")


def _installed_checks(invocation: Invocation) -> list[Callable[..., Sequence[str]]]:
    """Return the checks of all parts; one that cannot be loaded makes the exit code 1."""
    from instance_images.model.extensions import extensions, loaded

    checks: list[Callable[..., Sequence[str]]] = []
    for found in extensions("instance_images.checks"):
        try:
            checks.append(loaded(found))
        except BrokenExtension as error:
            tell_warning(f"Skipped a check: {error}")
            invocation.exit_code = 1
    return checks


def _recorded(files: Sequence[Path]) -> tuple[list[Anchor], list[str]]:
    """Return the digests of the files, and what is wrong in these. Raises ConfigurationError."""
    from instance_images.errors import ConfigurationError
    from instance_images_billing.ledger.anchors import parse_anchors

    anchors: list[Anchor] = []
    faults: list[str] = []
    for path in files:
        try:
            lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError as error:
            raise ConfigurationError(
                f"The recorded digests {path} cannot be read: {error.strerror}."
            ) from error
        found, wrong = parse_anchors(lines, str(path))
        anchors += found
        faults += wrong
    return anchors, faults


def _recorded_by_runs(
    invocation: Invocation, configured: Path | None
) -> tuple[list[Anchor], list[str]]:
    """Return what ``_recorded`` returns of the configured file; warn where it cannot be read."""
    from instance_images.errors import ConfigurationError

    try:
        return _recorded([configured] if configured else [])
    except ConfigurationError as error:
        invocation.exit_code = 1
        click.echo(
            f"Warning: {error} It is digest_file in [billing]: each run adds to it.", err=True
        )
        return [], []


@click.command()
@click.option("--image", "image_id", metavar="ID", help="Id of the image.")
@click.option(
    "--hours",
    metavar="A..B",
    help=(
        "Closed hours from A up to but not including B, as in 2026-11-23T08:00Z..2026-11-23T12:00Z."
    ),
)
@click.option("--reason", required=True, help="Reason, printed in the customer's report.")
@click.option(
    "--waive", is_flag=True, help="Refund the whole charge of the image. This is the default."
)
@click.option("--amount", metavar="AMOUNT", help="New total charge of the image in these hours.")
@click.option(
    "--reverse",
    "entry",
    type=click.IntRange(min=1, max=2**63 - 1),
    metavar="ENTRY",
    help="Reverse the rest of the adjustment with this entry; excludes --image and --hours.",
)
@click.option(
    "--author", metavar="NAME", help="Author of the adjustment. [default: the user's name]"
)
@click.option("--yes", is_flag=True, help="Post the adjustment; otherwise only show it.")
@pass_invocation
def adjust(
    invocation: Invocation,
    image_id: str | None,
    hours: str | None,
    reason: str,
    waive: bool,
    amount: str | None,
    entry: int | None,
    author: str | None,
    yes: bool,
) -> None:
    """Correct what an image costs in closed hours.

    The hours stay as they were posted; the decision is posted beside them, in the open month. It
    is shown first: on a terminal you are asked, elsewhere it is posted with --yes only. An amount
    of more than 10 times, or less than a tenth of what the image is charged, is refused without
    --yes where nobody can be asked.

    A decision gets the numbers of its entries. Any of them reverses it, in whatever month is open
    then: each entry is taken back by one that is linked to it.

    Example: instance-images meter adjust --image 0f9e6a1c-5b1d-4c55-9a80-8f6f0a6f3f11 --hours
    2026-11-23T08:00Z..2026-11-23T12:00Z --reason "storage outage"
    """
    from instance_images_billing.audit.adjust import Decision, charged_nanos, decide, is_far
    from instance_images_billing.audit.reverse import reverse
    from instance_images_billing.config import billing_settings
    from instance_images_billing.pricing.money import decimal_of, parse_amount

    why, who = _text(reason), _text(author or _user())[:64]
    application = invocation.application
    names = [location.name for location in application.settings.locations]
    timezone, now = billing_settings(application.settings).timezone, invocation.clock()
    if entry is not None:
        if image_id or hours or waive or amount is not None:
            raise UsageError("--reverse excludes --image, --hours, --waive and --amount.")
        number = entry

        def post(connection: sa.Connection) -> list[Adjustment]:
            return reverse(
                connection=connection,
                locations=names,
                entry=number,
                reason=why,
                author=who,
                now=now,
            )

        _post(invocation, post, yes=yes)
        return
    if not image_id or not hours:
        raise UsageError("Give --image and --hours, or --reverse.")
    if waive and amount is not None:
        raise UsageError("Give either --waive or --amount: a waiver is an amount of 0.")
    start, end = _hours(hours)
    meaning = "The amount is the total charge of the hours, so it is not below 0."
    wanted = parse_amount(amount, meaning) if amount is not None else None
    decision = Decision(
        image_id=image_id, start=start, end=end, wanted_nanos=wanted, reason=why, author=who
    )

    def post_decision(connection: sa.Connection) -> list[Adjustment]:
        return decide(connection, names, decision, timezone, now)

    with application.database.rehearsing() as connection:
        charged = charged_nanos(connection, names, decision, timezone)
    far = ""
    if wanted and is_far(wanted, charged):
        far = (
            f"The amount {decimal_of(wanted):f} is far from the {decimal_of(charged):f} that the"
            " image is charged in these hours"
        )
    _post(invocation, post_decision, yes=yes, far=far)


def _post(
    invocation: Invocation,
    post: Callable[[sa.Connection], list[Adjustment]],
    *,
    yes: bool,
    far: str = "",
) -> None:
    """Show what would be posted, ask, and post it."""
    from instance_images.errors import Refused

    database = invocation.application.database
    with database.rehearsing() as connection:
        _show([replace(one, adjustment_key=None) for one in post(connection)])
    if far:
        tell_warning(f"{far}.")
    if not yes and not sys.stdin.isatty():
        if far:
            raise Refused(f"{far}: check the amount, and give --yes to post it.")
        click.echo("Nothing was posted: give --yes to post it.", err=True)
        return
    if not yes and not click.confirm("Post this?", err=True):
        click.echo("Nothing was posted.", err=True)
        return
    posted = database.write(post)
    count = f"{len(posted)} adjustment{'s' * (len(posted) > 1)}"
    entry = posted[0].adjustment_key
    click.echo(f"Posted {count}. To reverse it: --reverse {entry}.", err=True)


def _hours(text: str) -> tuple[datetime, datetime]:
    first, separator, last = text.partition("..")
    if not separator:
        raise UsageError(
            f"{text!r} is not a range of hours: write 2026-11-23T08:00Z..2026-11-23T12:00Z for"
            " four hours."
        )
    start, end = parsed(parse_hour, first), parsed(parse_hour, last)
    if start >= end:
        raise UsageError(f"{text!r} is not a range of hours: the second must be after the first.")
    return start, end


def _text(text: str) -> str:
    from instance_images.names import printable

    shown = printable(text).strip()
    if not shown or len(shown) > 255:
        raise UsageError("--reason and --author need 1 to 255 characters.")
    return shown


def _user() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def _show(new: list[Adjustment]) -> None:
    from instance_images_billing.views import ADJUSTMENT

    show_list(ADJUSTMENT, new, None)
