"""The environment that Horizon and the dashboard are installed in: not the tests' own."""

import os
from pathlib import Path

from support.clouds.embedded_cloud import CHECKOUT


def dashboard_python() -> Path:
    """Return the interpreter of the dashboard's environment; raises if it is not installed."""
    name = os.environ.get("DASHBOARD_PYTHON")
    path = Path(name) if name else CHECKOUT / ".dev" / "dashboard-venv" / "bin" / "python"
    if not path.exists():
        raise RuntimeError(f"{path} does not exist: run ./dev test, which installs it")
    return path
