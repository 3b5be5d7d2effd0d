"""The real ``openstack`` client as the tests use it: in this process, for a clouds.yaml."""

import contextlib
import io
import json
import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml
from openstackclient.common.clientmanager import PLUGIN_MODULES
from openstackclient.shell import OpenStackShell
from osc_lib.clientmanager import ClientManager


@dataclass(frozen=True, slots=True)
class Result:
    """What a command left: its exit code and what it printed."""

    exit_code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it printed, read as JSON."""
        return json.loads(self.out)


@dataclass(frozen=True)
class OpenStackClient:
    """Runs ``openstack`` with one of the clouds of a clouds.yaml."""

    clouds_yaml: Path
    cloud: str

    def __call__(self, *words: str) -> Result:
        """Run one command; its output is no terminal."""
        out, err = io.StringIO(), io.StringIO()
        for plugin in PLUGIN_MODULES:  # a process has one user, as a rule
            vars(ClientManager)[plugin.API_NAME]._handle = None
        with (
            _environment(OS_CLIENT_CONFIG_FILE=str(self.clouds_yaml)),
            _own_logging(),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            try:
                code = OpenStackShell().run(["--os-cloud", self.cloud, *words])
            except SystemExit as end:  # of argparse
                code = int(end.code or 0)
        return Result(code, out.getvalue(), err.getvalue())

    def ok(self, *words: str) -> Result:
        """Run one command below 'custom image' that must succeed."""
        result = self("custom", "image", *words)
        assert result.exit_code == 0, f"{words}: {result}"
        return result

    def json(self, *words: str) -> Any:
        """Run one command below 'custom image' with ``-f json``, and return what it printed."""
        return self.ok(*words, "-f", "json").json

    def refused(self, message: str, *words: str) -> Result:
        """Run one command below 'custom image' that must fail with this message."""
        result = self("custom", "image", *words)
        assert result.exit_code == 1, f"{words}: {result}"
        assert message in result.err, f"{words}: {result}"
        assert "Traceback" not in result.err
        return result

    def with_settings(self, directory: Path, **settings: Any) -> "OpenStackClient":
        """Return a client of the same user with more settings in its entry of clouds.yaml."""
        document = yaml.safe_load(self.clouds_yaml.read_text())
        entry = document["clouds"][self.cloud] | settings
        path = directory / f"clouds-{len(list(directory.iterdir()))}.yaml"
        path.write_text(yaml.safe_dump({"clouds": {self.cloud: entry}}))
        return replace(self, clouds_yaml=path)


@contextlib.contextmanager
def _environment(**variables: str) -> Iterator[None]:
    """Set variables, and hide those of the user's own cloud."""
    before = dict(os.environ)
    for name in [name for name in os.environ if name.startswith("OS_")]:
        del os.environ[name]
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextlib.contextmanager
def _own_logging() -> Iterator[None]:
    """Take away the handlers that the client adds; a process runs many clients."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    try:
        yield
    finally:
        root.handlers, root.level = handlers, level


def complete() -> str:
    """Return the script of 'openstack complete', which needs no cloud."""
    out = io.StringIO()
    with _environment(), _own_logging(), contextlib.redirect_stdout(out):
        OpenStackShell().run(["complete"])
    return out.getvalue()
