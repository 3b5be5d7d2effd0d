"""How the sums of reports and ledger are shown."""

from __future__ import annotations

from instance_images.views.fields import View
from instance_images_reports.batch.manifest import exact_text

RECONCILED: View = View(
    fields=(
        ("location", lambda one: one.location),
        ("currency", lambda one: one.currency),
        ("postings", lambda one: exact_text(one.postings)),
        ("adjustments", lambda one: exact_text(one.adjustments)),
        ("minimum_charges", lambda one: exact_text(one.minimums)),
        ("ledger", lambda one: exact_text(one.ledger)),
        ("reports", lambda one: exact_text(one.reports)),
        ("difference", lambda one: exact_text(one.difference)),
    ),
    columns=(
        ("Location", lambda one: one.location),
        ("Currency", lambda one: one.currency),
        ("Postings", lambda one: exact_text(one.postings)),
        ("Adjustments", lambda one: exact_text(one.adjustments)),
        ("Minimum Charges", lambda one: exact_text(one.minimums)),
        ("Ledger", lambda one: exact_text(one.ledger)),
        ("Reports", lambda one: exact_text(one.reports)),
        ("Difference", lambda one: exact_text(one.difference)),
    ),
)
