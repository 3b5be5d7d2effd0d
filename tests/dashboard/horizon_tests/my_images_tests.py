"""My Images, against a service that answers over HTTP."""

from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils import translation

from instance_images_dashboard import api

from horizon_tests.service import (
    CLOUD_IMAGE_ID,
    IMAGE_ID,
    LOCATION,
    TASK_ID,
    ServiceTestCase,
    image,
    refusal,
    task,
)

INDEX = "horizon:project:my_images:index"
OTHER_ID = "55555555-5555-4555-8555-555555555555"
UNAVAILABLE = "The instance images service is unavailable. Try again in a few minutes."


class ImagesTests(ServiceTestCase):
    """The tab Images."""

    def page(self, **query: str) -> Any:
        return self.client.get(reverse(INDEX), query)

    def test_page_shows_the_images_with_their_cost_and_asks_once(self) -> None:
        self.serves(image(), image(id=OTHER_ID, name="<b>x</b>{$ 1 $}"))

        answer = self.page()

        self.assertContains(answer, "golden")
        self.assertContains(answer, "2.50 GB")
        self.assertContains(answer, "0.12 EUR")
        self.assertContains(answer, "&lt;b&gt;x&lt;/b&gt;{% 1 %}")
        self.assertNotContains(answer, "<b>x</b>")
        self.assertNotIn("location", answer.context["my_images_table"].columns)
        self.assertEqual(self.service.asked(), [("GET", "/images"), ("GET", "/locations")])
        self.page()
        self.assertEqual(self.service.asked()[2:], [("GET", "/images")])

    def test_request_has_the_token_of_the_user_and_asks_for_the_newest(self) -> None:
        self.serves(image())

        self.page()

        _, _, query, headers, _ = self.service.requests[0]
        self.assertEqual(headers["X-Auth-Token"], self.token.id)
        self.assertEqual(query, {"sort": "created_at:desc", "limit": "21"})

    def test_location_is_shown_where_there_are_several(self) -> None:
        self.serves(image())
        several = {"locations": [LOCATION, {**LOCATION, "name": "RegionTwo"}]}
        self.service.answers["GET", "/locations"] = (200, several)

        self.assertIn("location", self.page().context["my_images_table"].columns)

    def test_empty_page_says_how_to_create_an_image(self) -> None:
        self.serves()

        answer = self.page()

        self.assertContains(answer, "To create one, choose Image at an instance:")
        self.assertContains(answer, '<a href="/project/instances/">Instances</a>', count=1)

    def test_first_page_leads_on_and_the_last_one_back(self) -> None:
        many = [image(id=f"11111111-1111-4111-8111-{n:012d}", name=f"n-{n}") for n in range(21)]
        self.serves(*many)

        first = self.page()
        second = self.page(image_marker=many[19]["id"])

        self.assertContains(first, f"?image_marker={many[19]['id']}")
        self.assertNotContains(first, "previous_image_marker")
        self.assertNotContains(first, "n-20")
        self.assertEqual(self.service.requests[-1][2]["marker"], many[19]["id"])
        self.assertContains(second, f"previous_image_marker={many[0]['id']}")

    def test_page_before_is_asked_for_backwards(self) -> None:
        self.serves(image(name="older"), image(id=OTHER_ID, name="newer"))

        answer = self.page(previous_image_marker=TASK_ID)

        self.assertEqual(self.service.requests[0][2]["sort"], "created_at:asc")
        content = answer.content.decode()
        self.assertLess(content.index("newer"), content.index("older"))

    def test_filter_is_asked_of_the_service_and_kept(self) -> None:
        self.serves()
        filtered = {"my_images__filter__q": " Error ", "my_images__filter__q_field": "status"}

        redirect = self.client.post(reverse(INDEX), filtered)
        answer = self.page()

        self.assertRedirectsNoFollow(redirect, reverse(INDEX))
        self.assertEqual(self.service.requests[-1][2]["status"], "error")
        self.assertContains(answer, "Nothing matches the filter.")

    def test_row_is_that_of_the_image_now(self) -> None:
        self.service.answers["GET", f"/images/{IMAGE_ID}"] = (
            200,
            {"image": image(status="creating", size_bytes=None)},
        )

        answer = self.row(IMAGE_ID)

        self.assertContains(answer, "Creating")
        self.assertContains(answer, 'class="ajax-update warning"')
        self.assertContains(answer, f"image_id={IMAGE_ID}")
        self.assertNotContains(answer, "action_deploy")

    def row(self, image_id: str) -> Any:
        query = {"action": "row_update", "table": "my_images", "obj_id": image_id}
        return self.client.get(reverse(INDEX), query, HTTP_X_REQUESTED_WITH="XMLHttpRequest")

    def test_row_of_an_image_that_is_gone_or_of_another_account_is_not_found(self) -> None:
        self.assertEqual(self.row(OTHER_ID).status_code, 404)
        self.assertEqual(self.row("../limits").status_code, 404)
        self.assertEqual(self.service.asked(), [("GET", f"/images/{OTHER_ID}")])

    def test_row_stays_while_the_service_is_down(self) -> None:
        self.service.answers["GET", f"/images/{IMAGE_ID}"] = (500, "<html>oops</html>")

        self.assertEqual(self.row(IMAGE_ID).status_code, 503)

    def test_deploy_opens_the_wizard_with_the_id_of_the_image(self) -> None:
        self.serves(image(name="');alert(1)//"))

        answer = self.page()

        self.assertContains(answer, f"imageId: &#x27;{CLOUD_IMAGE_ID}&#x27;")
        self.assertNotContains(answer, "');alert")

    def test_image_that_is_not_available_is_not_deployed(self) -> None:
        for status in ("creating", "error", "deleting"):
            self.serves(image(status=status))
            self.assertNotContains(self.page(), "openLaunchInstanceWizard")

    def test_delete_deletes_and_asks_for_confirmation_before(self) -> None:
        self.serves(image())
        self.service.answers["DELETE", f"/images/{IMAGE_ID}"] = (204, "")

        self.assertContains(self.page(), "Deletion is permanent")
        answer = self.act(f"my_images__delete__{IMAGE_ID}")

        self.assertIn(("DELETE", f"/images/{IMAGE_ID}"), self.service.asked())
        self.assertRedirectsNoFollow(answer, reverse(INDEX))
        self.assertCookieMessage(answer, "Deleted Image: golden")

    def act(self, action: str) -> Any:
        return self.client.post(reverse(INDEX), {"action": action})

    def test_refused_deletion_says_why(self) -> None:
        self.serves(image())
        self.service.answers["DELETE", f"/images/{IMAGE_ID}"] = refusal(
            409, "refused", "Stack web uses the image."
        )

        answer = self.act(f"my_images__delete__{IMAGE_ID}")

        self.assertCookieMessage(answer, "golden: Stack web uses the image.")

    def test_image_of_another_page_can_be_deleted(self) -> None:
        self.serves()
        self.service.answers["GET", f"/images/{OTHER_ID}"] = (200, {"image": image(id=OTHER_ID)})
        self.service.answers["DELETE", f"/images/{OTHER_ID}"] = (204, "")

        self.act(f"my_images__delete__{OTHER_ID}")

        self.assertIn(("DELETE", f"/images/{OTHER_ID}"), self.service.asked())

    def test_retry_begins_the_task_of_a_failed_image_anew(self) -> None:
        self.serves(image(status="error", error="no space left"))
        path = f"/tasks/{TASK_ID}/retry"
        self.service.answers["POST", path] = (202, {"task": task(state="pending")})

        self.assertContains(self.page(), 'title="no space left"')
        self.act(f"my_images__retry__{IMAGE_ID}")

        self.assertIn(("POST", path), self.service.asked())

    def test_available_image_has_no_retry(self) -> None:
        self.serves(image())

        self.assertNotContains(self.page(), "__retry__")


