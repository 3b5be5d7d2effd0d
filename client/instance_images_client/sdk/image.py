"""Images captured from instances."""

from openstack import resource

from instance_images_client.sdk.base import Base


class Image(Base):
    """An image: the primary disk of an instance as it was captured."""

    resource_key = "image"
    resources_key = "images"
    base_path = "/images"

    allow_create = True
    allow_fetch = True
    allow_delete = True
    allow_list = True

    _query_mapping = resource.QueryParameters(
        "status",
        "name",
        "source_instance_id",
        "location",
        "sort",
        "account_id",
        "all_accounts",
    )

    #: Id of the account that the image belongs to.
    account_id = resource.Body("account_id")
    #: Location that the image is stored in.
    location = resource.Body("location")
    #: Id of the instance that the image was captured from.
    source_instance_id = resource.Body("source_instance_id")
    #: Name of that instance at that time.
    source_instance_name = resource.Body("source_instance_name")
    #: Size in bytes; None until the image is available.
    size_bytes = resource.Body("size_bytes", type=int)
    #: ``creating``, ``available``, ``error`` or ``deleting``.
    status = resource.Body("status")
    #: State of the file systems: ``crash``, ``filesystem`` or ``offline``.
    consistency = resource.Body("consistency")
    #: Instants are UTC, ISO 8601, and end in Z.
    created_at = resource.Body("created_at")
    available_at = resource.Body("available_at")
    deleted_at = resource.Body("deleted_at")
    #: Why the capture failed; None if it did not.
    error = resource.Body("error")
    #: Id of the task that made the image.
    task_id = resource.Body("task_id")
    #: Id of the image in the image service.
    cloud_image_id = resource.Body("cloud_image_id")
    #: Size of the disk in bytes.
    virtual_size_bytes = resource.Body("virtual_size_bytes", type=int)
    #: Id of the project that the image is stored in.
    project_id = resource.Body("project_id")
    #: How the image came to be: ``captured`` or ``adopted``.
    origin = resource.Body("origin")
    #: Only for a request to create: refuse a capture without frozen file systems.
    require_quiesce = resource.Body("require_quiesce", type=bool)
    #: Only for a request to create: the same key makes the same image.
    idempotency_key = resource.Header("Idempotency-Key")
