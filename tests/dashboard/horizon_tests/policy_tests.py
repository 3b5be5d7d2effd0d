"""The rules that decide which buttons a user sees."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.test import override_settings
from django.urls import reverse
from openstack_auth import policy

import instance_images_dashboard

from horizon_tests.service import INSTANCE_ID, TASK_ID, ServiceTestCase, image, task

FORM = "horizon:project:my_images:create"
INDEX = "horizon:project:my_images:index"
SNIPPET = Path(instance_images_dashboard.__file__).parent / "local_settings.d"


class PolicyTestCase(ServiceTestCase):
    """A test case with the rules that the package ships, which Horizon's own tests leave out."""

    def setUp(self) -> None:
        files = {"POLICY_FILES": {}, "DEFAULT_POLICY_FILES": {}}
        rules = override_settings(POLICY_CHECK_FUNCTION="openstack_auth.policy.check", **files)
        rules.enable()
        self.addCleanup(policy.reset)
        self.addCleanup(rules.disable)
        exec((SNIPPET / "_1055_instance_images.py").read_text(), {})
        policy.reset()
        super().setUp()


class RolesTests(PolicyTestCase):
    """A reader, a member, and somebody without a role here."""

    def page(self, *roles: str) -> Any:
        self._setup_user(roles=[{"id": role, "name": role} for role in roles])
        self.serves(image(), image(id=TASK_ID, status="error"))
        return self.client.get(reverse(INDEX))

    def test_member_sees_every_button(self) -> None:
        answer = self.page("member", "reader")

        self.assertContains(answer, "__action_deploy")
        self.assertContains(answer, "__delete__")
        self.assertContains(answer, "__retry__")

    def test_reader_sees_the_images_and_no_button_that_would_fail(self) -> None:
        answer = self.page("reader")

        self.assertContains(answer, "golden")
        for name in ("__delete__", "__retry__", "action_delete"):
            self.assertNotContains(answer, name)

    def test_reader_has_no_retry_at_the_tasks_either(self) -> None:
        self.service.answers["GET", "/tasks"] = (200, {"tasks": [task(state="failed")]})
        self._setup_user(roles=[{"id": "3", "name": "reader"}])

        answer = self.client.get(reverse(INDEX), {"tab": "my_images_tabs__tasks"})

        self.assertContains(answer, "Failed")
        self.assertNotContains(answer, "__retry__")

    def test_user_without_the_role_has_no_page(self) -> None:
        self.assertEqual(self.page("foo").status_code, 403)
        self.assertEqual(self.service.asked(), [])

    def test_reader_cannot_delete_by_hand_either(self) -> None:
        self._setup_user(roles=[{"id": "3", "name": "reader"}])
        self.serves(image())

        self.client.post(reverse(INDEX), {"action": f"my_images__delete__{image()['id']}"})

        self.assertNotIn("DELETE", [method for method, _ in self.service.asked()])

    def test_reader_who_knows_the_address_of_the_form_gets_no_button(self) -> None:
        self._setup_user(roles=[{"id": "3", "name": "reader"}])

        answer = self.client.get(reverse(FORM, args=(INSTANCE_ID,)))

        self.assertContains(answer, "Your roles do not permit this.")
        self.assertNotContains(answer, 'value="Create"')
        self.assertEqual(self.service.asked(), [])

    def test_rules_of_an_operator_stay(self) -> None:
        with override_settings(POLICY_FILES={"instance-images": "/etc/own.yaml"}):
            exec((SNIPPET / "_1055_instance_images.py").read_text(), {})

            self.assertEqual(settings.POLICY_FILES["instance-images"], "/etc/own.yaml")
