"""The summary over all accounts as one HTML file, in the style of the report. Computes nothing."""

from decimal import Decimal
from functools import partial
from zoneinfo import ZoneInfo

from instance_images_reports.formats.charts import part_bar
from instance_images_reports.formats.templating import render_template
from instance_images_reports.presentation import Presentation
from instance_images_reports.summary import words as summary_words
from instance_images_reports.summary.json import Paths
from instance_images_reports.summary.summary import CurrencySummary, Summary
from instance_images_reports.wording.words import Words


def render_summary_html(summary: Summary, presentation: Presentation, paths: Paths) -> str:
    """Return the page; accounts lead to their files, where there are any."""
    zone = ZoneInfo(summary.timezone)
    words = Words(presentation.locale, zone, "")
    values = {
        "summary": summary,
        "coverage": summary_words.coverage_text(words, summary),
        "state": summary_words.state_text(words, summary),
        "accounts": partial(summary_words.accounts_text, words),
        "rounding": summary_words.rounding_text,
        "signed": summary_words.signed_amount,
        "percent": summary_words.signed_percent,
        "currencies": [
            (one, Words(presentation.locale, zone, one.currency), _bars(one))
            for one in summary.currencies
        ],
        "paths": paths,
    }
    return render_template("summary.html.j2", words, presentation.template_directories, values)


def _bars(one: CurrencySummary) -> tuple[object, object]:
    """Return the bars of this period and of the one before."""
    from markupsafe import Markup

    largest = max(one.total, one.total_before, Decimal(0))
    this = part_bar(one.total, largest)
    before = part_bar(one.total_before, largest, css_class="bar-pale")
    return Markup(this), Markup(before)  # noqa: S704 - our own drawings, without any text
