"""The dashboard as a customer, a reader and the operator use it: real Horizon, real Chromium.

The tests are one story, in their order: each finds what those before it have left.
"""

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
from support.worlds.api_world import Office
from support.worlds.dashboard_world import (
    HOSTILE,
    LATE_SECONDS,
    Desk,
    entry_changed,
    open_desk,
)

pytestmark = [pytest.mark.all, pytest.mark.cloud]

INSTANCES = "/project/instances/"
MY_IMAGES = "/project/my_images/"
TASKS = f"{MY_IMAGES}?tab=my_images_tabs__tasks"
CLOUD_USAGE = "/project/cloud_usage/"
DEFAULTS = "/admin/defaults/"
SUMMARY = "/admin/usage_summary/"
NAME = "production-web-server-v2"
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


@pytest.fixture
def admin(desk: Desk, cloud: Any) -> Browser:
    return desk.browser("admin")


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
    submit(browser)


def submit(browser: Browser) -> None:
    """Send the open dialog."""
    browser.click(".modal-dialog input[type=submit], .modal-dialog button[type=submit]")


def test_instance_is_captured_from_the_list_and_the_row_refreshes_itself(
    desk: Desk, customer: Browser
) -> None:
    customer.open(MY_IMAGES)
    assert "There are no images yet." in customer.text("#main_content")
    customer.open(INSTANCES)
    customer.act(desk.instances.web.id, "Image")

    dialog = customer.wait_for_text("of 10", ".modal-dialog")  # the free slots
    faults = customer.severe_faults(".modal-body")
    desk.pictured(customer, "create-image")
    capture(customer, NAME)

    assert "10 of 10" in dialog
    assert faults == []
    wait_for_status(customer, NAME, "Creating")
    row = wait_for_status(customer, NAME, "Available")
    assert row["Source Instance"] == "web-1"
    assert row["Size"] == "1.05 MB"


def test_volume_backed_instance_is_captured_from_its_page_under_a_hostile_name(
    desk: Desk, customer: Browser
) -> None:
    customer.open(f"{INSTANCES}{desk.instances.volume.id}/")
    customer.click("#instance_image_button")
    dialog = customer.wait_for_text("of 10", ".modal-dialog")
    capture(customer, HOSTILE)

    message = customer.wait_for_text("Creating image", ".messages")
    row = wait_for_status(customer, SHOWN, "Creating")

    assert SHOWN in dialog
    assert SHOWN in message
    assert row["Source Instance"] == SHOWN
    assert customer.run("return document.querySelectorAll('#main_content td b').length") == 0


def test_default_limit_that_the_operator_sets_holds_and_is_told_in_the_dialog(
    desk: Desk, customer: Browser, admin: Browser
) -> None:
    admin.open(DEFAULTS)
    admin.click(".nav-tabs a", "Images")
    before = admin.wait(lambda: admin.row("RegionOne", "#image_defaults"), "the default limit")
    admin.click("#image_defaults__action_update_image_defaults")
    admin.wait_for_text("a project without a limit of its own", ".modal-dialog")
    admin.fill_in(".modal #id_instance_images_0", "-5")
    submit(admin)
    refused = admin.run("return document.querySelector('.modal input:invalid').name")
    admin.fill_in(".modal #id_instance_images_0", "2")
    submit(admin)
    try:
        admin.wait(lambda: "2" in (admin.row("RegionOne", "#image_defaults") or {}).values(), "2")
        after = admin.row("RegionOne", "#image_defaults")
        desk.pictured(admin, "default-limit")

        customer.open(INSTANCES)
        customer.act(desk.instances.web.id, "Image")
        told = customer.wait_for_text("Maximum image limit reached", ".modal-dialog")
    finally:
        desk.office.ask("DELETE", "/v1/default-limits/RegionOne", None, 204)

    assert refused == "instance_images_0"
    assert before["Images per Project"] == "10"
    assert before["Set In"] == "Configuration of all locations"
    assert after and after["Set In"] == "This page"
    assert "you have 2 of 2 images" in told
    assert customer.run("return document.querySelector('.modal input[type=submit]')") is None


def test_operator_sets_the_limit_of_a_project_and_overview_shows_it(
    desk: Desk, customer: Browser, admin: Browser
) -> None:
    admin.open(f"/identity/{desk.customer.id}/update_quotas/")
    admin.click("a[data-toggle=tab]", "Images")
    admin.fill_in("#id_instance_images_0", "7")
    admin.click("#main_content input[type=submit]")
    admin.wait_for_text("Modified quotas")

    customer.open("/project/")

    assert "Images Used 2 of 7" in customer.text("#main_content")


def test_wizard_launches_an_instance_of_an_image_from_my_images(
    desk: Desk, customer: Browser
) -> None:
    customer.open(MY_IMAGES)
    wait_for_status(customer, SHOWN, "Available")
    desk.pictured(customer, "my-images")
    row = customer.row(NAME)
    assert row is not None
    customer.act(row["id"], "Deploy")
    chosen = "return document.querySelector('#boot-source-type').selectedOptions[0].text"
    customer.wait(lambda: customer.run(chosen) == "My Images", "My Images to be chosen")
    step = ".wizard .step:not(.ng-hide)"

    customer.fill_in("wizard input[name=name]", "web-2")
    customer.click(".wizard-nav a", "Source")
    shown = customer.wait_for_text(NAME, step)
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
    assert NAME in allocated
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
    assert NAME in mine
    assert SHOWN in mine


