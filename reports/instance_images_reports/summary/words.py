"""What the summary says to people, beside its numbers; the same in every format that they read."""

from decimal import Decimal

from instance_images_reports.summary.summary import CurrencySummary, Summary
from instance_images_reports.wording.words import Words


def coverage_text(words: Words, summary: Summary) -> str:
    """Return what the summary does not hold yet, or that nothing in it changes any more."""
    if not summary.is_whole:
        return words.gettext(
            "The period is not fully metered yet: its charges are compared with those of the"
            " whole previous month."
        )
    if summary.period_state == "open":
        return words.gettext(
            "The whole period is metered. It is still open: corrections can be added until it is"
            " closed."
        )
    return words.gettext("The period is closed: its charges are final.")


def state_text(words: Words, summary: Summary) -> str:
    """Return whether the period is closed, in a word."""
    return words.gettext("closed") if summary.period_state == "closed" else words.gettext("open")


def accounts_text(words: Words, count: int) -> str:
    """Return ``3 accounts``."""
    return words.ngettext("%(count)s account", "%(count)s accounts", count)


def signed_amount(words: Words, amount: Decimal) -> str:
    """Return a change of an amount: ``+1,234.50``."""
    return ("+" if amount > 0 else "") + words.amount(amount)


def signed_percent(words: Words, percent: Decimal | None) -> str:
    """Return a change in percent; nothing where there is none."""
    return "" if percent is None else words.percent(percent, signed=True)


def rounding_text(words: Words, one: CurrencySummary) -> str:
    """Return how the accounts' totals and the ledger's exact sum belong together."""
    return words.gettext(
        "The ledger's exact sum is %(exact)s. Each account's total is rounded once, by %(rounding)s"
        " in all.",
        exact=words.money(one.exact),
        rounding=signed_amount(words, one.rounding),
    )
