"""Names as OpenStack's services take them."""

import unicodedata


def accepted_name(name: str) -> str:
    """Return the name with what Nova or Cinder refuses in one replaced.

    Nova refuses what lies beyond U+FFFF and joiners, Cinder the former. Our record keeps the name
    as it was given.
    """
    return "".join("?" if ord(c) > 0xFFFF or unicodedata.category(c) == "Cf" else c for c in name)
