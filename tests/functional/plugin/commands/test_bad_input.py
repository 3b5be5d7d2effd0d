"""Bad input of every kind ends with its exit code and one clear line, and leaves nothing behind."""

import contextlib
import ctypes
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
import yaml
from openstack.compute.v2.server import Server
from openstack.connection import Connection

from conftest import ConfiguredCommandLine
from support.clouds.embedded_cloud import EmbeddedCloud, Project, wait_for
from support.processes.command_line import CommandLine, Result, write_config

pytestmark = pytest.mark.cloud

PR_CAPBSET_DROP, CAP_DAC_OVERRIDE = 24, 1  # linux/prctl.h, linux/capability.h


def refused(cli: CommandLine, exit_code: int, message: str, *arguments: str) -> Result:
    """Run a command that must fail, and tell so in one line without anything to obey in it."""
    result = cli.refused(exit_code, message, *arguments)
    assert len(result.err.splitlines()) == 1, result
    assert all(character.isprintable() for character in result.err.rstrip("\n")), result
    assert result.out == ""
    return result


# ------------------------------------------------------------------- without a cloud


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A clouds.yaml whose cloud is never reached: these commands must fail before."""
    path = tmp_path / "clouds.yaml"
    path.write_text(
        "clouds: {admin: {auth: {auth_url: 'http://127.0.0.1:1/v3', username: u, password: p,"
        " project_name: x, user_domain_id: default, project_domain_id: default}}}"
    )
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(path))


def written(directory: Path, **more: str) -> CommandLine:
    """Return a command line with a configuration, and no database yet."""
    url = f"sqlite:///{directory / 'instance-images.db'}"
    return CommandLine(write_config(directory / "instance-images.conf", url, **more))


@pytest.mark.parametrize(
    ("section", "text", "message"),
    [
        ("billings", "unit = GB", "section [billings] is unknown"),
        ("location", "regoin_name = x", "option regoin_name in [location:RegionOne] is unknown"),
        ("DEFAULT", "connection = x", "option connection in [DEFAULT] is unknown"),
        ("DEFAULT", "this line means nothing", "line 3: No"),
        ("DEFAULT", "locations =", "no locations"),
        ("DEFAULT", "locations = RegionOne,RegionTwo", "[location:RegionTwo] has no cloud"),
        ("DEFAULT", "locations = RegionOne,regionone", "lists a location twice"),
        ("DEFAULT", "account_scope = galaxy", "account_scope"),
        ("limits", "max_images = $unknown", "[limits] max_images contains $"),
        ("location", "currency = eur", "is not an ISO 4217 code"),
        ("location", "currency = EURO", "is not an ISO 4217 code"),
        ("location", "enabled = perhaps", "enabled"),
        ("location", "max_images = many", "max_images"),
        ("location", "max_images = -1", "max_images"),
        ("location", "provider = paper", "installed are: openstack"),
        ("location", "cloud = elsewhere", "'elsewhere' of clouds.yaml cannot be used"),
        ("billing", "timezone = Mars/Phobos", "timezone = Mars/Phobos is unknown"),
        ("billing", "timezone = ../../etc/passwd", "is unknown"),
        ("billing", "unit = MB", "unit"),
        ("billing", "hours_per_month = 731", "hours_per_month"),
        ("database", "connection = nonsense", "is not a database URL"),
        ("database", "connection = nosuchdb://host/name", "is not a database URL"),
        ("database", "connection =", "is not a database URL"),
    ],
)
def test_bad_configuration_is_told_with_the_option_to_correct(
    section: str, text: str, message: str, tmp_path: Path, nowhere: None
) -> None:
    cli = written(tmp_path, **{section: text})

    refused(cli, 2, message, "image", "list")


@pytest.mark.parametrize("text", ["clouds: {admin: [", "clouds:", "\x00", "- admin", ""], ids=ascii)
def test_clouds_yaml_that_cannot_be_read_is_told(
    text: str, configured: ConfiguredCommandLine, nowhere: None, tmp_path: Path
) -> None:
    cli = configured()
    (tmp_path / "clouds.yaml").write_text(text)

    refused(cli, 2, "clouds.yaml", "image", "list")


@pytest.mark.parametrize("profile", ["nosuch", "[nosuch]"])
def test_unknown_vendor_profile_is_told(
    profile: str, configured: ConfiguredCommandLine, nowhere: None, tmp_path: Path
) -> None:
    cli = configured()
    path = tmp_path / "clouds.yaml"
    path.write_text(path.read_text().replace("{auth:", f"{{profile: {profile}, auth:"))

    for command in (("image", "list"), ("meter", "run"), ("image", "sync")):
        refused(cli, 2, "the entry 'admin' of clouds.yaml cannot be used", *command)
    found = [one["what"] for one in cli("doctor").json if one["severity"] == "error"]

    assert any("'admin' of clouds.yaml cannot be used" in one and "profile" in one for one in found)


@pytest.mark.parametrize("kind", ["missing", "directory", "binary"])
def test_file_that_is_no_configuration_is_told_by_its_name(
    kind: str, tmp_path: Path, nowhere: None
) -> None:
    path = tmp_path / "other.conf"
    match kind:
        case "directory":
            path.mkdir()
        case "binary":
            path.write_bytes(b"\xff\xfe\x00[DEFAULT]")

    refused(CommandLine(path), 2, str(path), "meter", "status")


def test_database_that_does_not_exist_is_not_created_by_accident(
    tmp_path: Path, nowhere: None
) -> None:
    cli = written(tmp_path)

    refused(cli, 2, "run 'instance-images db upgrade' first", "rate", "list")

    assert not (tmp_path / "instance-images.db").exists()


def test_database_without_tables_is_told_with_the_cure(tmp_path: Path, nowhere: None) -> None:
    (tmp_path / "instance-images.db").touch()

    refused(written(tmp_path), 2, "run 'instance-images db upgrade'", "rate", "list")


def test_file_that_is_no_database_is_told(tmp_path: Path, nowhere: None) -> None:
    (tmp_path / "instance-images.db").write_bytes(b"no database at all " * 400)

    result = written(tmp_path)("rate", "list")

    assert result.exit_code in (2, 4), result
    assert result.err.startswith("Error: The database ")
    assert "fault in instance-images" not in result.err


def test_database_in_a_directory_that_does_not_exist_is_told(tmp_path: Path, nowhere: None) -> None:
    lost = tmp_path / "lost" / "instance-images.db"
    cli = written(tmp_path, database=f"connection = sqlite:///{lost}")

    refused(cli, 4, f"The database {lost} cannot be created", "db", "upgrade")


def obey_file_modes() -> None:
    """Take from a child process the capability by which root writes where nobody may."""
    ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, 0, 0, 0)


def test_read_only_database_is_told_and_can_be_read(
    tmp_path: Path, configured: ConfiguredCommandLine, nowhere: None
) -> None:
    cli = configured()
    cli.ok("rate", "set", "RegionOne", "0.05")
    with contextlib.ExitStack() as restored:
        for path in (*tmp_path.glob("instance-images.db*"), tmp_path):
            restored.callback(path.chmod, path.stat().st_mode)
            path.chmod(path.stat().st_mode & ~0o222)

        changed = subprocess.run(
            [sys.executable, "-W", "ignore", "-m", "instance_images.commands.main",
             "--config-file", str(cli.config_file), "rate", "set", "RegionOne", "0.06"],
            preexec_fn=obey_file_modes, capture_output=True, text=True, check=False,
        )  # fmt: skip

    assert changed.returncode == 4, changed
    assert changed.stderr.startswith("Error: The database ")
    assert len(changed.stderr.splitlines()) == 1
    assert [rate["price"] for rate in cli.ok("rate", "list").json] == ["0.05"]


@pytest.mark.parametrize("scheme", ["postgresql+psycopg", "mysql+pymysql"])
@pytest.mark.parametrize("command", [("rate", "list"), ("db", "upgrade"), ("meter", "status")])
def test_database_server_that_does_not_listen_is_told_without_the_password(
    command: tuple[str, ...], scheme: str, tmp_path: Path, nowhere: None
) -> None:
    url = f"{scheme}://ledger:hunter2@127.0.0.1:1/ledger"
    cli = CommandLine(write_config(tmp_path / "instance-images.conf", url))

    result = refused(cli, 4, "cannot be used", *command)

    assert "hunter2" not in result.err
    assert "127.0.0.1:1/ledger" in result.err


@pytest.mark.parametrize(
    "price",
    ["", "abc", "-1", "+1", "1e3", "1,5", "1.", ".5", "0.0000000001", "1000001", "NaN", "Infinity",
     " 1", "1_000", "0x10", "1\n"],
)  # fmt: skip
def test_malformed_price_is_refused(
    price: str, configured: ConfiguredCommandLine, nowhere: None
) -> None:
    cli = configured()

    refused(cli, 2, "", "rate", "set", "RegionOne", "--", price)

    assert cli.ok("rate", "list").json == []


@pytest.mark.parametrize(
    ("hour", "message"),
    [
        ("2026-12-01T00:30Z", "is not a full hour"),
        ("2026-12-01T00:00:01Z", "is not a full hour"),
        ("2026-12-01T00:00+05:30", "is not a full hour"),
        ("2026-12-01T00:00", "has no offset"),
        ("2026-12-01", "has no offset"),
        ("2026-02-30T00:00Z", "is not an instant"),
        ("tomorrow", "is not an instant"),
        ("", "is not an instant"),
        ("0001-01-01T00:00+23:00", "is outside the calendar"),
        ("9999-12-31T23:00Z", "is more than 10 years from now. Choose 20"),
    ],
)
def test_hour_of_a_rate_must_be_a_full_hour_with_an_offset(
    hour: str, message: str, configured: ConfiguredCommandLine, nowhere: None
) -> None:
    cli = configured()

    refused(cli, 2, message, "rate", "set", "RegionOne", "0.05", "--from", hour)

    assert cli.ok("rate", "list").json == []


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("postgresql+psycopg://u@127.0.0.1:1/x?sslmod=a", 'invalid connection option "sslmod"'),
        ("mysql+pymysql://u@127.0.0.1:1/x?ssl_caa=a", "unexpected keyword argument 'ssl_caa'"),
        ("mysql+pymysql://u@127.0.0.1:1/x?ssl_ca=/no/such/file.pem", "No such file"),
        ("sqlite:////tmp/x.db?timeot=5", "[database] connection has an option after ? that"),
        ("sqlite:////tmp/x.db?timeout=soon", "connection cannot be used: could not convert"),
    ],
)
def test_option_that_the_driver_of_the_database_does_not_take_is_told(
    url: str, message: str, tmp_path: Path
) -> None:
    cli = CommandLine(write_config(tmp_path / "x.conf", url))

    refused(cli, 2, message, "meter", "status")


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("sqlite://", "--to is a SQLite URL without the path of a file"),
        ("sqlite:////tmp/x.db?timeot=5", "--to has an option after ?"),
        ("postgresql+psycopg://u:p@ss@127.0.0.1:1/x", "--to has more than one @"),
        ("postgresql+psycopg://u@127.0.0.1:1/x?sslmod=a", "--to cannot be used: invalid"),
    ],
)
def test_fault_of_the_url_to_copy_to_is_not_told_as_one_of_the_configuration(
    url: str, message: str, configured: ConfiguredCommandLine, nowhere: None
) -> None:
    result = refused(configured(), 2, message, "db", "copy", "--to", url)

    assert "[database]" not in result.err


def test_output_that_cannot_be_written_is_no_fault(
    configured: ConfiguredCommandLine, nowhere: None
) -> None:
    command = [sys.executable, "-m", "instance_images.commands.main", "--config-file",
               str(configured().config_file), "location", "list"]  # fmt: skip

    with Path("/dev/full").open("w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)

    assert (done.returncode, done.stderr) == (
        3, "Error: The output cannot be written: No space left on device.\n",
    )  # fmt: skip


def test_negative_limit_is_told_how_a_limit_is_removed(
    configured: ConfiguredCommandLine, nowhere: None
) -> None:
    refused(configured(), 2, "limit unset ACCOUNT", "limit", "set", "demo", "-1")


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("Give ACCOUNT and MAX_IMAGES, or --default N alone.", "limit set"),
        ("or --default N alone", "limit set demo"),
        ("or --default N alone", "limit set demo 3 --default 4"),
        ("Give ACCOUNT, or --default alone.", "limit unset"),
        ("Give ACCOUNT, or --default alone.", "limit unset demo --default"),
        ("not both", "limit show --default --account demo"),
    ],
)
def test_limit_of_an_account_and_the_default_are_not_mixed(
    configured: ConfiguredCommandLine, nowhere: None, what: str, words: str
) -> None:
    refused(configured(), 2, what, *words.split())


def test_currency_of_a_rate_must_be_the_locations(
    configured: ConfiguredCommandLine, nowhere: None
) -> None:
    cli = configured()

    refused(cli, 2, "has the currency EUR", "rate", "set", "RegionOne", "1", "--currency", "USD")

    assert cli.ok("rate", "list").json == []


@pytest.mark.parametrize(
    ("instant", "message"),
    [
        ("2999-01-01T00:00Z", "is after now"),
        ("2026-11-23T12:00", "has no offset"),
        ("2026-11-31T12:00Z", "is not an instant"),
        ("noon", "is not an instant"),
        ("", "is not an instant"),
    ],
)
def test_meter_closes_nothing_as_of_an_instant_that_is_none_or_to_come(
    instant: str, message: str, configured: ConfiguredCommandLine, nowhere: None
) -> None:
    cli = configured()

    refused(cli, 2, message, "meter", "run", "--as-of", instant)

    assert cli.ok("meter", "status").json[0]["metered_until"] is None


@pytest.mark.parametrize(
    ("period", "exit_code", "message"),
    [
        ("2026-13", 2, "is not a period"),
        ("2026-00", 2, "is not a period"),
        ("2026-1", 2, "is not a period"),
        ("1999-12", 2, "is not a period"),
        ("x", 2, "is not a period"),
        ("", 2, "is not a period"),
        ("2999-12", 3, "has not begun"),
    ],
)
def test_period_of_a_report_must_be_a_month_that_has_begun(
    period: str, exit_code: int, message: str, configured: ConfiguredCommandLine, nowhere: None
) -> None:
    command = ("report", "cloud-usage", "--account", "a", "--period", period, "-f", "json")

    refused(configured(), exit_code, message, *command)


@pytest.mark.parametrize(
    "command",
    [
        ("image", "list"),
        ("image", "show", "x"),
        ("image", "create", "web", "--name", "x"),
        ("image", "delete", "x", "--yes"),
        ("image", "deploy", "x", "--name", "n", "--flavor", "f"),
        ("task", "list"),
        ("limit", "show"),
        ("limit", "set", "demo", "3"),
        ("rate", "list"),
        ("meter", "run"),
        ("meter", "status"),
    ],
    ids=" ".join,
)
def test_unknown_location_is_not_found_and_the_known_ones_are_told(
    command: tuple[str, ...], configured: ConfiguredCommandLine, nowhere: None
) -> None:
    refused(configured(), 3, "Configured are: RegionOne", *command, "--location", "RegionNine")


def test_location_must_be_named_where_there_are_several(tmp_path: Path, nowhere: None) -> None:
    more = {"DEFAULT": "locations = RegionOne,RegionTwo", "location:RegionTwo": "cloud = admin"}
    cli = written(tmp_path, **more)
    cli.ok("db", "upgrade")

    refused(cli, 2, "--location", "limit", "show")


@pytest.mark.parametrize(
    "command",
    [
        ("image",),
        ("images", "list"),
        ("image", "lsit"),
        ("image", "list", "--acount", "demo"),
        ("image", "list", "-f", "yaml"),
        ("image", "create", "web"),
        ("image", "delete"),
        ("limit", "set", "demo"),
        ("report", "cloud-usage", "--period", "2026-11"),
    ],
    ids=" ".join,
)
def test_mistyped_command_line_is_a_usage_error(
    command: tuple[str, ...], configured: ConfiguredCommandLine, nowhere: None
) -> None:
    result = configured()(*command)

    assert result.exit_code == 2, result
    assert "Traceback" not in result.err


# ---------------------------------------------------------------------- with a cloud


@dataclass(frozen=True)
class Shop:
    """A customer's project with the instance ``web-1`` and, on its ledger, the image ``golden``."""

    cloud: EmbeddedCloud
    cli: CommandLine
    project: Project
    server: Server

    @property
    def account(self) -> list[str]:
        """The option that names the account."""
        return ["--account", self.project.name]

    @cached_property
    def member(self) -> Connection:
        """A connection as the customer himself."""
        return self.cloud.connection(self.project.cloud)

    def left(self) -> tuple[str, ...]:
        """Return all that the account has, in the cloud and on record."""
        servers = sorted(server.id for server in self.member.compute.servers())
        images = sorted(image.id for image in self.member.image.images(owner=self.project.id))
        return (
            *servers,
            *images,
            self.cli.ok("image", "list", *self.account).out,
            self.cli.ok("task", "list", *self.account).out,
            self.cli.ok("limit", "list").out,
        )


