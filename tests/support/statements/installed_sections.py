"""Sections as somebody installs them, for tests of the report: addresses, and faulty ones.

An entry point of the group ``instance_images.report_sections`` names one of the functions.
"""

from decimal import Decimal
from pathlib import Path

import sqlalchemy as sa

from instance_images.db.tables import images
from instance_images.errors import CloudUnavailable
from instance_images_reports.collect.added_sections import SectionContent, SectionRequest
from instance_images_reports.statement.charges import Charge


def addresses(request: SectionRequest) -> SectionContent | None:
    """Charge 0.0051 an hour of the period for one address, in euros alone."""
    if request.currency != "EUR":
        return None
    hours = Decimal(request.period.duration_seconds) / 3600
    rate = Decimal("0.0051")
    charge = Charge(
        name="203.0.113.7",
        amount=hours * rate,
        details="reserved",
        location="RegionOne",
        quantity=hours,
        unit="h",
        rate=rate,
    )
    return SectionContent("Addresses", [charge])


def support(request: SectionRequest) -> SectionContent | None:
    """Charge 0.333 for each image that the account has, as our own database tells."""
    query = sa.select(sa.func.count()).select_from(images)
    count = request.connection.execute(query).scalar_one()
    return SectionContent("Support", [Charge(name="per image", amount=Decimal("0.333") * count)])


def nothing(request: SectionRequest) -> SectionContent | None:
    """Have nothing to say about any account."""
    return None


def faulty(request: SectionRequest) -> SectionContent | None:
    """Fail with a bug, and tell a secret in the error."""
    raise RuntimeError("no answer from https://admin:hunter2@billing.example/v1")


def faulty_for_b(request: SectionRequest) -> SectionContent | None:
    """Fail for account b alone."""
    if request.account.id == "b":
        raise RuntimeError("no address has this form")
    return None


def unreachable(request: SectionRequest) -> SectionContent | None:
    """Fail because what it asks is down."""
    raise CloudUnavailable("The address service does not answer: try again.")


def inexact(request: SectionRequest) -> SectionContent | None:
    """Answer with a float."""
    return SectionContent("Inexact", [Charge(name="a", amount=0.1)])  # type: ignore[arg-type]


def install(directory: Path, *entry_points: str) -> Path:
    """Install entry points such as ``addresses = support.statements.installed_sections:addresses``.

    The directory is to stand in sys.path.
    """
    described = directory / "sections-1.dist-info"
    described.mkdir(parents=True)
    (described / "METADATA").write_text("Metadata-Version: 2.1\nName: sections\nVersion: 1\n")
    lines = "\n".join(entry_points)
    (described / "entry_points.txt").write_text(f"[instance_images.report_sections]\n{lines}\n")
    return directory
