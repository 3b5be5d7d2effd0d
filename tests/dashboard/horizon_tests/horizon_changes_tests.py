"""The changes to Horizon's classes: each is made, made once, and left out where Horizon differs."""

from unittest import mock

from django.test import SimpleTestCase
from horizon import tables
from openstack_dashboard.dashboards.project.instances.tables import InstancesTable
from openstack_dashboard.dashboards.project.instances.views import DetailView

from instance_images_dashboard import horizon_changes
from instance_images_dashboard.content.instance_image.actions import CreateImage

from horizon_tests.service import ServiceTestCase


class First(tables.Action):
    """An action of another plug-in."""

    name = "first"

    def single(self, *arguments: object) -> None:
        """Do nothing."""


class HeaderTests(ServiceTestCase):
    """The button in the header of an instance."""

    def header(self) -> str:
        view = DetailView()
        view.request = self.request
        return str(view._get_actions(self.servers.first()))

    def test_header_has_the_button_before_the_actions_of_horizon(self) -> None:
        horizon_changes.apply_all()

        shown = self.header()

        self.assertEqual(shown.count('id="instance_image_button"'), 1)
        self.assertLess(shown.index("fa-camera"), shown.index("Create Snapshot"))

    def test_header_without_the_action_is_that_of_horizon(self) -> None:
        with mock.patch.object(CreateImage, "allowed", return_value=False):
            shown = self.header()

        self.assertNotIn("instance_image_button", shown)
        self.assertIn("Create Snapshot", shown)

    def test_header_is_shown_whatever_happens_to_the_button(self) -> None:
        trouble = TypeError("row actions are gone")
        with (
            mock.patch.object(horizon_changes, "image_button", side_effect=trouble),
            self.assertLogs(horizon_changes.LOG, "WARNING"),
        ):
            self.assertIn("Create Snapshot", self.header())


class RowActionTests(SimpleTestCase):
    """Adding an action to the rows of a table."""

    def table(self) -> type:
        class Table(tables.DataTable):
            class Meta:
                row_actions = (First,)

        return Table

    def names(self, table: type) -> list[str]:
        return [one.name for one in table._meta.row_actions]  # type: ignore[attr-defined]

    def test_instances_have_the_action_once(self) -> None:
        horizon_changes.apply_all()

        self.assertEqual(self.names(InstancesTable).count("instance_image"), 1)

    def test_action_comes_after_the_one_named_or_first(self) -> None:
        after, first = self.table(), self.table()

        horizon_changes.add_row_action(after, CreateImage, after="first")
        horizon_changes.add_row_action(first, CreateImage, after="nothing")

        self.assertEqual(self.names(after), ["first", "instance_image"])
        self.assertEqual(self.names(first), ["instance_image", "first"])

    def test_table_that_is_not_as_expected_stays_as_it_is(self) -> None:
        table = self.table()
        table._meta.row_actions = None  # type: ignore[attr-defined]

        with self.assertRaises(horizon_changes.UnexpectedPlace):
            horizon_changes.add_row_action(table, CreateImage, after="first")

    def test_change_that_cannot_be_made_is_a_warning_and_the_others_are_made(self) -> None:
        made = []

        def broken() -> None:
            raise AttributeError("InstancesTable is gone")

        def works() -> None:
            made.append(True)

        with self.assertLogs(horizon_changes.LOG, "WARNING") as logged:
            horizon_changes.apply((broken, works))

        self.assertEqual(made, [True])
        self.assertIn("InstancesTable is gone", logged.output[0])
