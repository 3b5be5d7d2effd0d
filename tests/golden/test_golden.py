"""The rendered reports, compared with the files beside this one.

A change that is meant is taken over with ``UPDATE_GOLDEN=1``, and then read as a diff.
"""

import os
import re
from pathlib import Path

import pytest

import sample_statements
from instance_images_reports.formats import FORMATS, render

HERE = Path(__file__).parent


@pytest.mark.parametrize("name", list(FORMATS))
def test_report_is_as_it_was_agreed(name: str) -> None:
    golden = HERE / f"cloud-usage.{name}"

    content = _without_charts(render(name, sample_statements.adjusted()).decode())

    if os.environ.get("UPDATE_GOLDEN") == "1":
        golden.write_text(content, encoding="utf-8", newline="")
    assert content == golden.read_bytes().decode("utf-8")


def _without_charts(content: str) -> str:
    """Leave the charts out: how they are drawn differs between versions of matplotlib."""
    return re.sub(r"<svg .*?</svg>", "<svg/>", content, flags=re.DOTALL)
