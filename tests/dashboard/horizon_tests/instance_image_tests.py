"""The action Image of an instance: the button, its form, and the tab."""

import uuid
from typing import Any

from django.urls import reverse
from openstack_dashboard import api as horizon_api
from openstack_dashboard.dashboards.project.instances import tables
from openstack_dashboard.dashboards.project.instances.tabs import InstanceDetailTabs
from openstack_dashboard.test import helpers

from instance_images_dashboard.content.instance_image import tabs
from instance_images_dashboard.content.my_images.tables import ImagesTable

from horizon_tests.service import (
    IMAGE_ID,
    INSTANCE_ID,
    LOCATION,
    ServiceTestCase,
    image,
    refusal,
    task,
)

FORM = "horizon:project:my_images:create"
ESTIMATE = {
    "size_bytes": 1_500_000_000,
    "basis": "last_capture",
    "per_hour": "0.0001",
    "per_month": "0.075",
    "currency": "EUR",
    "rate": "0.05",
    "free_bytes_left": 0,
    "held": 3,
    "max_images": 10,
    "fits": True,
}
LIMIT = "Maximum image limit reached"


class FormTests(ServiceTestCase):
    """The form."""

    def setUp(self) -> None:
        super().setUp()
        self.address = reverse(FORM, args=(INSTANCE_ID,))
        self.expect()
        self.service.answers["POST", "/images"] = (202, {"image": image(), "task": task()})

    def expect(self, **changes: Any) -> None:
        answer = {"estimate": {**ESTIMATE, **changes}}
        self.service.answers["GET", "/estimates"] = (200, answer)

    def server(self, status: str = "ACTIVE") -> Any:
        server = self.servers.first()
        server.status = status
        return server

    def open(self, status: str = "ACTIVE") -> Any:
        self.mock_server_get.return_value = self.server(status)
        return self.client.get(self.address, HTTP_X_REQUESTED_WITH="XMLHttpRequest")

    def submit(self, **fields: str) -> Any:
        self.mock_server_get.return_value = self.server()
        fields = {"name": "golden", "key": str(uuid.uuid4()), **fields}
        return self.client.post(self.address, fields, HTTP_X_REQUESTED_WITH="XMLHttpRequest")

    def posts(self) -> list[Any]:
        return [one for one in self.service.requests if one[0] == "POST"]

    @helpers.create_mocks({horizon_api.nova: ("server_get",)})
    def test_form_shows_what_the_image_will_be_and_cost(self) -> None:
        answer = self.open()

        for text in ("1.50 GB", "as the last image of this instance", "0.08 EUR", "7 of 10"):
            self.assertContains(answer, text)
        self.assertContains(answer, "Require frozen file systems")
        self.assertContains(answer, "The instance keeps running.")
        self.assertContains(answer, "Unlike a snapshot")
        self.assertContains(answer, "csrfmiddlewaretoken")

    @helpers.create_mocks({horizon_api.nova: ("server_get",)})
    def test_instance_that_is_off_has_nothing_to_freeze(self) -> None:
        answer = self.open("SHUTOFF")

        self.assertNotContains(answer, "Require frozen file systems")
        self.assertContains(answer, "The instance is not running")

    @helpers.create_mocks({horizon_api.nova: ("server_get",)})
    def test_form_opens_without_nova(self) -> None:
        self.mock_server_get.side_effect = self.exceptions.nova

        answer = self.client.get(self.address)

        self.assertContains(answer, "1.50 GB")

    @helpers.create_mocks({horizon_api.nova: ("server_get",)})
    def test_unlimited_account_and_unknown_price(self) -> None:
        self.expect(max_images=-1, per_month=None, basis="disk")

        answer = self.open()

        self.assertContains(answer, "unlimited")
        self.assertContains(answer, "at most: the size of the disk")

    @helpers.create_mocks({horizon_api.nova: ("server_get",)})
    def test_account_at_its_limit_is_told_so_and_gets_no_button(self) -> None:
        self.expect(held=10, fits=False)

        answer = self.open()

        self.assertContains(answer, LIMIT, count=1)
        self.assertContains(answer, "you have 10 of 10 images")
        self.assertNotContains(answer, 'type="submit"')

    @helpers.create_mocks({horizon_api.nova: ("server_get",)})
    def test_location_without_images_is_told_so_and_gets_no_button(self) -> None:
        self.service.answers["GET", "/estimates"] = refusal(403, "feature_not_enabled", "Not.")

        answer = self.open()

        self.assertContains(answer, "Image feature is not enabled", count=1)
        self.assertNotContains(answer, 'type="submit"')

    @helpers.create_mocks({horizon_api.nova: ("server_get",)})
    def test_form_opens_while_the_service_is_down(self) -> None:
        self.service.answers["GET", "/estimates"] = (500, "")

        answer = self.open()

        self.assertContains(answer, "The instance images service is unavailable", count=1)
        self.assertContains(answer, 'type="submit"')

    @helpers.create_mocks({horizon_api.nova: ("server_get",)})
    def test_create_begins_a_capture_with_the_key_of_the_form(self) -> None:
        key = self.open().context["form"]["key"].value()

        answer = self.submit(key=key, require_quiesce="on")
        self.submit(key=key, require_quiesce="on")

        first, second = self.posts()
        self.assertEqual(
            first[4],
            {
                "image": {
                    "name": "golden",
                    "source_instance_id": INSTANCE_ID,
                    "require_quiesce": True,
                }
            },
        )
        self.assertEqual(first[3]["Idempotency-Key"], key)
        self.assertEqual(second[3]["Idempotency-Key"], key)
        self.assertEqual(answer["X-Horizon-Location"], reverse("horizon:project:my_images:index"))

    @helpers.create_mocks({horizon_api.nova: ("server_get",)})
    def test_each_form_has_a_key_of_its_own(self) -> None:
        keys = {self.open().context["form"]["key"].value() for _ in range(2)}

        self.assertEqual(len(keys), 2)

    @helpers.create_mocks({horizon_api.nova: ("server_get",)})
    def test_refusals_stay_in_the_form(self) -> None:
        for reason, shown in (
            ("limit_reached", "Maximum image limit reached: you have 10 of 10 images"),
            ("feature_not_enabled", "Image feature is not enabled"),
            ("wrong_state", "The instance is being rebuilt."),
        ):
            with self.subTest(reason):
                told = {"held": 10, "max_images": 10}
                self.service.answers["POST", "/images"] = refusal(
                    403, reason, "The instance is being rebuilt.", **told
                )

                answer = self.submit()

                self.assertContains(answer, shown, count=1)
                self.assertNotIn("X-Horizon-Location", answer)
                self.assertContains(answer, 'value="golden"')

    @helpers.create_mocks({horizon_api.nova: ("server_get",)})
    def test_service_that_does_not_answer_is_asked_once(self) -> None:
        self.service.answers["POST", "/images"] = (502, "<html>Bad Gateway</html>")

        answer = self.submit()

        self.assertContains(answer, "The instance images service is unavailable", count=1)
        self.assertEqual(len(self.posts()), 1)
        self.assertNotIn(("GET", "/estimates"), self.service.asked())

    @helpers.create_mocks({horizon_api.nova: ("server_get",)})
    def test_location_of_several_is_the_region(self) -> None:
        several = {"locations": [LOCATION, {**LOCATION, "name": "RegionTwo"}]}
        self.service.answers["GET", "/locations"] = (200, several)

        self.submit()

        self.assertEqual(self.posts()[0][4]["image"]["location"], "RegionOne")

    def test_address_takes_an_id_alone(self) -> None:
        answer = self.client.get(f"/project/my_images/create/..%2f{INSTANCE_ID}/")

        self.assertEqual(answer.status_code, 404)


