"""How images, tasks, limits and locations are shown."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING

from instance_images.views.fields import View, duration_text, instant_text, size_text, with_column

if TYPE_CHECKING:
    from instance_images.model.records import TaskReport

if TYPE_CHECKING:
    from instance_images.model.cloud import OfferedImage
    from instance_images.model.scaling import Member, ScalingGroup


def _fields(*names: str) -> tuple[tuple[str, attrgetter[object]], ...]:
    return tuple((name, attrgetter(name)) for name in names)


def _fields_of_task(*names: str) -> tuple[tuple[str, attrgetter[object]], ...]:
    return tuple((name, attrgetter(f"task.{name}")) for name in names)


IMAGE = View(
    fields=_fields(
        "id",
        "name",
        "account_id",
        "location",
        "source_instance_id",
        "source_instance_name",
        "size_bytes",
        "status",
        "consistency",
        "created_at",
        "available_at",
        "deleted_at",
        "error",
        "task_id",
        "cloud_image_id",
        "virtual_size_bytes",
        "project_id",
        "origin",
    ),
    columns=(
        ("ID", lambda image: image.id),
        ("Name", lambda image: image.name),
        ("Source Instance", lambda image: image.source_instance_name or "-"),
        ("Size", lambda image: size_text(image.size_bytes)),
        ("Status", lambda image: image.status.capitalize()),
        ("Created", lambda image: instant_text(image.created_at)),
    ),
)

# Where they are in several locations.
IMAGE_OF_LOCATIONS = with_column(IMAGE, 2, "Location", attrgetter("location"))

FINDING = View(
    fields=_fields("check", "severity", "location", "what", "cure"),
    columns=(
        ("Check", lambda finding: finding.check),
        ("Severity", lambda finding: finding.severity.capitalize()),
        ("Location", lambda finding: finding.location or "-"),
        ("Found", lambda finding: finding.what),
        ("Cure", lambda finding: finding.cure),
    ),
)

LEARNED = View(
    fields=_fields(
        "location",
        "event",
        "image_id",
        "cloud_image_id",
        "name",
        "account_id",
        "size_bytes",
        "effective_at",
        "note",
    ),
    columns=(
        ("Location", lambda learned: learned.location),
        ("Event", lambda learned: learned.event.capitalize()),
        ("Image", lambda learned: learned.image_id),
        ("Name", lambda learned: learned.name),
        ("Account", lambda learned: learned.account_id),
        ("Size", lambda learned: size_text(learned.size_bytes)),
        ("Since", lambda learned: instant_text(learned.effective_at)),
        ("Note", lambda learned: learned.note or "-"),
    ),
)

CHOICE = View(
    fields=(
        *_fields("group", "id", "name"),
        ("cloud_image_id", lambda choice: choice.offered.id),
        *(
            (name, attrgetter(f"offered.{name}"))
            for name in (
                "size_bytes",
                "min_disk_gib",
                "min_ram_mib",
                "os_type",
                "os_distro",
                "os_version",
                "architecture",
            )
        ),
    ),
    columns=(
        ("Group", lambda choice: choice.group),
        ("ID", lambda choice: choice.id),
        ("Name", lambda choice: choice.name),
        ("Size", lambda choice: size_text(choice.offered.size_bytes)),
        ("Min Disk", lambda choice: f"{choice.offered.min_disk_gib} GiB"),
        ("Min RAM", lambda choice: f"{choice.offered.min_ram_mib} MiB"),
        ("System", lambda choice: _system_text(choice.offered)),
    ),
)

# Of a TaskReport.
TASK = View(
    fields=(
        *_fields_of_task(
            "id",
            "kind",
            "image_id",
            "state",
            "stage",
            "progress",
            "attempts",
            "error",
            "created_at",
            "updated_at",
            "server_id",
            "server_ids",
            "started_at",
            "stage_began_at",
            "project_id",
            "request_id",
            "user_id",
        ),
        *_fields("image_name", "location", "elapsed_seconds", "estimated_seconds_left"),
    ),
    columns=(
        ("ID", lambda report: report.task.id),
        ("Kind", lambda report: report.task.kind.capitalize()),
        ("Image", lambda report: report.image_name),
        ("State", lambda report: report.task.state.capitalize()),
        ("Stage", lambda report: report.task.stage),
        ("Progress", lambda report: f"{report.task.progress} %"),
        ("Elapsed", lambda report: duration_text(report.elapsed_seconds)),
        ("Left", lambda report: left_text(report)),
        ("Error", lambda report: report.task.error or "-"),
    ),
)


# Where they are in several locations.
TASK_OF_LOCATIONS = with_column(TASK, 3, "Location", attrgetter("location"))


def left_text(report: TaskReport) -> str:
    """Return how long the task will still take, ``-`` where that is not known."""
    left_seconds = report.estimated_seconds_left
    return "-" if left_seconds is None else f"~{duration_text(left_seconds)}"


LIMIT = View(
    fields=_fields("account_id", "account_name", "location", "max_images", "source", "held"),
    columns=(
        ("Account", lambda limit: limit.account_name),
        ("Account ID", lambda limit: limit.account_id),
        ("Location", lambda limit: limit.location),
        ("Limit", lambda limit: "-" if limit.max_images < 0 else str(limit.max_images)),
        ("Set For", lambda limit: limit.source.capitalize()),
        ("Held", lambda limit: str(limit.held)),
    ),
)

DEFAULT_LIMIT = View(
    fields=_fields("location", "max_images", "source"),
    columns=(
        ("Location", lambda limit: limit.location),
        ("Limit", lambda limit: "-" if limit.max_images < 0 else str(limit.max_images)),
        ("Set For", lambda limit: limit.source.capitalize()),
    ),
)

LOCATION = View(
    fields=_fields("name", "enabled", "provider", "cloud", "region_name", "currency", "max_images"),
    columns=(
        ("Location", lambda location: location.name),
        ("Images", lambda location: "Enabled" if location.enabled else "Not enabled"),
        ("Provider", lambda location: location.provider),
        ("Cloud", lambda location: location.cloud),
        ("Region", lambda location: location.region_name),
        ("Currency", lambda location: location.currency),
        ("Limit", lambda location: _limit_text(location.max_images)),
    ),
)


SCALING_GROUP = View(
    fields=(
        *_fields(
            "id",
            "name",
            "group",
            "project_id",
            "status",
            "reason",
            "cloud_image_id",
            "flavor",
            "min_size",
            "max_size",
            "size",
            "keeps_members",
            "fault",
        ),
        ("members", lambda group: [_member_fields(member) for member in group.members]),
        ("project_name", attrgetter("project_name")),
    ),
    columns=(
        ("ID", lambda group: group.id),
        ("Name", lambda group: group.name),
        ("Group", lambda group: group.group),
        ("Status", lambda group: group.status.capitalize()),
        ("Image", lambda group: group.cloud_image_id or "-"),
        ("Size", lambda group: _sizes_text(group)),
    ),
)
# Where they are in several projects.
SCALING_GROUP_OF_PROJECTS = with_column(SCALING_GROUP, 2, "Project", attrgetter("project_name"))


def _member_fields(member: Member) -> dict[str, str | None]:
    return {
        "server_id": member.server_id,
        "name": member.name,
        "status": member.status,
        "cloud_image_id": member.cloud_image_id,
    }


def _sizes_text(group: ScalingGroup) -> str:
    fewest, most = ("?" if n is None else str(n) for n in (group.min_size, group.max_size))
    return f"{group.size} ({fewest} to {most})"


def _system_text(offered: OfferedImage) -> str:
    known = (offered.os_distro or offered.os_type, offered.os_version, offered.architecture)
    return " ".join(word for word in known if word) or "-"


def _limit_text(max_images: int | None) -> str:
    return "default" if max_images is None else str(max_images)
