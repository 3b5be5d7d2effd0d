"""The table of routes: path, method, handler, rule of the policy, schemas.

The router, the OpenAPI document, the rules of the policy and the test of completeness are generated
from it.
"""

from instance_images_api.http.lists import PAGE, WIDER
from instance_images_api.http.route import Parameter, Reply, Role, Route, Rule
from instance_images_api.resources import images, limits, locations, tasks, versions
from instance_images_api.schemas import images as image_schemas
from instance_images_api.schemas import limits as limit_schemas
from instance_images_api.schemas import locations as location_schemas
from instance_images_api.schemas import tasks as task_schemas
from instance_images_api.schemas import versions as version_schemas
from instance_images_api.schemas.base import ID, LOCATION, NAME

_VERSIONS = {200: Reply("The versions.", version_schemas.VERSIONS)}
_IMAGE_ID = Parameter("image_id", ID, "Id of the image.", "path")
_TASK_ID = Parameter("task_id", ID, "Id of the task.", "path")
_LOOK_AGAIN = ("Retry-After",)

_PUBLIC = (
    Route(
        method="GET",
        path="/",
        handler=versions.list_versions,
        name="listVersionsOfService",
        summary="List the versions of the API.",
        tag="versions",
        rule=None,
        replies=_VERSIONS,
    ),
    Route(
        method="GET",
        path="/v1",
        handler=versions.list_versions,
        name="listVersions",
        summary="List the versions of the API.",
        tag="versions",
        rule=None,
        replies=_VERSIONS,
    ),
    Route(
        method="GET",
        path="/v1/openapi.json",
        handler=versions.get_document,
        name="getDocument",
        summary="Show this document.",
        tag="versions",
        rule=None,
        replies={
            200: Reply("The document.", version_schemas.DOCUMENT, headers=("ETag",)),
            304: Reply("The caller has it already."),
        },
    ),
)

_IMAGES = (
    Route(
        method="GET",
        path="/v1/images",
        handler=images.list_images,
        name="listImages",
        summary="List images that are not deleted.",
        tag="images",
        rule=Rule("images:list", Role.READER),
        wider_rule=Rule("images:list_all", Role.ADMIN),
        parameters=(
            *PAGE,
            Parameter("status", image_schemas.SHOWN_STATUS, "Status of the images."),
            Parameter("name", NAME, "Name of the images."),
            Parameter("source_instance_id", NAME, "Id of the instance that they were made of."),
            LOCATION,
            *WIDER,
        ),
        replies={200: Reply("A page of images.", image_schemas.PAGE)},
    ),
    Route(
        method="GET",
        path="/v1/images/{image_id}",
        handler=images.get_image,
        name="getImage",
        summary="Show an image.",
        tag="images",
        rule=Rule("images:get", Role.READER),
        noun="Image",
        parameters=(_IMAGE_ID,),
        replies={200: Reply("The image.", image_schemas.ONE)},
    ),
)

_TASKS = (
    Route(
        method="GET",
        path="/v1/tasks",
        handler=tasks.list_tasks,
        name="listTasks",
        summary="List tasks.",
        tag="tasks",
        rule=Rule("tasks:list", Role.READER),
        wider_rule=Rule("tasks:list_all", Role.ADMIN),
        parameters=(
            *PAGE,
            Parameter("image_id", ID, "Id of their image."),
            Parameter("state", task_schemas.STATE, "State of the tasks."),
            Parameter("kind", task_schemas.KIND, "Kind of the tasks."),
            LOCATION,
            *WIDER,
        ),
        replies={200: Reply("A page of tasks.", task_schemas.PAGE)},
    ),
    Route(
        method="GET",
        path="/v1/tasks/{task_id}",
        handler=tasks.get_task,
        name="getTask",
        summary="Show a task with its current progress.",
        tag="tasks",
        rule=Rule("tasks:get", Role.READER),
        noun="Task",
        parameters=(_TASK_ID,),
        replies={200: Reply("The task.", task_schemas.ONE, headers=_LOOK_AGAIN)},
    ),
)

_LOCATIONS = (
    Route(
        method="GET",
        path="/v1/locations",
        handler=locations.list_locations,
        name="listLocations",
        summary="List locations with their prices.",
        tag="locations",
        rule=Rule("locations:list", Role.READER),
        replies={200: Reply("The locations.", location_schemas.LOCATIONS)},
    ),
    Route(
        method="GET",
        path="/v1/rates",
        handler=locations.list_rates,
        name="listRates",
        summary="List past, current and future rates.",
        tag="rates",
        rule=Rule("rates:list", Role.READER),
        parameters=(LOCATION,),
        replies={200: Reply("The rates.", location_schemas.RATES)},
    ),
    Route(
        method="GET",
        path="/v1/choices",
        handler=locations.list_choices,
        name="listChoices",
        summary="List the images that can be deployed: OS Images and My Images.",
        tag="images",
        rule=Rule("choices:list", Role.READER),
        parameters=(LOCATION,),
        errors=(409,),
        replies={200: Reply("The two groups.", location_schemas.CHOICES)},
    ),
    Route(
        method="GET",
        path="/v1/limits",
        handler=limits.list_limits,
        name="listLimits",
        summary="List the limits of the account, one per location.",
        tag="limits",
        rule=Rule("limits:list", Role.READER),
        wider_rule=Rule("limits:list_all", Role.ADMIN),
        parameters=WIDER,
        errors=(409,),
        replies={200: Reply("The limits.", limit_schemas.LIMITS)},
    ),
)

ROUTES: tuple[Route, ...] = (*_PUBLIC, *_IMAGES, *_TASKS, *_LOCATIONS)
