"""The summary over all accounts as plain text. Computes nothing."""

from collections.abc import Sequence
from decimal import Decimal
from textwrap import fill
from zoneinfo import ZoneInfo

from instance_images.names import printable
from instance_images_reports.formats.text_table import GAP, heading, table
from instance_images_reports.presentation import Presentation
from instance_images_reports.summary import words as summary_words
from instance_images_reports.summary.summary import AccountCharge, CurrencySummary, Summary
from instance_images_reports.wording.words import Words

_WIDTH = 120


def render_summary_text(summary: Summary, presentation: Presentation) -> str:
    """Return the summary; names that are longer than a column are cut, ids and numbers never."""
    zone = ZoneInfo(summary.timezone)
    words = Words(presentation.locale, zone, "")
    parts = [_header(summary, words), fill(summary_words.coverage_text(words, summary), _WIDTH)]
    if not summary.currencies:
        parts.append(words.gettext("No account was charged."))
    for one in summary.currencies:
        parts += _currency(one, summary, Words(presentation.locale, zone, one.currency))
    return "\n\n".join(parts).replace("\xa0", " ").replace("\u202f", " ") + "\n"


def _header(summary: Summary, words: Words) -> str:
    state = summary_words.state_text(words, summary)
    facts = [
        (words.gettext("Period"), f"{words.month_of(summary.period)} ({state})"),
        (words.gettext("Time zone"), summary.timezone),
    ]
    for location, until in summary.metered_until.items():
        shown = words.instant(until) if until else words.gettext("not yet")
        facts.append((words.gettext("Metered until"), f"{shown}, {printable(location)}"))
    if summary.period_digest:
        facts.append((words.gettext("Digest"), summary.period_digest))
    title = f"{words.gettext('Cloud Usage')}: {words.gettext('all accounts')}"
    return "\n".join([*heading(title, "="), "", *table([], facts, numbers=0)])


def _currency(one: CurrencySummary, summary: Summary, words: Words) -> list[str]:
    before = words.month_of(summary.period_before)
    change = summary_words.signed_amount(words, one.change)
    percent = summary_words.signed_percent(words, one.percent)
    totals = [
        (words.gettext("Total"), words.money(one.total), ""),
        (
            before,
            words.money(one.total_before),
            f"({change}{GAP * bool(percent)}{percent})",
        ),
    ]
    movers = [
        (words.gettext("Largest rises"), one.risen),
        (words.gettext("Largest falls"), one.fallen),
        (f"{words.gettext('New accounts')}: {one.new_count}", one.new),
        (f"{words.gettext('No longer charged')}: {one.gone_count}", one.gone),
        (
            f"{words.gettext('Accounts by charge')}: {len(one.accounts)}",
            one.accounts,
        ),
    ]
    return [
        "\n".join([*heading(one.currency, "="), "", *table([], totals, numbers=2)]),
        fill(summary_words.rounding_text(words, one), _WIDTH),
        _locations(one, before, words),
        *([_sections(one, words)] if one.added else []),
        *(
            _accounts(title, accounts, before, words, one if accounts is one.accounts else None)
            for title, accounts in movers
            if accounts
        ),
    ]


def _locations(one: CurrencySummary, before: str, words: Words) -> str:
    titles = [
        words.gettext("Location"),
        words.gettext("Accounts"),
        words.gettext("Exact charge"),
        before,
    ]
    rows = [
        [
            printable(each.location),
            words.integer(each.accounts_count),
            words.amount(each.exact),
            words.amount(each.exact_before),
        ]
        for each in one.locations
    ]
    exact = sum((each.exact for each in one.locations), Decimal(0))
    exact_before = sum((each.exact_before for each in one.locations), Decimal(0))
    total = [words.gettext("Total"), "", words.amount(exact), words.amount(exact_before)]
    title = heading(words.gettext("By location"), "-")
    return "\n".join([*title, "", *table(titles, rows, numbers=3, total=total)])


def _sections(one: CurrencySummary, words: Words) -> str:
    """Return a table of the images and of the sections that others added."""
    titles = [words.gettext("Section"), words.gettext("Accounts"), words.gettext("Charge")]
    images = [words.gettext("Images"), words.integer(len(one.accounts)), words.amount(one.total)]
    rows = [
        [printable(each.section), words.integer(each.accounts_count), words.amount(each.total)]
        for each in one.added
    ]
    total = [words.gettext("Total"), "", words.amount(one.report_total)]
    title = heading(words.gettext("Section"), "-")
    return "\n".join([*title, "", *table(titles, [images, *rows], numbers=2, total=total)])


def _accounts(
    title: str,
    accounts: Sequence[AccountCharge],
    before: str,
    words: Words,
    whole: CurrencySummary | None,
) -> str:
    """Return a table of accounts; with a row of totals where they are ``whole``, all accounts."""
    titles = [
        words.gettext("Account"),
        words.gettext("Account ID"),
        words.gettext("Charge"),
        before,
        words.gettext("Change"),
        "%",
    ]
    rows = [
        [
            printable(one.account.name),
            printable(one.account.id),
            "-" if one.total is None else words.amount(one.total),
            "-" if one.total_before is None else words.amount(one.total_before),
            summary_words.signed_amount(words, one.change),
            summary_words.signed_percent(words, one.percent),
        ]
        for one in accounts
    ]
    total = (
        None
        if whole is None
        else [
            words.gettext("Total"),
            "",
            words.amount(whole.total),
            words.amount(whole.total_before),
            summary_words.signed_amount(words, whole.change),
            summary_words.signed_percent(words, whole.percent),
        ]
    )
    return "\n".join([*heading(title, "-"), "", *table(titles, rows, numbers=4, total=total)])
