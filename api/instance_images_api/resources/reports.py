"""Cloud Usage reports of one account, and the operator's summary of all."""

import hashlib
from importlib.metadata import version

import falcon

from instance_images.errors import NotFound, UsageError
from instance_images.views.fields import as_json
from instance_images_api.http.errors import ApiError, busy
from instance_images_api.http.route import Answer, Call
from instance_images_billing.config import billing_settings
from instance_images_billing.pricing.periods import Period
from instance_images_reports.batch.all_accounts import read_books, summary_of
from instance_images_reports.budgets.of_statements import budgets_of, with_budget
from instance_images_reports.collect.account import collect
from instance_images_reports.collect.added_sections import with_added_sections
from instance_images_reports.collect.begun_period import begun_period
from instance_images_reports.collect.cutoff import list_places
from instance_images_reports.collect.months import list_months
from instance_images_reports.collect.views import MONTH
from instance_images_reports.config import report_settings
from instance_images_reports.delivery.destination import report_name
from instance_images_reports.formats.registry import FORMATS, render, render_section
from instance_images_reports.presentation import DEFAULT_PRESENTATION, Presentation
from instance_images_reports.statement.statement import Statement
from instance_images_reports.summary.formats import render_summary, summary_path
from instance_images_reports.wording.catalogue import parse_locale

_OF_SUMMARY = ("json", "csv", "html")
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"
_OF_ONE = ("currency", "section", "account_id")


def list_of_months(call: Call) -> Answer:
    """Return the months in which the account is charged for something."""
    service = call.service
    account_id = call.parameters.get("account_id", call.sender.account_id)
    with service.application.database.snapshot() as connection:
        months = list_months(
            connection,
            account_id,
            service.clock(),
            billing_settings(service.settings).timezone,
            service.settings.api.locations,
        )
    return Answer(200, {"months": [as_json(MONTH, one) for one in months]})


def get_report(call: Call) -> Answer:
    """Return the report of a period in the format that is asked for."""
    settings, parameters = call.service.settings, call.parameters
    reports = report_settings(settings)
    presentation = Presentation(
        parameters.get("locale", DEFAULT_PRESENTATION.locale),
        parameters.get("paper", DEFAULT_PRESENTATION.paper),
        reports.template_directories,
        pdf_engine=reports.pdf_engine,
    )
    parse_locale(presentation.locale)  # before the ledger is read
    period = begun_period(
        parameters["period"], call.service.clock(), billing_settings(settings).timezone
    )
    with call.service.report_turn() as has_turn:
        if not has_turn:
            raise busy()
        if parameters.get("all_accounts"):
            return _summary(call, period, presentation)
        return _report(call, period, presentation)


def _report(call: Call, period: Period, presentation: Presentation) -> Answer:
    format_name = _format(call, tuple(FORMATS))
    section = call.parameters.get("section")
    statement = _statement(call, period)
    etag = _etag(repr(statement), format_name, section or "", presentation)
    if etag in call.headers.get("If-None-Match", ""):
        return Answer(304, headers=_headers(etag))
    try:
        content = (
            render(format_name, statement, presentation)
            if section is None
            else render_section(format_name, statement, section, presentation)
        )
    except NotFound as error:
        raise UsageError(str(error)) from error
    name = report_name(statement, format_name, section)
    return _file(content, format_name, name, etag)


def _statement(call: Call, period: Period) -> Statement:
    account_id = call.parameters.get("account_id", call.sender.account_id)
    database, settings = call.service.application.database, call.service.settings
    try:
        with database.snapshot() as connection:
            served = settings.api.locations  # another Keystone's accounts are other customers
            places = list_places(connection, account_id=account_id, locations=served)
            if not places:
                raise ApiError(404, "not_found", "The account has never had an image.")
            account, currency = places[0].account, call.parameters.get("currency")
            statement = collect(connection, settings, account, period, currency, served)
            statement = with_added_sections(connection, statement)
            [everywhere] = list_places(connection, account_id=account_id)
            if everywhere.keys.keys() != places[0].keys.keys():
                return statement  # a budget is that of all locations together
            return with_budget(statement, budgets_of(connection, period, [account_id]))
    except NotFound as error:
        raise ApiError(404, "not_found", str(error)) from error


def _summary(call: Call, period: Period, presentation: Presentation) -> Answer:
    for name in _OF_ONE:
        if name in call.parameters:
            raise UsageError(f"The summary of all accounts does not take {name}.")
    format_name = _format(call, _OF_SUMMARY)
    settings = call.service.settings
    with call.service.application.database.snapshot() as connection:
        books = read_books(connection, settings, period, settings.api.locations)
    if not books.places:
        raise ApiError(404, "not_found", "There are no accounts: no image was ever captured.")
    content = render_summary(format_name, summary_of(books, settings), {}, presentation)
    etag = _etag(hashlib.sha256(content).hexdigest(), format_name, "", presentation)
    if etag in call.headers.get("If-None-Match", ""):
        return Answer(304, headers=_headers(etag))
    return _file(content, format_name, f"{period.name}-{summary_path(format_name)}", etag)


def _format(call: Call, known: tuple[str, ...]) -> str:
    """Return the format that is asked for by parameter or else by Accept; JSON by default."""
    named = call.parameters.get("format")
    if named is not None:
        if named not in known:
            raise UsageError(f"There is no such report as {named}: choose {', '.join(known)}.")
        return str(named)
    accepted = call.headers.get("Accept") or "*/*"
    by_type = {FORMATS[name].content_type: name for name in ("json", *known)}
    try:
        chosen = falcon.mediatypes.best_match(list(by_type), accepted)
    except (falcon.HTTPError, ValueError) as error:  # Falcon raises one or the other
        raise UsageError("The header Accept cannot be read.") from error
    if not chosen:
        raise ApiError(406, "usage", f"Accept one of {', '.join(by_type)}.")
    return by_type[chosen]


def _etag(content: str, format_name: str, section: str, presentation: Presentation) -> str:
    """Return what names the file: all of its numbers, and how they are shown."""
    shown = (format_name, section, presentation, version("instance-images"))
    return f'"{hashlib.sha256(f"{content} {shown}".encode()).hexdigest()[:32]}"'


def _headers(etag: str) -> dict[str, str]:
    return {"ETag": etag, "Cache-Control": "private, no-cache", "Vary": "Accept, X-Auth-Token"}


def _file(content: bytes, format_name: str, name: str, etag: str) -> Answer:
    headers = {**_headers(etag), "Content-Disposition": f'attachment; filename="{name}"'}
    if format_name == "html":
        headers["Content-Security-Policy"] = _POLICY
    media_type = FORMATS[format_name].content_type
    if media_type.startswith("text/"):
        media_type += "; charset=utf-8"
    return Answer(200, content, headers, media_type)
