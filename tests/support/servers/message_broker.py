"""RabbitMQ for the tests: a plain process with a directory, ports and a name server of its own."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

PATIENCE_SECONDS = 60.0
# Debian's command of that name in PATH changes to a user of its own, which has no rights here.
_PATH = "/usr/lib/rabbitmq/bin:/usr/sbin:/usr/bin:/bin"


class MessageBroker:
    """A RabbitMQ on 127.0.0.1 that can be stopped and started again with what it has stored."""

    def __init__(self, directory: Path) -> None:
        server = shutil.which("rabbitmq-server", path=_PATH)
        epmd = shutil.which("epmd")
        if server is None or epmd is None:
            raise RuntimeError(
                "RabbitMQ is missing: install it (Debian: apt install rabbitmq-server)"
            )
        self._server, self._epmd = server, epmd
        self._directory = directory
        self._port, self._name_port, distribution_port = _free_ports(3)
        self._process: subprocess.Popen[bytes] | None = None
        plugins = directory / "enabled_plugins"
        plugins.write_text("[].\n")
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(directory),
            "ERL_EPMD_PORT": str(self._name_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": f"t{uuid.uuid4().hex[:8]}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self._port),
            "RABBITMQ_DIST_PORT": str(distribution_port),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
            "RABBITMQ_MNESIA_BASE": str(directory / "mnesia"),
            "RABBITMQ_LOG_BASE": str(directory / "log"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(plugins),
            "RABBITMQ_CONFIG_FILE": str(directory / "none"),
            "RABBITMQ_PID_FILE": str(directory / "pid"),
        }

    @property
    def url(self) -> str:
        """Where it answers, as oslo.messaging writes it."""
        return f"rabbit://guest:guest@127.0.0.1:{self._port}/"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        with (self._directory / "output").open("ab") as output:
            self._process = subprocess.Popen(
                [self._server],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                said = (self._directory / "output").read_text()[-2000:]
                raise RuntimeError(f"RabbitMQ did not start:\n{said}")
            time.sleep(0.1)

    def stop(self) -> None:
        """End it; what is durable in it stays."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGTERM)
            self._process.wait(PATIENCE_SECONDS)
            self._process = None

    def end(self) -> None:
        """End it, and its name server, which it has started."""
        self.stop()
        subprocess.run(
            [self._epmd, "-port", str(self._name_port), "-kill"],
            env=self._environment,
            capture_output=True,
            check=False,
        )

    def _answers(self) -> bool:
        with (
            contextlib.suppress(OSError),
            socket.create_connection(("127.0.0.1", self._port), 1) as s,
        ):
            s.settimeout(5)
            s.sendall(b"AMQP\x00\x00\x09\x01")
            return bool(s.recv(1))
        return False


@contextlib.contextmanager
def message_broker(directory: Path) -> Iterator[MessageBroker]:
    """Run a broker in the directory, and end it afterwards."""
    broker = MessageBroker(directory)
    try:
        broker.start()
        yield broker
    finally:
        broker.end()


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
