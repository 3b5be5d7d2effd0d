"""Rows are those that Horizon's own classes and templates would show."""

import re
from typing import Any
from unittest import mock

from horizon import tables

from instance_images_dashboard import api
from instance_images_dashboard.content.my_images.tables import ImagesTable, TasksTable

from horizon_tests.service import LOCATION, ServiceTestCase, image, task

OTHER_ID = "55555555-5555-4555-8555-555555555555"
HOSTILE = """<b onmouseover='x'>"{$ 1 $}&amp;\N{RIGHT-TO-LEFT OVERRIDE}"""
IMAGES = (
    image(),
    image(status="creating", size_bytes=None, cloud_image_id=None),
    image(status="error", task_id=None),
    image(status="error", error=None, size_bytes=None, cloud_image_id=None),
    image(status="deleting"),
    image(status="unheard-of", cloud_image_id="not-an-id"),
    image(name=HOSTILE, source_instance_name=HOSTILE),
    image(name="", source_instance_id=None, source_instance_name=None),
    image(source_instance_name=None, source_instance_id=HOSTILE),
    image(location=HOSTILE, created_at=None),
)
TASKS = (
    task(),
    task(state="failed", error=HOSTILE, image_name=HOSTILE),
    task(state="failed", kind="deploy", stage=HOSTILE),
    task(state="succeeded", kind="delete", image_name=None, progress=None),
)


class RowsTests(ServiceTestCase):
    """Rows, their cells, buttons and check boxes."""

    def table(self, kind: Any, records: Any) -> Any:
        table = kind(self.request, [api.Record(fields) for fields in records])
        several = {"locations": [LOCATION, {**LOCATION, "name": "RegionTwo"}]}
        self.service.answers["GET", "/locations"] = (200, several)
        if kind is ImagesTable:
            table.with_prices(table.data)
        return table

    def assert_same_as_horizons(self, kind: Any, records: Any) -> None:
        for fields in records:
            with self.subTest(fields):
                ours, horizons = (self.table(kind, [fields]) for _ in range(2))
                row = kind._meta.row_class(ours, ours.data[0]).render()

                with mock.patch.object(
                    kind, "render_row_actions", tables.DataTable.render_row_actions
                ):
                    expected = HorizonRow(horizons, horizons.data[0]).render()

                self.assertHTMLEqual(_without_random_ids(row), _without_random_ids(expected))

    def test_rows_of_images_are_those_of_horizon(self) -> None:
        self.assert_same_as_horizons(ImagesTable, IMAGES)

    def test_rows_of_tasks_are_those_of_horizon(self) -> None:
        self.assert_same_as_horizons(TasksTable, TASKS)

    def test_each_row_has_buttons_for_its_own_image(self) -> None:
        other = image(id=OTHER_ID, cloud_image_id="66666666-6666-4666-8666-666666666666")
        table = self.table(ImagesTable, [image(), other])

        first, second = (row.render() for row in table.get_rows())

        for row, own, others in ((first, image(), other), (second, other, image())):
            self.assertIn(f"my_images__delete__{own['id']}", row)
            self.assertIn(f'value="{own["id"]}"', row)
            self.assertIn(f"imageId: &#x27;{own['cloud_image_id']}&#x27;", row)
            self.assertNotIn(others["id"], row)
            self.assertNotIn(others["cloud_image_id"], row)
            self.assertNotIn("00000000-0000", row)

    def test_policy_is_asked_as_often_for_many_rows_as_for_one(self) -> None:
        ids = [f"11111111-1111-4111-8111-{n:012d}" for n in range(50)]
        asked: list[Any] = []

        def permits(*told: Any) -> bool:
            asked.append(told)
            return True

        with self.settings(POLICY_CHECK_FUNCTION=permits):
            self.rows([image()])
            for_one = len(asked)
            self.rows([image(id=one) for one in ids])

        self.assertGreater(for_one, 0)
        self.assertEqual(len(asked), 2 * for_one)

    def rows(self, records: Any) -> list[str]:
        return [row.render() for row in self.table(ImagesTable, records).get_rows()]

    def test_action_that_the_policy_forbids_is_on_no_row(self) -> None:
        def permits(rules: Any, *_: Any) -> bool:
            return (api.SERVICE_TYPE, "images:delete") not in rules

        with self.settings(POLICY_CHECK_FUNCTION=permits):
            rows = self.rows([image(), image(id=OTHER_ID, status="error")])

        self.assertNotIn("__delete__", "".join(rows))
        self.assertIn("openLaunchInstanceWizard", rows[0])
        self.assertIn("__retry__", rows[1])


class HorizonRow(tables.Row):
    """Horizon's own, which asks for itself as ours does."""

    ajax = True


def _without_random_ids(row: str) -> str:
    """Return a row without the ids of check boxes and their labels, which Horizon makes up."""
    box = re.search(r'<input[^>]* id="([^"]*)"', row)
    return row.replace(box[1], "BOX") if box else row
