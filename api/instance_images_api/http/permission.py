"""Who sends a request, as auth_token has confirmed, and what the policy lets him do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from oslo_context.context import RequestContext
from oslo_policy import policy

from instance_images.model.records import AccountScope
from instance_images.model.requests.caller import Caller
from instance_images_api.http.errors import ApiError
from instance_images_api.http.route import Role, Rule

if TYPE_CHECKING:
    from instance_images_api.policies import Enforcer

_NEEDED = {
    Role.READER: "the role reader for the project",
    Role.MEMBER: "the role member for the project",
    Role.MANAGER: "the role member for the project, or the role manager for its domain",
    Role.ADMIN: "the role admin",
}


class Permission:
    """What one request's caller may do by the rules of the policy."""

    def __init__(self, enforcer: Enforcer, context: RequestContext, caller: Caller) -> None:
        self._enforcer, self._context, self._caller = enforcer, context, caller

    def require(self, rule: Rule, project_id: str | None = None) -> None:
        """Raise ApiError 403 unless the rule allows it in the project, by default the caller's."""
        caller = self._caller
        target = {"project_id": project_id or caller.project_id}
        if not caller.project_id:
            target = {"domain_id": caller.account_id}
        try:
            allowed = self._enforcer.allows(rule.name, target, self._context)
        except policy.InvalidScope:
            raise wrong_scope(_kind(caller)) from None
        if not allowed:
            raise ApiError(
                403,
                "forbidden",
                f"Your roles do not permit this ({rule.name}): by default it needs"
                f" {_NEEDED[rule.role]}.",
            )


def caller_of(
    environ: Mapping[str, Any], rule: Rule, scope: AccountScope, request_id: str
) -> Caller:
    """Return who sends the request. Raises ApiError 403 for a token of another kind."""
    if environ.get("HTTP_OPENSTACK_SYSTEM_SCOPE"):
        raise wrong_scope("for the system")
    project_id = environ.get("HTTP_X_PROJECT_ID") or ""
    domain_id = environ.get("HTTP_X_DOMAIN_ID") or ""
    is_domain = scope is AccountScope.DOMAIN
    if project_id:
        account_id = environ["HTTP_X_PROJECT_DOMAIN_ID"] if is_domain else project_id
    elif not domain_id:
        raise wrong_scope("without a scope")
    elif not (is_domain and rule.takes_domain):
        raise wrong_scope("for a domain")
    else:
        account_id = domain_id
    auth = environ.get("keystone.token_auth")
    known = getattr(auth, "user", None)  # what Keystone said of the token
    of_domain = "domain_name" if account_id == domain_id else "project_domain_name"
    domain_name = getattr(known, of_domain, None) or ""
    account_name = domain_name if is_domain else getattr(known, "project_name", None) or ""
    return Caller(
        account_id=account_id,
        account_name=account_name,
        domain_name=domain_name,
        project_id=project_id,
        user_id=environ.get("HTTP_X_USER_ID", ""),
        roles=tuple(role for role in environ.get("HTTP_X_ROLES", "").split(",") if role),
        token=environ.get("HTTP_X_AUTH_TOKEN", ""),
        request_id=request_id,
        auth=auth,
    )


def wrong_scope(kind: str) -> ApiError:
    """Return the error of a token of a kind that the request does not take."""
    return ApiError(
        403, "token_scope", f"Your token is {kind}: use a token for the project that this is about."
    )


def _kind(caller: Caller) -> str:
    return "of another kind" if caller.project_id else "for a domain"
