"""What is ours on Horizon's own pages: boot sources, images of stacks, the chart, the quotas."""

import contextlib
import json
import sys
from typing import Any
from unittest import mock

from django.test import SimpleTestCase
from horizon import messages
from openstack_dashboard.api import base, cinder, neutron, nova
from openstack_dashboard.dashboards.admin.defaults.tabs import DefaultsTabs as TabGroup
from openstack_dashboard.dashboards.project.overview.views import ProjectOverview
from openstack_dashboard.test import helpers
from openstack_dashboard.usage import quotas
from openstack_dashboard.usage.quotas import QuotaUsage
from openstack_dashboard.usage.views import CHART_DEFS

from instance_images_dashboard import api, horizon_changes, rest
from instance_images_dashboard.content.limits.defaults import ImageDefaultsTab
from instance_images_dashboard.content.limits.overview import QUOTA_KEY, add_limit
from instance_images_dashboard.content.limits.steps import DefaultImageQuotaAction, ImageQuotaAction

from horizon_tests.service import CLOUD_IMAGE_ID, ServiceTestCase, image, refusal

HOSTILE = "<b>{$ 1 $}</b>"
LIMIT = {
    "account_id": "a" * 32,
    "account_name": "acme",
    "location": "RegionOne",
    "max_images": 10,
    "source": "account",
    "held": 3,
}


class BootSourceTests(ServiceTestCase):
    """The address that the wizard Launch Instance asks."""

    def ask(self, **headers: str) -> Any:
        request = self.factory.get("/api/instance-images/images/", **headers)
        request.user, request.session = self.request.user, self.request.session
        return rest.Images.as_view()(request)

    def test_available_images_are_listed_by_the_ids_of_glance(self) -> None:
        self.serves(image(name=HOSTILE), image(cloud_image_id=None))

        answer = self.ask(HTTP_X_REQUESTED_WITH="XMLHttpRequest")

        (shown,) = json.loads(answer.content)["items"]
        self.assertEqual((shown["id"], shown["name"]), (CLOUD_IMAGE_ID, HOSTILE))
        self.assertEqual(answer["Content-Type"], "application/json")
        query = next(query for _, path, query, *_ in self.service.requests if path == "/images")
        self.assertEqual(query["status"], "available")

    def test_service_without_an_answer_is_503(self) -> None:
        self.service.answers["GET", "/images"] = (502, "<html>")

        self.assertEqual(self.ask(HTTP_X_REQUESTED_WITH="XMLHttpRequest").status_code, 503)

    def test_page_of_another_site_cannot_ask(self) -> None:
        self.assertEqual(self.ask().status_code, 400)


class StackImagesTests(ServiceTestCase):
    """The images among the parameters of a stack."""

    choices = (("", "Select Image"), (CLOUD_IMAGE_ID, "golden"), ("other", "base"))

    def test_images_are_in_two_groups(self) -> None:
        self.serves(image())

        none, ours, others = horizon_changes.in_groups(self.request, list(self.choices))

        self.assertEqual(none, self.choices[0])
        self.assertEqual((str(ours[0]), ours[1]), ("My Images", [self.choices[1]]))
        self.assertEqual((str(others[0]), others[1]), ("Images", [self.choices[2]]))

    def test_without_images_of_ones_own_there_are_no_groups(self) -> None:
        self.serves()

        choices = list(self.choices)
        self.assertEqual(horizon_changes.in_groups(self.request, choices), choices)

    def test_stacks_work_while_the_service_does_not(self) -> None:
        self.service.answers["GET", "/images"] = (500, "<html>")

        choices = list(self.choices)
        self.assertEqual(horizon_changes.in_groups(self.request, choices), choices)

    def test_horizon_without_stacks_is_left_alone(self) -> None:
        absent = {"heat_dashboard.content.stacks": None}

        with mock.patch.dict(sys.modules, absent), self.assertNoLogs(horizon_changes.LOG):
            horizon_changes.apply([horizon_changes.group_images_of_stacks])

    def test_function_of_heat_dashboard_is_replaced_once(self) -> None:
        from heat_dashboard.content.stacks import forms

        horizon_changes.group_images_of_stacks()
        first = forms.image_field_data
        horizon_changes.group_images_of_stacks()

        self.assertIs(forms.image_field_data, first)
        self.assertFalse(hasattr(first.ungrouped, "ungrouped"))


