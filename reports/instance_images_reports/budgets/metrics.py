"""The metrics of budgets, as a file for the textfile collector beside that of the hourly run.

There is a series for each budget, and none for accounts without one. Amounts are rounded to floats,
for graphs only.
"""

import contextlib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from instance_images_reports.budgets.check import Checked
from instance_images_reports.budgets.notices import FAILED, PENDING

PREFIX = "instance_images_"
_READABLE_BY_ALL = 0o644  # the exporter runs as another user
# Those of budgets have the labels account and currency, those of notices none.
HELP = {
    "budget_amount": "The monthly budget, in the currency's unit.",
    "budget_charge": "What the account is charged in the running month so far.",
    "budget_forecast": "What the account is expected to be charged in the running month.",
    "budget_notices_pending": "Notices of budgets that wait for an attempt.",
    "budget_notices_failed": "Notices of budgets of the last 35 days that were given up.",
}
_STATES = {"budget_notices_pending": PENDING, "budget_notices_failed": FAILED}


def metrics_path(textfile: Path) -> Path:
    """Return the file of budgets beside that of the hourly run."""
    return textfile.with_name(f"{textfile.stem}_budgets{textfile.suffix}")


def publish(textfile: Path, checked: Checked | None, unsent: Mapping[str, int]) -> str | None:
    """Replace the file of budgets; return what is wrong, if anything is."""
    path = metrics_path(textfile)
    try:
        _write(path, checked, unsent)
    except OSError as error:
        return (
            f"The metrics {path} cannot be written: {error.strerror}. Create the directory and make"
            " it writable for this user, or correct textfile in [metrics]."
        )
    return None


def _write(path: Path, checked: Checked | None, unsent: Mapping[str, int]) -> None:
    from prometheus_client import CollectorRegistry, Gauge, write_to_textfile

    registry = CollectorRegistry()
    gauges = {
        name: Gauge(
            PREFIX + name,
            explained,
            () if name in _STATES else ("account", "currency"),
            registry=registry,
        )
        for name, explained in HELP.items()
    }
    for account_id, currency, values in _samples(checked):
        for name, value in values.items():
            gauges[name].labels(account_id, currency).set(value)
    for name, state in _STATES.items():
        gauges[name].set(unsent.get(state, 0))
    draft = path.with_name(f".{path.name}.{os.getpid()}")  # no name that the exporter reads
    try:
        write_to_textfile(str(draft), registry)
        draft.chmod(_READABLE_BY_ALL)
        draft.replace(path)
    finally:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)


def _samples(checked: Checked | None) -> Iterable[tuple[str, str, dict[str, float]]]:
    for budget, figures in checked.budgets if checked else ():
        charged = figures.charged if figures else 0
        expected = figures.forecast if figures and figures.forecast is not None else charged
        yield (
            budget.account_id,
            budget.currency,
            {
                "budget_amount": float(budget.amount),
                "budget_charge": float(charged),
                "budget_forecast": float(expected),
            },
        )
