"""The dashboard as a customer, a reader and the operator use it: real Horizon, real Chromium.

The tests are one story, in their order: each finds what those before it have left.
"""

import contextlib
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from pypdf import PdfReader
from selenium.webdriver.common.keys import Keys

from support.browser import DESKTOP, PHONE, Browser
from support.processes.background_worker import working
from support.servers import relay as relays
from support.worlds.api_world import Office
from support.worlds.dashboard_world import Desk, open_desk

pytestmark = [pytest.mark.all, pytest.mark.cloud]

INSTANCES = "/project/instances/"
MY_IMAGES = "/project/my_images/"
HOSTILE = "<b>a{$ 1+1 $}</b>'\"&amp;"
# Horizon shows what Angular would evaluate in other brackets.
SHOWN = HOSTILE.replace("{$", "{%").replace("$}", "%}")
TEMPLATE = """heat_template_version: 2018-08-31
parameters:
  image: {type: string, constraints: [{custom_constraint: glance.image}]}
resources: {}
"""


@pytest.fixture(scope="module")
def desk(office_of_run: Office, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with (
        working(
            office_of_run.cli.config_file,
            OS_CLIENT_CONFIG_FILE=str(office_of_run.cloud.clouds_yaml),
        ),
        open_desk(office_of_run, tmp_path_factory.mktemp("desk")) as desk,
    ):
        yield desk


@pytest.fixture
def customer(desk: Desk, cloud: Any) -> Browser:
    return desk.browser(desk.customer.user_name)


def wait_for_status(browser: Browser, name: str, status: str) -> dict[str, str]:
    """Wait until the page itself shows the status of an image."""

    def found() -> dict[str, str] | None:
        row = browser.row(name)
        return row if row and row["Status"] == status else None

    return browser.wait(found, f"{name} to be {status}", seconds=150) or {}


def capture(browser: Browser, name: str) -> None:
    """Fill the open dialog in."""
    browser.wait_for_text("Create Image", ".modal-dialog")
    browser.fill_in(".modal-dialog input[name=name]", name)
    browser.click(".modal-dialog input[type=submit], .modal-dialog button[type=submit]")


def test_instance_is_captured_from_the_list_and_the_row_refreshes_itself(
    desk: Desk, customer: Browser
) -> None:
    server = desk.server
    customer.open(MY_IMAGES)
    assert "There are no images yet." in customer.text("#main_content")
    customer.open(INSTANCES)
    customer.act(server.id, "Image")

    dialog = customer.wait_for_text("of 10", ".modal-dialog")  # the free slots
    faults = customer.severe_faults(".modal-body")
    desk.pictured(customer, "create-image")
    capture(customer, "production-web-server-v2")

    assert "10 of 10" in dialog
    assert faults == []
    wait_for_status(customer, "production-web-server-v2", "Creating")
    row = wait_for_status(customer, "production-web-server-v2", "Available")
    assert row["Source Instance"] == "web-1"
    assert row["Size"] == "1.05 MB"


def test_volume_backed_instance_is_captured_from_its_page_under_a_hostile_name(
    desk: Desk, customer: Browser
) -> None:
    customer.open(f"{INSTANCES}{desk.volume_server.id}/")
    customer.click("#instance_image_button")
    capture(customer, HOSTILE)

    row = wait_for_status(customer, SHOWN, "Available")

    assert row["Source Instance"] == "db-1"
    assert customer.run("return document.querySelectorAll('#main_content td b').length") == 0
    desk.pictured(customer, "my-images")


def test_limit_is_told_in_the_dialog(desk: Desk, customer: Browser) -> None:
    account = desk.customer.id
    desk.office.ask(
        "PUT", f"/v1/limits/{account}", None, 200,
        json={"limit": {"location": "RegionOne", "max_images": 2}},
    )  # fmt: skip
    customer.open(INSTANCES)
    customer.act(desk.server.id, "Image")

    customer.wait_for_text("Maximum image limit reached", ".modal-dialog")

    desk.office.ask("DELETE", f"/v1/limits/{account}?location=RegionOne", None, 204)


def test_wizard_launches_an_instance_of_an_image_from_my_images(
    desk: Desk, customer: Browser
) -> None:
    customer.open(MY_IMAGES)
    row = customer.row("production-web-server-v2")
    assert row is not None
    customer.act(row["id"], "Deploy")
    chosen = "return document.querySelector('#boot-source-type').selectedOptions[0].text"
    customer.wait(lambda: customer.run(chosen) == "My Images", "My Images to be chosen")
    step = ".wizard .step:not(.ng-hide)"

    customer.fill_in("wizard input[name=name]", "web-2")
    customer.click(".wizard-nav a", "Source")
    shown = customer.wait_for_text("production-web-server-v2", step)
    customer.run("document.querySelector('.wizard .btn-group label:last-child').click()")
    desk.pictured(customer, "launch-instance")
    allocated = customer.text(f"{step} transfer-table tbody")
    customer.click(".wizard-nav a", "Flavor")
    pick(customer, "m1.tiny")
    customer.click(".wizard-nav a", "Networks")
    offered = customer.wait_for_text("private", step)
    if "Allocated Displaying 0 items" in offered:  # Horizon has not chosen the only network
        pick(customer, "private")
    customer.click(".wizard button.finish")

    assert HOSTILE in shown  # the image of a volume is among them
    assert "production-web-server-v2" in allocated
    customer.wait(lambda: "web-2" in customer.text("#main_content"), "web-2")
    customer.wait(lambda: (customer.row("web-2") or {}).get("Status") == "Active", "web-2 active")


def pick(browser: Browser, name: str) -> None:
    """Choose an item of the wizard's present step."""
    browser.wait(
        lambda: browser.run(
            """
            const step = document.querySelector('.wizard .step:not(.ng-hide)');
            const row = [...step.querySelectorAll('tbody tr')].find(
                row => [...row.cells].some(cell => text(cell) == arguments[0]));
            const button = row && row.querySelector('action-list .btn');
            if (button) button.click();
            return !!button;
            """,
            name,
        ),
        f"{name} to choose",
    )


def test_images_of_a_stack_are_grouped(desk: Desk, customer: Browser) -> None:
    customer.open("/project/stacks/select_template")
    customer.fill_in("#id_template_source", "raw")
    customer.fill_in("#id_template_data", TEMPLATE)
    customer.click("#main_content input[type=submit]")

    groups = customer.wait(
        lambda: customer.run(
            "return [...document.querySelectorAll('#id___param_image optgroup')].map("
            "group => [group.label, [...group.children].map(text)])"
        ),
        "the images",
    )

    assert [label for label, _ in groups] == ["My Images", "Images"]
    mine = " ".join(groups[0][1])
    assert "production-web-server-v2" in mine
    assert SHOWN in mine


def test_reader_sees_the_images_and_no_button(desk: Desk, cloud: Any) -> None:
    reader = desk.browser(desk.reader.user_name)
    reader.open(MY_IMAGES)

    row = reader.row("production-web-server-v2")

    assert row is not None
    assert reader.actions(row["id"]) == []
    reader.open(INSTANCES)
    assert "Image" not in reader.actions(desk.server.id)


def test_other_projects_image_is_not_found_by_its_id(desk: Desk, cloud: Any) -> None:
    image_id = desk.image_ids()["production-web-server-v2"]
    stranger = desk.browser(desk.stranger.user_name)
    stranger.open(MY_IMAGES)

    status = stranger.run(
        "return fetch(arguments[0], {headers: {'X-Requested-With': 'XMLHttpRequest'}})"
        ".then(answer => answer.status)",
        f"{MY_IMAGES}?action=row_update&table=my_images&obj_id={image_id}",
    )

    assert status == 404
    assert stranger.rows() == []
    stranger.open(f"{MY_IMAGES}?tab=my_images_tabs__tasks&image_id={image_id}")
    assert "production-web-server-v2" not in stranger.text()


def test_other_projects_instance_is_not_captured_by_its_address(desk: Desk, cloud: Any) -> None:
    stranger = desk.browser(desk.stranger.user_name)

    stranger.open(f"{MY_IMAGES}create/{desk.server.id}/")

    assert "web-1" not in stranger.text()
    assert stranger.run("return document.querySelector('#main_content input[name=name]')") is None


def test_operator_sets_the_limit_and_overview_shows_it(desk: Desk, customer: Browser) -> None:
    admin = desk.browser("admin")
    admin.open(f"/identity/{desk.customer.id}/update_quotas/")
    admin.click("a[data-toggle=tab]", "Images")
    admin.fill_in("#id_instance_images_0", "7")
    admin.click("#main_content input[type=submit]")
    admin.wait_for_text("Modified quotas")

    customer.open("/project/")

    assert "Images Used 2 of 7" in customer.text("#main_content")


def test_deletion_is_confirmed_and_can_be_cancelled(desk: Desk, customer: Browser) -> None:
    customer.open(MY_IMAGES)
    row = customer.row(SHOWN)
    assert row is not None
    customer.act(row["id"], "Delete Image")
    question = customer.wait_for_text("Deletion is permanent", ".modal-dialog")
    customer.click(".modal-dialog .cancel, .modal-dialog .btn-default")
    customer.wait(lambda: not customer.run("return document.querySelector('.modal.in')"), "cancel")

    assert SHOWN in question
    assert set(desk.image_ids()) == {"production-web-server-v2", HOSTILE}
    customer.act(row["id"], "Delete Image")
    customer.wait_for_text("Deletion is permanent", ".modal-dialog")
    customer.click(".modal-dialog .btn-danger, .modal-dialog .btn-primary")
    customer.wait(lambda: customer.row(SHOWN) is None, "the row to go")


def test_row_of_an_image_that_is_gone_vanishes(desk: Desk, customer: Browser) -> None:
    body = {"image": {"name": "gone", "source_instance_id": desk.server.id}}
    made = desk.office.ask("POST", "/v1/images", desk.customer, 202, json=body).json()["image"]
    customer.open(MY_IMAGES)
    wait_for_status(customer, "gone", "Creating")

    desk.office.ask("DELETE", f"/v1/images/{made['id']}", desk.customer, 204)

    customer.wait(lambda: customer.row("gone") is None, "the row to go")


def test_cloud_usage_is_shown_and_downloaded(desk: Desk, customer: Browser) -> None:
    month = metered_month(desk)
    period, currency = month["period"], month["currency"]
    customer.open("/project/cloud_usage/")
    customer.click(f"a[href$='/cloud_usage/{period}/{currency}/']")
    customer.wait_for_text("Download PDF", "#main_content")
    desk.pictured(customer, "cloud-usage")

    frame = customer.run("return document.querySelector('iframe')")
    assert "allow-scripts" not in frame.get_attribute("sandbox")
    customer.driver.switch_to.frame(frame)
    try:
        section = customer.text()
    finally:
        customer.driver.switch_to.default_content()
    for name in ("pdf", "xlsx", "csv", "json"):
        customer.click(f"a[href$='/{currency}/{name}/']")
        customer.wait(partial(downloaded, customer.downloads, name), name)
    files = {path.suffix.removeprefix("."): path for path in customer.downloads.iterdir()}

    assert section.startswith("Images")
    assert "production-web-server-v2" in section
    statement = json.loads(files["json"].read_text())
    total = Decimal(statement["total"])
    assert total > 0
    assert "production-web-server-v2" in files["csv"].read_text()
    pages = "".join(page.extract_text() for page in PdfReader(files["pdf"]).pages)
    assert "production-web-server-v2" in "".join(pages.replace("\u200b", "").split())
    workbook = openpyxl.load_workbook(files["xlsx"], data_only=True)
    numbers = [c for sheet in workbook for row in sheet.iter_rows(values_only=True) for c in row]
    assert any(isinstance(one, int | float) and Decimal(str(one)) == total for one in numbers)


def metered_month(desk: Desk) -> dict[str, Any]:
    """Close hours ahead, at a price that makes small images dear; return the customer's month."""
    until = datetime.now(UTC) + timedelta(hours=4)
    cli = desk.office.cli
    cli.ok("rate", "set", "RegionOne", "100000")
    cli.ok("meter", "run", "--as-of", f"{until:%Y-%m-%dT%H:00Z}", "--allow-future", "--yes")
    months = desk.office.ask("GET", "/v1/reports/cloud-usage", desk.customer, 200).json()["months"]
    return dict(months[-1])


def downloaded(directory: Path, name: str) -> bool:
    """Return whether the folder has a whole file of this ending."""
    return any(directory.glob(f"*.{name}")) and not any(directory.glob("*.crdownload"))


@pytest.mark.parametrize("path", [MY_IMAGES, "/project/cloud_usage/"])
def test_pages_have_no_serious_fault_for_a_screen_reader(customer: Browser, path: str) -> None:
    customer.open(path)

    assert customer.severe_faults("table.datatable tbody") == []


def test_page_fits_a_phone(customer: Browser) -> None:
    customer.resize(PHONE)
    try:
        customer.open(MY_IMAGES)
        assert "production-web-server-v2" in customer.text("#main_content")
        too_wide = customer.run("return document.documentElement.scrollWidth - innerWidth")
        assert too_wide <= 0
    finally:
        customer.resize(DESKTOP)


def test_dialog_is_used_by_the_keyboard_alone(desk: Desk, customer: Browser) -> None:
    customer.open(f"{INSTANCES}{desk.server.id}/")
    customer.run("document.querySelector('#instance_image_button').focus()")
    customer.type(Keys.ENTER)
    customer.wait_for_text("Create Image", ".modal-dialog")
    focused = "return document.activeElement.name || document.activeElement.id"
    customer.wait(lambda: customer.run(focused) == "name", "the focus in the dialog")

    customer.type("by-keyboard", Keys.ENTER)

    wait_for_status(customer, "by-keyboard", "Available")


def test_page_is_german(customer: Browser) -> None:
    customer.driver.add_cookie({"name": "horizon_language", "value": "de"})
    try:
        customer.open(MY_IMAGES)
        shown = customer.text("#main_content")
    finally:
        customer.driver.delete_cookie("horizon_language")

    assert "Meine Abbilder" in shown
    assert "Verfügbar" in shown


def test_session_that_expires_leads_back_to_the_page(desk: Desk, customer: Browser) -> None:
    customer.open(MY_IMAGES)
    customer.driver.delete_all_cookies()

    customer.open(MY_IMAGES)
    assert "/auth/login/" in customer.driver.current_url
    customer.sign_in(desk.customer.user_name)

    assert customer.driver.current_url.endswith(MY_IMAGES)
    assert customer.row("production-web-server-v2")


@contextlib.contextmanager
def trouble(desk: Desk, kind: str) -> Iterator[None]:
    """Change the service's endpoint in the catalog, for those who log in meanwhile."""
    fates = {"slow": relays.late(10), "500": relays.status(500), "html": relays.status(200)}
    with desk.office.cloud.connection() as connection, contextlib.ExitStack() as closing:
        if kind in fates:
            relay = closing.enter_context(relays.running_relay(desk.office.api.url))
            relay.next("", *[fates[kind]] * 100)
            changed = {"url": f"{relay.url}/v1"}
        else:
            changed = {"url": "http://127.0.0.1:9/v1"} if kind == "down" else {"is_enabled": False}
        identity: Any = connection.identity
        (service,) = identity.services(type="instance-images")
        (endpoint,) = identity.endpoints(service_id=service.id)
        before = {name: getattr(endpoint, name) for name in changed}
        identity.update_endpoint(endpoint.id, **changed)
        try:
            yield
        finally:
            identity.update_endpoint(endpoint.id, **before)


@pytest.mark.parametrize("kind", ["down", "absent", "slow", "500", "html"])
def test_horizon_works_while_the_service_does_not(desk: Desk, customer: Browser, kind: str) -> None:
    with trouble(desk, kind):
        customer.log_in(desk.customer.user_name)
        customer.open("/project/")
        assert "Limit Summary" in customer.text("#main_content")
        began = time.monotonic()
        customer.open(INSTANCES)
        assert customer.row("web-1")
        assert time.monotonic() - began < 8
        customer.open(MY_IMAGES)
        menu, page = customer.text("#sidebar"), customer.text("#main_content, body")
    customer.log_in(desk.customer.user_name)

    assert ("My Images" in menu) == (kind != "absent")
    assert ("unavailable. Try again" in page) == (kind != "absent")
