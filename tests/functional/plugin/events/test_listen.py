"""``listen`` takes what a real Glance tells a real RabbitMQ; nothing is lost when either stops."""

import contextlib
import itertools
import json
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from instance_images.db import notices
from instance_images.db.engine import Database
from instance_images.db.schema import upgrade
from instance_images.db.tables import images, news
from instance_images.doctor.broker import check_events
from instance_images.drivers.openstack.glance.images import cloud_image
from instance_images.instants import parse_instant
from instance_images.model.cloud import Notice, NoticeKind

from support.clouds.embedded_cloud import EmbeddedCloud, Project, wait_for
from support.processes.command_line import CommandLine, write_config
from support.processes.killing import was_killed
from support.servers.message_broker import MessageBroker, message_broker

PATIENCE_SECONDS = 60.0
BYTES = b"x" * 4096


class Listener:
    """A running ``instance-images listen``."""

    def __init__(self, config_file: Path, *, at_once: bool = True) -> None:
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-u", "-m", "instance_images.commands.main"),
                *("--config-file", str(config_file), "listen"),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.lines: queue.Queue[str] = queue.Queue()
        self.complaints: list[str] = []
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        for stream, take in (
            (self.process.stdout, self.lines.put),
            (self.process.stderr, self.complaints.append),
        ):
            threading.Thread(target=lambda s, t: [t(x) for x in s], args=(stream, take)).start()
        word = "Listening" if at_once else "Waiting"
        wait_for(lambda: any(word in line for line in self.complaints), "the listener")

    def hears(self, *words: str) -> str:
        """Return the next line with all these words; what comes before it is passed over."""
        while True:
            line = self.lines.get(timeout=PATIENCE_SECONDS)
            if all(word in line for word in words):
                return line

    def end(self) -> int:
        """Ask it to end, and return its exit code."""
        self.process.terminate()
        return self.process.wait(PATIENCE_SECONDS)


@contextlib.contextmanager
def listening(cli: CommandLine, *, at_once: bool = True) -> Iterator[Listener]:
    """Run a listener; unless ``at_once``, its broker does not answer yet."""
    listener = Listener(cli.config_file, at_once=at_once)
    try:
        yield listener
    finally:
        listener.process.kill()
        listener.process.wait()


# ------------------------------------------------------------------------- configuration


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({}, "no location has events_url"),
        ({"location": "events_url = hunter2"}, "events_url is not the URL of a message broker"),
        ({"location": "events_url = http://u:hunter2@x/"}, "events_url is not the URL"),
        ({"location": "events_url = rabbit://u:hunter2@x:port/"}, "events_url is not the URL"),
        ({"location": "events_url = rabbit://"}, "events_url is not the URL"),
        (
            {
                "location": "events_url = rabbit://u:hunter2@x/",
                "oslo_messaging_rabbit": "sll = true",
            },
            "option sll in [oslo_messaging_rabbit] is unknown",
        ),
        (
            {
                "location": "events_url = rabbit://u:hunter2@x/",
                "oslo_messaging_rabbit": "ssl = perhaps",
            },
            "[oslo_messaging_rabbit]",
        ),
        (
            {
                "DEFAULT": "locations = RegionOne,RegionTwo",
                "location": "events_url = rabbit://u:hunter2@x/",
                "location:RegionTwo": "cloud = admin\nevents_url = rabbit://v:hunter2@x:5672/",
            },
            "events_url of RegionOne and RegionTwo name the same broker",
        ),
    ],
)
def test_what_cannot_be_listened_to_is_told_without_a_password(
    more: dict[str, str], message: str, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path / 'instance-images.db'}"
    cli = CommandLine(write_config(tmp_path / "instance-images.conf", url, **more))
    cli.ok("db", "upgrade")

    result = cli.refused(2, message, "listen")

    assert "hunter2" not in result.err
    assert len(result.err.splitlines()) == 1


def examined(directory: Path, **more: str) -> list[tuple[str | None, str]]:
    """Return what the doctor says of the message brokers, with the locations."""
    url = f"sqlite:///{directory / 'instance-images.db'}"
    config = write_config(directory / "instance-images.conf", url, **more)
    application = CommandLine(config).application
    found = list(check_events(application, application.settings.locations))
    assert not any("hunter2" in one.what + one.cure for one in found)
    return [(one.location, one.what) for one in found]


def test_the_doctor_finds_a_broker_that_takes_no_connection(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as there, socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))  # and does not listen
        answering, silent = there.getsockname()[1], bound.getsockname()[1]
        hosts = f"u:hunter2@127.0.0.1:{answering},u:hunter2@127.0.0.1:{silent}"

        [(location, what)] = examined(tmp_path, location=f"events_url = rabbit://{hosts}/")

    assert location == "RegionOne"
    assert what.startswith(f"The message broker at 127.0.0.1:{silent} does not accept connections")


