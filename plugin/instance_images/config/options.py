"""The options of the plugin in the configuration file, with the help that the sample shows.

An option's help says when to change it, and what happens then. ``settings`` reads
files by them, and by those of the other parts (``parts``).
"""

from typing import Any

from oslo_config import cfg

from instance_images.config import api as api_config
from instance_images.config import events as broker_config
from instance_images.config import worker as worker_config

_DEFAULT_OPTS = [
    cfg.ListOpt(
        "locations",
        default=[],
        sample_default=["RegionOne"],
        help="Names of the locations. Each needs a section [location:NAME]. To close a location,"
        " set enabled = false and keep it here until customers hold no images in it: their"
        " images are still billed.",
    ),
    cfg.StrOpt(
        "account_scope",
        default="project",
        choices=[
            ("project", "one Keystone project"),
            ("domain", "a Keystone domain: an image serves all projects of the domain"),
        ],
        help="The billed account. Choose before the first image is made. A ledger in use is"
        " refused with the other choice.",
    ),
]

_DATABASE_OPTS = [
    cfg.StrOpt(
        "connection",
        default="sqlite:////var/lib/instance-images/instance-images.db",
        secret=True,
        help="SQLAlchemy URL of the database. SQLite serves one machine; for two or more use"
        " postgresql+psycopg://USER:PASSWORD@HOST/NAME or mysql+pymysql://USER:PASSWORD@HOST/NAME."
        " After a change run 'instance-images db upgrade'.",
    ),
]

_LIMITS_OPTS = [
    cfg.IntOpt(
        "max_images",
        default=10,
        min=0,
        help="Maximum number of images per account, for locations that set no max_images.",
    ),
]

_RECONCILE_OPTS = [
    cfg.StrOpt(
        "adopt",
        default="snapshots",
        choices=[
            ("none", "no image"),
            ("marked", "images that carry this product's mark"),
            ("snapshots", "also images with any trace of an instance, such as backups"),
            ("private", "also all other images that a project owns and that are not public"),
        ],
        help="Images made outside this product that are adopted: they become images of their"
        " owner's account and are billed from then on, if the location is enabled. Owners can"
        " remove marks and traces. To bill all stored images, choose"
        " private. Images of shelved"
        " instances, public images, and empty ones are never adopted. Adopted images stay adopted"
        " after a change.",
    ),
    cfg.ListOpt(
        "excluded_projects",
        default=[],
        help="Ids of projects whose images are not adopted, such as the operator's.",
    ),
]

_DEADLINES_OPTS = [
    cfg.IntOpt(
        "queue_minutes",
        default=240,
        min=1,
        help="Timeout of the queued stage, in minutes. After a timeout the capture fails, its"
        " slot is released, and its volumes, snapshots and images are removed. Raise it if"
        " compute hosts have long queues of snapshots.",
    ),
    cfg.IntOpt(
        "snapshot_minutes",
        default=720,
        min=1,
        help="Timeout of the snapshot stage, in minutes. No service reports the progress of this"
        " stage: choose the time that the largest disks need.",
    ),
    cfg.IntOpt(
        "upload_minutes",
        default=1440,
        min=1,
        help="Timeout of the upload stage, in minutes.",
    ),
    cfg.IntOpt(
        "deploy_minutes",
        default=120,
        min=1,
        help="Timeout of the build stage of a deployment, in minutes. After a timeout the task"
        " fails and names the instances; they stay in the cloud for their owner to inspect"
        " and delete. Raise it if copying images to compute hosts takes longer.",
    ),
]

LOCATION_OPTS = [
    cfg.BoolOpt(
        "enabled",
        default=True,
        help="Allow customers to capture and deploy images here. Existing images stay, are"
        " billed, and can be deleted.",
    ),
    cfg.StrOpt(
        "provider",
        default="openstack",
        help="Driver of this location: an entry point of the group instance_images.providers.",
    ),
    cfg.StrOpt(
        "cloud",
        sample_default="mycloud",
        help=(
            "Entry of clouds.yaml with the credentials of the service user. It needs the admin"
            " role, and a role on the customers' projects (an inherited role is simplest)."
        ),
    ),
    cfg.StrOpt(
        "stack_cloud",
        sample_default="mycloud-stacks",
        help=(
            "Entry of clouds.yaml with the credentials that create and update Heat stacks: a"
            " separate user with the role member on the customers' projects (an inherited role"
            " is simplest) and no admin role. Heat executes a customer's template with the"
            " rights of the user who updates the stack, and keeps a trust from that user. Unset,"
            " or if that user has the role admin, manager or service in the project:"
            " 'scaling-group create' and 'set-image' are refused. Needed only where Heat is"
            " offered."
        ),
    ),
    cfg.ListOpt(
        "os_image_projects",
        default=[],
        help="Ids of the provider's projects whose community images are listed as OS Images,"
        " together with public images. Never name a customer's project: any project can"
        " publish a community image and name it like an operating system.",
    ),
    cfg.StrOpt("region_name", help="OpenStack region. Unset: the name of the location."),
    cfg.StrOpt("currency", default="EUR", help="Currency of the rates (ISO 4217 code)."),
    cfg.StrOpt(
        "free_gb",
        default="0",
        help=(
            "Free storage per account, in GB (or in GiB, depending on [billing] unit), such as 5"
            " or 0.5. Becomes part of a rate when the rate is set."
        ),
    ),
    cfg.StrOpt(
        "minimum_charge",
        default="0",
        help=(
            "Minimum charge of an account for a month, such as 1.00. An account that used only"
            " free storage pays no minimum. The difference is added when the month is closed."
            " Becomes part of a rate when the rate is set. It applies to whole months: a new"
            " minimum takes effect with the month after the rate begins."
        ),
    ),
    cfg.StrOpt(
        "volume_image_format",
        default="raw",
        choices=[
            ("raw", "as large as the volume; best if Glance and Cinder share one Ceph cluster"),
            (
                "qcow2",
                "without empty blocks; Cinder converts the image and needs space for the"
                " conversion",
            ),
        ],
        help="Format of images of volume-backed instances. Customers are charged for the stored"
        " bytes.",
    ),
    cfg.IntOpt(
        "max_images",
        min=0,
        help="Maximum number of images per account in this location. Unset: [limits]max_images.",
    ),
    broker_config.URL_OPT,
]

# In the sample, where names of groups are in small letters.
_LOCATION_GROUP = cfg.OptGroup(
    "location:name",
    help="One section per location, such as [location:RegionOne].",
)

GROUPS: dict[str, list[Any]] = {
    "DEFAULT": _DEFAULT_OPTS,
    "database": _DATABASE_OPTS,
    "limits": _LIMITS_OPTS,
    "deadlines": _DEADLINES_OPTS,
    "reconcile": _RECONCILE_OPTS,
    "api": api_config.API_OPTS,
    "worker": worker_config.WORKER_OPTS,
    "events": broker_config.EVENTS_OPTS,
}


def list_opts() -> list[tuple[Any, list[Any]]]:
    """Return (group, options) pairs for oslo-config-generator."""
    return [*GROUPS.items(), (_LOCATION_GROUP, LOCATION_OPTS)]
