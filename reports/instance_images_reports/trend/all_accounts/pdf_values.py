"""What the Typst template of the trend of all accounts is given. Computes nothing."""

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from instance_images.names import printable
from instance_images_reports.formats.name_parts import name_parts
from instance_images_reports.formats.pdf.tables import Values
from instance_images_reports.formats.pdf.values import page_values
from instance_images_reports.presentation import Presentation
from instance_images_reports.trend import words as trend_words
from instance_images_reports.trend.all_accounts import words as own_words
from instance_images_reports.trend.all_accounts.trend import (
    AccountsTrend,
    CurrencyTrend,
    OwnedImage,
)
from instance_images_reports.trend.pdf_parts import (
    change_values,
    periods_values,
    stored_values,
    table_values,
)
from instance_images_reports.trend.trend import Mover
from instance_images_reports.wording.words import Words


def accounts_values(trend: AccountsTrend, presentation: Presentation) -> Values:
    """Return all values of the trend of all accounts."""
    zone = ZoneInfo(trend.timezone)
    words = Words(presentation.locale, zone, "")
    first, last = words.month_of(trend.periods[0]), words.month_of(trend.periods[-1])
    heading, everyone = words.gettext("Trend of image charges"), words.gettext("All accounts")
    in_currencies = [
        (one, Words(presentation.locale, zone, one.currency)) for one in trend.currencies
    ]
    return {
        **page_values(words, everyone, last, presentation.paper),
        "title": f"{words.gettext('Trend of image charges, all accounts')}, {last}",
        "heading": heading,
        "account": {"name": [everyone], "id": ""},
        "months": f"{first} – {last}",  # noqa: RUF001
        "total": {
            "title": last,
            "amount": [own.money(one.bridge.after) for one, own in in_currencies],
        },
        "coverage": own_words.coverage_text(words, trend),
        "facts": [[words.gettext("Time zone"), trend.timezone]],
        "nothing": ""
        if trend.currencies
        else words.gettext("Nothing was charged in these periods."),
        "currencies": [_currency(trend, one, own) for one, own in in_currencies],
    }


def _currency(trend: AccountsTrend, one: CurrencyTrend, words: Words) -> Values:
    periods = periods_values(one, words)
    return {
        "code": one.currency,
        "change": {
            "title": f"{one.currency}: {words.gettext('Why the charge changed')}",
            "count": own_words.accounts_text(words, one),
            **change_values(one, words),
        },
        "movers": _movers(one, words) if one.movers else None,
        "periods": {**periods, "note": f"{periods['note']} {own_words.totals_note(words)}"},
        "stored": _stored(trend, one, words),
    }


def _movers(one: CurrencyTrend, words: Words) -> Values:
    shown = own_words.shown_movers(one)
    rows = [
        [
            "",
            *(trend_words.signed_amount(words, at) for at in own_words.mover_amounts(each)),
        ]
        for each in shown
    ]
    change, *parts = own_words.mover_titles(words)
    titles = [
        (words.gettext("Account"), ""),
        (change, one.currency),
        *((title, "") for title in parts),
    ]
    names = [
        {
            "name": name_parts(each.mover.account.name),
            "note": printable(each.mover.account.id),
            "more": [_image(image, one, words) for image in each.mover.images],
        }
        for each in shown
    ]
    return {"title": own_words.movers_title(words, one), "table": table_values(titles, rows, names)}


def _image(image: Mover, one: CurrencyTrend, words: Words) -> list[str]:
    """Return an image of an account and its change, in the parts between which it may break."""
    kind = trend_words.kind_text(words, image)
    amount = own_words.rounded_change(words, one, image)
    return [*name_parts(image.name), f", {kind}: {amount}" if kind else f": {amount}"]


def _stored(trend: AccountsTrend, one: CurrencyTrend, words: Words) -> Values:
    more = own_words.more_idle_text(words, len(one.idle))
    return {
        "title": f"{words.gettext('Stored images')}: {words.integer(one.stored_count)}",
        "text": trend_words.idle_text(words, trend.idle_since, one.idle_count, one.saving),
        "note": trend_words.idle_note(words, one.idle_count, more) if one.idle else "",
        "tables": [
            *_table(words.gettext("Idle images"), one.idle, one, words),
            *_table(words.gettext("Largest images"), one.largest, one, words),
            *_table(words.gettext("Oldest images"), one.oldest, one, words),
        ],
    }


def _table(
    title: str, images: Sequence[OwnedImage], one: CurrencyTrend, words: Words
) -> list[Values]:
    owned = [(each.image, f"{each.account.name}, {each.image.location}") for each in images]
    return stored_values(title, owned, one, words)
