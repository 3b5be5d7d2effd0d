"""How amounts, quantities, instants and texts are put for the reader of a report.

What depends on the locale, the time zone and the currency is here, for every format that people
read; formats for programs do not come here. Computes nothing that a bill rests on.
"""

import re
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from instance_images_billing.pricing.periods import Period
from instance_images_billing.pricing.units import UNIT_BYTES
from instance_images_reports.presentation import Presentation
from instance_images_reports.statement.statement import Line, Statement
from instance_images_reports.wording.catalogue import parse_locale, translations_for

if TYPE_CHECKING:
    from babel.numbers import NumberPattern

_PRICE_DECIMALS = 9


class Words:
    """The words of one report. ``language`` is that of its texts: ``en`` where none is shipped."""

    def __init__(self, locale: str, zone: ZoneInfo, currency: str) -> None:
        """Raise UsageError where the locale is not known."""
        self.locale = parse_locale(locale)
        self.zone = zone
        self.currency = currency
        self.language, self.translations = translations_for(self.locale)
        self._patterns: dict[tuple[str, str], NumberPattern] = {}

    # ------------------------------------------------------------------------ texts

    def gettext(self, message: str, **values: object) -> str:
        """Return the message in the reader's language, its ``%(name)s`` replaced by the values."""
        translated = self.translations.gettext(message)
        return translated % values if values else translated

    def ngettext(self, one: str, several: str, count: int, **values: object) -> str:
        """Return the message for one or for several, with ``%(count)s``, and with the values."""
        return self.translations.ngettext(one, several, count) % {"count": count, **values}

    # ---------------------------------------------------------------------- numbers

    def money(self, amount: Decimal) -> str:
        """Return ``EUR 1,234.50``: a code, because ``$`` is the sign of twenty currencies."""
        return self._money(amount, "0" * _decimals(amount))

    def price(self, price: Decimal) -> str:
        """Return a price with the decimals that it needs, those of the currency at least."""
        from babel.numbers import get_currency_precision

        digits = get_currency_precision(self.currency)
        return self._money(price, "0" * digits + "#" * (_PRICE_DECIMALS - digits))

    def amount(self, amount: Decimal) -> str:
        """Return an amount with all of its decimals and its thousands apart: ``1,234.50``."""
        return self._number(amount, "0" * _decimals(amount))

    def quantity(self, quantity: Decimal) -> str:
        """Return a quantity with three decimals and its thousands apart: ``5,410.000``."""
        return self._number(quantity, "000")

    def integer(self, number: int) -> str:
        """Return an integer with its thousands apart: ``1,000,000,000``."""
        return self._number(Decimal(number), "")

    def plain(self, number: Decimal) -> str:
        """Return a number with the decimals that it needs: ``2.5``."""
        return self._number(number, "#" * _PRICE_DECIMALS)

    def rate(self, rate: Decimal) -> str:
        """Return a rate as it was set, with two decimals at least: ``0.05``."""
        return self._number(rate, "00" + "#" * (_PRICE_DECIMALS - 2))

    def percent(self, percent: Decimal, *, signed: bool = False) -> str:
        """Return ``42.1%``; a change of what was before is ``signed``: ``+4.2%``."""
        pattern = self.locale.percent_formats[None].pattern
        if signed and percent > 0:
            pattern = "+" + pattern
        return str(self._pattern(pattern, "0").apply(percent.scaleb(-2), self.locale))

    def whole_percent(self, percent: int) -> str:
        """Return ``80%``."""
        pattern = self._pattern(self.locale.percent_formats[None].pattern, "")
        return str(pattern.apply(Decimal(percent).scaleb(-2), self.locale))

    def size(self, line: Line) -> str:
        """Return the size in the unit that is charged for, to be checked: ``73.000 GB``."""
        return f"{self.quantity(Decimal(line.size_bytes) / UNIT_BYTES[line.unit])} {line.unit}"

    def duration(self, seconds: int) -> str:
        """Return hours, minutes and seconds: ``541:00:00``."""
        minutes, seconds = divmod(seconds, 60)
        hours, minutes = divmod(minutes, 60)
        return f"{hours}:{minutes:02}:{seconds:02}"

    # ------------------------------------------------------------------------ dates

    def instant(self, instant: datetime) -> str:
        """Return the local time as a sentence has it: ``23 November 2026, 13:00``."""
        from babel.dates import format_date

        return self._joined(format_date(self._local(instant), "long", self.locale), instant, "Hm")

    def moment(self, instant: datetime) -> str:
        """Return the local time to the second: ``23 Nov 2026, 13:00:00``."""
        return self._joined(self.date_of(instant), instant, "Hms")

    def date_of(self, instant: datetime) -> str:
        """Return the local date: ``23 Nov 2026``."""
        return self.day(self._local(instant).date())

    def day(self, day: date) -> str:
        """Return a date: ``23 Nov 2026``."""
        from babel.dates import format_date

        return format_date(day, "medium", self.locale)

    def time_of(self, instant: datetime, skeleton: str = "Hms") -> str:
        """Return the local time of day to the second: ``13:00:00``.

        In the hour that a clock shows twice, the name of the time in force is added.
        """
        from babel.dates import format_skeleton

        local = self._local(instant)
        is_twice = local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()
        name = f" {local.tzname()}" if is_twice else ""
        return format_skeleton(skeleton, local, self.zone, locale=self.locale) + name

    def month_of(self, period: Period) -> str:
        """Return the name of the period: ``November 2026``."""
        from babel.dates import format_skeleton

        return format_skeleton("yMMMM", self._local(period.start), self.zone, locale=self.locale)

    # ----------------------------------------------------------------------- inside

    def _local(self, instant: datetime) -> datetime:
        return instant.astimezone(self.zone)

    def _joined(self, date_text: str, instant: datetime, skeleton: str) -> str:
        from babel.dates import get_datetime_format

        pattern = str(get_datetime_format("medium", self.locale))
        return pattern.format(self.time_of(instant, skeleton), date_text)

    def _money(self, amount: Decimal, decimals: str) -> str:
        pattern = self._pattern(self._money_pattern, decimals)
        return str(
            pattern.apply(amount, self.locale, currency=self.currency, currency_digits=False)
        )

    def _number(self, number: Decimal, decimals: str) -> str:
        return str(self._pattern(self._number_pattern, decimals).apply(number, self.locale))

    @cached_property
    def _number_pattern(self) -> str:
        return str(self.locale.decimal_formats[None].pattern)

    @cached_property
    def _money_pattern(self) -> str:
        """Return the locale's pattern for currencies, with a code that stands apart."""
        pattern = self.locale.currency_formats["standard"].pattern
        pattern = re.sub(r"¤(?=[#0])", "¤\xa0", pattern)
        return re.sub(r"(?<=[#0])¤", "\xa0¤", pattern).replace("¤", "¤¤")

    def _pattern(self, pattern: str, decimals: str) -> "NumberPattern":
        """Return the pattern with these decimals in place of its own."""
        from babel.numbers import parse_pattern

        key = (pattern, decimals)
        if key not in self._patterns:
            fraction = f".{decimals}" if decimals else ""
            changed = re.sub(r"0(?:\.[0#]+)?(?![0#,.])", f"0{fraction}", pattern)
            self._patterns[key] = parse_pattern(changed)
        return self._patterns[key]


def words_for(statement: Statement, presentation: Presentation) -> Words:
    """Return the words of the statement's report. Raises UsageError for an unknown locale."""
    return Words(presentation.locale, ZoneInfo(statement.timezone), statement.currency)


def _decimals(amount: Decimal) -> int:
    exponent = amount.as_tuple().exponent
    assert isinstance(exponent, int)
    return max(0, -exponent)
