"""The summary over all accounts: ranks, movers and sums; the golden files show the rest."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from instance_images_reports.collect.sums import LedgerSum
from instance_images_reports.summary.formats import SUMMARY_FORMATS, render_summary
from instance_images_reports.summary.summary import MOVERS, CurrencySummary, Summary, summarise

from support.statements import sample_summary
from support.statements.sample_statements import HOSTILE_NAMES

EUR = 10**9


def summary(sums: list[LedgerSum], before: list[LedgerSum]) -> Summary:
    ids = {one.account_id for one in [*sums, *before]}
    return summarise(
        cut=sample_summary.cut(sample_summary.PERIOD),
        before=sample_summary.cut(sample_summary.OCTOBER),
        timezone="UTC",
        names={one: f"name of {one}" for one in ids},
        sums=sums,
        sums_before=before,
        digits={"EUR": 2, "JPY": 0},
    )


def euro(amounts: dict[str, int], before: dict[str, int]) -> CurrencySummary:
    (found,) = summary(
        [
            LedgerSum(account_id=name, location="One", currency="EUR", postings=nanos)
            for name, nanos in amounts.items()
        ],
        [
            LedgerSum(account_id=name, location="One", currency="EUR", postings=nanos)
            for name, nanos in before.items()
        ],
    ).currencies
    return found


def test_accounts_are_ranked_by_charge_then_by_exact_amount_then_by_id() -> None:
    found = euro({"a": EUR, "b": EUR + 1, "c": 2 * EUR, "d": EUR}, {})

    assert [one.account.id for one in found.accounts] == ["c", "b", "a", "d"]


def test_movers_are_the_largest_changes_and_counts_are_of_all() -> None:
    many = {f"{number:02}": number * EUR for number in range(15)}

    found = euro({name: 2 * nanos for name, nanos in many.items()}, many)
    turned = euro(many, {name: 2 * nanos for name, nanos in many.items()})
    new, gone = euro(many, {}), euro({}, many)

    first = [f"{number:02}" for number in range(14, 14 - MOVERS, -1)]
    assert [one.account.id for one in found.risen] == first
    assert [one.account.id for one in turned.fallen] == first
    assert [one.account.id for one in new.new] == [one.account.id for one in gone.gone] == first
    assert (found.fallen, turned.risen, new.new_count, gone.gone_count) == ([], [], 15, 15)


def test_a_charge_of_nothing_is_a_charge_and_neither_new_nor_gone() -> None:
    found = euro({"a": 0}, {"a": 0})

    assert ([one.total for one in found.accounts], found.new, found.gone) == ([0], [], [])


def test_a_change_from_nothing_has_no_percentage() -> None:
    found = euro({"a": EUR}, {"a": 0})

    assert (found.accounts[0].change, found.accounts[0].percent, found.percent) == (1, None, None)


@given(st.dictionaries(st.sampled_from("abcdefgh"), st.integers(-(10**12), 10**12)))
def test_totals_are_those_of_the_accounts_and_differ_from_the_exact_sum_by_rounding(
    amounts: dict[str, int],
) -> None:
    for found in summary(
        [
            LedgerSum(account_id=k, location="One", currency="EUR", postings=v)
            for k, v in amounts.items()
        ],
        [],
    ).currencies:
        totals = [one.total for one in found.accounts if one.total is not None]
        assert sum(totals) == found.total
        assert found.exact == Decimal(sum(amounts.values())).scaleb(-9)
        assert found.total - found.exact == found.rounding
        assert abs(found.rounding) <= len(amounts) * Decimal("0.005")


def test_hostile_names_do_no_harm_in_any_format() -> None:
    names = dict(enumerate(HOSTILE_NAMES))
    sums = [
        LedgerSum(account_id=f"{number}", location="=1+1", currency="EUR", postings=EUR)
        for number in names
    ]
    found = summarise(
        cut=sample_summary.cut(sample_summary.PERIOD),
        before=sample_summary.cut(sample_summary.OCTOBER),
        timezone="UTC",
        names={f"{number}": name for number, name in names.items()},
        sums=sums,
        sums_before=[],
        digits={"EUR": 2},
    )

    for name in SUMMARY_FORMATS:
        content = render_summary(name, found, {}).decode()
        assert "\x1b" not in content
        assert "\u202e" not in content
    page = render_summary("html", found, {}).decode()
    assert "<script" not in page
    assert "<img" not in page
    for row in render_summary("csv", found, {}).decode().splitlines():
        assert not any(cell.startswith(("=", "+1", "@")) for cell in row.split(","))
