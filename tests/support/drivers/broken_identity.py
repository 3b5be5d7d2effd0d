"""Drivers that break what the contract says of projects and domains."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from instance_images.config.settings import Location
from instance_images.drivers.optional import DomainPart
from instance_images.errors import NotFound
from instance_images.model.cloud import Domain, Project
from instance_images.model.findings import Finding, Severity
from instance_images.model.records import Account, AccountScope

from support.drivers.broken_drivers import found_by
from support.drivers.memory_world import World
from support.drivers.strict_memory_cloud import StrictMemoryProvider


@found_by("test_driver_is_a_provider")
class OnlyLooksLikeAProvider:
    def __init__(self, location: Location, world: World) -> None:
        self.real = StrictMemoryProvider(location, world)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)


@found_by("test_project_is_found_by_its_id_and_by_its_name")
class KnowsNoNames(StrictMemoryProvider):
    def find_project(self, reference: str | None) -> Project:
        found = super().find_project(reference)
        return replace(found, name=found.id)


@found_by("test_without_a_reference_it_is_the_credentials_own_project")
class HasNoProjectOfItsOwn(StrictMemoryProvider):
    def find_project(self, reference: str | None) -> Project:
        if reference is None:
            raise NotFound("Account", "None", "")
        return super().find_project(reference)


@found_by("test_unknown_project_is_not_found")
class RefusesWithoutAReason(StrictMemoryProvider):
    def find_project(self, reference: str | None) -> Project:
        try:
            return super().find_project(reference)
        except NotFound as error:
            error.args = ("",)
            raise


@found_by("test_sight_of_all_accounts_is_yes_or_no")
class SaysWhatItSees(StrictMemoryProvider):
    def sees_all_accounts(self) -> Any:
        return "yes"


@found_by("test_limit_and_quota_of_an_account_are_told_or_not_known")
class AllowsHalfAnImage(StrictMemoryProvider):
    def account_limit(self, account: Account) -> Any:
        return 2.5


@found_by("test_limit_and_quota_of_an_account_are_told_or_not_known")
class AllowsLessThanNothingByDefault(StrictMemoryProvider):
    def default_limit(self) -> int | None:
        return -2


@found_by("test_limit_of_a_domain_is_told_or_not_known")
class AllowsADomainLessThanNothing(StrictMemoryProvider):
    def account_limit(self, account: Account) -> int | None:
        return -2 if account.scope is AccountScope.DOMAIN else None


@found_by("test_doctor_is_given_findings")
class FindsWithoutACure(StrictMemoryProvider):
    def examine(self, **_: Any) -> list[Finding]:
        return [Finding("cloud", Severity.ERROR, None, "It is broken.", "")]


@found_by("test_part_for_domains_is_complete_or_refuses")
class SharesNothing(StrictMemoryProvider):
    share_image = DomainPart.share_image


@found_by("test_domain_of_a_project_is_found_by_its_id_and_by_its_name")
class MakesUpDomains(StrictMemoryProvider):
    def find_domain(self, reference: str) -> Domain:
        super().find_domain(reference)
        return Domain(reference, reference)


@found_by("test_unknown_domain_is_not_found")
class FindsAnyDomain(StrictMemoryProvider):
    def find_domain(self, reference: str) -> Domain:
        self._answer()
        return Domain(reference, reference)


@found_by("test_listed_projects_are_each_there_once_with_their_domains_name")
class ListsNoDomainNames(StrictMemoryProvider):
    def list_projects(self, domain_id: str | None = None) -> Sequence[Project]:
        return [replace(one, domain_name=None) for one in super().list_projects(domain_id)]


@found_by("test_projects_of_an_unknown_domain_are_not_none")
class ListsNobody(StrictMemoryProvider):
    def list_projects(self, domain_id: str | None = None) -> Sequence[Project]:
        listed = super().list_projects()
        return [one for one in listed if domain_id in (None, one.domain_id)]
