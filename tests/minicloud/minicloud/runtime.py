"""What a service's module needs to start its service in this process.

A service runs whole in one process, on native threads, with ``fake://`` in place of a broker.
"""

import importlib
import os
import socket
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from wsgiref.types import WSGIApplication

from minicloud import wsgi
from minicloud.cloud import Cloud
from minicloud.faults import FaultInjector
from minicloud.processes import die_with

RPC_URL = "fake://"
HOST_NAME = "minicloud"


@dataclass(frozen=True, slots=True)
class Runtime:
    """The process of one service; ``first`` means that its database is still to be made."""

    cloud: Cloud
    service: str
    listener: socket.socket
    first: bool
    started_at: float

    def note(self, text: str) -> None:
        """Write a line with the process's age into its log."""
        age_seconds = time.monotonic() - self.started_at
        print(f"[{age_seconds:6.2f} s] {text}", file=sys.stderr, flush=True)

    def serve(self, application: WSGIApplication) -> None:
        """Answer requests from now on."""
        faults = FaultInjector(self.service, self.cloud.faults_file, self.cloud.run(""))
        wsgi.serve(application, self.listener, faults)

    def is_ready(self) -> None:
        """Tell the other processes that this service answers."""
        self.note("ready")
        self.cloud.run(f"{self.service}.ready").touch()

    def wait_for(self, *services: str, timeout_seconds: float = 120) -> None:
        """Wait until other services answer."""
        deadline = time.monotonic() + timeout_seconds
        for service in services:
            while not self.cloud.run(f"{service}.ready").exists():
                if time.monotonic() > deadline:
                    raise TimeoutError(f"{service} did not come up")
                time.sleep(0.02)

    def once(self, what: str, function: Callable[[], Any], argv: list[str]) -> None:
        """Run a management command's main() in a fork: nothing of its global state stays here."""
        began = time.monotonic()
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            die_with(parent)
            os._exit(exit_code_of(function, argv))
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        self.note(f"{what}: exit {code} after {time.monotonic() - began:.2f} s")
        if code:
            raise RuntimeError(f"{what} failed")


def exit_code_of(function: Callable[[], Any], argv: list[str]) -> int:
    """Run a command's main() with its arguments; its complaints go to the log."""
    sys.argv = argv
    try:
        return function() or 0
    except SystemExit as exit:
        return exit.code if isinstance(exit.code, int) else int(exit.code is not None)
    except BaseException:
        traceback.print_exc()
        return 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()


def privileged_here(*modules: str) -> None:
    """Run privileged functions in this process instead of in a daemon started by sudo."""
    from oslo_privsep import priv_context

    for name in modules:
        for value in vars(importlib.import_module(name)).values():
            if isinstance(value, priv_context.PrivContext):
                value.set_client_mode(False)
