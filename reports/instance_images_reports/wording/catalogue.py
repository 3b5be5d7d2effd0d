"""The catalogue of the report's texts: English in the code, other languages in ``locale``.

A language is a folder with a ``.po`` file, as gettext has it. The file itself is read, so that
there is nothing to compile and nothing that can be out of date.
"""

import io
from functools import cache
from gettext import GNUTranslations, NullTranslations
from importlib.resources import files
from typing import TYPE_CHECKING

from instance_images.errors import UsageError
from instance_images.names import printable

if TYPE_CHECKING:
    from babel import Locale

PACKAGE = DOMAIN = "instance_images_reports"
SOURCE_LANGUAGE = "en"


def parse_locale(text: str) -> "Locale":
    """Return the locale of that name, such as ``de`` or ``de_DE``. Raises UsageError."""
    from babel import Locale, UnknownLocaleError

    name = text.replace("-", "_")
    unknown = UsageError(
        f"{printable(text)!r} is not a known locale: write a language, with or without a"
        " territory, as in de or de_DE."
    )
    try:
        locale = Locale.parse(name)
    except (UnknownLocaleError, ValueError) as error:
        raise unknown from error
    # Since 2.19 Babel takes the names of the C library, C and POSIX, for American English.
    if not name.lower().startswith(locale.language) or locale.language == "root":
        raise unknown
    return locale


@cache
def translations_for(locale: "Locale") -> tuple[str, NullTranslations]:
    """Return the language of the locale's texts and its catalogue; English where it has none.

    A catalogue of the language with the territory goes before that of the language alone.
    """
    names = [str(locale), "_".join(filter(None, (locale.language, locale.script)))]
    for name in dict.fromkeys([*names, locale.language]):
        file = files(PACKAGE).joinpath("locale", name, "LC_MESSAGES", f"{DOMAIN}.po")
        if file.is_file():
            return name.replace("_", "-"), _compiled(file.read_bytes())
    return SOURCE_LANGUAGE, NullTranslations()


def _compiled(po: bytes) -> NullTranslations:
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    mo = io.BytesIO()
    write_mo(mo, read_po(io.BytesIO(po)))
    mo.seek(0)
    return GNUTranslations(mo)
