"""Values as people read them: sizes, durations, instants, names."""

import unicodedata

_UNITS = ("B", "kB", "MB", "GB", "TB", "PB")
# What would steer a terminal or a reader: control and format characters, surrogates, separators.
_UNPRINTABLE = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
_JOINER = "\u200d"  # holds many emoji together
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def printable(text: str) -> str:
    """Return the text without the characters that would steer a terminal or a reader."""
    if text.isprintable():
        return text
    return "".join(
        one for one in text if one == _JOINER or unicodedata.category(one) not in _UNPRINTABLE
    )


def formula_safe(text: str) -> str:
    """Return the printable text so that no spreadsheet takes it for a formula."""
    shown = printable(text)
    return "'" + shown if shown.lstrip().startswith(_FORMULA_STARTS) else shown


def size(size_bytes: int) -> str:
    """Return a size in units of 1000: ``1.07 GB``."""
    exponent = 0
    while size_bytes >= 1000 ** (exponent + 1) and exponent < len(_UNITS) - 1:
        exponent += 1
    if exponent == 0:
        return f"{size_bytes} B"
    return f"{size_bytes / 1000**exponent:.2f} {_UNITS[exponent]}"


def exact_size(size_bytes: int) -> str:
    """Return a size with its bytes: ``1.07 GB (1073741824 bytes)``."""
    return size(size_bytes) if size_bytes < 1000 else f"{size(size_bytes)} ({size_bytes} bytes)"


def duration(seconds: int) -> str:
    """Return a duration: ``42 s``, ``3 min 05 s``, ``2 h 07 min``."""
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {seconds:02d} s" if minutes else f"{seconds} s"


def capitalized(word: str) -> str:
    """Return a status or kind with a capital: ``Available``."""
    return printable(word).capitalize()


def limit(max_images: int) -> str:
    """Return a limit; ``unlimited`` where any number is allowed."""
    return "unlimited" if max_images < 0 else str(max_images)


def yes_or_no(value: bool) -> str:
    """Return ``yes`` or ``no``."""
    return "yes" if value else "no"


def percent(value: int) -> str:
    """Return a progress: ``60 %``."""
    return f"{value} %"
