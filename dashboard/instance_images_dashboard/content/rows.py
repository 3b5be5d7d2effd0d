"""Rows as Horizon shows them, without a template for each cell and each button.

Horizon's own rows use templates for each of them, and check the policy for each button: a page with
100 images then takes three times as long. Here the policy is checked once for each action, and a
template is used once for each set of buttons: for a model, whose ids are then replaced.
"""

import copy
from functools import cached_property
from typing import Any

from django.forms.utils import flatatt
from django.utils.html import escape, format_html, format_html_join
from django.utils.safestring import mark_safe
from horizon import tables
from horizon.conf import HORIZON_CONFIG
from horizon.forms.fields import ThemableCheckboxInput
from openstack_dashboard import policy

from instance_images_dashboard import api

# Ids of the model. They have the form of an id, so the model is allowed what a record is.
_MODEL_IDS = {
    "id": "00000000-0000-0000-0000-00000000a001",
    "cloud_image_id": "00000000-0000-0000-0000-00000000a002",
}


class LeanTable(tables.DataTable):
    """A table whose rows have the same buttons and check boxes, but for their ids."""

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._buttons: dict[tuple[str, ...], str] = {}

    @cached_property
    def permitted_actions(self) -> list[Any]:
        """The row actions that the policy permits the user."""
        actions = [self.base_actions[one.name] for one in self._meta.row_actions]
        return [
            one
            for one in actions
            if not one.policy_rules or policy.check(one.policy_rules, self.request, {})
        ]

    def render_row_actions(self, datum: Any, row: bool = False) -> Any:
        """Return the buttons of a row."""
        allowed = [one for one in self.permitted_actions if one.allowed(self.request, datum)]
        names = tuple(one.name for one in allowed)
        if names not in self._buttons:
            self._buttons[names] = super().render_row_actions(_model_of(datum), row)
        return _with_ids_of(datum, self._buttons[names])

    @cached_property
    def _check_box(self) -> str:
        widget = ThemableCheckboxInput(check_test=lambda _: False)
        model_id = _MODEL_IDS["id"]
        attributes = {"class": "table-row-multi-select", "id": f"{self.name}__select_{model_id}"}
        return str(widget.render("object_ids", model_id, attributes))

    def render_check_box(self, datum: Any) -> Any:
        """Return what selects a row."""
        return _with_ids_of(datum, self._check_box)


class LeanRow(tables.Row):
    """A row of a ``LeanTable``, whose columns are simple: no inline edit, no truncation.

    A column's ``link`` is a function of the record.
    """

    datum: Any

    def load_cells(self, datum: Any = None) -> None:
        """Take the record; its cells are made when they are shown."""
        self.datum = datum or self.datum
        self.id = f"{self.table.name}__row__{self.datum.id}"

    def render(self) -> Any:
        """Return the row."""
        cells = format_html_join(
            "", "{}", ((self._cell(column),) for column in self.table.columns.values())
        )
        return format_html("<tr{}>{}</tr>", flatatt(self._row_attributes()), cells)

    def _row_attributes(self) -> dict[str, Any]:
        table, datum = self.table, self.datum
        attributes = {
            "id": self.id,
            "data-object-id": datum.id,
            "class": " ".join([*self.classes, self.status_class]),
        }
        display_name = table.get_object_display(datum)
        if display_name:
            attributes["data-display"] = escape(display_name)
            attributes["data-display-key"] = escape(table.get_object_display_key(datum))
        if self.ajax:
            attributes["data-update-interval"] = HORIZON_CONFIG["ajax_poll_interval"]
            attributes["data-update-url"] = self.get_ajax_update_url()
            attributes["class"] = f"ajax-update {attributes['class']}"
        return attributes

    @property
    def status(self) -> bool | None:
        """Whether the record is fine: False for an error, None in transition."""
        columns = self.table.columns
        return self.table.calculate_row_status(
            {name: self._status(columns[name]) for name in self.table._meta.status_columns}
        )

    def _status(self, column: Any) -> bool | None:
        text = str(column.get_raw_data(self.datum)).lower()
        return next((value for name, value in column.status_choices if name == text), None)

    def _cell(self, column: Any) -> Any:
        table, datum = self.table, self.datum
        if column.auto == "multi_select":
            return self._in_cell(column, table.render_check_box(datum))
        if column.auto == "actions":
            return self._in_cell(column, table.render_row_actions(datum))
        value = column.get_data(datum)
        if value is None:
            value = column.empty_value
        url = column.link(datum) if column.link else None
        if url:
            value = format_html('<a href="{}">{}</a>', url, value)
        return self._in_cell(column, value, bool(url))

    def _in_cell(self, column: Any, value: Any, is_link: bool = False) -> Any:
        """Return a cell as ``horizon/common/_data_table_cell.html`` has it."""
        classes = dict.fromkeys(one for one in column.classes if is_link or one != "anchor")
        if column.status:
            classes[_STATUS_CLASSES[self._status(column)]] = None
        of_column = column.cell_attributes_getter
        attributes = {
            **(of_column(column.get_raw_data(self.datum)) if of_column else {}),
            **self.cell_attributes(column),
            "class": " ".join(classes),
        }
        return format_html("<td{}>{}</td>", flatatt(attributes), value)

    def cell_attributes(self, column: Any) -> dict[str, str]:
        """Return further attributes of the record's cell in a column."""
        return {}


_STATUS_CLASSES = {True: "status_up", False: "status_down", None: "warning"}


def _model_of(datum: Any) -> Any:
    """Return the record with the ids of the model, where it has any."""
    model = copy.copy(datum)
    for name, model_id in _MODEL_IDS.items():
        if api.is_id(getattr(datum, name, None) or ""):
            setattr(model, name, model_id)
    return model


def _with_ids_of(datum: Any, content: str) -> Any:
    """Return what was made for the model with the ids of a record: nothing else comes from it."""
    for name, model_id in _MODEL_IDS.items():
        value = getattr(datum, name, None) or ""
        if api.is_id(value):
            content = content.replace(model_id, value)
    return mark_safe(content)  # noqa: S308 - made by templates, and ids that were checked
