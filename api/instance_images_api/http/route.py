"""A route of the API, and what a handler gets and gives. Decides nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from instance_images.model.requests.caller import Caller
    from instance_images_api.http.permission import Permission
    from instance_images_api.service import Service

Schema = Mapping[str, Any]


class Role(StrEnum):
    """Who may do something unless the operator's policy says otherwise."""

    READER = "reader"
    MEMBER = "member"
    MANAGER = "manager"  # member of the project, or manager of the domain
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of the policy, and the role that it asks for by default.

    ``takes_domain``: a token for a domain that is the account will do as well.
    """

    name: str
    role: Role
    takes_domain: bool = False


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of the path or, by default, of the query. A query's are optional."""

    name: str
    schema: Schema
    description: str
    place: str = "query"
    is_required: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that a route may give: its schema, None for an answer without a body."""

    description: str
    schema: Schema | None = None
    media_types: Sequence[str] = ("application/json",)
    headers: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A method of a path: the handler, who may use it, and the schemas of what goes in and out.

    ``rule`` is None where no token is needed. ``wider_rule`` is asked for besides where the request
    names another account, or all. ``noun`` is the kind of what the path names. ``asks_cloud`` where
    the cloud must be asked. ``errors`` are the statuses besides those that every route has.
    """

    method: str
    path: str
    handler: Callable[[Call], Answer]
    name: str
    summary: str
    tag: str
    rule: Rule | None
    replies: Mapping[int, Reply]
    wider_rule: Rule | None = None
    parameters: Sequence[Parameter] = ()
    request_schema: Schema | None = None
    request_example: Any = None
    noun: str | None = None
    asks_cloud: bool = False
    takes_key: bool = False
    takes_if_match: bool = False
    errors: Sequence[int] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request that passed: whose it is, its checked parameters and body, and the service."""

    service: Service
    route: Route
    request_id: str
    base_url: str
    caller: Caller | None = None
    permission: Permission | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str | None:
        """The idempotency key, if there is one."""
        return self.headers.get("Idempotency-Key")

    def require_of(self, project_id: str) -> None:
        """Raise ApiError 403 unless the caller may do to that project what the route does."""
        assert self.permission is not None
        assert self.route.rule is not None
        self.permission.require(self.route.rule, project_id)

    @property
    def is_wider(self) -> bool:
        """Whether it names another account, or all: then its sender is an operator."""
        return "account_id" in self.parameters or bool(self.parameters.get("all_accounts"))

    @property
    def sender(self) -> Caller:
        """Who sent the request, on a route that needs a token."""
        assert self.caller is not None
        return self.caller


@dataclass(frozen=True, slots=True)
class Answer:
    """What a handler answers: a JSON value, or bytes of another type, with further headers."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    media_type: str = "application/json"