@pytest.fixture(scope="module")
def stocked(
    embedded_cloud: EmbeddedCloud, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Shop]:
    project = embedded_cloud.new_project()
    server = embedded_cloud.boot(project, "web-1")
    cli = written(tmp_path_factory.mktemp("shop"))
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("OS_CLIENT_CONFIG_FILE", str(embedded_cloud.clouds_yaml))
        cli.ok("db", "upgrade")
        shop = Shop(embedded_cloud, cli, project, server)
        cli.ok("image", "create", "web-1", "--name", "golden", *shop.account, "--wait")
        with embedded_cloud.connection() as operator:
            compute = operator.compute
            wait_for(lambda: compute.get_server(server.id).task_state is None, "idleness")
        yield shop


@pytest.fixture
def shop(stocked: Shop, cloud: EmbeddedCloud) -> Shop:
    return stocked


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "The name is empty"),
        (" \t ", "The name is empty"),
        ("\u00a0", "The name is empty"),
        ("x" * 256, "The name has 256 characters: a name can have at most 255"),
        ("a\nb", "control or invisible"),
        ("a\x00b", "control or invisible"),
        ("a\x1b[31mred", "control or invisible"),
        ("a\x1b]0;title\x07", "control or invisible"),
        ("invoice\u202egnp.exe", "control or invisible"),
        ("a\u200bb", "control or invisible"),
        ("a\u2028b", "control or invisible"),
        ("a\udcffb", "is not valid UTF-8"),
    ],
    ids=ascii,
)
def test_bad_name_is_refused_and_nothing_is_made(name: str, message: str, shop: Shop) -> None:
    before = shop.left()

    refused(shop.cli, 2, message, "image", "create", "web-1", "--name", name, *shop.account)

    assert shop.left() == before


