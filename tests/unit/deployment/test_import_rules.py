"""The import rules: which package of the tree may import which, and where libraries may be used.

``LEVELS`` is the one table. A package imports packages of the levels before its own, and its own
modules. Packages of one level do not import each other. Imports inside functions count as well.
"""

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.clouds.embedded_cloud import CHECKOUT

PARTS = {
    "instance_images": "plugin",
    "instance_images_billing": "billing_job",
    "instance_images_reports": "reports",
    "instance_images_api": "api",
    "instance_images_client": "client",
    "instance_images_dashboard": "dashboard",
}
# Distributions of their own: they import nothing of the product, and the product nothing of them.
APART = ("instance_images_client", "instance_images_dashboard")
# The one that builds on another one.
BUILDS_ON = {"instance_images_dashboard": "instance_images_client"}
ROOT_OF_PLUGIN = "errors names instants parallel"

LEVELS = {
    "instance_images": (
        ROOT_OF_PLUGIN, "model", "db config views", "drivers", "locations testing",
        "tasks",
        "deployments sync", "images events", "doctor worker", "commands",
    ),
    "instance_images_billing": (
        "config pricing", "ledger", "months rates", "hours audit", "views doctor", "commands",
    ),
    "instance_images_reports": (
        "config statement presentation", "wording collect", "formats", "summary trend delivery",
        "budgets", "batch", "proof frames", "doctor", "commands",
    ),
    "instance_images_client": ("sdk", "commands"),
    "instance_images_dashboard": (
        "api texts", "content rest", "horizon_changes", "apps", "enabled",
    ),
}  # fmt: skip

# The packages that hold values and decisions alone: standard library, each other, the root's files.
PURE = {
    "instance_images.model",
    "instance_images.views",
    "instance_images_billing.pricing",
    "instance_images_reports.statement",
    "instance_images_reports.presentation",
}

# A library, and the packages or modules that may import it.
LIBRARIES = {
    "click": ("commands",),
    "falcon": ("instance_images_api",),
    "jsonschema": ("instance_images_api",),
    "cliff": ("instance_images_client.commands",),
    "keystoneauth1": (
        "drivers.openstack.api",
        "instance_images_api.keystone",
        "instance_images_client",
        "instance_images_dashboard.api",
    ),
    "keystonemiddleware": ("instance_images_api",),
    "openstack": (
        "drivers.openstack.api",
        "instance_images_client",
        "instance_images_dashboard.api",
    ),
    "osc_lib": ("instance_images_client.commands",),
    "oslo_config": ("config",),
    "oslo_context": ("config", "instance_images_api"),
    "oslo_messaging": ("events",),
    "oslo_middleware": ("instance_images_api",),
    "oslo_policy": ("instance_images_api",),
}

# What a package may import beyond the order of the levels, or may not although it could.
FORBIDDEN = {"drivers": {"db"}, "testing": {"db", "config", "views"}}


@dataclass(frozen=True, slots=True)
class Import:
    """One import statement: the module that has it, and the full name that it imports."""

    module: str
    imported: str

    @property
    def part(self) -> str:
        return self.module.partition(".")[0]

    @property
    def package(self) -> str:
        """The package below the part, or the file in its root."""
        return [*self.module.split("."), ""][1]

    @property
    def imported_part(self) -> str:
        return self.imported.partition(".")[0]

    @property
    def imported_package(self) -> str:
        return [*self.imported.split("."), ""][1]


