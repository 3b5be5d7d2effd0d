"""Tasks: work on images in the background."""

from openstack import resource

from instance_images_client.sdk.base import Base

FINISHED = ("succeeded", "failed")


class Task(Base):
    """A capture, a deployment or a deletion, and how far it is."""

    resource_key = "task"
    resources_key = "tasks"
    base_path = "/tasks"

    allow_fetch = True
    allow_list = True

    _query_mapping = resource.QueryParameters(
        "image_id", "state", "kind", "location", "sort", "account_id", "all_accounts"
    )

    #: ``create``, ``delete`` or ``deploy``.
    kind = resource.Body("kind")
    #: Id of the image that the task is about.
    image_id = resource.Body("image_id")
    #: Name of that image.
    image_name = resource.Body("image_name")
    #: Location of that image.
    location = resource.Body("location")
    #: ``pending``, ``running``, ``succeeded`` or ``failed``.
    state = resource.Body("state")
    #: Step that the task is at.
    stage = resource.Body("stage")
    #: Progress in percent.
    progress = resource.Body("progress", type=int)
    #: How often the work was begun.
    attempts = resource.Body("attempts", type=int)
    #: Why the task failed; None if it did not.
    error = resource.Body("error")
    #: Instants are UTC, ISO 8601, and end in Z.
    created_at = resource.Body("created_at")
    updated_at = resource.Body("updated_at")
    started_at = resource.Body("started_at")
    stage_began_at = resource.Body("stage_began_at")
    #: Id of the captured or first deployed instance.
    server_id = resource.Body("server_id")
    #: Ids of the deployed instances.
    server_ids = resource.Body("server_ids", type=list)
    #: Id of the project that the work is done in.
    project_id = resource.Body("project_id")
    #: Id of the user who asked for the work, and of the request.
    user_id = resource.Body("user_id")
    request_id = resource.Body("request_id")
    #: Seconds since the work was begun, and those it will probably take.
    elapsed_seconds = resource.Body("elapsed_seconds", type=int)
    estimated_seconds_left = resource.Body("estimated_seconds_left", type=int)
    #: Seconds until another look is worth while.
    retry_after = resource.Header("Retry-After", type=int)

    @property
    def is_finished(self) -> bool:
        """Whether the task has succeeded or failed."""
        return self.state in FINISHED
