"""The unit tests of the dashboard, which need Horizon, in its environment."""

import os
import subprocess

from support.clouds.embedded_cloud import CHECKOUT
from support.dashboard.environment import dashboard_python


def test_unit_tests_of_the_dashboard_pass_in_the_environment_of_horizon() -> None:
    environment = {
        **{name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        "DJANGO_SETTINGS_MODULE": "horizon_tests.settings",
        "PYTHONPATH": str(CHECKOUT / "tests" / "dashboard"),
    }
    command = [dashboard_python().with_name("django-admin"), "test", "--pattern", "*_tests.py"]

    done = subprocess.run(
        [*command, "horizon_tests"],
        cwd=CHECKOUT / "tests" / "dashboard",
        env=environment,
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "Ran 0 tests" not in done.stderr
