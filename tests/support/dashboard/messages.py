"""The texts of the dashboard, as gettext's catalogues: read from its sources, and compiled.

    python -m support.dashboard.messages    write the catalogues anew: ./dev messages

Django loads compiled catalogues alone, from the installed package; so they are in the tree.
"""

import io
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from support.clouds.embedded_cloud import CHECKOUT

PACKAGE = CHECKOUT / "dashboard" / "instance_images_dashboard"
LOCALES = PACKAGE / "locale"
DOMAINS = ("django", "djangojs")
_KEYWORDS: dict[str, Any] = {
    **dict.fromkeys(("_", "gettext", "gettext_lazy", "gettext_noop")),
    **dict.fromkeys(("ngettext", "ngettext_lazy"), (1, 2)),
    **dict.fromkeys(("pgettext", "pgettext_lazy"), ((1, "c"), 2)),
    **dict.fromkeys(("npgettext", "npgettext_lazy"), ((1, "c"), 2, 3)),
}
_QUOTED = r"""(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)')"""
_TRANS = re.compile(rf"{{%\s*trans(?:late)?\s+{_QUOTED}(?:\s+context\s+{_QUOTED})?[^%]*%}}")
_FILTERED = re.compile(rf"(?<!\w)_\({_QUOTED}\)")
_BLOCK = re.compile(
    r"{%\s*blocktrans(?:late)?\b([^%]*)%}(.*?)"
    r"(?:{%\s*plural\s*%}(.*?))?{%\s*endblocktrans(?:late)?\s*%}",
    re.DOTALL,
)
_VARIABLE = re.compile(r"{{\s*(\w+)\s*}}")
# Templates of scripts: an element or an attribute of Angular's, or its filter.
_ELEMENT = re.compile(r"<(\w+)(?:\s[^>]*)?\stranslate(?:\s[^>]*)?>(.*?)</\1>", re.DOTALL)
_BARE_ELEMENT = re.compile(r"<translate>(.*?)</translate>", re.DOTALL)
_ANGULAR_FILTER = re.compile(rf"{_QUOTED}\s*\|\s*translate")

# The text with its plural if it has one, its context, and its line.
Found = tuple[str | tuple[str, ...], str | None, int]


def read_sources(domain: str) -> Catalog:
    """Return the texts of the sources, each with the files that it is in."""
    catalog = Catalog(charset="utf-8")
    for path in sorted(PACKAGE.rglob("*")):
        name = str(path.relative_to(PACKAGE))
        for text, context, _ in _texts_of(path, domain):
            catalog.add(text, locations=[(name, 0)], context=context)
    for message in catalog:
        message.locations = sorted(set(message.locations))
    return catalog


def _texts_of(path: Path, domain: str) -> Iterable[Found]:
    in_scripts = "static" in path.parts
    if path.suffix == ".py" and domain == "django":
        return _of_code(path, "python")
    if path.suffix == ".js" and in_scripts and domain == "djangojs":
        return _of_code(path, "javascript")
    if path.suffix == ".html" and in_scripts == (domain == "djangojs"):
        source = path.read_text()
        return of_script_template(source) if in_scripts else of_template(source)
    return ()


def _of_code(path: Path, method: str) -> Iterator[Found]:
    with path.open("rb") as file:
        for line, text, _, context in extract(method, file, keywords=_KEYWORDS):
            yield text, context, line


def of_template(source: str) -> Iterator[Found]:
    """Yield the texts of a template of Django."""
    for found in _TRANS.finditer(source):
        text, context = found[1] or found[2], found[3] or found[4]
        yield _unquoted(text), _unquoted(context) if context else None, 0
    for found in _FILTERED.finditer(source):
        yield _unquoted(found[1] or found[2]), None, 0
    for found in _BLOCK.finditer(source):
        forms = [
            _block_text(form, "trimmed" in found[1].split()) for form in found.groups()[1:] if form
        ]
        yield forms[0] if len(forms) == 1 else tuple(forms), None, 0


def of_script_template(source: str) -> Iterator[Found]:
    """Yield the texts of a template of Angular."""
    for found in _ELEMENT.finditer(source):
        yield found[2].strip(), None, 0
    for found in _BARE_ELEMENT.finditer(source):
        yield found[1].strip(), None, 0
    for found in _ANGULAR_FILTER.finditer(source):
        yield _unquoted(found[1] or found[2]), None, 0


def _block_text(form: str, is_trimmed: bool) -> str:
    """Return the text as Django looks it up."""
    text = _VARIABLE.sub(r"%(\1)s", form.replace("%", "%%"))
    return " ".join(line.strip() for line in text.strip().splitlines()) if is_trimmed else text


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)


def read_catalogue(path: Path) -> Catalog:
    """Return a catalogue of the tree."""
    locale = None if path.suffix == ".pot" else path.parts[-3]
    return read_po(io.BytesIO(path.read_bytes()), locale=locale)


def compiled(path: Path) -> bytes:
    """Return a catalogue as gettext reads it."""
    mo = io.BytesIO()
    write_mo(mo, read_catalogue(path))
    return mo.getvalue()


def translations() -> list[Path]:
    """Return the translated catalogues."""
    return sorted(LOCALES.glob("*/LC_MESSAGES/*.po"))


def main() -> None:
    """Write the texts of the sources into each catalogue, and compile those that are translated."""
    for domain in DOMAINS:
        sources = read_sources(domain)
        (LOCALES / f"{domain}.pot").write_bytes(_written(sources, omit_header=True))
        for path in LOCALES.glob(f"*/LC_MESSAGES/{domain}.po"):
            translated = read_catalogue(path)
            translated.update(sources, no_fuzzy_matching=True, update_creation_date=False)
            translated.obsolete.clear()
            path.write_bytes(_written(translated))
            path.with_suffix(".mo").write_bytes(compiled(path))


def _written(catalog: Catalog, **options: Any) -> bytes:
    po = io.BytesIO()
    write_po(po, catalog, width=79, sort_by_file=True, include_lineno=False, **options)
    return po.getvalue()


if __name__ == "__main__":
    main()
