"""Whose is what: projects, domains, limits, and what the credentials are."""

import pytest

from instance_images.drivers.optional import DomainPart
from instance_images.drivers.provider import Provider
from instance_images.errors import ConfigurationError, NotFound
from instance_images.instants import system_clock
from instance_images.model.cloud import Domain, Project
from instance_images.model.findings import Finding
from instance_images.model.records import Account, AccountScope
from instance_images.testing.checks import check_part, refused
from instance_images.testing.cloud_bench import Capability, CloudBench
from instance_images.testing.scene import STRANGE_REFERENCES, Contract, Scene, require


class IdentityContract(Contract):
    """Projects are found by what they are called, and nothing else is."""

    @pytest.mark.parametrize("by", ["id", "name"])
    def test_project_is_found_by_its_id_and_by_its_name(
        self, scene: Scene, provider: Provider, by: str
    ) -> None:
        found = provider.find_project(getattr(scene.home, by))

        assert isinstance(found, Project)
        assert (found.id, found.name) == (scene.home.id, scene.home.name)
        assert isinstance(found.domain_id, str)
        assert found.domain_name is None or isinstance(found.domain_name, str)

    def test_without_a_reference_it_is_the_credentials_own_project(
        self, provider: Provider
    ) -> None:
        try:
            own = provider.find_project(None)
        except ConfigurationError as error:
            assert str(error).strip(), "credentials for no project say so"
            return

        assert provider.find_project(own.id) == own

    @pytest.mark.parametrize("reference", STRANGE_REFERENCES, ids=ascii)
    def test_unknown_project_is_not_found(self, provider: Provider, reference: str) -> None:
        with refused(NotFound):
            provider.find_project(reference)

    def test_sight_of_all_accounts_is_yes_or_no(self, scene: Scene, provider: Provider) -> None:
        sees = provider.sees_all_accounts()

        assert isinstance(sees, bool)
        if sees:
            assert provider.get_image(scene.their_image) is not None

    def test_limit_and_quota_of_an_account_are_told_or_not_known(
        self, scene: Scene, provider: Provider
    ) -> None:
        home = scene.home
        limit = provider.account_limit(Account(home.id, home.name, home.domain_name))

        for one in (limit, provider.default_limit()):
            assert one is None or (type(one) is int and one >= -1)
        quota = provider.full_quota(home.id)
        assert quota is None or (isinstance(quota, str) and quota.strip())

    def test_doctor_is_given_findings(self, scene: Scene, provider: Provider) -> None:
        findings = list(
            provider.examine(project_ids=[scene.home.id], max_images=10, clock=system_clock)
        )

        assert all(isinstance(finding, Finding) for finding in findings)
        assert all(finding.what.strip() and finding.cure.strip() for finding in findings)

    # ------------------------------------------------------------------ domains

    def test_part_for_domains_is_complete_or_refuses(
        self, bench: CloudBench, provider: Provider
    ) -> None:
        refusals = {
            "find_domain": lambda: provider.find_domain("any"),
            "share_image": lambda: provider.share_image("any", ["any"]),
        }

        check_part(bench, Capability.DOMAINS, DomainPart, refusals)

    @pytest.mark.parametrize("by", ["id", "name"])
    def test_domain_of_a_project_is_found_by_its_id_and_by_its_name(
        self, bench: CloudBench, scene: Scene, provider: Provider, by: str
    ) -> None:
        require(bench, Capability.DOMAINS)
        domain_id = provider.find_project(scene.home.id).domain_id
        names = {project.domain_name for project in provider.list_projects(domain_id)}
        domain = provider.find_domain(domain_id)

        assert isinstance(domain, Domain)
        assert domain.id == domain_id
        assert names == {domain.name}
        assert provider.find_domain(getattr(domain, by)) == domain

    @pytest.mark.parametrize("reference", STRANGE_REFERENCES, ids=ascii)
    def test_unknown_domain_is_not_found(
        self, bench: CloudBench, provider: Provider, reference: str
    ) -> None:
        require(bench, Capability.DOMAINS)
        with refused(NotFound):
            provider.find_domain(reference)

    def test_listed_projects_are_each_there_once_with_their_domains_name(
        self, bench: CloudBench, scene: Scene, provider: Provider
    ) -> None:
        require(bench, Capability.DOMAINS)
        domain = provider.find_domain(provider.find_project(scene.home.id).domain_id)
        projects = {scene.home.id, scene.stranger.id}

        for listed in (provider.list_projects(), provider.list_projects(domain.id)):
            ids = [project.id for project in listed]
            assert len(ids) == len(set(ids))
            [home] = [project for project in listed if project.id == scene.home.id]
            expected = (scene.home.name, domain.id, domain.name)
            assert (home.name, home.domain_id, home.domain_name) == expected
        assert projects <= {project.id for project in provider.list_projects()}
        of_domain = provider.list_projects(domain.id)
        assert all(project.domain_id == domain.id for project in of_domain)

    def test_projects_of_an_unknown_domain_are_not_none(
        self, bench: CloudBench, provider: Provider
    ) -> None:
        require(bench, Capability.DOMAINS)
        with refused(NotFound):
            provider.list_projects("no-such-domain")

    def test_limit_of_a_domain_is_told_or_not_known(
        self, bench: CloudBench, scene: Scene, provider: Provider
    ) -> None:
        require(bench, Capability.DOMAINS)
        domain = provider.find_domain(provider.find_project(scene.home.id).domain_id)

        limit = provider.account_limit(
            Account(domain.id, domain.name, domain.name, AccountScope.DOMAIN)
        )

        assert limit is None or (type(limit) is int and limit >= -1)
