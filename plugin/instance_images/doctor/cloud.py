"""The doctor's checks of the cloud: what the driver finds, and what our record knows of it."""

from collections.abc import Iterator, Sequence
from functools import partial

from instance_images.config.settings import Location
from instance_images.db import images
from instance_images.doctor.checks import of_each
from instance_images.errors import Refused
from instance_images.locations.application import Application
from instance_images.locations.site import Site
from instance_images.model.findings import Finding, Severity


def check_cloud(application: Application, locations: Sequence[Location]) -> Iterator[Finding]:
    """Find what is wrong with the credentials, the services, their clocks and their limits."""
    yield from of_each("cloud", locations, partial(_look, application))
    for location in locations:
        yield from _same_region(location, application.settings.locations)


def _same_region(location: Location, others: Sequence[Location]) -> Iterator[Finding]:
    """Find a location that is another one under a second name."""
    place = (location.provider, location.cloud, location.region_name)
    same = [one for one in others if (one.provider, one.cloud, one.region_name) == place]
    if len(same) > 1:
        yield Finding(
            "cloud",
            Severity.WARNING,
            location.name,
            f"{' and '.join(one.name for one in same)} are the same region,"
            f" {location.region_name!r} of cloud {location.cloud!r}: an account's limit applies"
            " to each of them separately.",
            "Remove all but one from [DEFAULT] locations, or correct their cloud or region_name.",
        )


def _look(application: Application, location: Location) -> Iterator[Finding]:
    site = application.site(location.name)
    with application.database.reading() as connection:
        project_ids = images.project_ids(connection, location.name)
    max_images = location.max_images
    yield from site.provider.examine(
        project_ids=project_ids,
        max_images=site.default_max_images if max_images is None else max_images,
        clock=site.clock,
    )
    for project_id in sorted(site.adoption.excluded_project_ids):
        option = "[reconcile] excluded_projects"
        yield from _named(site, option, project_id, "it excludes nothing")
    for project_id in location.os_image_projects:
        option = f"[location:{location.name}] os_image_projects"
        yield from _named(site, option, project_id, "it offers nothing")


def _named(site: Site, option: str, project_id: str, effect: str) -> Iterator[Finding]:
    """Find a name in the place of an id; a project that is gone does no harm."""
    try:
        project = site.provider.find_project(project_id)
    except Refused:
        return
    if project.id != project_id:
        yield Finding(
            "cloud",
            Severity.WARNING,
            site.name,
            f"{option} has {project_id!r}, which is a project name, not an id: {effect}.",
            f"Use the project's id, {project.id}.",
        )