class TasksTests(ServiceTestCase):
    """The tab Tasks."""

    def page(self, **query: str) -> Any:
        return self.client.get(reverse(INDEX), {"tab": "my_images_tabs__tasks", **query})

    def test_tab_asks_for_the_tasks_alone(self) -> None:
        self.service.answers["GET", "/tasks"] = (
            200,
            {"tasks": [task(stage="image_uploading")]},
        )

        answer = self.page()

        for text in (
            "golden",
            "Create Image",
            "Running",
            "image uploading",
            "40",
            "1 min 05 s",
            "30 s",
        ):
            self.assertContains(answer, text)
        self.assertEqual(self.service.asked(), [("GET", "/tasks")])

    def test_stages_are_german_for_who_reads_german_and_unknown_ones_stay(self) -> None:
        tasks = [task(stage="image_uploading"), task(id=OTHER_ID, stage="image_reticulating")]
        self.service.answers["GET", "/tasks"] = (200, {"tasks": tasks})
        self.client.cookies[settings.LANGUAGE_COOKIE_NAME] = "de"

        answer = self.page()

        self.assertContains(answer, "Abbild wird hochgeladen")
        self.assertContains(answer, "image reticulating")

    def test_tasks_of_one_image_lead_to_the_next_page_of_that_image(self) -> None:
        tasks = [task(id=f"33333333-3333-4333-8333-{n:012d}") for n in range(21)]
        self.service.answers["GET", "/tasks"] = (200, {"tasks": tasks})

        answer = self.page(image_id=IMAGE_ID)

        self.assertEqual(self.service.requests[0][2]["image_id"], IMAGE_ID)
        self.assertContains(answer, f"task_marker={tasks[19]['id']}&amp;image_id={IMAGE_ID}")
        self.assertContains(answer, "Show all tasks")

    def test_failed_capture_can_be_retried_and_a_failed_deployment_cannot(self) -> None:
        failed = {"state": "failed", "error": "no space left"}
        tasks = [task(**failed), task(id=OTHER_ID, kind="deploy", **failed)]
        self.service.answers["GET", "/tasks"] = (200, {"tasks": tasks})
        path = f"/tasks/{TASK_ID}/retry"
        self.service.answers["POST", path] = refusal(409, "wrong_state", "The image is available.")

        answer = self.page()
        after = self.client.post(reverse(INDEX), {"action": f"image_tasks__retry__{TASK_ID}"})

        self.assertContains(answer, "no space left", count=2)
        self.assertContains(answer, f"image_tasks__retry__{TASK_ID}")
        self.assertNotContains(answer, f"image_tasks__retry__{OTHER_ID}")
        self.assertIn(("POST", path), self.service.asked())
        self.assertCookieMessage(after, "golden: The image is available.")