class ChartTests(ServiceTestCase):
    """The chart on Overview."""

    def shown_limits(self) -> QuotaUsage:
        usages = QuotaUsage()
        add_limit(self.request, usages)
        return usages

    def test_limit_of_the_region_is_shown(self) -> None:
        far = {**LIMIT, "location": "Elsewhere", "max_images": 99}
        self.service.answers["GET", "/limits"] = (200, {"limits": [far, LIMIT]})

        found = self.shown_limits()[QUOTA_KEY]

        self.assertEqual((found["quota"], found["used"]), (10, 3))

    def test_any_number_is_shown_without_a_limit(self) -> None:
        self.service.answers["GET", "/limits"] = (200, {"limits": [{**LIMIT, "max_images": -1}]})

        self.assertEqual(self.shown_limits()[QUOTA_KEY]["quota"], float("inf"))

    def test_service_without_an_answer_leaves_the_page_as_it_was(self) -> None:
        self.service.answers["GET", "/limits"] = (500, "<html>")

        self.assertNotIn(QUOTA_KEY, self.shown_limits())

    def test_page_waits_for_the_service_for_a_moment_only(self) -> None:
        self.service.delay_seconds = 0.5

        with mock.patch.object(api, "GUEST_SECONDS", 0.1):
            self.assertNotIn(QUOTA_KEY, self.shown_limits())


class ChartPlaceTests(SimpleTestCase):
    """Where the chart is added."""

    def test_chart_is_added_once(self) -> None:
        horizon_changes.add_overview_chart()
        usage = ProjectOverview.usage_class
        horizon_changes.add_overview_chart()

        keys = [chart.quota_key for section in CHART_DEFS for chart in section["charts"]]
        self.assertEqual(keys.count(QUOTA_KEY), 1)
        self.assertIs(ProjectOverview.usage_class, usage)


DEFAULT = {"location": "RegionOne", "max_images": 10, "source": "operator"}


class QuotaTests(ServiceTestCase):
    """The step Images of Modify Quotas."""

    def action(self, **posted: str) -> ImageQuotaAction:
        self.request.method = "POST" if posted else "GET"
        self.request.POST = posted
        return ImageQuotaAction(self.request, {"project_id": "a" * 32})

    def test_each_location_has_a_field(self) -> None:
        far = {**LIMIT, "location": HOSTILE, "max_images": -1}
        self.service.answers["GET", "/limits"] = (200, {"limits": [LIMIT, far]})

        fields = self.action().fields

        shown = [(str(one.label), one.initial) for one in fields.values()]
        self.assertEqual(shown, [(f"Images at {HOSTILE}", -1), ("Images at RegionOne", 10)])

    def test_only_a_changed_limit_is_set(self) -> None:
        far = {**LIMIT, "location": "Elsewhere"}
        self.service.answers["GET", "/limits"] = (200, {"limits": [LIMIT, far]})
        path = f"/limits/{'a' * 32}"
        self.service.answers["PUT", path] = (200, {"limit": LIMIT})

        action = self.action(instance_images_0="10", instance_images_1="12")
        self.assertTrue(action.is_valid())
        self.assertTrue(action.handle(self.request, {"project_id": "a" * 32}))

        sent = [body for method, _, _, _, body in self.service.requests if method == "PUT"]
        self.assertEqual(sent, [{"limit": {"max_images": 12, "location": "RegionOne"}}])

    def test_limit_that_is_refused_fails_the_dialog(self) -> None:
        self.service.answers["GET", "/limits"] = (200, {"limits": [LIMIT]})
        self.service.answers["PUT", f"/limits/{'a' * 32}"] = refusal(403, "forbidden", "No.")

        action = self.action(instance_images_0="12")
        self.assertTrue(action.is_valid())
        with mock.patch.object(messages, "error") as told:
            self.assertFalse(action.handle(self.request, {"project_id": "a" * 32}))
        told.assert_called_once_with(self.request, "No.")

    def test_other_quotas_can_be_saved_while_the_service_does_not_answer(self) -> None:
        self.service.answers["GET", "/limits"] = (500, "<html>")

        self.assertTrue(self.action(cores="5").handle(self.request, {}))
        self.assertFalse(self.action(instance_images_0="5").handle(self.request, {}))