def imports_of(module: str, source: str) -> Iterator[Import]:
    """Yield what the source imports, ``from a import b`` as ``a.b``."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(module, alias.name)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield Import(module, f"{node.module}.{alias.name}")


def modules() -> Iterator[tuple[str, Path]]:
    """Yield the modules of the product by name, but for the revisions of the schema."""
    for part, root in PARTS.items():
        for path in sorted((CHECKOUT / root / part).rglob("*.py")):
            if "versions" not in path.parts:
                name = ".".join(path.relative_to(CHECKOUT / root).with_suffix("").parts)
                yield name.removesuffix(".__init__"), path


def level(part: str, package: str) -> int:
    for index, names in enumerate(LEVELS[part]):
        if package in names.split():
            return index
    raise AssertionError(f"{part}.{package} has no place in LEVELS")


def fault_of(one: Import) -> str:
    """Return which rule the import breaks, or nothing."""
    if one.imported_part in LIBRARIES:
        within = one.module.partition(".")[2]
        allowed = LIBRARIES[one.imported_part]
        names = (f"{within}.", f"{one.module}.")
        if not any(name.startswith(f"{a}.") for a in allowed for name in names):
            return f"{one.imported_part} is imported outside {', '.join(allowed)}"
    is_pure = f"{one.part}.{one.package}" in PURE
    if one.imported_part not in PARTS:
        is_library = one.imported_part not in sys.stdlib_module_names
        return "values and decisions import a library" if is_pure and is_library else ""
    if BUILDS_ON.get(one.part) == one.imported_part:
        return ""
    if one.imported_part != one.part and {one.imported_part, one.part} & set(APART):
        return "a distribution imports another one"
    parts = list(PARTS)
    if parts.index(one.imported_part) > parts.index(one.part):
        return "a part imports a later one"
    if is_pure:
        pure = PURE | {f"instance_images.{name}" for name in ROOT_OF_PLUGIN.split()}
        if f"{one.imported_part}.{one.imported_package}" not in pure:
            return "values and decisions import something else"
    if one.imported_part != one.part or one.part == "instance_images_api":
        faces = ("commands",) if one.package != "commands" else ()
        return "a module below the command line imports it" if one.imported_package in faces else ""
    if not one.package or not one.imported_package or one.package == one.imported_package:
        return ""
    if one.imported_package.startswith("__"):
        return ""
    if one.imported_package in FORBIDDEN.get(one.package, ()):
        return f"{one.package} imports {one.imported_package}"
    if level(one.part, one.imported_package) >= level(one.part, one.package):
        return f"{one.package} imports {one.imported_package}, which comes later"
    return ""


def test_every_import_keeps_the_rules() -> None:
    broken = {
        (one.module, one.imported): fault
        for module, path in modules()
        for one in imports_of(module, path.read_text())
        if (fault := fault_of(one))
    }

    assert broken == {}


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("instance_images.model.capture", "from instance_images.db import images"),
        ("instance_images.model.capture", "import sqlalchemy"),
        ("instance_images.images.find", "def f():\n    import click"),
        ("instance_images.sync.adopt", "from instance_images.images.delete import delete"),
        ("instance_images.drivers.provider", "from instance_images.db import images"),
        ("instance_images.testing.scene", "from instance_images.config import settings"),
        ("instance_images.locations.site", "from instance_images_billing.pricing import money"),
        (
            "instance_images_billing.ledger.rates",
            "from instance_images_billing.months import close",
        ),
        ("instance_images_reports.statement.lines", "from instance_images.db import engine"),
        ("instance_images.drivers.openstack.nova.servers", "import openstack.connection"),
        ("instance_images_api.images", "from instance_images.commands import image"),
        ("instance_images.views.fields", "import falcon"),
        ("instance_images_reports.collect.cutoff", "from oslo_policy import policy"),
        ("instance_images_client.sdk.image", "from instance_images.views import fields"),
        ("instance_images_client.sdk.image", "from instance_images_client.commands import text"),
        ("instance_images_client.sdk.image", "from osc_lib import exceptions"),
        ("instance_images.views.fields", "from instance_images_client.commands import text"),
        ("instance_images_dashboard.texts", "from instance_images.views import fields"),
        ("instance_images_dashboard.content.my_images.tabs", "import openstack.exceptions"),
        ("instance_images_dashboard.api", "from instance_images_dashboard.content import x"),
        ("instance_images_client.sdk.image", "from instance_images_dashboard import api"),
    ],
)
def test_a_forbidden_import_is_found(module: str, source: str) -> None:
    assert all(fault_of(one) for one in imports_of(module, source))


def test_no_folder_of_the_product_holds_more_than_20_modules() -> None:
    folders: dict[Path, int] = {}
    for _, path in modules():
        if path.name != "__init__.py":
            folders[path.parent] = folders.get(path.parent, 0) + 1

    assert {str(folder): count for folder, count in folders.items() if count > 20} == {}
