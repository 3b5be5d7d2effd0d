"""Images."""

from instance_images.model.records import Consistency, ImageStatus, Origin
from instance_images_api.schemas import tasks
from instance_images_api.schemas.base import (
    COUNT,
    ID,
    INSTANT,
    LOCATION_NAME,
    NAME,
    TEXT,
    asked,
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

CREATED = record(image=IMAGE, task=tasks.TASK)
_NAMES = {"type": "array", "maxItems": 20, "items": NAME}
CREATE = asked(
    "image",
    ["name", "source_instance_id"],
    name=NAME,
    source_instance_id=ID,
    require_quiesce={"type": "boolean"},
    location=LOCATION_NAME,
)
CREATE_EXAMPLE = {
    "image": {
        "name": "production-web-server-v2",
        "source_instance_id": "5f6e2c1a-9c34-4c5e-9a53-0a4ad3c7f0a1",
    }
}
DEPLOY = asked(
    "deploy",
    ["name", "flavor"],
    name=NAME,
    flavor=NAME,
    networks=_NAMES,
    key_name=NAME,
    security_groups=_NAMES,
    user_data={"type": "string", "maxLength": 65535},
    count={"type": "integer", "minimum": 1, "maximum": 50},
    volume_gib={"type": "integer", "minimum": 1, "maximum": 16384},
    server_group=NAME,
    availability_zone=NAME,
    location=LOCATION_NAME,
)
DEPLOY_EXAMPLE = {"deploy": {"name": "web-2", "flavor": "m1.small", "networks": ["private"]}}
