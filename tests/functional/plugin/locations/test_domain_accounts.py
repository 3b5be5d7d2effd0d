"""Accounts that are domains, on the cloud in memory: what is recorded, and what is asked for."""

from dataclasses import replace

import pytest

from instance_images.db import accounts, images
from instance_images.db.engine import Database
from instance_images.errors import ConfigurationError, NotFound
from instance_images.images.capture import capture
from instance_images.locations.directory import Directory
from instance_images.locations.sharing import MOST_FAILURES_PER_ACCOUNT
from instance_images.locations.site import Site
from instance_images.model.records import Account, AccountScope, Image
from instance_images.sync.reconcile import synchronize
from instance_images.tasks.settling import settle

from support.clouds.memory_cloud import GB, MemoryProvider
from support.processes.command_line import SetClock
from support.worlds.ledger_world import LOCATION, at

ACME = Account("acme", "acme", "acme", AccountScope.DOMAIN)


@pytest.fixture
def cloud() -> MemoryProvider:
    made = MemoryProvider(LOCATION, SetClock(at("1T00:00")))
    made.domain_of = {"web": "acme", "shop": "acme", "spy": "rival"}
    return made


@pytest.fixture
def site(cloud: MemoryProvider, database: Database) -> Site:
    return Site(
        location=LOCATION,
        provider=cloud,
        database=database,
        clock=cloud.clock,
        default_max_images=10,
        account_scope=AccountScope.DOMAIN,
    )


def captured(site: Site, cloud: MemoryProvider, project: str = "web") -> Image:
    request = capture(site, site.account(project), "vm-1", "golden", project=project)
    cloud.activate(GB)
    settle(site, "acme")
    with site.database.reading() as connection:
        return images.get_image(connection, request.image_id)


def add_image(site: Site, cloud: MemoryProvider, project: str, name: str) -> str:
    """Capture an image of the project; return its id in the cloud."""
    before = {*cloud.images}
    capture(site, site.account(project), f"vm-{name}", name, project=project)
    cloud.activate(GB)
    settle(site, site.account(project).id)
    [made] = {*cloud.images} - before
    return made


def run(site: Site) -> None:
    """Do what an hourly run does besides counting."""
    synchronize(replace(site))  # a run knows nothing of the one before


def account_of(site: Site, image: Image) -> str:
    with site.database.reading() as connection:
        return images.get_image(connection, image.id).account_id


def test_owners_of_many_images_are_known_from_one_listing(cloud: MemoryProvider) -> None:
    cloud.domain_of = {f"p{number}": f"d{number % 7}" for number in range(100)}
    directory = Directory(cloud, AccountScope.DOMAIN)

    found = [directory.account_of_project(f"p{number}") for number in range(100)]

    assert [one.id for one in found if one] == [f"d{number % 7}" for number in range(100)]
    assert cloud.listings == 1


def test_an_account_is_found_by_its_domain_or_by_a_project_of_it(site: Site) -> None:
    for reference in ("acme", "web", "name of shop"):
        assert site.account(reference) == ACME
    with pytest.raises(NotFound, match="acme2"):
        site.account("no such acme2")


def test_a_project_of_another_domain_is_not_found(site: Site) -> None:
    with pytest.raises(NotFound, match=r"'spy' was not found.* has: name of shop, name of web"):
        site.directory.project_of(ACME, "spy")


def test_a_disabled_project_is_not_looked_into_unless_it_is_named(
    site: Site, cloud: MemoryProvider
) -> None:
    image = captured(site, cloud)
    cloud.disabled = {"shop"}
    later = replace(site)

    assert [one.id for one in later.directory.projects_to_look_in(ACME, None)] == ["web"]
    assert [one.id for one in later.directory.projects_to_look_in(ACME, "shop")] == ["shop"]
    assert [one.id for one in later.projects_that_may_use(image)] == ["web"]


def test_an_image_is_shared_as_soon_as_it_is_available_and_again_with_new_projects_only(
    site: Site, cloud: MemoryProvider
) -> None:
    image = captured(site, cloud)
    assert image.cloud_image_id is not None
    assert cloud.shared == {image.cloud_image_id: {"shop"}}

    cloud.shared.clear()
    run(site)
    assert cloud.shared == {}

    cloud.domain_of["later"] = "acme"
    run(site)
    assert cloud.shared == {image.cloud_image_id: {"shop", "later"}}


def test_account_whose_images_cannot_be_shared_holds_up_no_other_account(
    site: Site, cloud: MemoryProvider
) -> None:
    site = replace(site, default_max_images=100)
    cloud.domain_of["scout"] = "rival"
    cloud.unshareable.update({"web", "shop", "scout", "spy"})
    for number in range(MOST_FAILURES_PER_ACCOUNT + 5):
        add_image(site, cloud, "web", f"image-{number}")
    theirs = add_image(site, cloud, "spy", "theirs")
    cloud.unshareable = {"web", "shop"}
    cloud.attempts = 0

    run(site)

    assert cloud.attempts == MOST_FAILURES_PER_ACCOUNT + 1
    assert cloud.shared == {theirs: {"scout"}}


def test_an_image_that_moves_within_its_domain_stays_its_accounts_and_is_shared_anew(
    site: Site, cloud: MemoryProvider
) -> None:
    image = captured(site, cloud)
    assert image.cloud_image_id is not None
    moved = replace(cloud.images[image.cloud_image_id], owner_id="shop")
    cloud.images[image.cloud_image_id] = moved

    cloud.shared.clear()

    run(site)

    assert account_of(site, image) == "acme"
    assert cloud.shared == {image.cloud_image_id: {"web"}}


def test_an_image_that_moves_to_another_domain_becomes_that_accounts(
    site: Site, cloud: MemoryProvider
) -> None:
    image = captured(site, cloud)
    assert image.cloud_image_id is not None
    cloud.images[image.cloud_image_id] = replace(cloud.images[image.cloud_image_id], owner_id="spy")

    run(site)

    assert account_of(site, image) == "rival"


def test_a_project_that_is_gone_is_still_its_domains(site: Site, cloud: MemoryProvider) -> None:
    captured(site, cloud)
    del cloud.domain_of["web"]

    assert site.account_of_project("web").id == "acme"


def test_an_account_keeps_its_name_when_its_project_is_gone(database: Database) -> None:
    with database.writing() as connection:
        accounts.lock_account(connection, "RegionOne", Account("p1", "Web Shop", "acme"))
        accounts.lock_account(connection, "RegionOne", Account("p1", "p1"))

        row = accounts.find_account(connection, "RegionOne", "p1")

    assert row is not None
    assert (row.account_name, row.domain_name) == ("Web Shop", "acme")


def test_a_ledger_of_domains_is_not_read_as_one_of_projects(
    site: Site, cloud: MemoryProvider
) -> None:
    captured(site, cloud)

    with pytest.raises(ConfigurationError, match="account_scope = project, but the database"):
        run(replace(site, account_scope=AccountScope.PROJECT))
