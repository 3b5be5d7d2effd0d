"""Builds the documentation: './dev docs'."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # extensions of ours

project = "instance-images"
author = "instance-images contributors"
copyright = "2026, instance-images contributors"

extensions = [
    "cliff.sphinxext",
    "api_reference",
    "myst_parser",
    "notebooks",
    "openstackdocstheme",
    "oslo_config.sphinxext",
    "reno.sphinxext",
    "sphinx_click",
]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
# A command is copied from a page: "--account" stays two hyphens.
smartquotes = False
# Each link of a page must lead somewhere.
nitpicky = True

html_theme = "openstackdocs"
openstackdocs_repo_name = "instance-images"
openstackdocs_auto_name = False
openstackdocs_auto_version = False
openstackdocs_use_storyboard = False
openstackdocs_bug_project = ""
html_static_path = ["_static"]
html_css_files = ["tables.css"]

# The manual pages: './dev docs' writes them into .dev/docs/man.
man_pages = [
    (
        "cli/reference",
        "instance-images",
        "customer images of instances, for operators",
        [author],
        1,
    ),
    ("client/reference", "openstack-custom-image", "images captured from instances", [author], 1),
]