class TroubleTests(ServiceTestCase):
    """The service is down, slow or not itself."""

    def assert_sentence(self, sentence: str = UNAVAILABLE) -> None:
        answer = self.client.get(reverse(INDEX))

        self.assertContains(answer, sentence, count=1)
        self.assertNotContains(answer, "There are no images yet")

    def test_every_kind_of_trouble_is_one_sentence_and_one_request(self) -> None:
        for answer in (
            (500, {"error": {"code": 500, "message": "oops"}}),
            (503, {"error": {"code": 503, "reason": "busy", "message": "Busy."}}),
            (502, "<html>Bad Gateway</html>"),
            (404, "<html>Not Found</html>"),
            (200, "<html>Welcome</html>"),
            (200, {"something": "else"}),
            (200, []),
        ):
            with self.subTest(answer):
                self.service.answers["GET", "/images"] = answer
                self.service.requests.clear()

                self.assert_sentence()

                self.assertEqual(self.service.asked(), [("GET", "/images")])

    def test_login_that_the_service_does_not_accept_keeps_the_page(self) -> None:
        self.service.answers["GET", "/images"] = (401, {"error": {"code": 401, "message": "x"}})

        self.assert_sentence("The instance images service did not accept your login.")

    def test_refusal_is_shown_in_the_words_of_the_service(self) -> None:
        self.service.answers["GET", "/images"] = refusal(403, "forbidden", "You lack a role.")

        self.assert_sentence("You lack a role.")

    def test_refusal_is_german_for_who_reads_german(self) -> None:
        for reason, sentence in (
            ("forbidden", "Ihre Rollen erlauben das nicht."),
            ("wrong_state", "Der gegenwärtige Zustand erlaubt das nicht: It is 100 % so."),
            ("unheard_of", "It is 100 % so."),
        ):
            self.service.answers["GET", "/images"] = refusal(409, reason, "It is 100 % so.")

            with translation.override("de"), self.assertRaises(api.ApiError) as caught:
                api.list_images(self.request)

            with translation.override("de"):
                self.assertEqual(str(caught.exception.message), sentence)

    def test_slow_service_is_given_up(self) -> None:
        self.serves()
        self.service.delay_seconds = 0.5
        patience, api.READ_SECONDS = api.READ_SECONDS, 0.1
        try:
            self.assert_sentence()
        finally:
            api.READ_SECONDS = patience
        self.assertEqual(self.service.asked(), [("GET", "/images")])

    def test_service_that_does_not_listen_is_unavailable(self) -> None:
        self.service.stop()

        self.assert_sentence()

    def test_images_are_shown_without_their_prices(self) -> None:
        self.serves(image())
        self.service.answers["GET", "/locations"] = (500, "")

        self.assertContains(self.client.get(reverse(INDEX)), "golden")


class AbsentTests(ServiceTestCase):
    """The service is not in the catalog."""

    is_in_catalog = False

    def test_there_is_no_page_and_no_entry_in_the_menu(self) -> None:
        answer = self.client.get(reverse(INDEX))

        self.assertEqual(answer.status_code, 403)
        self.assertNotContains(answer, f'href="{reverse(INDEX)}"', status_code=403)
