"""Help must feel instant: it imports neither the database nor the cloud nor the options."""

import subprocess
import sys

import pytest

HEAVY = ("jinja2", "openstack", "oslo_config", "pandas", "requests", "sqlalchemy", "yaml")


@pytest.mark.parametrize("arguments", [["--help"], ["report", "--help"], ["image", "--help"]])
def test_help_imports_no_heavy_library(arguments: list[str]) -> None:
    code = (
        "import sys; from instance_images.commands.main import run;"
        f"assert run({arguments!r}) == 0;"
        f"print(sorted({{*{HEAVY!r}}} & {{*sys.modules}}))"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.splitlines()[-1] == "[]"
