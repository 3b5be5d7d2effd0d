"""An operator's own templates: what they can change, and how a fault in one is told."""

import json
from pathlib import Path

import pytest

from instance_images.errors import ConfigurationError
from instance_images_reports.formats.registry import render, render_section
from instance_images_reports.presentation import Presentation

from support.processes.command_line import CommandLine
from support.statements import sample_statements as samples
from support.worlds import report_ledger

PAGE = Path(__file__).parents[4] / "doc/source/admin/report-templates.md"
REPORT = ("report", "cloud-usage", "--period", "2026-11", "-f", "html")


@pytest.fixture
def templates(tmp_path: Path) -> Path:
    """The operator's folder of templates."""
    folder = tmp_path / "templates"
    (folder / "sections").mkdir(parents=True)
    return folder


def html(templates: Path, *, section: str = "", sample: object = samples.plain) -> str:
    assert callable(sample)
    presentation = Presentation(template_directories=(templates,))
    if section:
        return render_section("html", sample(), section, presentation).decode()
    return render("html", sample(), presentation).decode()


def faulty(templates: Path, content: str | bytes) -> str:
    """Return how a fault in the page's template is told."""
    file = templates / "cloud-usage.html.j2"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(ConfigurationError) as raised:
        html(templates)
    return str(raised.value)


# ------------------------------------------------------------------- what they change


def test_a_block_is_replaced_and_the_rest_is_as_shipped(templates: Path) -> None:
    (templates / "cloud-usage.html.j2").write_text(
        '{% extends "shipped/cloud-usage.html.j2" %}\n'
        "{% block header %}<h1>ACME Cloud</h1>{{ super() }}{% endblock %}\n"
    )

    changed = html(templates)

    assert changed.count("<h1>") == 2
    assert changed.replace("<h1>ACME Cloud</h1>", "") == html(templates / "none")


def test_a_section_is_replaced_in_the_page_and_alone(templates: Path) -> None:
    (templates / "sections" / "images.html.j2").write_text(
        "{% for line in section.lines %}<p>{{ line.name }}: {{ line.amount | money }}</p>"
        "{% endfor %}"
    )

    for content in (html(templates), html(templates, section="images")):
        assert "<p>production-web-server-v2: EUR\xa01.25</p>" in content
        assert "<table" not in content


def test_a_section_is_extended(templates: Path) -> None:
    (templates / "sections" / "images.html.j2").write_text(
        '{% extends "shipped/sections/images.html.j2" %}'
        "{% block charts %}{% endblock %}{% block days %}<p>{{ section.total }}</p>{% endblock %}"
    )

    content = html(templates)

    assert "<svg" not in content
    assert "<p>1.77</p>" in content
    assert "production-<wbr>web-<wbr>server-<wbr>v2" in content


def test_the_style_is_replaced(templates: Path) -> None:
    (templates / "cloud-usage.css").write_text("h1 { color: rebeccapurple }")

    assert "<style>\nh1 { color: rebeccapurple }</style>" in html(templates)


def test_the_first_folder_that_has_a_file_wins(templates: Path, tmp_path: Path) -> None:
    second = tmp_path / "second"
    second.mkdir()
    for folder in (templates, second):
        (folder / "cloud-usage.html.j2").write_text(folder.name)

    directories = (tmp_path / "none", templates, second)
    content = render("html", samples.plain(), Presentation(template_directories=directories))

    assert content == b"templates"


def test_names_are_escaped_in_an_operators_template(templates: Path) -> None:
    (templates / "cloud-usage.html.j2").write_text(
        "{{ statement.account.name }}{% for line in statement.sections[0].lines %}"
        "{{ line.name }}{% endfor %}"
    )

    content = html(templates, sample=samples.hostile)

    assert "&lt;script&gt;" in content
    assert "<" not in content
    assert "\x1b" not in content


def test_the_configuration_names_the_folder(templates: Path, tmp_path: Path) -> None:
    (templates / "cloud-usage.html.j2").write_text("{{ statement.total }}")
    cli = report_ledger.command_line(tmp_path, report=f"template_directories = {templates}")

    assert cli.ok(*REPORT).out == "3.00"


def test_the_example_of_the_documents_works(templates: Path, tmp_path: Path) -> None:
    shown = PAGE.read_text().partition("    {% extends")[2].partition("\n\n")[0]
    example = "\n".join(row.removeprefix("    ") for row in f"    {{% extends{shown}".splitlines())
    (templates / "cloud-usage.html.j2").write_text(example)
    cli = report_ledger.command_line(tmp_path, report=f"template_directories = {templates}")

    content = cli.ok(*REPORT).out

    assert "ACME Cloud" in content
    assert "web" in content


# ------------------------------------------------------------------------- one section


def test_a_section_is_had_by_the_command(tmp_path: Path) -> None:
    cli: CommandLine = report_ledger.command_line(tmp_path)

    section = json.loads(
        cli.ok(*REPORT[:-1], "json", "--section", "images", "-o", str(tmp_path)).out
        and (tmp_path / "cloud-usage-a-2026-11-EUR-images.json").read_text()
    )

    assert (section["name"], section["total"]) == ("images", "3.00")
    cli.refused(3, "'volumes' was not found", *REPORT, "--section", "volumes")


# --------------------------------------------------------------------------- faults


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("one\n{% if %}", "line 2: Expected an expression"),
        (
            "one\ntwo\n{{ statement.totel }}",
            "line 3: 'instance_images_reports.statement.statement.Stat",
        ),
        ("{{ missing }}", "line 1: 'missing' is undefined"),
        ("{{ 1 | nofilter }}", "line 1: No filter named 'nofilter'"),
        ("\n{{ 1 / 0 }}", "line 2: division by zero"),
        ('{% include "none.html.j2" %}', "line 1: none.html.j2"),
        ('{% extends "cloud-usage.html.j2" %}', "line 1: "),
        ("{{ statement.total | money(1, 2) }}", "line 1: "),
    ],
)
def test_a_fault_is_told_with_file_and_line(templates: Path, content: str, told: str) -> None:
    message = faulty(templates, content)

    assert message.startswith(f"Template {templates / 'cloud-usage.html.j2'}, {told}")
    assert "\n" not in message


def test_a_template_that_is_no_text_is_told(templates: Path) -> None:
    assert "Template cloud-usage.html.j2 in" in faulty(templates, b"\xff\xfe")


@pytest.mark.parametrize(
    "content",
    [
        "{{ statement.__class__.__mro__ }}",
        "{{ words.gettext.__globals__ }}",
        "{{ ''.__class__.__base__.__subclasses__() }}",
        "{{ sections.append(1) }}",
    ],
)
def test_a_template_does_not_leave_its_sandbox(templates: Path, content: str) -> None:
    assert "SecurityError" in faulty(templates, content)


def test_a_fault_is_exit_code_2_in_one_line(templates: Path, tmp_path: Path) -> None:
    (templates / "cloud-usage.html.j2").write_text("{{ missing }}")
    cli = report_ledger.command_line(tmp_path, report=f"template_directories = {templates}")

    cli.refused(2, "line 1: 'missing' is undefined", *REPORT)
