"""An entry of clouds.yaml that cannot be used is told with the option, and without its values."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from instance_images.config import redaction
from instance_images.config.clouds import CONFIG_VARIABLE, candidates, entry_of
from instance_images.errors import ConfigurationError

SECRET = "hunter2-hunter2"
AUTH = {"auth_url": "https://keystone:5000/v3", "username": "u", "password": SECRET}


@pytest.fixture(autouse=True)
def nothing_registered() -> Iterator[None]:
    redaction.forget()
    yield
    redaction.forget()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "clouds.yaml"


def read(file: Path, entry: object, secure: object = None) -> dict[str, Any]:
    file.write_text(yaml.safe_dump({"clouds": {"ours": entry, "other": {}}}))
    secure_file = file.with_name("secure.yaml")
    if secure is not None:
        secure_file.write_text(yaml.safe_dump({"clouds": {"ours": secure}}))
    return entry_of("ours", [str(file)], [str(secure_file)])


def auth(**more: object) -> dict[str, Any]:
    return {"auth": {key: value for key, value in {**AUTH, **more}.items() if value != "-"}}


def test_an_entry_is_read_with_its_secrets_which_are_hidden_from_then_on(file: Path) -> None:
    entry = read(file, auth(password="-"), {"auth": {"password": SECRET}})

    assert entry["auth"] == AUTH
    assert redaction.redact_message(f"no {SECRET}") == "no ***"


@pytest.mark.parametrize(
    ("entry", "fault"),
    [
        (auth(password="-"), "auth.password is missing"),
        (auth(username="-"), "auth.username is missing"),
        (auth(auth_url="-"), "auth.auth_url is missing"),
        ({}, "auth.auth_url is missing"),
        (auth(password=None), "auth.password has no value"),
        (auth(password=12345678), "auth.password is not a string"),
        (auth(password=True), "auth.password is not a string"),
        (auth(auth_url="keystone:5000/v3"), "auth.auth_url is not a URL"),
        (auth(auth_url="https://keystone:99999/v3"), "auth.auth_url is not a URL"),
        (auth(auth_url=f"https://{'a' * 70}.example/"), "auth.auth_url is not a URL"),
        ({**auth(), "verify": "False"}, "verify is neither true nor false"),
        ({**auth(), "insecure": "no"}, "insecure is neither true nor false"),
        ({**auth(), "cacert": "/nowhere.pem"}, "cacert names /nowhere.pem, which does not exist"),
        ({**auth(), "cert": "/nowhere.pem"}, "cert names /nowhere.pem, which does not exist"),
        ({**auth(), "cacert": __file__}, "which contains no certificates"),
        ({"auth": [SECRET]}, "auth has no options"),
        ([SECRET], "it has no options"),
        (None, "it has no options"),
    ],
)
def test_what_cannot_be_used_is_named(entry: object, fault: str, file: Path) -> None:
    with pytest.raises(ValueError, match=fault) as error:
        read(file, entry)

    assert SECRET not in str(error.value)


@pytest.mark.parametrize(
    "entry",
    [
        auth(project_id=123),
        {**auth(password="-"), "auth_type": "v3applicationcredential"},
        {**auth(password="-"), "auth_type": "token", "token": "t"},
        {**auth(auth_url="-"), "profile": "vendor"},
        {**auth(auth_url="http://keystone/v3"), "cacert": "/unused.pem"},
        {**auth(), "cacert": "/unused.pem", "verify": False},
    ],
)
def test_what_the_sdk_understands_is_taken(entry: object, file: Path) -> None:
    assert read(file, entry)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (f"clouds:\n\tours: {SECRET}", 2),
        (f"clouds:\n  ours:\n    password: @{SECRET}", 3),
        (f"clouds:\n  ours: *{SECRET}", 2),
        (f"clouds:\n  ours: !{SECRET} x", 2),
        (f"clouds:\n  ours: {SECRET}: x", 2),
        (f"clouds:\n  ours: \x07{SECRET}", 2),
    ],
)
def test_a_file_that_is_no_yaml_is_told_by_its_line(text: str, line: int, file: Path) -> None:
    file.write_text(text)

    with pytest.raises(ConfigurationError, match=f"clouds.yaml, line {line}:") as error:
        entry_of("ours", [str(file)], [])

    assert SECRET not in str(error.value)
    assert error.value.__suppress_context__  # its traceback would show the line


def test_an_entry_that_is_missing_is_told_with_those_that_the_file_has(file: Path) -> None:
    file.write_text("clouds: {one: {}, two: {}}")

    with pytest.raises(ValueError, match="has no entry of that name; it has one, two"):
        entry_of("ours", [str(file)], [])
    with pytest.raises(ValueError, match="there is no such file"):
        entry_of("ours", [str(file.with_name("nowhere.yaml"))], [])


def test_the_file_that_the_environment_names_must_exist(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CONFIG_VARIABLE, str(file))

    with pytest.raises(ConfigurationError, match=f"OS_CLIENT_CONFIG_FILE names {file}"):
        candidates(CONFIG_VARIABLE, ["/etc/openstack/clouds.yaml"])
    file.touch()
    assert candidates(CONFIG_VARIABLE, ["/other.yaml"]) == [str(file), "/other.yaml"]
