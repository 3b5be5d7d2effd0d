"""Cloud Usage of the account and of all accounts, against a service that answers over HTTP."""

import json
from typing import Any

from babel import Locale
from django.conf import settings
from django.urls import reverse
from django.utils import translation
from openstack_dashboard.test import helpers
from requests import RequestException

from instance_images_dashboard import api
from instance_images_dashboard.content.cloud_usage import files, months

from horizon_tests.policy_tests import PolicyTestCase
from horizon_tests.service import ServiceTestCase, refusal

PROJECT = "horizon:project:cloud_usage:"
ADMIN = "horizon:admin:usage_summary:"
NOVEMBER = {"period": "2026-11", "currency": "EUR"}
HOSTILE = "<script>alert(1)</script>{$ 1 $}"


def month(**changes: Any) -> dict[str, Any]:
    """Return a month as the service shows it."""
    return {
        "period": "2026-11",
        "currency": "EUR",
        "state": "open",
        "total": "1234.505000000",
        "metered_until": "2026-11-28T15:00:00Z",
        "forecast": "1300.00",
        **changes,
    }


class UsageTestCase(ServiceTestCase):
    """A service that has months and reports."""

    def setUp(self) -> None:
        super().setUp()
        old = month(period="2026-10", state="closed", total="2.000000000", forecast=None)
        found = [old, month(), month(currency="JPY", total="1500.500000000", forecast="2000")]
        self.service.answers["GET", "/reports/cloud-usage"] = (200, {"months": found})

    def reports(self, content: Any, status: int = 200, **headers: str) -> None:
        """Let the service answer with this report of November."""
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        self.service.answers["GET", "/reports/cloud-usage/2026-11"] = (
            status, content, {"ETag": '"e1"', **told},
        )  # fmt: skip


