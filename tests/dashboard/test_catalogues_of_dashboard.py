"""The catalogues of the dashboard's texts hold what its sources say; German is whole."""

import re
from pathlib import Path
from typing import Any

import pytest
from babel.messages.catalog import Message
from babel.messages.pofile import read_po

from support.dashboard import messages
from support.dashboard.environment import dashboard_python

CURE = "the texts were changed: run './dev messages', and translate what is new"
TRANSLATIONS = messages.translations()


def keys(catalog: Any) -> set[tuple[Any, str | None]]:
    return {(forms(message.id), message.context) for message in catalog if message.id}


def forms(text: Any) -> tuple[str, ...]:
    return tuple(text) if isinstance(text, (tuple, list)) else (str(text),)


@pytest.mark.parametrize("domain", messages.DOMAINS)
def test_the_catalogue_holds_the_texts_of_the_sources(domain: str) -> None:
    template = messages.read_catalogue(messages.LOCALES / f"{domain}.pot")

    assert keys(template) == keys(messages.read_sources(domain)), CURE


@pytest.mark.parametrize("po", TRANSLATIONS, ids=lambda po: f"{po.parts[-3]}-{po.stem}")
def test_a_translation_says_everything_with_the_placeholders_of_the_english_text(po: Path) -> None:
    translated = messages.read_catalogue(po)

    assert keys(translated) == keys(messages.read_sources(po.stem)), CURE
    said = [message for message in translated if message.id]
    assert [m.id for m in said if not all(forms(m.string))] == [], CURE
    assert [m.id for m in said if m.fuzzy] == []
    assert [m.id for m in said if not has_same_placeholders(m)] == []
    assert translated.obsolete == {}


def has_same_placeholders(message: Message) -> bool:
    wanted = [placeholders(text) for text in forms(message.id)]
    return all(placeholders(form) in wanted for form in forms(message.string))


def placeholders(text: str) -> list[str]:
    return sorted(re.findall(r"%\(\w+\)\d*\w|%\d*[a-z]|{\$.*?\$}|{\w*}", text))


@pytest.mark.parametrize("po", TRANSLATIONS, ids=lambda po: f"{po.parts[-3]}-{po.stem}")
def test_what_django_loads_is_what_was_translated(po: Path) -> None:
    assert po.with_suffix(".mo").read_bytes() == messages.compiled(po), CURE


def test_german_is_shipped() -> None:
    german = [po.stem for po in TRANSLATIONS if po.parts[-3] == "de"]

    assert german == list(messages.DOMAINS)


@pytest.mark.parametrize("domain", messages.DOMAINS)
def test_texts_that_horizon_has_too_keep_its_words(domain: str) -> None:
    """Django knows one translation of a text: ours would change Horizon's pages."""
    packages = next(dashboard_python().parent.parent.glob("lib/python3*/site-packages"))
    own = messages.read_catalogue(messages.LOCALES / "de" / "LC_MESSAGES" / f"{domain}.po")

    different = []
    for package in ("horizon", "openstack_dashboard"):
        path = packages / package / "locale" / "de" / "LC_MESSAGES" / f"{domain}.po"
        with path.open("rb") as file:
            theirs = read_po(file, locale="de")
        for message in own:
            found = theirs.get(message.id, message.context) if message.id else None
            if found is None or not any(forms(found.string)):
                continue
            if forms(found.string)[0] != forms(message.string)[0]:
                different.append((message.id, message.string, found.string))

    assert different == []


def test_texts_of_templates_are_read_as_django_looks_them_up() -> None:
    django = """{% trans "A \\"b\\"" %} {% translate 'c' context "d" as e %} {{ x|default:_("f") }}
    {% blocktrans trimmed with g=h %}
      50 % of {{ g }}
      are {{ i }}
    {% plural %}others{% endblocktrans %}"""
    angular = (
        """<p class="x" translate>j {$ k $}</p> {$ ::'l' | translate $} <translate>m</translate>"""
    )

    assert [found[:2] for found in messages.of_template(django)] == [
        ('A "b"', None),
        ("c", "d"),
        ("f", None),
        (("50 %% of %(g)s are %(i)s", "others"), None),
    ]
    assert [found[0] for found in messages.of_script_template(angular)] == ["j {$ k $}", "m", "l"]