def test_failed_capture_leads_to_its_task_and_is_begun_again(desk: Desk, customer: Browser) -> None:
    body = {"image": {"name": "failed", "source_instance_id": desk.instances.broken.id}}
    desk.office.ask("POST", "/v1/images", desk.customer, 202, json=body)
    customer.open(MY_IMAGES)
    wait_for_status(customer, "failed", "Error")
    customer.click("#my_images td a", "Error")

    told = customer.wait_for_text("Show all tasks", "#main_content")
    (task,) = customer.rows()
    customer.act(task["id"], "Retry")

    assert "The image disappeared from the image service" in told
    assert task["State"] == "Failed"
    customer.wait_for_text("Creating image again: failed", ".messages")


def test_deletion_is_confirmed_by_the_keyboard_and_can_be_cancelled(
    desk: Desk, customer: Browser
) -> None:
    focused = "return text(document.activeElement)"
    customer.open(MY_IMAGES)
    wait_for_status(customer, "failed", "Error")  # a row that refreshes itself takes the focus
    row = customer.row(SHOWN)
    assert row is not None
    button = f"tr[data-object-id='{row['id']}'] button[id$=delete]"
    customer.run("document.querySelector(arguments[0]).focus()", button)
    customer.type(Keys.ENTER)
    question = customer.wait_for_text("Deletion is permanent", ".modal-dialog")
    customer.wait(lambda: customer.run(focused) == "Cancel", "the focus in the question")
    customer.type(Keys.ENTER)
    customer.wait(lambda: not customer.run("return document.querySelector('.modal.in')"), "cancel")

    assert SHOWN in question
    assert HOSTILE in desk.image_ids()
    customer.wait(lambda: customer.run(focused) == "Delete Image", "the focus to return")
    customer.type(Keys.ENTER)
    customer.wait(lambda: customer.run(focused) == "Cancel", "the focus in the question")
    customer.type(Keys.TAB, Keys.ENTER)
    customer.wait(lambda: customer.row(SHOWN) is None, "the row to go")
    assert HOSTILE not in desk.image_ids()


def test_row_of_an_image_that_is_gone_vanishes(desk: Desk, customer: Browser) -> None:
    body = {"image": {"name": "gone", "source_instance_id": desk.instances.web.id}}
    made = desk.office.ask("POST", "/v1/images", desk.customer, 202, json=body).json()["image"]
    customer.open(MY_IMAGES)
    wait_for_status(customer, "gone", "Creating")

    desk.office.ask("DELETE", f"/v1/images/{made['id']}", desk.customer, 204)

    customer.wait(lambda: customer.row("gone") is None, "the row to go")


def test_cloud_usage_is_shown_and_downloaded(desk: Desk, customer: Browser) -> None:
    month = metered_month(desk)
    period, currency = month["period"], month["currency"]
    customer.open(CLOUD_USAGE)
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
    assert NAME in section
    assert HOSTILE in section
    statement = json.loads(files["json"].read_text())
    total = Decimal(statement["total"])
    assert total > 0
    assert NAME in files["csv"].read_text()
    pages = "".join(page.extract_text() for page in PdfReader(files["pdf"]).pages)
    assert NAME in "".join(pages.replace("\u200b", "").split())
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


def test_operator_sees_the_summary_of_all_accounts(desk: Desk, admin: Browser) -> None:
    admin.open(SUMMARY)

    shown = admin.run("return [...document.querySelectorAll('td a')].map(text)")
    sandbox = admin.run("return document.querySelector('iframe').getAttribute('sandbox')")
    admin.click("#main_content a", "Download CSV")
    admin.wait(partial(downloaded, admin.downloads, "csv"), "the summary")
    (summary,) = admin.downloads.glob("*.csv")

    assert desk.customer.name in shown
    assert sandbox == ""
    assert desk.customer.id in summary.read_text()


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        (MY_IMAGES, ["/v1/images"]),
        (TASKS, ["/v1/tasks"]),
        (CLOUD_USAGE, ["/v1/reports/cloud-usage"]),
    ],
)
def test_page_asks_once_fits_a_phone_and_suits_a_screen_reader(
    desk: Desk, customer: Browser, path: str, asked: list[str]
) -> None:
    desk.asked()
    customer.open(path)

    assert desk.asked() == asked
    assert customer.severe_faults("#content_body") == []
    assert not is_too_wide_for_a_phone(customer)


@pytest.mark.parametrize("path", [SUMMARY, f"{DEFAULTS}?tab=defaults__image_defaults"])
def test_page_of_the_operator_fits_a_phone_and_suits_a_screen_reader(
    admin: Browser, path: str
) -> None:
    admin.open(path)

    assert admin.severe_faults("#content_body") == []
    assert not is_too_wide_for_a_phone(admin)


