"""What the Typst template of the report is given: the statement in the reader's words, as JSON.

Computes nothing. Names are lists of the parts between which they may break; no value is markup.
"""

from instance_images.names import printable
from instance_images_billing.pricing.units import UNIT_BYTES
from instance_images_reports.formats.name_parts import name_parts
from instance_images_reports.formats.pdf.section_values import added_values, section_values
from instance_images_reports.formats.pdf.tables import Values
from instance_images_reports.statement.statement import Statement
from instance_images_reports.wording import sentences
from instance_images_reports.wording.words import Words

_MAX_HEAD_CHARACTERS = 40  # of a name; of the widest there are, as many fit beside the month
_PAPERS = {"a4": "a4", "letter": "us-letter"}


def page_values(words: Words, account_name: str, month: str, paper: str) -> Values:
    """Return what every page of a PDF has: its language, size, running head and number."""
    return {
        "language": words.language,
        "paper": _PAPERS[paper],
        "running_head": {"account": shortened(printable(account_name)), "month": month},
        "page_number": words.gettext("Page %(page)s of %(pages)s", page="{page}", pages="{pages}"),
    }


def shortened(name: str) -> str:
    """Return a name that fits into the running head of a page."""
    return name if len(name) <= _MAX_HEAD_CHARACTERS else f"{name[: _MAX_HEAD_CHARACTERS - 1]}…"


def report_values(statement: Statement, words: Words, paper: str) -> Values:
    """Return all values of the report."""
    month, name = words.month_of(statement.period), printable(statement.account.name)
    heading = words.gettext("Cloud Usage")
    return {
        **page_values(words, statement.account.name, month, paper),
        "title": f"{heading}, {name}, {month}",
        "heading": heading,
        "account": {"name": name_parts(statement.account.name), "id": statement.account.id},
        "month": month,
        "state": {
            "name": statement.period_state,
            "text": sentences.state_text(words, statement),
        },
        "total": {"title": words.gettext("Total"), "amount": words.money(statement.total)},
        "coverage": sentences.coverage_text(words, statement),
        "facts": _facts(statement, words),
        "currency": statement.currency,
        "sections": [section_values(one, statement, words) for one in statement.sections]
        + [added_values(one, statement, words) for one in statement.added],
        "footer": _footer(statement, words),
    }


def _facts(statement: Statement, words: Words) -> list[list[str]]:
    period, metered_until = statement.period, statement.metered_until
    facts = [
        [
            words.gettext("Period"),
            f"{words.instant(period.start)} – {words.instant(period.end)}",  # noqa: RUF001
        ],
        [words.gettext("Time zone"), statement.timezone],
        [
            words.gettext("Metered until"),
            words.instant(metered_until) if metered_until else words.gettext("not yet"),
        ],
        [words.gettext("Currency"), statement.currency],
        [words.gettext("Account ID"), printable(statement.account.id)],
    ]
    if statement.budget is not None:
        facts.append([words.gettext("Budget"), sentences.budget_text(words, statement.budget)])
    return facts


# -------------------------------------------------------------------------- footer


def _footer(statement: Statement, words: Words) -> Values:
    currency = statement.currency
    terms = [sentences.terms_text(words, one.lines) for one in statement.sections if one.lines]
    charged = words.gettext(
        "An image is charged from the second it became available until the second its deletion was"
        " accepted, by its size."
    )
    return {
        "title": words.gettext("How a charge comes about"),
        "formula": words.gettext(
            "size × seconds × rate ÷ (unit × 3600 × hours per month)"  # noqa: RUF001
        ),
        "points": [
            " ".join([charged, *terms]),
            words.gettext(
                "Size and unit are counted in bytes: a GB is %(gb)s bytes, a GiB %(gib)s bytes. The"
                " rate is for one unit and one month.",
                gb=words.integer(UNIT_BYTES["GB"]),
                gib=words.integer(UNIT_BYTES["GiB"]),
            ),
            words.gettext(
                "Charges are recorded by the hour, to a billionth of %(currency)s. The total is"
                " their exact sum, rounded once to the smallest amount that %(currency)s is paid"
                " in; a half goes to the even neighbour.",
                currency=currency,
            ),
            words.gettext(
                "Lines are rounded so that they add up to the total: down first, then what is left"
                " goes to the lines that lost most by it. A line can therefore differ by one"
                " smallest amount from what it would be on its own."
            ),
        ],
    }
