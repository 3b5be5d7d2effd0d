"""The templates of the report: those that are shipped, and those that an operator puts before them.

A file in one of the operator's folders takes the place of the shipped one of its name, and can
extend it as ``shipped/NAME``. Every value is made printable and escaped. Templates run in jinja's
sandbox: they reach the values that they are given and nothing of the process. That guards against
slips; whoever may write templates decides what a report says all the same.
"""

import contextlib
import traceback
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from instance_images.errors import ConfigurationError, InstanceImagesError
from instance_images.instants import format_instant
from instance_images.names import printable
from instance_images_reports.formats.name_parts import BREAKS
from instance_images_reports.wording import sentences
from instance_images_reports.wording.reasons import adjustment_reason
from instance_images_reports.wording.words import Words

if TYPE_CHECKING:
    from jinja2 import BaseLoader, Environment
    from markupsafe import Markup


def render_template(
    name: str, words: Words, directories: Sequence[Path], values: dict[str, object]
) -> str:
    """Return what the template makes of the values and the words.

    Raises ConfigurationError, with file and line, for a fault in one of the operator's.
    """
    with _faults_told(directories):
        environment = _environment(
            str(words.locale), words.zone, words.currency, tuple(directories)
        )
        return environment.get_template(name).render(words=words, **values)


@lru_cache(maxsize=8)
def _environment(
    locale: str, zone: ZoneInfo, currency: str, directories: tuple[Path, ...]
) -> "Environment":
    """Return the environment of all reports with these words: templates are compiled once."""
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    words = Words(locale, zone, currency)
    environment = ImmutableSandboxedEnvironment(
        loader=_loader(directories),
        extensions=["jinja2.ext.i18n"],
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_harmless,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.install_gettext_translations(words.translations, newstyle=True)  # type: ignore[attr-defined]
    environment.policies["ext.i18n.trimmed"] = True
    environment.filters |= {
        "money": words.money,
        "amount": words.amount,
        "quantity": words.quantity,
        "integer": words.integer,
        "plain": words.plain,
        "duration": words.duration,
        "size": words.size,
        "rate": words.rate,
        "utc": format_instant,
        "instant": words.instant,
        "date": words.date_of,
        "time": words.time_of,
        "moment": words.moment,
        "day": words.day,
        "month": words.month_of,
        "breaking": _breaking,
        **_sentence_filters(words),
    }
    return environment


def _sentence_filters(words: Words) -> dict[str, Callable[..., str]]:
    return {
        name: partial(sentence, words)
        for name, sentence in (
            ("section_title", sentences.section_title),
            ("section_total_title", sentences.section_total_title),
            ("state", sentences.state_text),
            ("coverage", sentences.coverage_text),
            ("counts", sentences.counts_text),
            ("ending", sentences.ending_text),
            ("adjustment_title", sentences.adjustment_title),
            ("adjustment_reason", adjustment_reason),
            ("images", sentences.images_text),
            ("forecast_basis", sentences.forecast_basis),
            ("budget", sentences.budget_text),
            ("comparison", sentences.comparison_text),
            ("unit", sentences.unit_text),
            ("quantity_title", sentences.quantity_title),
            ("terms", sentences.terms_text),
        )
    }


def _breaking(name: str) -> "Markup":
    """Return a name, escaped, that may break where a reader would break it.

    Unicode's rules break ``build-38.prod.example.net`` nowhere: a narrow column would cut the last
    word in two.
    """
    from markupsafe import Markup, escape

    return Markup("<wbr>").join(escape(part) for part in BREAKS.split(printable(name)))


def _harmless(value: object) -> object:
    """Make every text that the template prints printable; jinja escapes it afterwards."""
    return printable(value) if type(value) is str else value


def _loader(directories: Sequence[Path]) -> "BaseLoader":
    """Return what finds a template: the operator's before those that are shipped."""
    from jinja2 import (
        ChoiceLoader,
        FileSystemLoader,
        FunctionLoader,
        PackageLoader,
        PrefixLoader,
        TemplateNotFound,
    )

    own = FileSystemLoader([str(directory) for directory in directories])

    def load(name: str) -> tuple[str, str | None, Callable[[], bool] | None] | None:
        try:
            return own.get_source(environment=None, template=name)  # type: ignore[arg-type]
        except TemplateNotFound:
            return None
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not UTF-8"
            raise ConfigurationError(
                f"Template {name} in {', '.join(map(str, directories))} cannot be read: {reason}."
            ) from error

    shipped = PackageLoader("instance_images_reports")
    return ChoiceLoader([FunctionLoader(load), shipped, PrefixLoader({"shipped": shipped})])


@contextlib.contextmanager
def _faults_told(directories: Sequence[Path]) -> Iterator[None]:
    """Tell a fault in a template of the operator's with its place; one of ours is a bug."""
    from jinja2 import TemplateSyntaxError

    try:
        yield
    except InstanceImagesError:
        raise
    except Exception as error:
        if isinstance(error, TemplateSyntaxError):
            place, reason = _own_place(directories, [(error.filename, error.lineno)]), error.message
        else:
            frames = traceback.extract_tb(error.__traceback__)
            place = _own_place(directories, [(one.filename, one.lineno) for one in frames])
            reason = str(error)
        if place is None:
            raise
        raise ConfigurationError(
            f"Template {place}: {printable(reason or '')} ({type(error).__name__}). Correct it, or"
            " remove it to use the one that is shipped."
        ) from error


def _own_place(
    directories: Sequence[Path], places: Sequence[tuple[str | None, int | None]]
) -> str | None:
    """Return the last of the places that is in one of the operator's templates."""
    for filename, line in reversed(places):
        if filename and any(Path(filename).is_relative_to(one) for one in directories):
            return f"{filename}, line {line}"
    return None