def test_the_doctor_tells_what_waits_and_what_was_not_confirmed_today(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'instance-images.db'}")
    upgrade(database)
    body = {"id": str(uuid.uuid4()), "owner": "p", "status": "active", "size": 5, "min_disk": 0}
    body |= {"min_ram": 0, "visibility": "private"}
    body |= dict.fromkeys(("created_at", "updated_at"), "2026-11-28T10:00:00Z")
    notice = Notice(NoticeKind.ACTIVE, cloud_image(body), now())
    with database.writing() as connection:
        assert notices.postpone(connection, "RegionOne", notice, now())
        notices.count(connection, "RegionOne", {"unknown": 7, "newer": 2}, now())
        notices.count(connection, "RegionOne", {"still_there": 1}, now() - timedelta(days=2))
        notices.count(connection, "Elsewhere", {"unknown": 1}, now())

    with socket.create_server(("127.0.0.1", 0)) as there:
        url = f"rabbit://u:hunter2@127.0.0.1:{there.getsockname()[1]}/"
        [(_, waits), (_, unconfirmed)] = examined(tmp_path, location=f"events_url = {url}")

    assert waits.startswith("1 notification waits since")
    assert body["id"] in waits
    assert "2 newer, 7 about images that the image service does not have." in unconfirmed


def test_the_doctor_finds_brokers_that_cannot_be_listened_to(tmp_path: Path) -> None:
    bad = examined(tmp_path, location="events_url = hunter2")
    with socket.create_server(("127.0.0.1", 0)) as there:
        url = f"rabbit://u:hunter2@127.0.0.1:{there.getsockname()[1]}"
        shared = examined(
            tmp_path,
            DEFAULT="locations = RegionOne,RegionTwo,RegionThree",
            location=f"events_url = {url}/",
            **{
                "location:RegionTwo": f"cloud = admin\nevents_url = {url}",
                "location:RegionThree": f"cloud = admin\nevents_url = {url}/three",
            },
        )

    assert [(location, "is not the URL" in what) for location, what in bad] == [("RegionOne", True)]
    assert [location for location, _ in shared] == ["RegionOne", "RegionTwo"]
    assert all("of RegionOne and RegionTwo are one broker" in what for _, what in shared)


def test_the_doctor_ends_where_oslo_messaging_was_not_imported_before(tmp_path: Path) -> None:
    """In a process of its own: what the process that runs the tests has imported counts."""
    url = f"sqlite:///{tmp_path / 'instance-images.db'}"
    config = write_config(
        tmp_path / "instance-images.conf",
        url,
        DEFAULT="locations = RegionOne,RegionTwo",
        location="events_url = rabbit://u:hunter2@127.0.0.1:1/",
        **{"location:RegionTwo": "cloud = admin\nevents_url = rabbit://u:hunter2@127.0.0.1:1/b"},
    )
    program = (
        "import sys; from pathlib import Path;"
        "from instance_images.config.settings import load_settings;"
        "from instance_images.doctor.broker import check_events;"
        "from instance_images.locations.application import Application;"
        "application = Application(load_settings([Path(sys.argv[1])]));"
        "print(*(one.what for one in check_events(application, application.settings.locations)))"
    )
    command = [sys.executable, "-c", program, str(config)]

    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)

    assert done.stdout.count("The message broker at 127.0.0.1:1 does not accept connections") == 2


# ---------------------------------------------------------------------------- for real


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MessageBroker]:
    with message_broker(tmp_path_factory.mktemp("broker")) as made:
        yield made


