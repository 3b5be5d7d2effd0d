"""The Cloud Usage report over HTTP is the file that the command line writes."""

from collections.abc import Callable
from pathlib import Path

import falcon.testing
import pytest
import sqlalchemy as sa

from instance_images.config.api import library_options
from instance_images.config.settings import load_settings
from instance_images.db.schema import tables
from instance_images_api.application import router
from instance_images_api.keystone import KeystoneComparison
from instance_images_api.service import Service

from support.processes.command_line import CommandLine, SetClock
from support.worlds import report_ledger
from support.worlds.ledger_world import at

PATH = "/v1/reports/cloud-usage"
Ask = Callable[..., falcon.testing.Result]


@pytest.fixture
def cli(tmp_path: Path) -> CommandLine:
    return report_ledger.command_line(tmp_path)


@pytest.fixture
def ask(cli: CommandLine) -> Ask:
    """Send a request with the headers that keystonemiddleware sets."""
    settings = load_settings([cli.config_file])
    libraries = library_options(settings.config_paths)
    service = Service(settings, libraries, KeystoneComparison(settings), cli.clock)
    client = falcon.testing.TestClient(router(service))

    def send(path: str, account: str = "a", roles: str = "reader", **headers: str) -> object:
        identity = {"X-Project-Id": account, "X-Roles": roles, "X-User-Id": "u"}
        more = {name.replace("_", "-"): value for name, value in headers.items()}
        return client.simulate_get(path, headers=identity | more)

    return send  # type: ignore[return-value]


def test_months_of_the_account_are_listed(ask: Ask) -> None:
    assert ask(PATH).json == {
        "months": [
            {
                "period": "2026-11",
                "currency": "EUR",
                "state": "open",
                "total": "3.000000000",
                "metered_until": "2026-11-02T15:00:00Z",
                # 1 EUR an hour from the 2nd at noon to the end of the 30th.
                "forecast": "684.00",
            }
        ]
    }
    assert ask(PATH, account="b").json == {"months": []}


@pytest.mark.parametrize("name", ["json", "html", "csv", "text", "xlsx", "pdf"])
def test_report_is_the_file_that_the_command_line_writes(
    ask: Ask, cli: CommandLine, name: str
) -> None:
    words = ("report", "cloud-usage", "--account", "a", "--period", "2026-11", "-f", name)
    cli.clock = SetClock(at("2T16:00"))
    cli.ok("budget", "set", "--account", "a", "6")
    cli.clock = SetClock(report_ledger.NOW)

    answer = ask(f"{PATH}/2026-11?format={name}")

    assert answer.status_code == 200
    if name in ("json", "html", "csv", "text"):
        assert answer.content == cli.ok(*words).content
    if name == "json":
        assert answer.json["budget"]["percent"] == "50.0"  # 3 of 6 EUR
    disposition = answer.headers["Content-Disposition"]
    assert disposition.startswith('attachment; filename="cloud-usage-a-2026-11-EUR.')
    assert answer.headers["Cache-Control"] == "private, no-cache"
    assert ("Content-Security-Policy" in answer.headers) == (name == "html")
    again = ask(f"{PATH}/2026-11?format={name}", If_None_Match=answer.headers["ETag"])
    assert (again.status_code, again.content) == (304, b"")


def test_format_and_section_are_chosen_by_the_request(ask: Ask) -> None:
    assert ask(f"{PATH}/2026-11").headers["Content-Type"] == "application/json"
    assert ask(f"{PATH}/2026-11", Accept="text/csv").headers["Content-Type"].startswith("text/csv")
    german = ask(f"{PATH}/2026-11?locale=de_DE&section=images&format=html")
    assert "Bilder" in german.text or "Images" in german.text
    assert ask(f"{PATH}/2026-11", Accept="image/png").status_code == 406
    for unreadable in (";;", "text/csv;q=x", "x" * 5000):
        assert ask(f"{PATH}/2026-11", Accept=unreadable).status_code == 400
    for query in ("section=none", "locale=xx_XX", "format=csv&section=images", "paper=a5"):
        assert ask(f"{PATH}/2026-11?{query}").status_code == 400, query
    assert ask(f"{PATH}/2026-13").status_code == 400
    assert ask(f"{PATH}/2027-01").status_code == 409
    assert ask(f"{PATH}/2026-11?currency=USD").status_code == 404


def test_report_is_the_accounts_own(ask: Ask, cli: CommandLine) -> None:
    """Of other accounts, an operator alone has reports."""
    assert ask(f"{PATH}/2026-11", account="b").status_code == 404
    for query in ("account_id=a", "all_accounts=true"):
        assert ask(f"{PATH}/2026-11?{query}", account="b").status_code == 403
        assert ask(f"{PATH}/2026-11?{query}", account="b", roles="admin,reader").status_code == 200
    summary = ask(f"{PATH}/2026-11?all_accounts=true&format=csv", roles="admin,reader")
    words = ("report", "cloud-usage", "--all-accounts", "--period", "2026-11", "-f", "csv")
    assert summary.content == cli.ok(*words).content
    both = ask(f"{PATH}/2026-11?all_accounts=true&account_id=a", roles="admin,reader")
    assert both.status_code == 400


def test_location_that_is_not_served_is_not_reported(ask: Ask, cli: CommandLine) -> None:
    """It may have another Keystone, where the project's id is another customer's."""
    with cli.application.database.writing() as connection:
        for table in tables():
            if "location" in table.c:
                connection.execute(sa.update(table).values(location="Elsewhere"))

    assert ask(PATH).json == {"months": []}
    for query in ("", "?account_id=a", "?all_accounts=true"):
        assert ask(f"{PATH}/2026-11{query}", roles="admin,reader").status_code == 404, query
