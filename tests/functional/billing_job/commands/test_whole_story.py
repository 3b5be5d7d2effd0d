"""From an instance of a real cloud to a charge that can be worked out by hand."""

from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest

from instance_images.instants import floor_hour, format_instant, system_clock

from support.clouds.embedded_cloud import EmbeddedCloud, Project
from support.processes.command_line import CommandLine

pytestmark = pytest.mark.cloud

MB = 10**6


class MovedClock:
    """The system's clock, moved forward."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return system_clock() + self.ahead


def test_the_report_agrees_to_the_last_digit_with_its_own_times_sizes_and_rate(
    cloud: EmbeddedCloud, project: Project, cli: CommandLine, tmp_path: Path
) -> None:
    clock = MovedClock()
    cli.clock = clock
    account = ("--account", project.name)
    cli.ok("rate", "set", "RegionOne", "123.456789")
    cloud.boot(project, "web", metadata={"minicloud_snapshot_size": str(5 * MB + 1)})
    first = cli.ok("image", "create", "web", "--name", "one", *account, "--wait").json
    second = cli.ok("image", "create", "web", "--name", "two", *account, "--wait").json
    clock.ahead += timedelta(hours=2)
    cli.ok("meter", "run")
    clock.ahead += timedelta(hours=3, minutes=17)
    cli.ok("image", "delete", "one", *account, "--yes")
    deleted_after = clock()
    clock.ahead += timedelta(hours=1)
    cli.ok("meter", "run")

    month = format_instant(floor_hour(clock() - clock.ahead))[:7]
    report = cli.ok("report", "cloud-usage", *account, "--period", month, "-f", "json").json

    lines = {line["image_id"]: line for line in report["sections"][0]["lines"]}
    assert set(lines) == {first["id"], second["id"]}
    for image in (first, second):
        line = lines[image["id"]]
        assert line["size_bytes"] == image["size_bytes"] == 5 * MB + 1
        assert line["billable_from"] == image["available_at"]
        seconds = seconds_between(line["billable_from"], line["billable_until"])
        assert line["billable_seconds"] == seconds
        # size x seconds x rate / (GB x 3600 s x 730 h)
        exact = (
            Fraction(line["size_bytes"] * seconds) * Fraction("123.456789") / (10**9 * 3600 * 730)
        )
        assert Decimal(line["amount_exact"]) == Decimal(round(exact * 10**9)) / 10**9
        assert abs(Fraction(line["amount"]) - exact) < Fraction(1, 100)
    assert lines[first["id"]]["open"] is False
    ended = datetime.fromisoformat(lines[first["id"]]["billable_until"])
    assert timedelta(0) <= deleted_after - ended < timedelta(seconds=10)
    total = sum(Fraction(line["amount_exact"]) for line in lines.values())
    assert abs(Fraction(report["total"]) - total) <= Fraction(1, 200) + Fraction(1, 10**6)
    assert sum(Decimal(line["amount"]) for line in lines.values()) == Decimal(report["total"])


def test_every_format_of_the_report_is_written(
    cloud: EmbeddedCloud, project: Project, cli: CommandLine, tmp_path: Path
) -> None:
    clock = MovedClock()
    cli.clock = clock
    cloud.boot(project, "web")
    cli.ok("rate", "set", "RegionOne", "0.05")
    cli.ok("image", "create", "web", "--name", "<b>one</b>", "--account", project.name, "--wait")
    month = format_instant(floor_hour(system_clock()))[:7]
    clock.ahead += timedelta(hours=1)
    cli.ok("meter", "run")

    for form in ("html", "text", "csv", "json"):
        path = tmp_path / f"report.{form}"
        cli.ok("report", "cloud-usage", "--period", month, "-f", form, "-o", str(path))
        content = path.read_text()
        assert project.name in content
        assert ("<b>one</b>" in content) == (form != "html")
        cli.refused(
            3, "--force", "report", "cloud-usage", "--period", month, "-f", form, "-o", str(path)
        )


def seconds_between(start: str, end: str) -> int:
    """Return the whole seconds between two instants as the report prints them."""
    between = datetime.fromisoformat(end) - datetime.fromisoformat(start)
    return int(between.total_seconds())
