"""Images."""

from instance_images.model.records import Consistency, ImageStatus, Origin
from instance_images_api.schemas.base import (
    COUNT,
    ID,
    INSTANT,
    TEXT,
    listed,
    nullable,
    record,
)

STATUS = {"enum": [status.value for status in ImageStatus]}
SHOWN_STATUS = {"enum": [s.value for s in ImageStatus if s is not ImageStatus.DELETED]}
IMAGE = record(
    id=ID,
    name=TEXT,
    account_id=TEXT,
    location=TEXT,
    source_instance_id=TEXT,
    source_instance_name=TEXT,
    size_bytes=nullable(COUNT),
    status=STATUS,
    consistency={"enum": [one.value for one in Consistency]},
    created_at=INSTANT,
    available_at=nullable(INSTANT),
    deleted_at=nullable(INSTANT),
    error=nullable(TEXT),
    task_id=TEXT,
    cloud_image_id=nullable(TEXT),
    virtual_size_bytes=nullable(COUNT),
    project_id=TEXT,
    origin={"enum": [one.value for one in Origin]},
)
ONE = record(image=IMAGE)
PAGE = listed("images", IMAGE)
