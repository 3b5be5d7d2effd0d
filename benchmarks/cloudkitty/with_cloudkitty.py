"""CloudKitty's part: its Worker, hashmap rating, storage (SQL or InfluxDB) and state, as they are.

    with_cloudkitty.py ACTION DIRECTORY

Only what feeds it is ours: a collector in memory that gives the data points of an hour at once.
Runs in CloudKitty's environment; DIRECTORY holds world.json. Prints JSON.
"""

import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from cloudkitty import (
    config,  # noqa: F401  (declares the options)
    db,
    orchestrator,
    service,
    storage,
)
from cloudkitty import storage_state as state
from cloudkitty.dataframe import DataPoint
from cloudkitty.db import api as db_api
from cloudkitty.rating.hash import HashMap
from cloudkitty.storage.v1.sqlalchemy.models import RatedDataFrame
from cloudkitty.storage_state.models import ReprocessingScheduler
from influxdb import InfluxDBClient
from oslo_config.cfg import CONF
from sqlalchemy import func
from world import (
    GB,
    HOUR,
    HOURS_PER_MONTH,
    LATE_PRICE,
    PRICE,
    HourByHour,
    World,
    load,
    peak_memory_mb,
)

METRIC = "image.size"
METRICS = f"""metrics:
  {METRIC}:
    unit: GB
    groupby: [project_id, id]
    metadata: [name]
"""
CONFIGURATION = """[DEFAULT]
transport_url = fake://
log_file = {directory}/cloudkitty.log
[database]
connection = {url}
{storage}
[collect]
collector = gnocchi
scope_key = project_id
metrics_conf = {directory}/metrics.yml
[fetcher]
backend = keystone
[orchestrator]
coordination_url = file://{directory}/locks
"""
SQL_STORAGE = "[storage]\nversion = 1\nbackend = sqlalchemy"
INFLUX_STORAGE = """[storage]
version = 2
backend = influxdb
[storage_influxdb]
version = 1
host = 127.0.0.1
port = {port}
username = cloudkitty
password = cloudkitty
database = cloudkitty"""


class MemoryCollector:
    """Gives an hour's data points, as a collector does that has asked its source."""

    def __init__(self, world: World) -> None:
        self.conf: dict[str, Any] = {METRIC: {}}
        self.world = world
        self.seconds = 0.0

    def retrieve(self, metric: str, _start: datetime, _end: datetime, account_id: str) -> Any:
        """Return the metric's name and a point for every image: its size, for the whole hour."""
        began = time.perf_counter()
        points = [
            DataPoint(
                "GB",
                Decimal(size_bytes) / GB,
                0,
                {"project_id": account_id, "id": image_id},
                {"name": name},
            )
            for image_id, name, size_bytes in self.world.images_of(account_id)
        ]
        self.seconds += time.perf_counter() - began
        return metric, points


class CrashingWorker(orchestrator.Worker):
    """Loses its power between the storage of an hour and the note that it was stored."""

    def update_scope_processing_state_db(self, timestamp: datetime) -> None:
        """Die as a process dies that is killed."""
        os._exit(137)


def prepare(world: World, directory: Path) -> dict[str, Any]:
    """Make the tables, switch hashmap on, set the price, and say where each account stands."""
    if world.influx_port is not None:
        InfluxDBClient("127.0.0.1", world.influx_port).create_database("cloudkitty")
    programs, file = Path(sys.executable).parent, str(directory / "cloudkitty.conf")
    for name, *arguments in (["cloudkitty-dbsync", "upgrade"], ["cloudkitty-storage-init"]):
        command = [str(programs / name), "--config-file", file, *arguments]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    db_api.get_instance().get_module_info().set_state("hashmap", True)
    rules = HashMap.db_api
    service_id = rules.create_service(METRIC).service_id
    _set_price(service_id, PRICE, (world.first_hour - 1000 * HOUR).replace(tzinfo=None))
    states = state.StateManager()
    for account_id in world.account_ids():
        states.set_last_processed_timestamp(account_id, world.first_hour - HOUR)
    return {}


def _set_price(service_id: str, price: str, start: datetime) -> None:
    cost = Decimal(price) / HOURS_PER_MONTH
    HashMap.db_api.create_mapping(
        cost, map_type="flat", service_id=service_id, start=start, created_by="benchmark"
    )


