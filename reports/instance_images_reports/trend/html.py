"""The trend as one HTML file, in the style of the report. Computes nothing."""

from decimal import Decimal
from functools import partial
from zoneinfo import ZoneInfo

from instance_images_reports.formats.charts import part_bar
from instance_images_reports.formats.templating import render_template
from instance_images_reports.presentation import Presentation
from instance_images_reports.trend import words as trend_words
from instance_images_reports.trend.compute import in_currency_digits
from instance_images_reports.trend.trend import Course, StoredImage, Trend
from instance_images_reports.wording.words import Words

TEMPLATE = "trend.html.j2"


def render_trend_html(
    trend: Trend, presentation: Presentation, template: str = TEMPLATE, **more: object
) -> str:
    """Return the page, without scripts; ``more`` are further values of the template."""
    words = Words(presentation.locale, ZoneInfo(trend.timezone), trend.currency)
    more_idle = trend_words.more_idle_text(words)
    values = {
        **course_values(words, trend),
        "coverage": trend_words.coverage_text(words, trend.periods),
        "part": partial(trend_words.part_text, words),
        "movers": [in_currency_digits(one, trend) for one in trend.movers],
        "idle": trend_words.idle_text(words, trend.idle_since, len(trend.idle), trend.saving),
        "shown_idle": trend_words.shown_idle(trend),
        "idle_note": trend_words.idle_note(words, len(trend.idle), more_idle),
        **more,
    }
    return render_template(template, words, presentation.template_directories, values)


def course_values(words: Words, trend: Course) -> dict[str, object]:
    """Return what the parts of a page need that show a change, the periods and stored images."""
    return {
        "trend": trend,
        "change": trend_words.change_text(words, trend.periods, trend.bridge),
        "price_note": trend_words.price_note(words, trend.unit),
        "share_note": trend_words.share_note(words),
        "causes": trend_words.bridge_rows(words, trend.periods, trend.bridge),
        "unit_months": trend_words.unit_months_title(words, trend.unit),
        "forecast": trend_words.forecast_text(words, trend.outlook),
        "group": partial(trend_words.group_text, words),
        "signed": partial(trend_words.signed_amount, words),
        "kind": partial(trend_words.kind_text, words),
        "size": partial(_size, words, trend.unit),
        "available": partial(trend_words.available_text, words),
        "deployed": partial(trend_words.deployed_text, words),
        "bars": _bars(trend),
    }


def _size(words: Words, unit: str, image: StoredImage) -> str:
    return trend_words.size_text(words, image, unit)


def _bars(trend: Course) -> list[tuple[object, Decimal, str, object]]:
    """Return the month, total, class and drawing of each bar of the chart."""
    from markupsafe import Markup

    months = trend_words.month_bars(trend.periods, trend.outlook)
    largest = max([*(total for _, total, _ in months), Decimal(0)])
    return [
        (period, total, css_class, Markup(part_bar(total, largest, css_class=css_class)))  # noqa: S704 - our own drawings, without any text
        for period, total, css_class in months
    ]