class CloudUsageTests(UsageTestCase):
    """The pages of the account."""

    def test_months_are_listed_newest_first_by_currency_with_one_request(self) -> None:
        answer = self.client.get(reverse(PROJECT + "index"))

        rows = [
            (row.name, row.state, row.total, row.forecast) for row in answer.context["table"].data
        ]
        self.assertEqual(
            rows,
            [
                ("November 2026", "Open", "1,500 JPY", "2,000 JPY"),
                ("November 2026", "Open", "1,234.50 EUR", "1,300.00 EUR"),
                ("October 2026", "Closed", "2.00 EUR", "-"),
            ],
        )
        self.assertContains(answer, reverse(PROJECT + "month", kwargs=NOVEMBER))
        self.assertEqual(self.service.asked(), [("GET", "/reports/cloud-usage")])

    def test_empty_list_says_when_billing_begins(self) -> None:
        self.service.answers["GET", "/reports/cloud-usage"] = (200, {"months": []})

        answer = self.client.get(reverse(PROJECT + "index"))

        self.assertContains(answer, "There are no charges yet.")

    def test_service_that_is_out_of_order_is_one_sentence_on_each_page(self) -> None:
        for told in ((500, {"error": {"code": 500}}), (200, "<h1>It works!</h1>"), (502, "<p>bad")):
            self.service.answers["GET", "/reports/cloud-usage"] = told
            for address in (
                reverse(PROJECT + "index"),
                reverse(PROJECT + "month", kwargs=NOVEMBER),
            ):
                answer = self.client.get(address)

                self.assertContains(answer, "The instance images service is unavailable.", 1)
                self.assertNotContains(answer, "no charges")

    def test_month_shows_its_frame_and_its_files_with_one_request(self) -> None:
        answer = self.client.get(reverse(PROJECT + "month", kwargs=NOVEMBER))

        section = reverse(PROJECT + "section", kwargs=NOVEMBER)
        self.assertContains(answer, f'sandbox src="{section}"')
        self.assertContains(answer, "1,234.50 EUR")
        for name in ("pdf", "xlsx", "csv", "json"):
            address = reverse(PROJECT + "report", kwargs={**NOVEMBER, "format_name": name})
            self.assertContains(answer, f'href="{address}"')
        self.assertContains(
            answer, reverse(PROJECT + "month", kwargs={**NOVEMBER, "currency": "JPY"})
        )
        self.assertEqual(self.service.asked(), [("GET", "/reports/cloud-usage")])

    def test_month_without_charges_says_so(self) -> None:
        answer = self.client.get(reverse(PROJECT + "month", kwargs={**NOVEMBER, "currency": "USD"}))

        self.assertContains(answer, "There are no charges in this month and currency.")
        self.assertNotContains(answer, "<iframe")

    def test_section_is_framed_by_horizon_alone_and_runs_nothing(self) -> None:
        self.reports('<div class="cloud-usage">web</div>')

        answer = self.client.get(reverse(PROJECT + "section", kwargs=NOVEMBER))

        content = b"".join(answer.streaming_content).decode()
        self.assertTrue(content.startswith("<!doctype html>"))
        self.assertIn('<div class="cloud-usage">web</div>\n</body>', content)
        self.assertEqual(answer["X-Frame-Options"], "SAMEORIGIN")
        self.assertEqual(answer["Content-Security-Policy"], files.POLICY)
        self.assertEqual(answer["X-Content-Type-Options"], "nosniff")
        (asked,) = self.service.requests
        self.assertEqual(
            asked[2], {"format": "html", "section": "images", "currency": "EUR", "locale": "en"}
        )

    def test_policy_of_the_service_is_passed_on(self) -> None:
        self.reports("<div></div>", Content_Security_Policy="default-src 'none'; sandbox")

        answer = self.client.get(reverse(PROJECT + "section", kwargs=NOVEMBER))

        self.assertEqual(answer["Content-Security-Policy"], "default-src 'none'; sandbox")

    def test_trouble_in_the_frame_is_one_sentence_that_is_inert(self) -> None:
        self.service.answers["GET", "/reports/cloud-usage/2026-11"] = refusal(
            409, "refused", HOSTILE
        )

        answer = self.client.get(reverse(PROJECT + "section", kwargs=NOVEMBER))

        self.assertNotContains(answer, "<script>")
        self.assertContains(answer, "&lt;script&gt;")
        self.assertEqual(answer["X-Frame-Options"], "SAMEORIGIN")
        self.assertEqual(answer["Content-Security-Policy"], files.POLICY)

    def test_answer_that_is_no_report_is_not_shown(self) -> None:
        self.service.answers["GET", "/reports/cloud-usage/2026-11"] = (200, "<h1>Log in</h1>")

        answer = self.client.get(reverse(PROJECT + "section", kwargs=NOVEMBER))

        self.assertContains(answer, "unavailable")
        self.assertNotContains(answer, "Log in</h1>")

    def test_file_is_streamed_with_the_name_and_tag_that_the_service_gave(self) -> None:
        name = 'attachment; filename="cloud-usage-a-2026-11-EUR.pdf"'
        self.reports(
            b"%PDF" + b"x" * 200_000,
            Content_Type="application/pdf",
            Content_Disposition=name,
            Cache_Control="private, no-cache",
        )
        address = reverse(PROJECT + "report", kwargs={**NOVEMBER, "format_name": "pdf"})

        answer = self.client.get(address, headers={"Accept-Language": "de"})

        self.assertTrue(answer.streaming)
        chunks = list(answer.streaming_content)
        self.assertEqual(sum(map(len, chunks)), 200_004)
        self.assertLessEqual(max(map(len, chunks)), files.CHUNK_BYTES)
        self.assertEqual(answer["Content-Type"], "application/pdf")
        self.assertEqual(answer["Content-Disposition"], name)
        self.assertEqual(answer["Content-Length"], "200004")
        self.assertEqual(answer["ETag"], '"e1"')
        self.assertEqual(answer["Cache-Control"], "private, no-cache")
        (asked,) = self.service.requests
        self.assertNotIn("Accept-Language", asked[3])

    def test_copy_that_is_current_is_not_sent_again(self) -> None:
        self.reports(b"", status=304)
        address = reverse(PROJECT + "report", kwargs={**NOVEMBER, "format_name": "json"})

        answer = self.client.get(address, headers={"If-None-Match": '"e1"'})

        self.assertEqual((answer.status_code, answer["ETag"]), (304, '"e1"'))
        self.assertEqual(self.service.requests[0][3]["If-None-Match"], '"e1"')

    def test_refused_file_becomes_a_message_on_the_page_of_the_month(self) -> None:
        self.service.answers["GET", "/reports/cloud-usage/2026-11"] = refusal(
            404, "not_found", "Nothing is charged in it."
        )
        address = reverse(PROJECT + "report", kwargs={**NOVEMBER, "format_name": "pdf"})

        answer = self.client.get(address)

        self.assertRedirectsNoFollow(answer, reverse(PROJECT + "month", kwargs=NOVEMBER))
        self.assertCookieMessage(answer, "Nothing is charged in it.")

    def test_report_is_in_the_language_of_horizon(self) -> None:
        self.reports("<div></div>")
        self.client.cookies[settings.LANGUAGE_COOKIE_NAME] = "de"

        answer = self.client.get(
            reverse(PROJECT + "section", kwargs=NOVEMBER), headers={"Accept-Language": "fr"}
        )

        self.assertIn(b'<html lang="de">', b"".join(answer.streaming_content))
        self.assertEqual(self.service.requests[0][2]["locale"], "de")

    def test_each_language_of_horizon_is_a_locale_of_the_service(self) -> None:
        from openstack_dashboard.settings import LANGUAGES

        for language, _ in LANGUAGES:
            with translation.override(language):
                Locale.parse(months.locale_of_page())

    def test_unknown_formats_and_months_have_no_address(self) -> None:
        index = reverse(PROJECT + "index")
        for path in ("2026-13/EUR/", "2026-11/eur/", "2026-11/EUR/exe/", "2026-11/EUR/../x/"):
            self.assertEqual(self.client.get(index + path).status_code, 404, path)


