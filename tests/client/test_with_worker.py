"""The first command of the README, with a worker that is the only one to advance the capture."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from instance_images.db.tables import news

from support.processes.background_worker import working
from support.worlds.shop_world import Shop

pytestmark = pytest.mark.cloud


def test_capture_of_each_kind_of_instance_is_finished_by_the_worker(
    shop: Shop, tmp_path: Path
) -> None:
    office = shop.office
    office.cloud.boot_from_volume(shop.project, "database-1")
    environment = {"OS_CLIENT_CONFIG_FILE": str(office.cloud.clouds_yaml)}
    section = "[location:RegionOne]\n"
    small = f"{section}volume_image_format = qcow2\n"  # a raw image of a GiB takes half a minute
    config = tmp_path / "worker.conf"
    config.write_text(office.cli.config_file.read_text().replace(section, small))
    made = {}

    with working(config, **environment):
        for server in ("web-1", "database-1"):
            words = ("create", server, "--name", f"{server}-golden", "--wait")
            made[server] = shop.customer.json(*words)

    assert [one["status"] for one in made.values()] == ["available", "available"]
    told = sa.select(news.c.image_id, news.c.source).where(news.c.event == "available")
    with office.cli.application.database.reading() as connection:
        sources = dict(connection.execute(told).all())
    assert {sources[one["id"]] for one in made.values()} == {"worker"}
    shop.customer.ok("delete", "web-1-golden", "database-1-golden")
