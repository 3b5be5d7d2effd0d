"""``clouds.yaml``, by which every client finds the cloud."""

from typing import Any

import yaml

from minicloud.cloud import PASSWORD, REGION, Cloud, write_atomically

SEEDED = ("admin", "demo", "other", "stacks")


def write(cloud: Cloud) -> None:
    """Write the entries of the seeded users; others that tests have added get the new URL."""
    clouds = {name: entry(cloud, name) for name in SEEDED}
    if cloud.clouds_yaml.exists():
        document = yaml.safe_load(cloud.clouds_yaml.read_text())
        for name, added in document["clouds"].items():
            added["auth"]["auth_url"] = cloud.auth_url
            clouds.setdefault(name, added)
    write_atomically(cloud.clouds_yaml, yaml.safe_dump({"clouds": clouds}, sort_keys=False))


def entry(cloud: Cloud, name: str) -> dict[str, Any]:
    """Return the entry of a user whose project has the user's name."""
    return {
        "region_name": REGION,
        "identity_api_version": 3,
        "auth": {
            "auth_url": cloud.auth_url,
            "username": name,
            "password": PASSWORD,
            "project_name": name,
            "user_domain_name": "Default",
            "project_domain_name": "Default",
        },
    }