class UsageSummaryTests(UsageTestCase, helpers.BaseAdminViewTests):
    """The pages of operators."""

    def summary(self, *accounts: dict[str, Any]) -> bytes:
        """Return the summary of November as the service writes it."""
        currency = {
            "currency": "EUR",
            "total": "12.00",
            "total_before": "10.00",
            "accounts": [
                {
                    "account_id": f"{number:032d}",
                    "account_name": HOSTILE if number == 0 else f"customer {number}",
                    "total": "4.00",
                    "total_before": None,
                    "change": "4.00",
                }
                for number in range(101)
            ],
        }
        return json.dumps(
            {
                "report": "cloud-usage-summary",
                "period": {"name": "2026-11", "state": "open"},
                "currencies": [currency],
            }
        ).encode()

    def test_summary_shows_accounts_by_currency_with_one_request(self) -> None:
        self.reports(self.summary())

        answer = self.client.get(reverse(ADMIN + "month", kwargs={"period": "2026-11"}))

        self.assertContains(answer, "Charged: 12.00 EUR, in the month before: 10.00 EUR")
        self.assertContains(answer, "&lt;script&gt;")
        self.assertNotContains(answer, "<script>alert")
        self.assertContains(answer, "customer 99</a>")
        self.assertNotContains(answer, "customer 100</a>")
        self.assertContains(answer, "accounts with the highest charges of 101")
        address = reverse(ADMIN + "account_month", kwargs={"account_id": f"{1:032d}", **NOVEMBER})
        self.assertContains(answer, f'href="{address}"')
        ((_, path, query, *_),) = self.service.requests
        self.assertEqual(path, "/reports/cloud-usage/2026-11")
        self.assertEqual(query, {"format": "json", "all_accounts": "true"})

    def test_summary_out_of_order_is_one_sentence(self) -> None:
        for told in ((500, {}), (200, "<h1>It works!</h1>"), (200, {"report": "other"})):
            self.service.answers["GET", "/reports/cloud-usage/2026-11"] = told

            answer = self.client.get(reverse(ADMIN + "month", kwargs={"period": "2026-11"}))

            self.assertContains(answer, "The instance images service is unavailable.", 1)

    def test_month_is_chosen(self) -> None:
        answer = self.client.get(reverse(ADMIN + "index"), {"month": "2026-10"})

        self.assertRedirectsNoFollow(answer, reverse(ADMIN + "month", kwargs={"period": "2026-10"}))

    def test_summary_is_framed_and_streamed_as_the_service_has_it(self) -> None:
        self.reports("<!doctype html><title>all</title>")

        page = self.client.get(reverse(ADMIN + "page", kwargs={"period": "2026-11"}))
        file = self.client.get(
            reverse(ADMIN + "file", kwargs={"period": "2026-11", "format_name": "csv"})
        )

        self.assertEqual(b"".join(page.streaming_content), b"<!doctype html><title>all</title>")
        self.assertEqual(page["X-Frame-Options"], "SAMEORIGIN")
        self.assertTrue(file.streaming)
        self.assertEqual(
            [query for _, _, query, *_ in self.service.requests],
            [{"format": name, "all_accounts": "true", "locale": "en"} for name in ("html", "csv")],
        )

    def test_account_has_the_pages_that_customers_have(self) -> None:
        self.reports("<div></div>")
        account = {"account_id": "a" * 32}

        answer = self.client.get(reverse(ADMIN + "account_index", kwargs=account))
        self.client.get(reverse(ADMIN + "account_month", kwargs=account | NOVEMBER))
        self.client.get(reverse(ADMIN + "account_section", kwargs=account | NOVEMBER))

        self.assertContains(answer, reverse(ADMIN + "account_month", kwargs=account | NOVEMBER))
        self.assertEqual(
            [query.get("account_id") for _, _, query, *_ in self.service.requests], ["a" * 32] * 3
        )


