"""What the documentation says of commands and options is so."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from instance_images.commands.main import cli as root_command
from instance_images.config.options import list_opts
from instance_images.config.parts import installed

from support.clouds.embedded_cloud import CHECKOUT

SOURCE = CHECKOUT / "doc" / "source"
COMMANDS = (SOURCE / "cli" / "index.md").read_text()
SETTINGS = (SOURCE / "configuration" / "settings.md").read_text()


def command_of(words: list[str]) -> click.Command | None:
    """Return the command of those words, None if there is none."""
    command: click.Command | None = root_command
    for word in words:
        if not isinstance(command, click.Group):
            return None
        command = command.get_command(click.Context(command), word)
    return command


def named_commands() -> list[str]:
    """Return every command with its options that the table of commands names."""
    table = COMMANDS.partition("## Exit codes")[0]
    rows = [row.split("|")[1] for row in table.replace(r"\|", "/").splitlines() if "| `" in row]
    return [named for row in rows for named in re.findall("`([^`]+)`", row)]


@pytest.mark.parametrize("named", named_commands())
def test_every_documented_command_exists_with_its_options(named: str) -> None:
    command = command_of(re.findall(r"(?<![\w-])[a-z][a-z-]+", named.partition(" --")[0])[:2])

    assert command is not None
    options = {name for parameter in command.params for name in parameter.opts}
    assert set(re.findall(r"--[a-z-]+|(?<=\s)-[a-z](?=\s)", named)) <= options


def test_the_documentation_names_every_command() -> None:
    named = {" ".join(name.split()[:2]) for name in named_commands()}

    for group_name in root_command.list_commands(click.Context(root_command)):
        group = root_command.get_command(click.Context(root_command), group_name)
        if not isinstance(group, click.Group):
            assert group_name in {name.split()[0] for name in named}
            continue
        for name in group.list_commands(click.Context(group)):
            assert f"{group_name} {name}" in named


def documented_defaults() -> dict[tuple[str, str], str]:
    """Return the default of every (section, option) in the table of the configuration."""
    found, section = {}, ""
    for row in SETTINGS.splitlines():
        if row.startswith("| "):
            _, named, option, default, *_ = [cell.strip().strip("`") for cell in row.split("|")]
            section = named or section
            found[section.partition(":")[0], option] = default
    return found


def test_the_documentation_names_every_option_with_its_default() -> None:
    documented = documented_defaults()

    above = [(name, o) for part in installed().values() for name, o in part.sections.items()]
    assert above
    for group, options in [*list_opts(), *above]:
        section = getattr(group, "name", group)
        for option in options:
            default = documented[section.partition(":")[0], option.dest]
            if isinstance(option.default, str | int) and not option.secret:
                assert default == str(option.default).replace("True", "true")


def pages_outside() -> list[Path]:
    """Return the Markdown pages that are read in the tree, not in the built documentation."""
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "*.md"]
    names = subprocess.run(listed, cwd=CHECKOUT, capture_output=True, check=True, text=True).stdout
    return [CHECKOUT / name for name in names.split("\0") if name and not name.startswith("doc/")]


def test_links_of_pages_outside_the_documentation_lead_to_files() -> None:
    pages = pages_outside()

    dead = [
        f"{page.name}: {link}"
        for page in pages
        for link in re.findall(r"\]\(([^)#]+)", page.read_text())
        if "://" not in link and not (page.parent / link).exists()
    ]
    assert CHECKOUT / "README.md" in pages
    assert dead == []


def test_a_dead_link_of_a_built_page_is_found(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text(
        '<a href="other.html#there"></a><a href="other.html#gone"></a><a href="https://x.org/"></a>'
        '<a href="missing.html"></a><img src="missing.png"><a href="#">'
    )
    (tmp_path / "other.html").write_text('<h1 id="there"></h1>')

    check = [sys.executable, CHECKOUT / "doc" / "check_links.py", tmp_path]
    checked = subprocess.run(check, capture_output=True, text=True)

    assert checked.returncode == 1
    assert checked.stderr.splitlines() == [
        "index.html: other.html#gone: there is no such anchor",
        "index.html: missing.html: there is no such file",
        "index.html: missing.png: there is no such file",
    ]


def test_the_readme_is_short() -> None:
    assert len((CHECKOUT / "README.md").read_text().splitlines()) <= 200


def test_a_command_or_option_missing_from_a_manual_page_is_found() -> None:
    spec = importlib.util.spec_from_file_location("check", CHECKOUT / "doc" / "check_man_pages.py")
    assert spec is not None
    assert spec.loader is not None
    check = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(check)
    commands = [("image", set()), ("create", {"--name", "--wait", "--help"})]
    page = ".SH NAME\n.SH INSTANCE-IMAGES\n.SS image\n.SS create\n.B \\-\\-name\n\\-\\-waiting\n"

    assert check.differences(page.replace("waiting", "wait"), commands) == []
    assert check.differences(page, commands) == ["create --wait is missing"]
    assert len(check.differences(page.replace("create", "made"), commands)) == 1
    assert "--hours" in dict(check.commands_of_product())["adjust"]
    assert "custom image usage save" in dict(check.commands_of_client())