class ButtonTests(ServiceTestCase):
    """The row action."""

    def actions(self, status: str = "ACTIVE") -> list[str]:
        server = self.servers.first()
        server.status = status
        table = tables.InstancesTable(self.request)
        return [action.name for action in table.get_row_actions(server)]

    def test_action_follows_the_snapshot_and_asks_nothing_of_the_service(self) -> None:
        names = self.actions()

        self.assertEqual(names[names.index("snapshot") + 1], "instance_image")
        self.assertEqual(self.service.asked(), [])

    def test_action_opens_the_form_and_has_a_camera_and_a_text(self) -> None:
        server = self.servers.first()
        server.id = INSTANCE_ID
        table = tables.InstancesTable(self.request)

        shown = table.render_row_actions(server)

        self.assertIn(reverse(FORM, args=(INSTANCE_ID,)), shown)
        self.assertIn('<span class="fa fa-camera" aria-hidden="true"></span> Image', shown)

    def test_only_instances_that_can_be_captured_have_it(self) -> None:
        for status in ("PAUSED", "SHUTOFF", "SUSPENDED"):
            self.assertIn("instance_image", self.actions(status))
        for status in ("BUILD", "ERROR", "REBUILD"):
            self.assertNotIn("instance_image", self.actions(status))


class TabTests(ServiceTestCase):
    """The tab Images."""

    @helpers.create_mocks({horizon_api.neutron: ("is_extension_supported",)})
    def test_tab_shows_the_images_of_the_instance_with_the_buttons_of_my_images(self) -> None:
        self.serves(image(status="error"))
        self.mock_is_extension_supported.return_value = False
        group = InstanceDetailTabs(self.request, instance_id=INSTANCE_ID)

        tab = group.get_tab("instance_images")
        tab.preload = True
        shown = tab.render()

        self.assertEqual(self.service.requests[0][2]["source_instance_id"], INSTANCE_ID)
        self.assertIn("golden", shown)
        self.assertIn(f"my_images__retry__{IMAGE_ID}", shown)
        self.assertIn('action="/project/my_images/"', shown)
        self.assertIn("/project/my_images/?action=row_update&amp;table=my_images", shown)

    def test_columns_are_those_of_my_images_which_answers_for_the_rows(self) -> None:
        self.assertEqual(
            list(tabs.InstanceImagesTable.base_columns), list(ImagesTable.base_columns)
        )


class AbsentTests(ServiceTestCase):
    """The service is not in the catalog."""

    is_in_catalog = False

    def test_instances_have_no_action_and_no_tab(self) -> None:
        table = tables.InstancesTable(self.request)

        names = [action.name for action in table.get_row_actions(self.servers.first())]

        self.assertIn("snapshot", names)
        self.assertNotIn("instance_image", names)
        self.assertFalse(tabs.ImagesTab.allowed(tabs.ImagesTab, self.request))
