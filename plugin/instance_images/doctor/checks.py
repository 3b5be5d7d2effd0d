"""Runs every check that the installed parts bring, and collects what they find.

A check is an entry point in the group ``instance_images.doctor``: a function of the application and
the locations to look at that yields findings. What it cannot reach is a finding as well. Nothing
is changed, in the cloud or on record.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from instance_images.config.settings import Location
from instance_images.errors import InstanceImagesError
from instance_images.locations.application import Application
from instance_images.model.extensions import broken_extensions, extensions, loaded
from instance_images.model.findings import Finding, Severity
from instance_images.parallel import in_parallel

# A task that nothing has looked at for so long waits for an hourly run that does not come, or that
# cannot bring it further.
UNTOUCHED = timedelta(hours=2)

Check = Callable[[Application, Sequence[Location]], Iterable[Finding]]


@dataclass(frozen=True, slots=True)
class Examined:
    """A check and what it has found."""

    check: str
    findings: Sequence[Finding]


def examine(application: Application, locations: Sequence[Location]) -> list[Examined]:
    """Run all checks, in the order of their names, then tell of what cannot be loaded."""
    broken_ones = {(error.group, error.name): error for error in broken_extensions()}
    examined = [
        Examined(one.name, _run(one.name, loaded(one), application, locations))
        for one in extensions("instance_images.doctor")
        if (one.group, one.name) not in broken_ones
    ]
    if broken_ones:
        cure = "Update or uninstall the distribution; until then it is skipped."
        told = [
            Finding("extensions", Severity.WARNING, None, str(error), cure)
            for error in broken_ones.values()
        ]
        examined.append(Examined("extensions", told))
    return examined


def _run(
    name: str, check: Check, application: Application, locations: Sequence[Location]
) -> list[Finding]:
    findings: list[Finding] = []
    try:
        findings.extend(check(application, locations))
    except InstanceImagesError as error:
        findings.append(broken(name, None, error))
    return findings


def broken(check: str, location: str | None, error: InstanceImagesError) -> Finding:
    """Return the finding that something could not be looked at; the error tells its cure."""
    cure = "Fix this error, and run the doctor again: the check did not finish."
    return Finding(check, Severity.ERROR, location, str(error), cure)


def of_each(
    check: str,
    locations: Sequence[Location],
    look: Callable[[Location], Iterable[Finding]],
) -> Iterator[Finding]:
    """Yield what is found at each location, several at once; one that fails is a finding."""

    def at(location: Location) -> list[Finding]:
        findings: list[Finding] = []
        try:
            findings.extend(look(location))  # what was found before something broke is kept
        except InstanceImagesError as error:
            findings.append(broken(check, location.name, error))
        return findings

    for findings in in_parallel(at, locations):
        yield from findings