@pytest.mark.parametrize("name", [" padded", "padded ", "\u3000padded"], ids=ascii)
def test_name_with_blanks_at_its_ends_is_refused_before_nova_sees_it(name: str, shop: Shop) -> None:
    before = shop.left()

    result = shop.cli("image", "create", "web-1", "--name", name, *shop.account)

    assert result.exit_code == 2, result
    assert result.err == "Error: The name begins or ends with a space: remove it.\n"
    assert shop.left() == before


REFERENCES = (
    "unknown",
    "../x",
    "x' OR 1=1",
    "%",
    "_olden",
    "GOLDEN",
    "golden ",
    "a?b",
    "a&name=golden",
    "^.*$",
    "detail",
    "",
    "a\nb\x1b[31m",
    "x" * 300,
)


def test_bytes_that_are_no_text_are_refused_wherever_they_stand(shop: Shop) -> None:
    for command in (
        ("image", "create", "\udcff", "--name", "new"),
        ("image", "show", "\udcff"),
        ("task", "show", "\udcff"),
        ("image", "list", "--account", "\udcff"),
        ("limit", "set", "\udcff", "3"),
    ):
        refused(shop.cli, 2, "is not valid UTF-8", *command)


@pytest.mark.parametrize("reference", REFERENCES, ids=lambda text: ascii(text)[:24])
def test_hostile_reference_is_not_found_and_does_nothing(reference: str, shop: Shop) -> None:
    account = shop.account
    before = shop.left()

    for command in (
        ("image", "create", reference, "--name", "new", *account),
        ("image", "show", reference, *account),
        ("image", "delete", reference, *account, "--yes"),
        ("image", "deploy", reference, "--name", "n", "--flavor", "m1.tiny", *account),
        ("image", "deploy", "golden", "--name", "n", "--flavor", reference, *account),
        ("image", "deploy", "golden", "--name", "n", "--flavor", "m1.tiny", "--network", reference,
         *account),
        ("task", "show", reference, *account),
        ("image", "list", "--account", reference),
        ("limit", "set", reference, "3"),
        ("image", "list", *account, "--location", reference),
    ):  # fmt: skip
        refused(shop.cli, 3, "was not found", *command)

    assert shop.left() == before