def is_too_wide_for_a_phone(browser: Browser) -> bool:
    browser.resize(PHONE)
    try:
        return browser.is_too_wide()
    finally:
        browser.resize(DESKTOP)


def test_reader_sees_the_images_and_no_button(desk: Desk, cloud: Any) -> None:
    reader = desk.browser(desk.reader.user_name)
    reader.open(MY_IMAGES)

    row = reader.row(NAME)

    assert row is not None
    assert reader.actions(row["id"]) == []
    reader.open(INSTANCES)
    assert "Image" not in reader.actions(desk.instances.web.id)
    reader.open(f"{MY_IMAGES}create/{desk.instances.web.id}/")
    assert "Your roles do not permit this." in reader.text("#main_content")


def test_other_project_finds_neither_image_nor_instance_by_its_address(
    desk: Desk, cloud: Any
) -> None:
    image_id = desk.image_ids()[NAME]
    stranger = desk.browser(desk.stranger.user_name)
    stranger.open(MY_IMAGES)

    status = stranger.run(
        "return fetch(arguments[0], {headers: {'X-Requested-With': 'XMLHttpRequest'}})"
        ".then(answer => answer.status)",
        f"{MY_IMAGES}?action=row_update&table=my_images&obj_id={image_id}",
    )

    assert status == 404
    assert stranger.rows() == []
    stranger.open(f"{TASKS}&image_id={image_id}")
    assert NAME not in stranger.text()
    stranger.open(f"{MY_IMAGES}create/{desk.instances.web.id}/")
    assert "web-1" not in stranger.text()
    assert stranger.run("return document.querySelector('#main_content input[name=name]')") is None


def test_customer_does_not_open_the_pages_of_the_operator(customer: Browser) -> None:
    for path in (f"{DEFAULTS}?tab=defaults__image_defaults", SUMMARY):
        customer.open(path)
        assert "not authorized" in customer.text(), path


def test_dialog_is_used_by_the_keyboard_alone(desk: Desk, customer: Browser) -> None:
    customer.open(f"{INSTANCES}{desk.instances.web.id}/")
    customer.run("document.querySelector('#instance_image_button').focus()")
    customer.type(Keys.ENTER)
    customer.wait_for_text("Create Image", ".modal-dialog")
    focused = "return document.activeElement.name || document.activeElement.id"
    customer.wait(lambda: customer.run(focused) == "name", "the focus in the dialog")

    customer.type("by-keyboard", Keys.ENTER)

    customer.wait(lambda: customer.row("by-keyboard"), "the row")


def test_page_is_german(customer: Browser) -> None:
    customer.driver.add_cookie({"name": "horizon_language", "value": "de"})
    try:
        customer.driver.execute_cdp_cmd("Network.clearBrowserCache", {})
        customer.open(MY_IMAGES)
        shown = customer.text("#main_content")
        source = customer.run("return gettext('My Images')")
    finally:
        customer.driver.delete_cookie("horizon_language")

    assert "Meine Abbilder" in shown
    assert "Verfügbar" in shown
    assert source == "Meine Abbilder"


def test_session_that_expires_leads_back_to_the_page(desk: Desk, customer: Browser) -> None:
    customer.open(MY_IMAGES)
    desk.forget_sessions()

    customer.open(MY_IMAGES)
    assert "/auth/login/" in customer.driver.current_url
    customer.sign_in(desk.customer.user_name)

    assert customer.driver.current_url.endswith(MY_IMAGES)
    assert customer.row(NAME)


@pytest.mark.parametrize("kind", ["down", "slow", "500", "html"])
def test_horizon_works_while_the_service_does_not(desk: Desk, customer: Browser, kind: str) -> None:
    began = time.monotonic()
    with desk.trouble(kind), customer.opened_beside(MY_IMAGES) as turn_to_my_images:
        customer.open("/project/")
        overview = customer.text("#main_content")
        customer.open(INSTANCES)
        row = customer.row("web-1")
        turn_to_my_images()
        menu, page = customer.text("#sidebar"), customer.text("#main_content")
        asked = desk.asked()

    assert "Limit Summary" in overview
    assert row
    assert "My Images" in menu
    assert "unavailable. Try again" in page
    # Each page asks once, the instances not at all, and none waits until an answer comes.
    assert sorted(asked) == ([] if kind == "down" else ["/v1/images", "/v1/limits"])
    assert time.monotonic() - began < LATE_SECONDS


def test_horizon_shows_no_trace_of_a_service_that_the_catalog_does_not_have(
    desk: Desk, customer: Browser
) -> None:
    with entry_changed(desk.office.cloud, is_enabled=False):
        customer.log_in(desk.customer.user_name)
    customer.open("/project/")
    overview, menu = customer.text("#main_content"), customer.text("#sidebar")
    customer.open(INSTANCES)
    actions = customer.actions(desk.instances.web.id)
    customer.open(MY_IMAGES)

    assert "Limit Summary" in overview
    assert "Images Used" not in overview
    assert "Cloud Usage" not in menu and "My Images" not in menu
    assert "Create Snapshot" in actions and "Image" not in actions
    assert "not authorized" in customer.text()
