"""How images, tasks, limits and locations are shown."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING

from instance_images.commands.output import View, instant_text, size_text

if TYPE_CHECKING:
    from instance_images.provider import OfferedImage
    from instance_images.scaling import Member, ScalingGroup


def _fields(*names: str) -> tuple[tuple[str, attrgetter[object]], ...]:
    return tuple((name, attrgetter(name)) for name in names)


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
        ("Source Instance", lambda image: image.source_instance_name),
        ("Size", lambda image: size_text(image.size_bytes)),
        ("Status", lambda image: image.status.capitalize()),
        ("Created", lambda image: instant_text(image.created_at)),
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

TASK = View(
    fields=_fields(
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
    ),
    columns=(
        ("ID", lambda task: task.id),
        ("Kind", lambda task: task.kind.capitalize()),
        ("Image", lambda task: task.image_id),
        ("State", lambda task: task.state.capitalize()),
        ("Stage", lambda task: task.stage),
        ("Progress", lambda task: f"{task.progress} %"),
        ("Error", lambda task: task.error or "-"),
    ),
)

LIMIT = View(
    fields=_fields("account_id", "account_name", "location", "max_images", "source", "held"),
    columns=(
        ("Account", lambda limit: limit.account_name),
        ("Account ID", lambda limit: limit.account_id),
        ("Location", lambda limit: limit.location),
        ("Limit", lambda limit: str(limit.max_images)),
        ("Set For", lambda limit: limit.source.capitalize()),
        ("Held", lambda limit: str(limit.held)),
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