@pytest.mark.parametrize("source", ["clouds.yaml", "catalog"])
def test_region_that_the_cloud_has_not_is_told(
    source: str,
    shop: Shop,
    configured: ConfiguredCommandLine,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    cli = configured(location="region_name = Mars")
    if source == "catalog":
        document = yaml.safe_load(shop.cloud.clouds_yaml.read_text())
        del document["clouds"]["admin"]["region_name"]
        (tmp_path / "clouds.yaml").write_text(yaml.safe_dump(document))
        monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(tmp_path / "clouds.yaml"))

    refused(cli, 2, "Mars", "image", "create", "web-1", "--name", "n", *shop.account)


def test_unknown_account_is_not_found_by_the_report(shop: Shop) -> None:
    command = ("report", "cloud-usage", "--account", "nobody", "--period", "2026-01", "-f", "json")

    refused(shop.cli, 3, "'nobody' was not found", *command)


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ({"minicloud_spawn_delay": "20"}, "It is building"),
        ({"minicloud_spawn_fail": "1"}, "It is failed"),
    ],
)
def test_instance_that_does_not_run_cannot_be_captured(
    metadata: dict[str, str], message: str, cloud: EmbeddedCloud, cli: CommandLine, project: Project
) -> None:
    server = cloud.boot(project, metadata=metadata, wait=False)
    if "minicloud_spawn_fail" in metadata:
        with cloud.connection(project.cloud) as member:
            wait_for(lambda: member.compute.get_server(server.id).status == "ERROR", "the failure")
    shop = Shop(cloud, cli, project, server)
    before = shop.left()

    refused(cli, 3, message, "image", "create", server.id, "--name", "n", *shop.account)

    assert shop.left() == before


