"""``python -m minicloud.supervisor STATE [--first]``: the parent of the cloud's processes.

It binds the ports, writes the configuration, loads what the services have in common, forks one
process per service and then waits. The cloud lives as long as the supervisor, and the supervisor
as long as its standard input, unless it reads the word ``detach`` there. When a service ends that
was not switched off, all end. A service is switched off, by hand or by a test, by a file
``run/NAME.off``; removing the file starts it again on its port.
"""

import dataclasses
import gc
import importlib
import os
import select
import signal
import socket
import sys
import threading
import time
import traceback
import types
import warnings
from pathlib import Path

from minicloud import clients, ports, preload, processes, template
from minicloud.cloud import Cloud, load
from minicloud.runtime import Runtime

TICK_SECONDS = 0.1
PATIENCE_SECONDS = 5.0


class Supervisor:
    """The cloud's processes, and which of them should run."""

    def __init__(self, cloud: Cloud, first: bool, listeners: dict[str, socket.socket]) -> None:
        self._cloud = cloud
        self._first = first
        self._listeners = listeners
        self._children: dict[str, int] = {}

    def start_all(self) -> None:
        """Fork a process for every service."""
        for name in self._cloud.processes:
            if not self._cloud.run(f"{name}.off").exists():
                self._start(name)
        for listener in self._listeners.values():
            listener.close()
        self._listeners.clear()
        self._first = False  # a service switched on again finds its database

    def _start(self, name: str) -> None:
        supervisor = os.getpid()
        pid = os.fork()
        if pid == 0:
            try:
                processes.die_with(supervisor)
                run_service(self._cloud, name, self._listeners, self._first)
            except BaseException:
                traceback.print_exc()
            finally:
                sys.stderr.flush()
                os._exit(1)
        self._children[name] = pid
        processes.record(self._cloud.run(f"{name}.pid"), pid)

    def watch(self) -> str:
        """Wait until there is a reason to end, and return it."""
        detached = False
        while True:
            if detached:
                time.sleep(TICK_SECONDS)
            elif select.select([0], [], [], TICK_SECONDS)[0]:
                words = os.read(0, 100)
                if not words:
                    return "whoever started the cloud has ended"
                detached = b"detach" in words
            if ended := self._reap():
                return f"{ended} ended by itself: see its log"
            self._switch()

    def _reap(self) -> str | None:
        """Forget children that have ended; name one that should not have."""
        for name, pid in list(self._children.items()):
            if os.waitpid(pid, os.WNOHANG)[0]:
                del self._children[name]
                # Before the pid file goes: whoever waits for that may switch it on again at once.
                was_switched_off = self._cloud.run(f"{name}.off").exists()
                self._cloud.run(f"{name}.ready").unlink(missing_ok=True)
                self._cloud.run(f"{name}.pid").unlink(missing_ok=True)
                if not was_switched_off:
                    return name
        return None

    def _switch(self) -> None:
        """End the services that have been switched off, start those switched on again."""
        for name in self._cloud.processes:
            off = self._cloud.run(f"{name}.off").exists()
            if off and name in self._children:
                ask_to_end(self._children[name])
            elif not off and name not in self._children:
                self._listeners[name] = ports.listen(self._cloud.ports[name])
                self._start(name)
                self._listeners.pop(name).close()

    def end_all(self) -> None:
        """End every process, kindly first."""
        for pid in self._children.values():
            ask_to_end(pid)
        deadline = time.monotonic() + PATIENCE_SECONDS
        for name, pid in self._children.items():
            while not os.waitpid(pid, os.WNOHANG)[0]:
                if time.monotonic() > deadline:
                    print(f"{name} had to be killed", flush=True)
                    os.kill(pid, signal.SIGKILL)
                    os.waitpid(pid, 0)
                    break
                time.sleep(0.01)
            for suffix in ("pid", "ready"):
                self._cloud.run(f"{name}.{suffix}").unlink(missing_ok=True)


def run_service(cloud: Cloud, name: str, listeners: dict[str, socket.socket], first: bool) -> None:
    """Be the process of one service; returns only by an exception."""
    end_when_signalled()
    for other, listener in listeners.items():
        if other != name:
            listener.close()
    log = os.open(cloud.log(name), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    signal.signal(signal.SIGUSR1, log_stacks)
    if name not in preload.WITHOUT_EVENTLET:
        preload.allow_eventlet()
    module = "nonet" if name == "neutron" and name not in cloud.services else name
    runtime = Runtime(cloud, name, listeners[name], first, time.monotonic())
    kept = importlib.import_module(f"minicloud.services.{module}").start(runtime)
    end_when_signalled()  # the service may have set handlers of its own
    from sqlalchemy import orm

    orm.configure_mappers()  # not by the first two requests at a time
    runtime.is_ready()
    threading.Event().wait()
    del kept


def end_when_signalled() -> None:
    """Leave ending to the kernel, at once: the databases are made for that.

    A handler in Python would run in the main thread, which may sleep through a signal that another
    thread has taken.
    """
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signal_number, signal.SIG_DFL)


def log_stacks(signal_number: int, frame: types.FrameType | None) -> None:
    """Log where every thread is, for whoever asks why a service hangs (kill -USR1)."""
    for thread, top in sys._current_frames().items():
        print(f"Thread {thread}", "".join(traceback.format_stack(top)), sep="\n", file=sys.stderr)


def ask_to_end(child: int) -> None:
    """Signal a child that has not been waited for, so that the pid is still its own."""
    os.kill(child, signal.SIGTERM)
    os.kill(child, signal.SIGCONT)  # a test may have paused it


def prepare(cloud: Cloud, first: bool) -> tuple[Cloud, dict[str, socket.socket]]:
    """Bind the ports, and write everything that depends on them."""
    listeners = {name: ports.listen_again(cloud.ports.get(name, 0)) for name in cloud.processes}
    numbers = {name: listener.getsockname()[1] for name, listener in listeners.items()}
    cloud = dataclasses.replace(cloud, ports=numbers)
    for name in cloud.services:
        importlib.import_module(f"minicloud.services.{name}").configure(cloud)
    if not first:
        template.relocate(cloud)
    clients.write(cloud)
    cloud.save()
    return cloud, listeners


def main() -> None:
    """Run a cloud."""
    warnings.simplefilter("ignore")
    began = time.monotonic()
    saved, first = load(Path(sys.argv[1])), "--first" in sys.argv
    assert saved is not None, "whoever starts a supervisor has saved the cloud"
    sys.argv = ["minicloud"]
    cloud, listeners = prepare(saved, first)
    preload.load()
    from minicloud import messages  # oslo.messaging is loaded without eventlet now

    messages.register()
    print(f"preloaded after {time.monotonic() - began:.2f} s", flush=True)
    gc.collect()
    gc.freeze()  # keeps the collector off the pages that the services share
    supervisor = Supervisor(cloud, first, listeners)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("asked to end"))
    signal.signal(signal.SIGINT, lambda *_: sys.exit("interrupted"))
    reason = "failed"
    try:
        supervisor.start_all()
        reason = supervisor.watch()
    finally:
        for signal_number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(signal_number, signal.SIG_IGN)
        supervisor.end_all()
    sys.exit(reason)


if __name__ == "__main__":
    main()
