"""What the policy has allowed is remembered for a moment, for that caller and project alone."""

import contextlib
from pathlib import Path
from typing import Any

import pytest
from oslo_context.context import RequestContext
from oslo_policy import policy

from instance_images.config.api import library_options
from instance_images_api import policies

RULE = "images:list"
OF_PROJECT = {"project_id": "mine"}


def caller(project_id: str = "mine", roles: tuple[str, ...] = ("reader",), **more: Any) -> Any:
    """Return the context of a token."""
    return RequestContext(user_id="u", project_id=project_id, roles=list(roles), **more)


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """The operator's file of rules."""
    path = tmp_path / "policy.yaml"
    path.write_text("{}")
    return path


@pytest.fixture
def enforcer(rules: Path) -> policies.Enforcer:
    config = rules.with_name("instance-images.conf")
    config.write_text(f"[oslo_policy]\npolicy_file = {rules}\n")
    return policies.enforcer(library_options([config]))


def asked_of_oslo(enforcer: policies.Enforcer, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list that gets each rule that oslo.policy is asked for."""
    asked: list[str] = []
    authorize = enforcer.authorize

    def note(rule: str, *arguments: Any) -> bool:
        asked.append(rule)
        return authorize(rule, *arguments)

    monkeypatch.setattr(enforcer, "authorize", note)
    return asked


def test_same_question_is_decided_once(
    enforcer: policies.Enforcer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policies, "_SECONDS", 60)
    asked = asked_of_oslo(enforcer, monkeypatch)

    assert all(enforcer.allows(RULE, OF_PROJECT, caller()) for _ in range(5))
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("rule", "target", "other"),
    [
        (RULE, OF_PROJECT, caller(roles=("foo",))),
        (RULE, OF_PROJECT, caller(roles=())),
        (RULE, OF_PROJECT, caller(project_id="other")),
        (RULE, {"project_id": "other"}, caller()),
        (RULE, {"domain_id": "mine"}, caller()),
        ("images:create", OF_PROJECT, caller()),
        ("images:list_all", OF_PROJECT, caller()),
    ],
)
def test_what_one_caller_may_is_not_granted_to_another(
    enforcer: policies.Enforcer,
    monkeypatch: pytest.MonkeyPatch,
    rule: str,
    target: dict[str, str],
    other: Any,
) -> None:
    monkeypatch.setattr(policies, "_SECONDS", 60)
    enforcer.allows(RULE, OF_PROJECT, caller())

    assert enforcer.allows(RULE, OF_PROJECT, caller())
    assert not enforcer.allows(rule, target, other)
    assert not enforcer.allows(rule, target, other)  # a refusal is not remembered as its contrary


def test_token_for_the_system_is_refused_each_time(enforcer: policies.Enforcer) -> None:
    enforcer.allows(RULE, OF_PROJECT, caller())
    system = caller(project_id="", roles=("admin", "member", "reader"), system_scope="all")

    for _ in range(2):
        with contextlib.suppress(policy.InvalidScope):
            assert not enforcer.allows(RULE, OF_PROJECT, system)


def test_rule_of_the_operator_that_names_a_user_is_kept(
    enforcer: policies.Enforcer, rules: Path
) -> None:
    rules.write_text(f'"{RULE}": "user_id:u"\n')

    assert enforcer.allows(RULE, OF_PROJECT, caller())
    other = RequestContext(user_id="v", project_id="mine", roles=["reader"])
    assert not enforcer.allows(RULE, OF_PROJECT, other)


def test_changed_file_of_rules_drops_what_was_remembered(
    enforcer: policies.Enforcer, rules: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policies, "_SECONDS", 0)
    assert enforcer.allows(RULE, OF_PROJECT, caller())

    rules.write_text(f'"{RULE}": "role:auditor"\n')

    assert not enforcer.allows(RULE, OF_PROJECT, caller())