def test_instance_that_is_being_deleted_cannot_be_captured(
    cloud: EmbeddedCloud, cli: CommandLine, project: Project
) -> None:
    server = cloud.boot(project)
    shop = Shop(cloud, cli, project, server)
    cloud.fault("neutron", "GET", "/ports", "delay", delay_seconds=3)  # Nova asks while it deletes
    with cloud.connection(project.cloud) as member:
        member.compute.delete_server(server)
        wait_for(lambda: is_being_deleted(member, server.id), "the deletion")

        refused(cli, 3, "(deleting)", "image", "create", server.id, "--name", "n", *shop.account)

    assert cli.ok("image", "list", *shop.account).json == []
    assert cli.ok("task", "list", *shop.account).json == []


def is_being_deleted(member: Connection, server_id: str) -> bool:
    time.sleep(0.3)  # the first question about ports is to be Nova's own
    return bool(member.compute.get_server(server_id).task_state == "deleting")


def test_instance_that_nova_is_capturing_already_cannot_be_captured(
    cloud: EmbeddedCloud, cli: CommandLine, project: Project
) -> None:
    server = cloud.boot(project, metadata={"minicloud_snapshot_delay": "3"})
    shop = Shop(cloud, cli, project, server)
    with cloud.connection(project.cloud) as member:
        member.compute.create_server_image(server.id, name="by hand")
    before = shop.left()

    refused(cli, 3, "(image_", "image", "create", server.id, "--name", "n", *shop.account)

    assert shop.left() == before
    assert cli.ok("image", "list", *shop.account).json == []