@pytest.fixture(scope="module")
def telling_cloud(
    broker: MessageBroker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[EmbeddedCloud]:
    """A cloud that sends notifications."""
    directory = tmp_path_factory.mktemp("cloud")
    with EmbeddedCloud.running(directory, services=(), notify_url=broker.url) as cloud:
        yield cloud


@pytest.fixture
def project(telling_cloud: EmbeddedCloud) -> Project:
    return telling_cloud.new_project()


@pytest.fixture
def cli(
    telling_cloud: EmbeddedCloud,
    broker: MessageBroker,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> CommandLine:
    """A new ledger, whose location was read a moment ago; each test has a queue of its own."""
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(telling_cloud.clouds_yaml))
    url = f"sqlite:///{tmp_path / 'instance-images.db'}"
    made = CommandLine(
        write_config(
            tmp_path / "instance-images.conf",
            url,
            reconcile="adopt = private",
            location=f"events_url = {broker.url}",
            events=f"queue = {tmp_path.name}",
        )
    )
    made.ok("db", "upgrade")
    made.ok("image", "sync")
    return made


@pytest.fixture
def listener(cli: CommandLine) -> Iterator[Listener]:
    with listening(cli) as made:
        yield made


def upload(cloud: EmbeddedCloud, project: Project, name: str = "own") -> Any:
    """Make an image as a customer does without us; return it as Glance has it."""
    with cloud.connection(project.cloud) as connection:
        made = connection.image.create_image(
            name, data=BYTES, disk_format="raw", container_format="bare", validate_checksum=False
        )
        return connection.image.get_image(made.id)


def remove(cloud: EmbeddedCloud, project: Project, image_id: str) -> None:
    with cloud.connection(project.cloud) as connection:
        connection.image.delete_image(image_id)


def record(cli: CommandLine, project: Project) -> list[dict[str, Any]]:
    return list(cli.ok("image", "list", "--account", project.id).json)


def told(cli: CommandLine, *image_ids: str) -> list[datetime]:
    """Return when each thing happened to the images that the billing job is still to be told."""
    with cli.application.database.reading() as connection:
        query = sa.select(news.c.effective_at).where(news.c.image_id.in_(image_ids))
        return list(connection.scalars(query.order_by(news.c.news_key)))


def now() -> datetime:
    return datetime.now().astimezone().replace(microsecond=0)


@pytest.mark.all
def test_images_made_and_deleted_without_us_are_known_to_the_second(
    telling_cloud: EmbeddedCloud, project: Project, cli: CommandLine, listener: Listener
) -> None:
    before = now()
    made = upload(telling_cloud, project)

    listener.hears("adopted", project.id)
    [image] = record(cli, project)
    # Glance may go on to change the image in the next second.
    assert before <= parse_instant(image["available_at"]) <= parse_instant(made.updated_at)
    assert image["size_bytes"] == len(BYTES)

    before = now()
    remove(telling_cloud, project, made.id)
    heard = listener.hears("deleted", image["id"])
    ended_at = parse_instant(heard.partition("since ")[2].partition(". ")[0])
    assert before <= ended_at <= now()
    assert record(cli, project) == []
    assert cli.ok("image", "sync").json == []  # there is nothing left to find


@pytest.mark.all
def test_an_image_given_away_and_renamed_without_us_is_known_to_the_second(
    telling_cloud: EmbeddedCloud, project: Project, cli: CommandLine, listener: Listener
) -> None:
    made = upload(telling_cloud, project)
    listener.hears("adopted", project.id)
    [image] = record(cli, project)
    heir = telling_cloud.new_project()

    with telling_cloud.connection() as operator:
        given: Any = operator.image.update_image(made.id, owner=heir.id, name="theirs")

    wait_for(lambda: record(cli, project) == [], "the change of the owner")
    [shown] = record(cli, heir)
    assert (shown["id"], shown["name"]) == (image["id"], "theirs")
    assert told(cli, image["id"])[-1] == parse_instant(given.updated_at)
    assert cli.ok("image", "sync").json == []  # there is nothing left to find


@pytest.mark.all
def test_a_capture_that_nobody_waits_for_is_available_when_glance_says_so(
    telling_cloud: EmbeddedCloud, project: Project, cli: CommandLine, listener: Listener
) -> None:
    server = telling_cloud.boot(project)

    image = cli.ok("image", "create", server.id, "--name", "g", "--account", project.id).json

    assert "available" in listener.hears(image["id"])
    [shown] = record(cli, project)
    assert (shown["status"], shown["id"]) == ("available", image["id"])


@pytest.mark.all
def test_what_happens_while_nobody_listens_waits_in_the_queue(
    telling_cloud: EmbeddedCloud, project: Project, cli: CommandLine
) -> None:
    with listening(cli) as first:
        kept = upload(telling_cloud, project)
        first.hears("adopted")
        assert first.end() == 0
    remove(telling_cloud, project, kept.id)
    short = upload(telling_cloud, project, "short")
    remove(telling_cloud, project, short.id)

    with listening(cli) as second:
        second.hears("deleted")
        upload(telling_cloud, project, "next")
        second.hears("adopted")

        # Nothing but notifications tells of the short one, and those can be forged.
        assert [image["name"] for image in record(cli, project)] == ["next"]
        with cli.application.database.reading() as connection:
            of_project = sa.select(images).where(images.c.project_id == project.id)
            assert len(connection.execute(of_project).all()) == 2
        second.process.kill()  # what it has dealt with is not given to the next one again
    with listening(cli) as third:
        upload(telling_cloud, project, "last")
        assert "adopted" in third.lines.get(timeout=PATIENCE_SECONDS)


@pytest.mark.all
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_listener_killed_at_its_commit_neither_loses_nor_repeats_the_notice(
    moment: str,
    telling_cloud: EmbeddedCloud,
    project: Project,
    cli: CommandLine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write = Database.write
    writes = itertools.count()

    def killed(database: Database, work: Callable[[sa.Connection], Any]) -> Any:
        if next(writes) == 0:
            return write(database, work)  # that it runs, not yet what it was told

        def do(connection: sa.Connection) -> None:
            work(connection)
            if moment == "before":
                os.kill(os.getpid(), signal.SIGKILL)

        write(database, do)
        os.kill(os.getpid(), signal.SIGKILL)
        return None

    with listening(cli) as first:
        first.end()
    upload(telling_cloud, project, "first")
    with monkeypatch.context() as patched:
        patched.setattr(Database, "write", killed)
        assert was_killed(lambda: cli.ok("listen"))
    assert [image["name"] for image in record(cli, project)] == ["first"] * (moment == "after")

    with listening(cli) as second:
        upload(telling_cloud, project, "last")
        for _ in ("first", "last") if moment == "before" else ("last",):
            second.hears("adopted")
    id_of = {image["name"]: image["id"] for image in record(cli, project)}
    assert set(id_of) == {"first", "last"}
    assert len(told(cli, *id_of.values())) == len(id_of)  # each of them has begun once


@pytest.mark.all
def test_a_notice_is_taken_again_when_glance_could_not_be_asked(
    telling_cloud: EmbeddedCloud, project: Project, cli: CommandLine, listener: Listener
) -> None:
    telling_cloud.fault("glance", "GET", "^/v2/images/", 503, count=5)
    with telling_cloud.connection(project.cloud) as connection:
        connection.image.create_image(
            "own", data=BYTES, disk_format="raw", container_format="bare", validate_checksum=False
        )

    listener.hears("adopted", project.id)

    assert len(record(cli, project)) == 1


@pytest.mark.all
def test_notices_that_glance_does_not_confirm_are_told_on_stderr(
    broker: MessageBroker, telling_cloud: EmbeddedCloud, project: Project, listener: Listener
) -> None:
    ghost = str(uuid.uuid4())
    image = {"id": ghost, "name": "x", "status": "active", "owner": project.id, "size": 10**15}
    image |= {"virtual_size": None, "min_disk": 0, "min_ram": 0, "properties": {}}
    times = dict.fromkeys(("created_at", "updated_at"), f"{now():%Y-%m-%dT%H:%M:%SZ}")

    forge(broker, "image.activate", {**image, **times})
    wait_for(lambda: any(ghost in line for line in listener.complaints), "a warning")
    forge(broker, "image.activate", {"id": "../../etc"})
    upload(telling_cloud, project)
    listener.hears("adopted", project.id)
    told = len(listener.complaints)
    listener.end()

    assert "1 about images that the image service does not have" in listener.complaints[told - 1]
    wait_for(lambda: any("1 that cannot be read" in one for one in listener.complaints), "the rest")


def forge(broker: MessageBroker, event_type: str, payload: object) -> None:
    """Send a notification as any service with a password of the broker can."""
    import kombu

    message = {
        "event_type": event_type,
        "payload": payload,
        "publisher_id": "x",
        "priority": "INFO",
    }
    message |= {
        "message_id": str(uuid.uuid4()),
        "timestamp": str(now()),
        "_unique_id": uuid.uuid4().hex,
    }
    body = {"oslo.version": "2.0", "oslo.message": json.dumps(message)}
    with kombu.Connection(broker.url.replace("rabbit://", "amqp://") + "/") as connection:
        connection.Producer().publish(body, exchange="glance", routing_key="notifications.info")


@pytest.mark.all
def test_a_broker_that_restarts_is_found_again_and_what_it_lost_a_reading_finds(
    broker: MessageBroker, telling_cloud: EmbeddedCloud, project: Project, cli: CommandLine
) -> None:
    with listening(cli) as before:
        before.end()
    lost = upload(telling_cloud, project, "lost")
    broker.stop()  # the queue is not durable: what is in it goes with the broker
    with listening(cli, at_once=False) as unheard:
        assert unheard.end() == 0  # it can be ended while it waits
    with listening(cli, at_once=False) as listener:
        broker.start()
        wait_for(lambda: heard_of(telling_cloud, project, listener), "a notice after the restart")

        names = {image["name"] for image in record(cli, project)}
        assert "lost" not in names
        cli.ok("image", "sync")
        assert lost.name in {image["name"] for image in record(cli, project)}


def heard_of(cloud: EmbeddedCloud, project: Project, listener: Listener) -> bool:
    """Make an image; return whether the listener hears of it within two seconds."""
    upload(cloud, project, f"after-{uuid.uuid4()}")
    with contextlib.suppress(queue.Empty):
        return "adopted" in listener.lines.get(timeout=timedelta(seconds=2).total_seconds())
    return False
