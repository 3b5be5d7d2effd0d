"""Lists in answers: which page a request asks for, and the link to the next one."""

import json
from typing import Any
from urllib.parse import urlencode

from instance_images.model.requests.paging import Listed, Page
from instance_images_api.http.route import Answer, Call, Parameter
from instance_images_api.schemas.base import ID, PROJECT_ID

LIMIT = Parameter(
    "limit",
    {"type": "integer", "minimum": 1, "maximum": 1000},
    "Number of items in the page.",
)
MARKER = Parameter("marker", ID, "Id of the last item of the page before.")
SORT = Parameter(
    "sort",
    {"enum": ["created_at:asc", "created_at:desc"]},
    "Order of the items, by default created_at:asc.",
)
PAGE = (LIMIT, MARKER, SORT)
WIDER = (
    Parameter("account_id", PROJECT_ID, "Id of another account (operators only)."),
    Parameter("all_accounts", {"type": "boolean"}, "true: of all accounts (operators only)."),
)


def page_of(call: Call) -> Page:
    """Return the page that the request asks for."""
    settings = call.service.settings.api
    limit = call.parameters.get("limit", settings.page_limit)
    return Page(
        limit=min(limit, settings.max_page_limit),
        marker=call.parameters.get("marker"),
        is_ascending=call.parameters.get("sort") != "created_at:desc",
    )


def account_id_of(call: Call) -> str | None:
    """Return whose items are listed: the caller's, another account's, or those of all (None)."""
    if call.parameters.get("all_accounts"):
        return None
    return str(call.parameters.get("account_id", call.sender.account_id))


def listed(call: Call, name: str, items: list[Any], next_marker: str | None = None) -> Answer:
    """Return the page under its name, with the link to the next page if there is one."""
    body: dict[str, Any] = {name: items}
    if next_marker is not None:
        texts = {key: _text(value) for key, value in call.parameters.items()}
        query = urlencode({**texts, "marker": next_marker})
        href = f"{call.base_url}{call.route.path}?{query}"
        body[f"{name}_links"] = [{"rel": "next", "href": href}]
    return Answer(200, body)


def listed_texts(call: Call, name: str, page: Listed[str]) -> Answer:
    """Return the same of items that are JSON texts already: a page has up to a thousand of them."""
    rest = listed(call, name, [], page.next_marker).body
    del rest[name]
    members = [f'"{name}": [{", ".join(page.items)}]', json.dumps(rest)[1:-1]]
    text = ", ".join(member for member in members if member)
    return Answer(200, f"{{{text}}}".encode())


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