class DefaultQuotaTests(ServiceTestCase):
    """The tab and the step Images of Admin > Defaults."""

    def serves_defaults(self, *limits: dict[str, Any]) -> None:
        self.service.answers["GET", "/default-limits"] = (200, {"default_limits": [*limits]})

    def tab(self) -> Any:
        tab = ImageDefaultsTab(TabGroup(self.request), self.request)
        tab._active = True
        tab.load_table_data()
        return tab

    def action(self, **posted: str) -> DefaultImageQuotaAction:
        self.request.method = "POST" if posted else "GET"
        self.request.POST = posted
        return DefaultImageQuotaAction(self.request, {})

    def test_tab_shows_each_default_and_where_it_is_set(self) -> None:
        self.serves_defaults(
            DEFAULT,
            {**DEFAULT, "location": HOSTILE, "max_images": -1, "source": "keystone"},
        )
        tab = self.tab()

        shown = tab.render()

        for text in ("RegionOne", "This page", "Unlimited", "Registered limit in Keystone"):
            self.assertIn(text, shown)
        self.assertIn("step=update_default_image_quotas", shown)
        self.assertNotIn("<b>", shown)

    def test_tab_says_that_the_service_does_not_answer(self) -> None:
        self.service.answers["GET", "/default-limits"] = (500, "<html>")
        tab = self.tab()

        self.assertIn("The instance images service is unavailable", tab.render())

    def test_older_service_is_told_apart(self) -> None:
        self.assertIn("has no default limits", self.tab().render())
        self.assertTrue(self.action(cores="5").handle(self.request, {}))

    def test_only_a_changed_default_is_set_and_keystones_is_left_alone(self) -> None:
        self.serves_defaults(DEFAULT, {**DEFAULT, "location": "Far", "source": "keystone"})
        path = "/default-limits/RegionOne"
        self.service.answers["PUT", path] = (200, {"default_limit": DEFAULT})

        action = self.action(instance_images_0="99", instance_images_1="12")
        self.assertTrue(action.is_valid())
        self.assertTrue(action.handle(self.request, {}))

        sent = [(told[1], told[4]) for told in self.service.requests if told[0] == "PUT"]
        self.assertEqual(sent, [(path, {"default_limit": {"max_images": 12}})])
        self.assertIn("change it there", str(action.fields["instance_images_0"].help_text))

    def test_number_below_any_is_refused(self) -> None:
        self.serves_defaults(DEFAULT)

        action = self.action(instance_images_0="-2")

        self.assertFalse(action.is_valid())
        self.assertIn("instance_images_0", action.errors)

    def test_other_defaults_can_be_saved_while_the_service_does_not_answer(self) -> None:
        self.service.answers["GET", "/default-limits"] = (500, "<html>")

        self.assertTrue(self.action(cores="5").handle(self.request, {}))


class DefaultsPageTests(helpers.BaseAdminViewTests, ServiceTestCase):
    """Horizon's own page and dialog hold ours."""

    def test_page_has_the_tab_and_the_dialog_has_the_step(self) -> None:
        self.service.answers["GET", "/default-limits"] = (200, {"default_limits": [DEFAULT]})

        with contextlib.ExitStack() as closing:
            for service in (nova, cinder, neutron):  # no other service answers here
                told = mock.patch.object(service, "default_quota_get", lambda *_: base.QuotaSet())
                closing.enter_context(told)
            for name in ("get_disabled_quotas", "enabled_quotas"):
                closing.enter_context(mock.patch.object(quotas, name, lambda *_: {"instances"}))
            enabled = mock.patch.object(cinder, "is_volume_service_enabled", lambda _: False)
            closing.enter_context(enabled)
            page = self.client.get("/admin/defaults/", {"tab": "defaults__image_defaults"})
            dialog = self.client.get("/admin/defaults/update_defaults")

        self.assertContains(page, "Images per Project")
        self.assertContains(page, "This page")
        self.assertContains(dialog, 'name="instance_images_0"')
        self.assertContains(dialog, 'id="update_default_quotas__update_default_image_quotas"')