def rate(world: World, directory: Path, worker: Any = orchestrator.Worker) -> dict[str, Any]:
    """Have every account's hours rated and stored, as a processor does, an hour at a time.

    A processor makes the workers of its accounts anew for every hour; here they are made once.
    """
    collector, backend = MemoryCollector(world), storage.get_storage()
    number = int(os.environ.get("WORKER", "0"))
    hours = HourByHour()
    with ThreadPoolExecutor(CONF.orchestrator.max_threads) as pool:
        workers = [worker(collector, backend, one, number) for one in world.part(number)]
        for one in workers:
            one.thread_executor = pool  # or thousands of scopes would each keep threads
        for _ in range(world.hours):
            for one in workers:
                one.execute_worker_processing()
            hours.ended()
    return {
        **hours.total(),
        "peak_memory_mb": peak_memory_mb(),
        "seconds_of_making_the_input": round(collector.seconds, 3),
    }


def crash(world: World, directory: Path) -> dict[str, Any]:
    """Rate the first account's first hour, and die before it is noted."""
    return rate(world, directory, CrashingWorker)


def reset(world: World, directory: Path) -> dict[str, Any]:
    """Ask for the hours to be rated anew, as the API's reset of a scope does."""
    scopes = [
        {
            "scope_id": account_id,
            "scope_key": "project_id",
            "fetcher": "keystone",
            "collector": "gnocchi",
        }
        for account_id in world.account_ids()
    ]
    before = (world.first_hour - HOUR).isoformat()
    message = {"scopes": scopes, "last_processed_timestamp": before}
    orchestrator.ScopeEndpoint().reset_state(None, message)
    return {}


def late_price(world: World, directory: Path) -> dict[str, Any]:
    """Replace the price from the first hour on, after the hours were rated."""
    rules = HashMap.db_api
    (service_id,) = rules.list_services()
    (mapping_id,) = rules.list_mappings(service_uuid=service_id)
    start = world.first_hour.replace(tzinfo=None)
    rules.update_mapping(mapping_id, end=start)
    _set_price(service_id, LATE_PRICE, start)
    return {}


def reprocess(world: World, directory: Path) -> dict[str, Any]:
    """Schedule the hours for reprocessing, as the API does, and carry it out."""
    collector, backend = MemoryCollector(world), storage.get_storage()
    scheduler = state.ReprocessingSchedulerDb()
    start = world.first_hour.replace(tzinfo=None)
    end = (world.end - HOUR).replace(tzinfo=None)
    for account_id in world.account_ids():
        scheduler.persist(
            ReprocessingScheduler(
                reason="late price",
                identifier=account_id,
                start_reprocess_time=start,
                end_reprocess_time=end,
            )
        )
    for scope in scheduler.get_all(limit=None):
        orchestrator.ReprocessingWorker(collector, backend, scope, 0).run()
    return {}


def count(world: World, directory: Path) -> dict[str, Any]:
    """Return how many rows are stored, and what they sum up to."""
    if world.influx_port is not None:
        client = InfluxDBClient("127.0.0.1", world.influx_port, database="cloudkitty")
        query = 'SELECT count("price") AS rows, sum("price") AS total FROM "dataframes"'
        found: dict[str, Any] = next(client.query(query).get_points())
        return {"rows": found["rows"], "total": repr(found["total"])}
    with db.session_for_read() as session:
        rows, total = session.query(func.count(), func.sum(RatedDataFrame.rate)).one()
        row = session.query(RatedDataFrame).first()
        return {
            "rows": rows,
            "total": repr(total),
            "type_of_an_amount": type(row.rate).__name__ if row else None,
            "quantity_stored": str(row.qty) if row else None,
        }


ACTIONS = {f.__name__: f for f in (prepare, rate, crash, reset, late_price, reprocess, count)}


def main(action: str, directory: Path) -> None:
    """Do one thing with the world in the directory."""
    world = load(directory / "world.json")
    (directory / "metrics.yml").write_text(METRICS)
    file = directory / "cloudkitty.conf"
    port = world.influx_port
    stored = SQL_STORAGE if port is None else INFLUX_STORAGE.format(port=port)
    file.write_text(
        CONFIGURATION.format(url=world.database_url, directory=directory, storage=stored)
    )
    service.prepare_service(["cloudkitty"], config_files=[str(file)])
    print(json.dumps(ACTIONS[action](world, directory)))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
