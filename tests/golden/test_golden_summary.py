"""The rendered summary over all accounts, compared with the files beside this one."""

import os
from pathlib import Path

import pytest

from instance_images_reports.summary.formats import SUMMARY_FORMATS, render_summary

from support.statements import sample_summary

HERE = Path(__file__).parent


@pytest.mark.parametrize("name", list(SUMMARY_FORMATS))
def test_summary_is_as_it_was_agreed(name: str) -> None:
    golden = HERE / f"summary.{name}"

    content = render_summary(name, sample_summary.summary(), sample_summary.paths()).decode()

    if os.environ.get("UPDATE_GOLDEN") == "1":
        golden.write_text(content, encoding="utf-8", newline="")
    assert content == golden.read_bytes().decode("utf-8")
