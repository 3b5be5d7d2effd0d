"""A headless Chromium that uses Horizon as a person does.

Horizon replaces rows of its tables at any time, so that an element kept for a moment is stale:
what a page shows is read by one script, and what is clicked is looked up by the script that
clicks.
"""

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from selenium import webdriver
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from support.clouds.embedded_cloud import PASSWORD

DESKTOP = (1280, 900)
PHONE = (390, 844)
PATIENCE_SECONDS = 45.0

Value = TypeVar("Value")

# The text of an element as it is seen: no line breaks, no texts for screen readers only.
_TEXT = "const text = e => e.innerText.replace(/\\s+/g, ' ').trim();"


class Browser:
    """A browser with one user of Horizon."""

    def __init__(self, driver: webdriver.Chrome, url: str, downloads: Path) -> None:
        self.driver = driver
        self.url = url
        self.downloads = downloads

    def log_in(self, user: str, password: str = PASSWORD) -> None:
        """Log in at the page that Horizon shows to strangers."""
        self.driver.delete_all_cookies()
        self.driver.get(f"{self.url}/auth/login/?next=/project/api_access/")
        self.sign_in(user, password)

    def sign_in(self, user: str, password: str = PASSWORD) -> None:
        """Fill the login page in."""
        self.driver.find_element(By.ID, "id_username").send_keys(user)
        self.driver.find_element(By.ID, "id_password").send_keys(password, Keys.ENTER)
        self.wait(lambda: self.run("return !!document.querySelector('#main_content')"), "the page")

    def open(self, path: str) -> None:
        """Open a page of Horizon, and wait until its scripts have run."""
        self.driver.get(self.url + path)
        self.wait(lambda: self.run("return document.readyState == 'complete'"), path)

    def run(self, script: str, *arguments: Any) -> Any:
        """Run a script on the page."""
        return self.driver.execute_script(_TEXT + script, *arguments)

    def wait(
        self, condition: Callable[[], Value], what: str, seconds: float = PATIENCE_SECONDS
    ) -> Value:
        """Wait until a condition holds; return what it returned."""
        deadline = time.monotonic() + seconds
        while True:
            value = None
            with contextlib.suppress(WebDriverException):  # a page in the middle of its change
                value = condition()
            if value:
                return value
            if time.monotonic() > deadline:
                raise TimeoutError(f"waited {seconds:.0f} s for {what}; the page: {self.text()}")
            time.sleep(0.1)

    def text(self, selector: str = "body") -> str:
        """Return the text that is seen there; empty if there is no such place."""
        return str(
            self.run(
                "const e = document.querySelector(arguments[0]); return e ? text(e) : ''", selector
            )
        )

    def wait_for_text(self, wanted: str, selector: str = "body") -> str:
        """Wait until a text is seen; return all that is seen there."""
        return self.wait(
            lambda: (lambda seen: seen if wanted in seen else "")(self.text(selector)),
            f"{wanted!r} in {selector}",
        )

    def rows(self, table: str = "table.datatable") -> list[dict[str, str]]:
        """Return the rows of a table, each by the titles of its columns; ``id`` is the object's."""
        return list(
            self.run(
                """
                const table = document.querySelector(arguments[0]);
                if (!table) return [];
                const titles = [...table.querySelectorAll('thead tr:last-child th')].map(text);
                return [...table.querySelectorAll('tbody tr[data-object-id]')].map(row => ({
                    id: row.dataset.objectId,
                    ...Object.fromEntries(
                        [...row.cells].map((cell, place) => [titles[place], text(cell)])),
                }));
                """,
                table,
            )
        )

    def row(self, name: str, table: str = "table.datatable") -> dict[str, str] | None:
        """Return the row of a name, if the table has it."""
        named = (row for row in self.rows(table) if name in row.values())
        return next(named, None)

    def actions(self, object_id: str) -> list[str]:
        """Return the texts of a row's buttons, those in its menu too."""
        return list(
            self.run(
                "return [...document.querySelectorAll(`tr[data-object-id='${arguments[0]}']"
                " td.actions_column :is(a, button):not(.dropdown-toggle)`)]"
                ".map(e => e.textContent.replace(/\\s+/g, ' ').trim())",
                object_id,
            )
        )

    def click(self, selector: str, text: str = "") -> None:
        """Click what matches, has this text and is not disabled, as soon as it is there.

        It is clicked by the script: a menu need not be opened before.
        """
        self.wait(
            lambda: self.run(
                """
                const found = [...document.querySelectorAll(arguments[0])].find(
                    e => !e.disabled && (!arguments[1]
                        || e.textContent.replace(/\\s+/g, ' ').trim() == arguments[1]));
                if (found) found.click();
                return !!found;
                """,
                selector,
                text,
            ),
            f"{text or selector} to click",
        )

    def act(self, object_id: str, text: str) -> None:
        """Click an action of a row."""
        self.click(f"tr[data-object-id='{object_id}'] td.actions_column :is(a, button)", text)

    def fill_in(self, selector: str, value: str) -> None:
        """Set a field of a form, as soon as it is there."""
        self.wait(
            lambda: self.run(
                """
                const field = document.querySelector(arguments[0]);
                if (!field) return false;
                field.value = arguments[1];
                for (const kind of ['input', 'change', 'blur'])
                    field.dispatchEvent(new Event(kind, {bubbles: true}));
                return true;
                """,
                selector,
                value,
            ),
            selector,
        )

    def type(self, *keys: str) -> None:
        """Press keys, whatever has the focus."""
        webdriver.ActionChains(self.driver).send_keys(*keys).perform()

    def resize(self, size: tuple[int, int]) -> None:
        """Make the page's window this wide and high, in CSS pixels."""
        self.driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {
                "width": size[0],
                "height": size[1],
                "deviceScaleFactor": 1,
                "mobile": size[0] < 500,
            },
        )

    def is_too_wide(self) -> bool:
        """Return whether the page is wider than the window."""
        return bool(
            self.run("const e = document.documentElement; return e.scrollWidth > e.clientWidth")
        )

    @contextlib.contextmanager
    def opened_beside(self, path: str) -> Iterator[Callable[[], None]]:
        """Begin to open a page in a second window; what is yielded goes there and waits for it."""
        first = self.driver.current_window_handle
        self.driver.switch_to.new_window("tab")
        second = self.driver.current_window_handle
        self.run("location.href = arguments[0]", self.url + path)  # it does not wait

        def turn() -> None:
            self.driver.switch_to.window(second)
            self.wait(
                lambda: self.run(
                    "return location.href == arguments[0] && document.readyState == 'complete'",
                    self.url + path,
                ),
                path,
            )

        self.driver.switch_to.window(first)
        try:
            yield turn
        finally:
            self.driver.switch_to.window(second)
            self.driver.close()
            self.driver.switch_to.window(first)

    def picture(self, path: Path) -> None:
        """Save what the window shows."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self.driver.save_screenshot(str(path))

    def severe_faults(self, within: str = "body") -> list[str]:
        """Return what axe-core finds serious or critical; colours are those of Horizon's theme.

        Only what matches ``within`` is looked at.
        """
        from axe_core_python.selenium import Axe

        found = Axe().run(self.driver, {"include": [[within]]})
        return [
            f"{fault['id']}: {node['html'][:200]}"
            for fault in found["violations"]
            if fault["impact"] in ("serious", "critical") and fault["id"] != "color-contrast"
            for node in fault["nodes"]
        ]


@contextlib.contextmanager
def running_browser(url: str, directory: Path) -> Iterator[Browser]:
    """Run Chromium with a profile of its own, and end it afterwards."""
    driver_path = shutil.which("chromedriver")
    if driver_path is None or not (shutil.which("chromium") or shutil.which("google-chrome")):
        raise RuntimeError(
            "Chromium or its driver is missing: install them"
            " (Debian: apt install chromium chromium-driver)"
        )
    downloads = directory / "downloads"
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or shutil.which("google-chrome") or ""
    options.add_argument("--headless=new")
    options.add_argument(f"--window-size={DESKTOP[0]},{DESKTOP[1]}")
    options.add_argument(f"--user-data-dir={directory / 'profile'}")
    options.add_argument("--lang=en")
    for argument in (
        "--disable-dev-shm-usage",
        "--disable-background-networking",
        "--no-first-run",
    ):
        options.add_argument(argument)
    if os.geteuid() == 0:
        options.add_argument("--no-sandbox")
    options.add_experimental_option(
        "prefs",
        {
            "download.default_directory": str(downloads),
            "intl.accept_languages": "en",
            "profile.default_content_setting_values.automatic_downloads": 1,  # several at once
        },
    )
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(driver_path))
    try:
        browser = Browser(driver, url, downloads)
        browser.resize(DESKTOP)
        yield browser
    finally:
        driver.quit()


def chromium(page: Path, profile: Path, *options: str) -> str:
    """Open the page in headless Chromium; return what it prints on standard output."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        raise RuntimeError("Chromium is missing: install it (Debian: apt install chromium)")
    command = [
        browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync",
        f"--user-data-dir={profile}", *options, page.as_uri(),
    ]  # fmt: skip
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)
    return done.stdout
