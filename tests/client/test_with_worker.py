"""The first command of the README, with a worker that is the only one to advance the capture."""

import pytest
import sqlalchemy as sa

from instance_images.db.tables import news

from support.processes.background_worker import working
from support.worlds.shop_world import Shop

pytestmark = pytest.mark.cloud


def test_capture_of_each_kind_of_instance_is_finished_by_the_worker(shop: Shop) -> None:
    office = shop.office
    office.cloud.boot_from_volume(shop.project, "database-1")
    environment = {"OS_CLIENT_CONFIG_FILE": str(office.cloud.clouds_yaml)}
    made = {}

    with working(office.cli.config_file, **environment):
        for server in ("web-1", "database-1"):
            words = ("create", server, "--name", f"{server}-golden", "--wait")
            made[server] = shop.customer.json(*words)

    assert [one["status"] for one in made.values()] == ["available", "available"]
    told = sa.select(news.c.image_id, news.c.source).where(news.c.event == "available")
    with office.cli.application.database.reading() as connection:
        sources = dict(connection.execute(told).all())
    assert {sources[one["id"]] for one in made.values()} == {"worker"}
    shop.customer.ok("delete", "web-1-golden", "database-1-golden")
