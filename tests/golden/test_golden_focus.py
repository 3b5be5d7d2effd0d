"""The FOCUS data sets, compared with the folders beside this file, one for each version.

A change that is meant is taken over with ``UPDATE_GOLDEN=1``, and then read as a diff.
"""

import os
import shutil
from pathlib import Path

import pytest

from instance_images_reports.formats.datasets import write_dataset
from instance_images_reports.presentation import VERSIONS, FocusOptions, Presentation

from support.statements import sample_statements

HERE = Path(__file__).parent


@pytest.mark.parametrize("version", VERSIONS)
def test_focus_is_as_it_was_agreed(version: str, tmp_path: Path) -> None:
    golden = HERE / f"focus-{version}"
    presentation = Presentation(focus=FocusOptions(version, "Example Cloud"))

    write_dataset("focus", tmp_path, [sample_statements.adjusted()], presentation)

    if os.environ.get("UPDATE_GOLDEN") == "1":
        shutil.copytree(tmp_path, golden, dirs_exist_ok=True)
    assert contents(tmp_path) == contents(golden)


def contents(folder: Path) -> dict[str, str]:
    return {path.name: path.read_bytes().decode() for path in sorted(folder.iterdir())}
