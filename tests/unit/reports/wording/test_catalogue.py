"""The catalogue of the report's texts, and its translations."""

import io
import re
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po

from instance_images_reports.wording.catalogue import DOMAIN

CHECKOUT = Path(__file__).parents[4]
PACKAGE = CHECKOUT / "reports" / "instance_images_reports"
CURE = "the texts were changed: run './dev messages', and translate what is new"
TRANSLATIONS = sorted(PACKAGE.glob(f"locale/*/LC_MESSAGES/{DOMAIN}.po"))


def texts(message_id: object) -> tuple[str, ...]:
    return tuple(message_id) if isinstance(message_id, (tuple, list)) else (str(message_id),)


def messages(po: Path) -> Catalog:
    return read_po(io.BytesIO(po.read_bytes()), locale=None)


@pytest.fixture(scope="module")
def in_code() -> set[tuple[str, ...]]:
    """The texts that the package uses, read from its code and templates."""
    with (CHECKOUT / "babel.cfg").open() as file:
        methods, options = parse_mapping_cfg(file)
    found = extract_from_dir(PACKAGE, methods, options)
    return {texts(message_id) for _, _, message_id, _, _ in found}


def test_the_catalogue_holds_the_texts_that_are_used(in_code: set[tuple[str, ...]]) -> None:
    template = messages(PACKAGE / "locale" / f"{DOMAIN}.pot")

    assert {texts(message.id) for message in template if message.id} == in_code, CURE


@pytest.mark.parametrize("po", TRANSLATIONS, ids=lambda po: po.parts[-3])
def test_a_translation_says_everything(po: Path, in_code: set[tuple[str, ...]]) -> None:
    translated = messages(po)

    assert {texts(message.id) for message in translated if message.id} == in_code, CURE
    missing = [m.id for m in translated if m.id and not all(texts(m.string))]
    assert missing == [], CURE
    assert [m.id for m in translated if m.id and m.fuzzy] == []
    assert translated.obsolete == {}


@pytest.mark.parametrize("po", TRANSLATIONS, ids=lambda po: po.parts[-3])
def test_a_translation_has_the_placeholders_of_the_english_text(po: Path) -> None:
    translated = [m for m in messages(po) if m.id and all(texts(m.string))]

    assert [m.id for m in translated if not same_placeholders(m)] == []


def same_placeholders(message: Message) -> bool:
    """Say whether each form has those of the English form, the count left out or not."""
    wanted = [placeholders(text) for text in texts(message.id)]
    return all(
        placeholders(form) in wanted or placeholders(form) == wanted[0]
        for form in texts(message.string)
    )


def placeholders(text: str) -> list[str]:
    return sorted(re.findall(r"%\(\w+\)\w|%[^(]", text))


def test_german_is_shipped() -> None:
    assert [po.parts[-3] for po in TRANSLATIONS if po.parts[-3] == "de"] == ["de"]
