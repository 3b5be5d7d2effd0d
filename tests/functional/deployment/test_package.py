"""What is installed is what is in the tree, and it works in an empty environment."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import click
import pytest

from instance_images.commands.main import cli as root_command

from support.clouds.embedded_cloud import CHECKOUT
from support.processes.packaging import UV, build_wheel

ROOTS = {
    "instance_images": CHECKOUT / "plugin",
    "instance_images_billing": CHECKOUT / "billing_job",
    "instance_images_reports": CHECKOUT / "reports",
    "instance_images_api": CHECKOUT / "api",
}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    names = "plugin billing_job reports api etc setup.cfg pyproject.toml README.md LICENSE"
    return build_wheel(names, tmp_path_factory.mktemp("product"))


def test_the_wheel_holds_exactly_what_the_tree_holds(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}

    in_tree = {
        str(path.relative_to(root))
        for package, root in ROOTS.items()
        for path in (root / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert packed == in_tree
    assert {f"{package}/py.typed" for package in ROOTS} <= packed
    assert any(name.startswith("instance_images/db/migrations/versions/r0001") for name in packed)
    assert any(name.startswith("instance_images_reports/templates/") for name in packed)


def test_an_installed_wheel_works_from_an_empty_environment_and_the_api_with_its_extra(
    wheel: Path, tmp_path: Path
) -> None:
    environment = tmp_path / "environment"
    subprocess.run([UV, "venv", "--quiet", "--python", sys.executable, environment], check=True)
    python = environment / "bin" / "python"
    subprocess.run([UV, "pip", "install", "--quiet", "--python", python, wheel], check=True)
    config = tmp_path / "instance-images.conf"
    config.write_text(
        f"[DEFAULT]\nlocations = L\n[database]\nconnection = sqlite:///{tmp_path}/l.db\n"
        "[location:L]\ncloud = none\n"
    )
    (tmp_path / "clouds.yaml").write_text(
        "clouds: {none: {auth: {auth_url: 'http://127.0.0.1:1', username: u, password: p,"
        " project_name: p, user_domain_id: default, project_domain_id: default}}}\n"
    )

    def run(*arguments: str) -> str:
        command = [environment / "bin" / "instance-images", "--config-file", config, *arguments]
        bare = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        return subprocess.run(
            command, check=True, capture_output=True, text=True, env=bare, cwd=tmp_path
        ).stdout

    run("db", "upgrade")
    assert "up to date" in run("db", "check")
    run("rate", "set", "L", "0.05")
    assert '"price": "0.05"' in run("rate", "list")

    # Without the extra, everything but the API works; with it, the API starts.
    code = "import instance_images_api.wsgi as api; print(callable(api.application))"
    bare = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    bare["INSTANCE_IMAGES_CONFIG_FILE"] = str(config)
    with config.open("a") as file:
        file.write("[keystone_authtoken]\nauth_type = password\nauth_url = http://127.0.0.1:1\n")

    def start_api() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [python, "-c", code], capture_output=True, text=True, env=bare, cwd=tmp_path
        )

    without = start_api()
    extra = [UV, "pip", "install", "--quiet", "--python", python, f"{wheel}[api]"]
    subprocess.run(extra, check=True)
    started = start_api()

    assert "No module named 'falcon'" in without.stderr
    assert started.stdout == "True\n", started.stderr


def commands(group: click.Group, path: tuple[str, ...] = ()) -> list[tuple[str, click.Command]]:
    """Return every command below the group, with its words."""
    found = []
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        words = (*path, name)
        if isinstance(command, click.Group):
            found += commands(command, words)
        else:
            found.append((" ".join(words), command))
    return found


@pytest.mark.parametrize(("words", "command"), commands(root_command))
def test_every_command_has_help_with_an_example(words: str, command: click.Command) -> None:
    assert command.help
    assert f"Example: instance-images {words}" in command.help
    for parameter in command.params:
        if isinstance(parameter, click.Option) and not parameter.hidden:
            assert parameter.help, f"{words} {parameter.opts} has no help"


@pytest.mark.parametrize(
    ("words", "command"),
    [
        (words, c)
        for words, c in commands(root_command)
        if words.split()[-1] in ("list", "show", "status")
    ],
)
def test_every_list_and_show_takes_a_format(words: str, command: click.Command) -> None:
    options = {name for parameter in command.params for name in parameter.opts}

    assert {"-f", "--format"} <= options


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from instance_images.commands.main import run; run(['--help']);"
        "heavy = {'sqlalchemy', 'openstack', 'oslo_config', 'rich', 'jinja2', 'babel',"
        " 'alembic'} & set(sys.modules); print('heavy:', sorted(heavy))"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)

    assert done.stdout.splitlines()[-1] == "heavy: []"
