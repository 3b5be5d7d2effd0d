"""What the trend of all accounts says to people, beside what it shares with that of one account."""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from instance_images_billing.pricing.money import round_half_even
from instance_images_reports.statement.rounding import decimal_of
from instance_images_reports.trend import words as trend_words
from instance_images_reports.trend.all_accounts.trend import (
    AccountMover,
    AccountsTrend,
    CurrencyTrend,
)
from instance_images_reports.trend.trend import Mover
from instance_images_reports.wording.words import Words


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownMover:
    """The change of an account with the decimals of the currency; the parts add up to it.

    Adjustments take what rounding the other parts leaves. ``ended`` are images that ended in
    either period, ``month_length`` and ``stored_time`` the other parts of the duration.
    """

    mover: AccountMover
    change: Decimal
    new: Decimal
    ended: Decimal
    volume: Decimal
    month_length: Decimal
    stored_time: Decimal
    price: Decimal
    other: Decimal


def shown_movers(trend: CurrencyTrend) -> list[ShownMover]:
    """Return the movers as people are shown them."""
    digits = -int(trend.bridge.after.as_tuple().exponent)
    return [_shown(one, digits) for one in trend.movers]


def _shown(one: AccountMover, digits: int) -> ShownMover:
    change, new, ended, volume, month_length, stored_time, price = (
        decimal_of(round_half_even(Fraction(amount) * 10**digits), digits)
        for amount in (
            one.change,
            one.new,
            one.all_ended,
            one.volume,
            one.month_length,
            one.stored_time,
            one.price,
        )
    )
    return ShownMover(
        mover=one,
        change=change,
        new=new,
        ended=ended,
        volume=volume,
        month_length=month_length,
        stored_time=stored_time,
        price=price,
        other=change - new - ended - volume - month_length - stored_time - price,
    )


def mover_titles(words: Words) -> list[str]:
    """Return the titles of the columns of changes: the change, then its parts."""
    return [
        words.gettext("Change"),
        words.gettext("New"),
        words.gettext("Ended"),
        words.gettext("Volume"),
        words.gettext("Month length"),
        words.gettext("Duration"),
        words.gettext("Price"),
        words.gettext("Other"),
    ]


def mover_amounts(one: ShownMover) -> list[Decimal]:
    """Return the amounts of the columns, in the order of the titles."""
    return [
        one.change,
        one.new,
        one.ended,
        one.volume,
        one.month_length,
        one.stored_time,
        one.price,
        one.other,
    ]


def rounded_change(words: Words, trend: CurrencyTrend, image: Mover) -> str:
    """Return the change of an account's image with the decimals of the currency."""
    digits = -int(trend.bridge.after.as_tuple().exponent)
    return trend_words.signed_amount(words, round(image.change, digits))


def coverage_text(words: Words, trend: AccountsTrend) -> str:
    """Return that the last period is not closed, or metered: that is the same in all currencies."""
    if not trend.currencies:
        return ""
    return trend_words.coverage_text(words, trend.currencies[0].periods)


def movers_title(words: Words, trend: CurrencyTrend) -> str:
    """Return the title of the table of accounts: ``... largest changes: 10 of 312``."""
    return words.gettext(
        "Accounts with the largest changes: %(shown)s of %(count)s",
        shown=len(trend.movers),
        count=words.integer(trend.movers_count),
    )


def accounts_text(words: Words, trend: CurrencyTrend) -> str:
    """Return how many accounts there are in the two last months."""
    return words.gettext("Accounts: %(count)s", count=words.integer(trend.accounts_count))


def totals_note(words: Words) -> str:
    """Return how totals are rounded."""
    return words.gettext(
        "A charge is the sum of the ledger, rounded once. The reports of the accounts are each"
        " rounded, so that their sum can differ."
    )


def more_idle_text(words: Words, count: int) -> str:
    """Return which idle images are shown."""
    return words.gettext("The %(count)s dearest images are shown.", count=count)
