"""The DevStack plugin, phase by phase, with functions that note what DevStack is asked for."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from instance_images.config.clouds import entry_of
from instance_images.config.settings import load_settings

from support.clouds.embedded_cloud import CHECKOUT

PLUGIN = CHECKOUT / "devstack"
# Stand-ins for DevStack: they write down their name and arguments. is_service_enabled and iniset do
# what DevStack's do.
STAND_INS = """
note() { echo "$@" >>"$NOTES"; }
for name in define_plugin setup_develop pip_install create_service_user get_or_create_service \\
    get_or_create_endpoint recreate_database run_process stop_process wait_for_service openstack \\
    mysql echo_summary enable_service; do
    eval "$name() { note $name \\"\\$@\\"; }"
done
sudo() { [ "$1" != install ] || mkdir -p "${@: -1}"; [ "$1" != rm ] || "$@"; }
is_service_enabled() {
    for one in "$@"; do [[ ,$ENABLED, == *,$one,* ]] && return 0; done
    return 1
}
get_python_exec_prefix() { echo "$BIN"; }
database_connection_url() { echo "mysql+pymysql://root:secret@127.0.0.1/$1?charset=utf8"; }
iniset() { printf '[%s]\\n%s = %s\\n' "$2" "$3" "$4" >>"$1"; }
configure_keystone_authtoken_middleware() {
    iniset "$1" keystone_authtoken auth_type password
    iniset "$1" keystone_authtoken username "$2"
}
die() { note die "$@"; exit 1; }
"""


class DevStack:
    """A machine on which DevStack calls the plugin."""

    def __init__(self, directory: Path) -> None:
        self.conf = directory / "etc"
        self.notes = directory / "notes"
        product = directory / "bin" / "instance-images"
        product.parent.mkdir()
        product.write_text('#!/bin/sh\necho "product $*" >>"$NOTES"\n')
        product.chmod(0o755)
        self._variables = {
            "NOTES": str(self.notes),
            "BIN": str(product.parent),
            "DEST": str(directory),
            "INSTANCE_IMAGES_CONF_DIR": str(self.conf),
            "STACK_USER": "stack",
            "REGION_NAME": "RegionOne",
            "SERVICE_HOST": "192.0.2.1",
            "SERVICE_PASSWORD": "secret",
            "SERVICE_PROJECT_NAME": "service",
            "SERVICE_DOMAIN_NAME": "Default",
            "SERVICE_TIMEOUT": "60",
            "KEYSTONE_SERVICE_URI": "http://192.0.2.1/identity",
            "DATABASE_USER": "root",
            "DATABASE_PASSWORD": "secret",
            "DATABASE_HOST": "127.0.0.1",
            "ENABLED": "instance-images-api,instance-images-worker",
        }

    def __call__(self, *words: str, **variables: str) -> list[str]:
        """Call the plugin as DevStack does; return what it has asked for."""
        self.notes.write_text("")
        script = (
            f"{STAND_INS}\nsource {PLUGIN}/settings\nsource {PLUGIN}/plugin.sh {' '.join(words)}"
        )
        environment: Mapping[str, str] = {**os.environ, **self._variables, **variables}
        subprocess.run(["bash", "-eo", "pipefail", "-c", script], env=environment, check=True)
        return self.notes.read_text().splitlines()[2:]  # after those of the settings


@pytest.fixture
def devstack(tmp_path: Path) -> DevStack:
    return DevStack(tmp_path)


def test_configuration_that_devstack_gets_is_a_configuration(devstack: DevStack) -> None:
    asked = devstack("stack", "post-config")

    settings = load_settings([devstack.conf / "instance-images.conf"])
    (location,) = settings.locations
    assert (location.name, settings.api.locations) == ("RegionOne", ("RegionOne",))
    assert settings.database_connection == "mysql+pymysql://root:secret@127.0.0.1/instance_images"
    user = entry_of("instance-images", [str(devstack.conf / "clouds.yaml")], [])
    assert user["auth"]["username"] == "instance-images"
    assert "get_or_create_endpoint instance-images RegionOne http://192.0.2.1:8794/v1" in asked
    assert "get_or_create_service instance-images instance-images Images of instances" in asked


def test_service_is_installed_initialised_and_started_in_their_phases(devstack: DevStack) -> None:
    installed = devstack("stack", "install")
    devstack("stack", "post-config")
    started = devstack("stack", "extra")

    assert any(line.startswith("setup_develop") and "api" in line for line in installed)
    assert [line for line in started if line.startswith("product")] == [
        "product db upgrade",
        "product rate set RegionOne 0.05",
        "product meter run",
    ]
    assert [line.split()[1] for line in started if line.startswith("run_process")] == [
        "instance-images-api",
        "instance-images-worker",
    ]


def test_everything_is_stopped_and_removed(devstack: DevStack) -> None:
    devstack("stack", "post-config")

    stopped = devstack("unstack")
    devstack("clean")

    assert stopped == ["stop_process instance-images-api", "stop_process instance-images-worker"]
    assert not devstack.conf.exists()


def test_nothing_happens_where_the_services_are_disabled(devstack: DevStack) -> None:
    assert devstack("stack", "install", ENABLED="") == []
    assert devstack("stack", "pre-install") == []
