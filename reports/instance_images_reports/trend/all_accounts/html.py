"""The trend of all accounts as one HTML file, in the style of the report. Computes nothing."""

from functools import partial
from zoneinfo import ZoneInfo

from instance_images_reports.formats.templating import render_template
from instance_images_reports.presentation import Presentation
from instance_images_reports.trend import words as trend_words
from instance_images_reports.trend.all_accounts import words as own_words
from instance_images_reports.trend.all_accounts.trend import AccountsTrend, CurrencyTrend
from instance_images_reports.trend.html import course_values
from instance_images_reports.wording.words import Words

TEMPLATE = "trend-all-accounts.html.j2"


def render_accounts_html(
    trend: AccountsTrend, presentation: Presentation, template: str = TEMPLATE, **more: object
) -> str:
    """Return the page, without scripts; ``more`` are further values of the template."""
    zone = ZoneInfo(trend.timezone)
    words = Words(presentation.locale, zone, "")
    values = {
        "all": trend,
        "first_month": words.month_of(trend.periods[0]),
        "last_month": words.month_of(trend.periods[-1]),
        "coverage": own_words.coverage_text(words, trend),
        "currencies": [
            (one, _values(trend, one, Words(presentation.locale, zone, one.currency)))
            for one in trend.currencies
        ],
        **more,
    }
    return render_template(template, words, presentation.template_directories, values)


def _values(trend: AccountsTrend, one: CurrencyTrend, words: Words) -> dict[str, object]:
    more = own_words.more_idle_text(words, len(one.idle))
    return {
        **course_values(words, one),
        "money": words.money,
        "accounts": own_words.accounts_text(words, one),
        "movers_title": own_words.movers_title(words, one),
        "mover_titles": own_words.mover_titles(words),
        "mover_amounts": own_words.mover_amounts,
        "movers": own_words.shown_movers(one),
        "rounded": partial(own_words.rounded_change, words, one),
        "totals_note": own_words.totals_note(words),
        "idle": trend_words.idle_text(words, trend.idle_since, one.idle_count, one.saving),
        "idle_note": trend_words.idle_note(words, one.idle_count, more),
    }
