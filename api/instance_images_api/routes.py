"""The table of routes: path, method, handler, rule of the policy, schemas.

The router, the OpenAPI document, the rules of the policy and the test of completeness are generated
from it.
"""

from instance_images_api.http.lists import PAGE, WIDER
from instance_images_api.http.route import Parameter, Reply, Role, Route, Rule
from instance_images_api.resources import images, limits, locations, retries, tasks, versions
from instance_images_api.schemas import images as image_schemas
from instance_images_api.schemas import limits as limit_schemas
from instance_images_api.schemas import locations as location_schemas
from instance_images_api.schemas import tasks as task_schemas
from instance_images_api.schemas import versions as version_schemas
from instance_images_api.schemas.base import ID, LOCATION, NAME, PROJECT_ID

_VERSIONS = {200: Reply("The versions.", version_schemas.VERSIONS)}
_IMAGE_ID = Parameter("image_id", ID, "Id of the image.", "path")
_TASK_ID = Parameter("task_id", ID, "Id of the task.", "path")
_ACCOUNT_ID = Parameter("account_id", PROJECT_ID, "Id of the account.", "path")
_LOOK_AGAIN = ("Retry-After",)
_FOLLOW = ("Location", "Retry-After")

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
    Route(
        method="POST",
        path="/v1/images",
        handler=images.create_image,
        name="createImage",
        summary="Capture the primary disk of an instance as an image.",
        tag="images",
        rule=Rule("images:create", Role.MEMBER),
        asks_cloud=True,
        takes_key=True,
        request_schema=image_schemas.CREATE,
        request_example=image_schemas.CREATE_EXAMPLE,
        errors=(409,),
        replies={202: Reply("The image, and its task.", image_schemas.CREATED, headers=_FOLLOW)},
    ),
    Route(
        method="DELETE",
        path="/v1/images/{image_id}",
        handler=images.delete_image,
        name="deleteImage",
        summary="Delete an image for good. Instances made from it stay.",
        tag="images",
        rule=Rule("images:delete", Role.MEMBER),
        noun="Image",
        asks_cloud=True,
        parameters=(
            _IMAGE_ID,
            Parameter("force", {"type": "boolean"}, "true: even if a Heat stack uses the image."),
        ),
        errors=(409,),
        replies={
            204: Reply("The image is deleted."),
            202: Reply("The cloud did not answer: the task.", task_schemas.ONE, headers=_FOLLOW),
        },
    ),
    Route(
        method="POST",
        path="/v1/images/{image_id}/deploy",
        handler=images.deploy_image,
        name="deployImage",
        summary="Deploy new instances from an image.",
        tag="images",
        rule=Rule("images:deploy", Role.MEMBER),
        noun="Image",
        asks_cloud=True,
        takes_key=True,
        parameters=(_IMAGE_ID,),
        request_schema=image_schemas.DEPLOY,
        request_example=image_schemas.DEPLOY_EXAMPLE,
        errors=(409,),
        replies={202: Reply("The task.", task_schemas.ONE, headers=_FOLLOW)},
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
    Route(
        method="POST",
        path="/v1/tasks/{task_id}/retry",
        handler=retries.retry_task,
        name="retryTask",
        summary="Retry a failed capture as the same image.",
        tag="tasks",
        rule=Rule("tasks:retry", Role.MEMBER),
        noun="Task",
        asks_cloud=True,
        takes_key=True,
        parameters=(_TASK_ID,),
        errors=(409,),
        replies={202: Reply("The task.", task_schemas.ONE, headers=_FOLLOW)},
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
        method="POST",
        path="/v1/rates",
        handler=locations.create_rate,
        name="setRate",
        summary="Set the price per GB and month of a location from an hour on.",
        tag="rates",
        rule=Rule("rates:set", Role.ADMIN),
        parameters=(
            Parameter(
                "preview",
                {"type": "boolean"},
                "true: show what last month's usage would have cost; change nothing.",
            ),
        ),
        request_schema=location_schemas.RATE_SET,
        request_example=location_schemas.RATE_EXAMPLE,
        errors=(409,),
        replies={
            201: Reply("The rate.", location_schemas.ONE_RATE),
            200: Reply("The preview.", location_schemas.PREVIEW),
        },
    ),
    Route(
        method="GET",
        path="/v1/choices",
        handler=locations.list_choices,
        name="listChoices",
        summary="List the images that can be deployed: OS Images and My Images.",
        tag="images",
        rule=Rule("choices:list", Role.READER),
        asks_cloud=True,
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
        asks_cloud=True,
        parameters=WIDER,
        errors=(409,),
        replies={200: Reply("The limits.", limit_schemas.LIMITS)},
    ),
    Route(
        method="PUT",
        path="/v1/limits/{account_id}",
        handler=limits.put_limit,
        name="setLimit",
        summary="Set the limit of an account at a location; -1: unlimited.",
        tag="limits",
        rule=Rule("limits:set", Role.ADMIN),
        noun="Account",
        asks_cloud=True,
        takes_if_match=True,
        parameters=(_ACCOUNT_ID,),
        request_schema=limit_schemas.SET,
        request_example=limit_schemas.SET_EXAMPLE,
        errors=(409,),
        replies={200: Reply("The limit.", limit_schemas.ONE, headers=("ETag",))},
    ),
    Route(
        method="DELETE",
        path="/v1/limits/{account_id}",
        handler=limits.delete_limit,
        name="unsetLimit",
        summary="Remove the limit of an account; the one that applies otherwise takes effect.",
        tag="limits",
        rule=Rule("limits:set", Role.ADMIN),
        noun="Account",
        asks_cloud=True,
        takes_if_match=True,
        parameters=(_ACCOUNT_ID, LOCATION),
        errors=(409,),
        replies={204: Reply("The limit is removed.")},
    ),
)

ROUTES: tuple[Route, ...] = (*_PUBLIC, *_IMAGES, *_TASKS, *_LOCATIONS)
