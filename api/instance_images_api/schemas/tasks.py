"""Tasks."""

from instance_images.model.records import TaskKind, TaskState
from instance_images_api.schemas.base import (
    COUNT,
    ID,
    INSTANT,
    TEXT,
    listed,
    nullable,
    record,
)

STATE = {"enum": [one.value for one in TaskState]}
KIND = {"enum": [one.value for one in TaskKind]}
TASK = record(
    id=ID,
    kind=KIND,
    image_id=ID,
    state=STATE,
    stage=TEXT,
    progress={"type": "integer", "minimum": 0, "maximum": 100},
    attempts=COUNT,
    error=nullable(TEXT),
    created_at=INSTANT,
    updated_at=INSTANT,
    server_id=nullable(TEXT),
    server_ids={"type": "array", "items": TEXT},
    started_at=INSTANT,
    stage_began_at=INSTANT,
    project_id=TEXT,
    request_id=nullable(TEXT),
    user_id=nullable(TEXT),
    image_name=TEXT,
    location=TEXT,
    elapsed_seconds=COUNT,
    estimated_seconds_left=nullable(COUNT),
)
ONE = record(task=TASK)
PAGE = listed("tasks", TASK)
