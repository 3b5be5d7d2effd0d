"""How the sums of reports and ledger are shown."""

from __future__ import annotations

from instance_images.views.fields import View, instant_text
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

ADDRESS: View = View(
    fields=(
        ("account_id", lambda one: one.account_id),
        ("address", lambda one: one.address),
        ("format", lambda one: one.format),
        ("locale", lambda one: one.locale),
        ("set_at", lambda one: one.set_at),
    ),
    columns=(
        ("Account", lambda one: one.account_id),
        ("Address", lambda one: one.address),
        ("Format", lambda one: one.format),
        ("Locale", lambda one: one.locale),
    ),
)

OUTCOME: View = View(
    fields=(
        ("account_id", lambda one: one.account_id),
        ("account_name", lambda one: one.account_name),
        ("currency", lambda one: one.currency),
        ("total", lambda one: one.total),
        ("address", lambda one: one.address),
        ("format", lambda one: one.format),
        ("state", lambda one: one.state),
        ("answer", lambda one: one.answer),
    ),
    columns=(
        ("Account", lambda one: one.account_id),
        ("Name", lambda one: one.account_name),
        ("Total", lambda one: f"{one.currency} {one.total}"),
        ("Address", lambda one: one.address or "-"),
        ("Format", lambda one: one.format or "-"),
        ("State", lambda one: one.state),
        ("Answer", lambda one: one.answer or "-"),
    ),
)

DELIVERY: View = View(
    fields=(
        ("period", lambda one: one.key.period),
        ("account_id", lambda one: one.key.account_id),
        ("currency", lambda one: one.key.currency),
        ("total", lambda one: one.parcel.total),
        ("address", lambda one: one.key.address),
        ("format", lambda one: one.parcel.format),
        ("revision", lambda one: one.key.revision),
        ("number", lambda one: one.key.number),
        ("state", lambda one: one.state),
        ("attempted_at", lambda one: one.attempted_at),
        ("sent_at", lambda one: one.sent_at),
        ("message_id", lambda one: one.message_id),
        ("sha256", lambda one: one.parcel.sha256),
        ("answer", lambda one: one.answer),
    ),
    columns=(
        ("Account", lambda one: one.key.account_id),
        ("Total", lambda one: f"{one.key.currency} {one.parcel.total}"),
        ("Address", lambda one: one.key.address),
        ("Format", lambda one: one.parcel.format),
        ("Report", lambda one: one.key.revision),
        ("No.", lambda one: str(one.key.number)),
        ("State", lambda one: one.state),
        ("Sent", lambda one: instant_text(one.sent_at)),
        ("Answer", lambda one: one.answer or "-"),
    ),
)