def test_instance_that_is_being_captured_cannot_be_captured_again(
    cloud: EmbeddedCloud, cli: CommandLine, project: Project
) -> None:
    server = cloud.boot(project, metadata={"minicloud_snapshot_delay": "3"})
    shop = Shop(cloud, cli, project, server)
    cli.ok("image", "create", server.id, "--name", "first", *shop.account)

    refused(
        cli, 3, "cannot be captured now",
        "image", "create", server.id, "--name", "second", *shop.account,
    )  # fmt: skip

    assert [i["name"] for i in cli.ok("image", "list", *shop.account).json] == ["first"]
    with cloud.connection(project.cloud) as member:
        assert len(list(member.image.images(owner=project.id))) == 1


def test_of_two_instances_of_one_name_the_id_must_be_given(
    cloud: EmbeddedCloud, cli: CommandLine, project: Project
) -> None:
    servers = [cloud.boot(project, "twin") for _ in range(2)]
    shop = Shop(cloud, cli, project, servers[0])
    before = shop.left()

    result = refused(
        cli, 3, "2 instances are named 'twin'",
        "image", "create", "twin", "--name", "n", *shop.account,
    )  # fmt: skip

    assert all(server.id in result.err for server in servers)
    assert shop.left() == before
    cli.ok("image", "create", servers[1].id, "--name", "n", *shop.account)


def test_of_two_accounts_of_one_name_the_id_must_be_given(
    cloud: EmbeddedCloud, cli: CommandLine, project: Project
) -> None:
    with cloud.connection() as operator:
        identity: Any = operator.identity  # typed as Keystone's v2 or v3 API
        domain = identity.create_domain(name=f"domain-of-{project.name}")
        twin = identity.create_project(name=project.name, domain_id=domain.id)

    result = refused(
        cli, 3, f"2 projects are named '{project.name}'", "limit", "set", project.name, "1"
    )

    assert project.id in result.err
    assert twin.id in result.err
    assert cli.ok("limit", "list").json == []
    cli.ok("limit", "set", project.id, "1")
    assert cli.ok("limit", "show", "--account", twin.id).json["source"] == "default"
