"""The rules of the policy, generated from the table of routes, for oslo.policy.

An operator's file overrides them. Admin implies member and reader for the project of the token, so
that no rule of a member names admin.
"""

import math
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from oslo_context.context import RequestContext
from oslo_policy import policy

from instance_images.config.api import library_options
from instance_images.config.settings import CONFIG_FILE_VARIABLE, DEFAULT_CONFIG_FILE
from instance_images_api.http.route import Role, Route, Rule
from instance_images_api.routes import ROUTES

CHECKS = {
    Role.READER: "role:reader and project_id:%(project_id)s",
    Role.MEMBER: "role:member and project_id:%(project_id)s",
    Role.MANAGER: "role:member and project_id:%(project_id)s",
    Role.ADMIN: "role:admin",
}
# Besides, for a token for the domain that is the account.
DOMAIN_CHECKS = {
    Role.READER: "role:reader and domain_id:%(domain_id)s",
    Role.MANAGER: "role:manager and domain_id:%(domain_id)s",
}
_SECONDS = 1.0
_MOST_REMEMBERED = 10_000
_WIDER = " (of another account, or of all)"


def check_of(rule: Rule) -> str:
    """Return the default of a rule."""
    check = CHECKS[rule.role]
    return f"({check}) or ({DOMAIN_CHECKS[rule.role]})" if rule.takes_domain else check


def list_rules() -> list[policy.DocumentedRuleDefault]:
    """Return the rules with their defaults, for oslopolicy-sample-generator too."""
    operations: dict[Rule, list[tuple[Route, str]]] = {}
    for rule, route, note in _used():
        operations.setdefault(rule, []).append((route, note))
    return [
        policy.DocumentedRuleDefault(
            name=rule.name,
            check_str=check_of(rule),
            description=f"{used[0][0].summary.rstrip('.')}{used[0][1]}.",
            operations=[{"path": route.path, "method": route.method} for route, _ in used],
            scope_types=["project", "domain"] if rule.takes_domain else ["project"],
        )
        for rule, used in operations.items()
    ]


def _used() -> Iterator[tuple[Rule, Route, str]]:
    for route in ROUTES:
        if route.rule is not None:
            yield route.rule, route, ""
        if route.wider_rule is not None:
            yield route.wider_rule, route, _WIDER


class Enforcer(policy.Enforcer):
    """Looks once a second whether the operator's file has changed, and not at each request.

    Until then it remembers what it has allowed: to whom and in which project, with all that the
    rules can read of both. Oslo.policy inspects a signature for each part of a rule.
    """

    def __init__(self, libraries: Any) -> None:
        self._looked_at = -math.inf
        self._allowed: set[tuple[str, ...]] = set()
        super().__init__(libraries)

    def load_rules(self, force_reload: bool = False) -> None:
        """Read the file again if it has changed."""
        now = time.monotonic()
        if force_reload or now - self._looked_at >= _SECONDS:
            super().load_rules(force_reload)
            self._looked_at = now
            self._allowed = set()  # whatever others decide by the rules of before is not found

    def allows(self, rule: str, target: Mapping[str, str], context: RequestContext) -> bool:
        """Return whether the rule lets that caller do something there.

        Raises InvalidScope for a token of a kind that the rule does not take.
        """
        self.load_rules()
        allowed = self._allowed
        asked = (rule, repr(target), repr(dict(context.to_policy_values())))
        if asked in allowed:
            return True
        if not self.authorize(rule, target, context):
            return False
        if len(allowed) < _MOST_REMEMBERED:
            allowed.add(asked)
        return True


def enforcer(libraries: Any) -> Enforcer:
    """Return what decides by the rules and by the operator's file."""
    made = Enforcer(libraries)
    made.suppress_default_change_warnings = True
    made.register_defaults(list_rules())
    return made


def get_enforcer() -> policy.Enforcer:
    """Return the same for the tools of oslo.policy, which ask for it by its entry point."""
    path = Path(os.environ.get(CONFIG_FILE_VARIABLE, DEFAULT_CONFIG_FILE))
    return enforcer(library_options([path] if path.is_file() else []))
