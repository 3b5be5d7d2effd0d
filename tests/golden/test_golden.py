"""The rendered reports, compared with the files beside this one.

A change that is meant is taken over with ``UPDATE_GOLDEN=1``, and then read as a diff.
"""

import os
from pathlib import Path

import pytest

from instance_images_reports.formats.registry import render
from instance_images_reports.presentation import DEFAULT_PRESENTATION, Presentation

from support.statements import sample_statements

HERE = Path(__file__).parent
GERMAN = Presentation(locale="de_DE")


@pytest.mark.parametrize(
    ("file", "presentation"),
    [
        ("cloud-usage.html", DEFAULT_PRESENTATION),
        ("cloud-usage.text", DEFAULT_PRESENTATION),
        ("cloud-usage.csv", DEFAULT_PRESENTATION),
        ("cloud-usage.json", DEFAULT_PRESENTATION),
        ("cloud-usage-de.html", GERMAN),
        ("cloud-usage-de.text", GERMAN),
    ],
)
def test_report_is_as_it_was_agreed(file: str, presentation: Presentation) -> None:
    golden = HERE / file
    content = render(golden.suffix[1:], sample_statements.adjusted(), presentation).decode()

    if os.environ.get("UPDATE_GOLDEN") == "1":
        golden.write_text(content, encoding="utf-8", newline="")
    assert content == golden.read_bytes().decode("utf-8")