class IsolationTests(UsageTestCase):
    """The service is slow, silent, or older than the dashboard."""

    def test_slow_service_is_given_up_on_each_page(self) -> None:
        self.reports("<div></div>")
        self.service.delay_seconds = 0.5
        patience, api.READ_SECONDS = api.READ_SECONDS, 0.1
        try:
            for name, kwargs in (("index", {}), ("month", NOVEMBER), ("section", NOVEMBER)):
                answer = self.client.get(reverse(PROJECT + name, kwargs=kwargs))

                self.assertContains(answer, "The instance images service is unavailable.", 1)
        finally:
            api.READ_SECONDS = patience
        self.assertEqual(len(self.service.requests), 3)

    def test_older_service_has_no_forecast(self) -> None:
        found = {name: value for name, value in month().items() if name != "forecast"}
        self.service.answers["GET", "/reports/cloud-usage"] = (200, {"months": [found]})

        answer = self.client.get(reverse(PROJECT + "index"))

        self.assertEqual([row.forecast for row in answer.context["table"].data], ["-"])

    def test_newer_service_may_say_more(self) -> None:
        found = month(state="<b>frozen</b>", budget="5.00")
        self.service.answers["GET", "/reports/cloud-usage"] = (200, {"months": [found]})

        answer = self.client.get(reverse(PROJECT + "index"))

        self.assertContains(answer, "&lt;b&gt;frozen&lt;/b&gt;")

    def test_file_that_ends_early_is_an_error_to_the_browser(self) -> None:
        self.reports(b"%PDF", Content_Length="10")
        address = reverse(PROJECT + "report", kwargs={**NOVEMBER, "format_name": "pdf"})

        answer = self.client.get(address)

        self.assertEqual(answer["Content-Length"], "10")
        with self.assertRaises(RequestException):
            list(answer.streaming_content)


class AbsentTests(UsageTestCase):
    """The service is not in the catalog."""

    is_in_catalog = False

    def test_there_is_no_page_and_no_entry_in_the_menu(self) -> None:
        for address in (
            reverse(PROJECT + "index"),
            reverse(PROJECT + "section", kwargs=NOVEMBER),
            reverse(ADMIN + "index"),
        ):
            answer = self.client.get(address)

            self.assertEqual(answer.status_code, 403)
            self.assertNotContains(answer, f'href="{address}"', status_code=403)


class RolesTests(PolicyTestCase):
    """Who has which pages, by the rules of the service."""

    def statuses(self, *roles: str) -> list[int]:
        self._setup_user(roles=[{"id": role, "name": role} for role in roles])
        self.service.answers["GET", "/reports/cloud-usage"] = (200, {"months": []})
        self.service.answers["GET", "/reports/cloud-usage/2026-11"] = refusal(404, "not_found", "x")
        account = {"account_id": "a" * 32}
        addresses = (
            reverse(PROJECT + "index"),
            reverse(ADMIN + "month", kwargs={"period": "2026-11"}),
            reverse(ADMIN + "account_index", kwargs=account),
            reverse(ADMIN + "page", kwargs={"period": "2026-11"}),
        )
        return [self.client.get(address).status_code for address in addresses]

    def test_reader_has_the_pages_of_the_account_alone(self) -> None:
        self.assertEqual(self.statuses("reader"), [200, 403, 403, 403])

    def test_operator_has_those_of_all_accounts(self) -> None:
        self.assertEqual(self.statuses("admin", "reader"), [200, 200, 200, 200])

    def test_others_have_none(self) -> None:
        self.assertEqual(self.statuses("foo"), [403, 403, 403, 403])


class OthersTests(UsageTestCase):
    """Users who are no operators."""

    def test_summary_is_not_theirs(self) -> None:
        answer = self.client.get(reverse(ADMIN + "index"))

        self.assertNotEqual(answer.status_code, 200)
        self.assertEqual(self.service.requests, [])
