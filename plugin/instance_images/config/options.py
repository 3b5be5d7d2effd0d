"""Every option of the configuration file, with the help that the sample shows.

``config`` reads files by them. An option's help says when to change it, and what happens then.
"""

from typing import Any

from oslo_config import cfg

from instance_images.config import events as broker_config
from instance_images.config import report as report_config

_DEFAULT_OPTS = [
    cfg.ListOpt(
        "locations",
        default=[],
        sample_default=["RegionOne"],
        help="The locations where images are offered or were offered. Each needs a section"
        " [location:NAME]. Keep a location here, with enabled = false, for as long as its"
        " customers still hold images: they go on being billed.",
    ),
    cfg.StrOpt(
        "account_scope",
        default="project",
        choices=[
            ("project", "one Keystone project"),
            ("domain", "a Keystone domain: an image serves all projects of the domain"),
        ],
        help="Who the paying customer is. Choose before the first image is made: a ledger in use"
        " is refused under the other choice, because its charges are the accounts' of this one.",
    ),
]

_DATABASE_OPTS = [
    cfg.StrOpt(
        "connection",
        default="sqlite:////var/lib/instance-images/instance-images.db",
        secret=True,
        help="SQLAlchemy URL of the database. SQLite serves one machine; from two machines on use"
        " postgresql+psycopg://USER:PASSWORD@HOST/NAME or mysql+pymysql://USER:PASSWORD@HOST/NAME."
        " After a change run 'instance-images db upgrade'.",
    ),
]

_BILLING_OPTS = [
    cfg.StrOpt(
        "unit",
        default="GB",
        choices=[("GB", "10^9 bytes"), ("GiB", "2^30 bytes")],
        help="What the price is per. Taken into a rate when the rate is set: to change it for a"
        " location, change it here and set a new rate.",
    ),
    cfg.StrOpt(
        "hours_per_month",
        default="730",
        choices=[
            ("730", "8760 hours of a year / 12"),
            ("720", "30 days"),
            ("672", "28 days"),
            ("calendar", "the real hours of the month"),
        ],
        help="What a month's price is divided by. Taken into a rate when the rate is set.",
    ),
    cfg.StrOpt(
        "partial_hour",
        default="prorate",
        choices=[
            ("prorate", "an image's first and last hours are charged for the seconds used"),
            ("round_up", "an image's first and last hours are charged whole"),
        ],
        help="How an hour is charged in which an image began or ended. Taken into a rate when the"
        " rate is set.",
    ),
    cfg.StrOpt(
        "timezone",
        default="UTC",
        help="The provider's time zone (IANA name, such as Europe/Berlin): billing months begin"
        " and end at its midnight. Change it between two months only.",
    ),
    cfg.StrOpt(
        "billable_size",
        default="stored",
        choices=[
            ("stored", "the bytes that the image service stores"),
            ("virtual", "the size of the disk inside, where the image service knows it"),
        ],
        help="Which size is charged. Applies to images that become available after the change.",
    ),
    cfg.StrOpt(
        "digest_file",
        sample_default="/var/log/instance-images/digests",
        help="File to which every 'meter run' adds the digest of each location's last closed hour,"
        " and 'period close' that of the period. 'meter verify' compares the ledger with it, and"
        " finds a ledger that was rewritten in the database. Keep the file where whoever can write"
        " to the database cannot rewrite it: let the user of the runs only append to it (chattr"
        " +a), or copy it to another host. Do not rotate it. No file if left out; the log has the"
        " digests in any case.",
    ),
]

_LIMITS_OPTS = [
    cfg.IntOpt(
        "max_images",
        default=10,
        min=0,
        help="How many images an account may hold in a location that sets no maximum of its own.",
    ),
]

_RECONCILE_OPTS = [
    cfg.StrOpt(
        "adopt",
        default="snapshots",
        choices=[
            ("none", "no image that was made without this product"),
            ("marked", "those that carry this product's mark"),
            ("snapshots", "and those that show any trace of an instance, backups too"),
            ("private", "and all others that a project owns and that are not public"),
        ],
        help="Which images that were made without this product become images of their owner's"
        " account, and are billed from then on, where the location is enabled. Owners can remove"
        " the traces: where nobody shall store for free, choose private. Images of shelved"
        " instances, public images, and empty ones are never adopted. An image that was adopted"
        " stays so after a change.",
    ),
    cfg.ListOpt(
        "excluded_projects",
        default=[],
        help="Ids of projects whose images are never adopted, such as the operator's own.",
    ),
]

_DEADLINES_OPTS = [
    cfg.IntOpt(
        "queue_minutes",
        default=240,
        min=1,
        help="How many minutes a capture may wait for the cloud to begin with it. A capture that"
        " makes no progress for longer is ended with an error, its slot is free again, and what it"
        " has made in the cloud is removed. Raise it where compute hosts have long queues of"
        " snapshots.",
    ),
    cfg.IntOpt(
        "snapshot_minutes",
        default=720,
        min=1,
        help="How many minutes a capture may read the instance's disk without coming to the next"
        " stage. No service tells how far it is: choose what the largest disks need.",
    ),
    cfg.IntOpt(
        "upload_minutes",
        default=1440,
        min=1,
        help="How many minutes a capture may upload without coming to its end.",
    ),
    cfg.IntOpt(
        "deploy_minutes",
        default=120,
        min=1,
        help="How many minutes the instances of a deployment may be built without coming to the"
        " next stage. The task is ended with an error then, and names them; they stay in the cloud,"
        " for their owner to look at and to delete. Raise it where images are copied to the compute"
        " hosts for longer.",
    ),
]

_METRICS_OPTS = [
    cfg.StrOpt(
        "textfile",
        sample_default="/var/lib/node_exporter/instance_images.prom",
        help="File that every 'meter run' writes for the textfile collector of Prometheus'"
        " node_exporter, in the collector's directory; its name must end in .prom. Its directory"
        " must be writable for the user of the runs: where it is not, the run warns and goes on."
        " No metrics if left out.",
    ),
]

LOCATION_OPTS = [
    cfg.BoolOpt(
        "enabled",
        default=True,
        help="Whether customers may make and deploy images here. Images that exist stay, can be"
        " deleted, and are billed.",
    ),
    cfg.StrOpt(
        "provider",
        default="openstack",
        help="Entry point in the group instance_images.providers that drives this location.",
    ),
    cfg.StrOpt(
        "cloud",
        sample_default="mycloud",
        help="Entry of clouds.yaml with the credentials to use. They need the admin role, and a"
        " role on the projects of the customers (an inherited one is least work).",
    ),
    cfg.StrOpt(
        "stack_cloud",
        sample_default="mycloud-stacks",
        help="Entry of clouds.yaml with the credentials that make and change Heat stacks: a user of"
        " its own with the role member on the projects of the customers (an inherited one is least"
        " work), and the admin role nowhere. Heat executes a customer's template with the rights of"
        " the user who changes the stack, and keeps them for later. Without it, and with"
        " credentials that have the role admin, manager or service in the project, 'scaling-group"
        " create' and 'set-image' refuse. Needed only where Heat is offered.",
    ),
    cfg.ListOpt(
        "os_image_projects",
        default=[],
        help="Ids of the projects whose community images are listed as OS Images, beside the public"
        " ones: the provider's own, and no customer's. Any project can make an image community and"
        " name it like an operating system.",
    ),
    cfg.StrOpt("region_name", help="OpenStack region; the location's own name if left out."),
    cfg.StrOpt("currency", default="EUR", help="ISO 4217 code of the currency of its rates."),
    cfg.StrOpt(
        "free_gb",
        default="0",
        help="How many GB (or GiB, where [billing] unit says so) an account stores here free of"
        " charge at any time, such as 5 or 0.5. Taken into a rate when the rate is set.",
    ),
    cfg.StrOpt(
        "minimum_charge",
        default="0",
        help="What an account that is charged for a month here is charged at least, such as 1.00."
        " An account that used only what is free pays no minimum. What is missing to it is added"
        " when the month is closed. Taken into a rate when the rate is set. It applies to whole"
        " months: a new minimum takes effect with the month after the rate begins.",
    ),
    cfg.StrOpt(
        "volume_image_format",
        default="raw",
        choices=[
            ("raw", "as large as the volume; best where images and volumes are in one Ceph"),
            ("qcow2", "without the empty parts; Cinder converts it, and needs space for that"),
        ],
        help="Format of the images of instances whose primary disk is a volume. Customers are"
        " charged for the bytes that are stored.",
    ),
    cfg.IntOpt(
        "max_images",
        min=0,
        help="How many images an account may hold here; [limits]max_images if left out.",
    ),
    broker_config.URL_OPT,
]

# In the sample, where names of groups are in small letters.
_LOCATION_GROUP = cfg.OptGroup(
    "location:name",
    help="One section for each of the locations, with its name in place of 'name', as in"
    " [location:RegionOne].",
)

GROUPS: dict[str, list[Any]] = {
    "DEFAULT": _DEFAULT_OPTS,
    "database": _DATABASE_OPTS,
    "billing": _BILLING_OPTS,
    "limits": _LIMITS_OPTS,
    "deadlines": _DEADLINES_OPTS,
    "metrics": _METRICS_OPTS,
    "reconcile": _RECONCILE_OPTS,
    "events": broker_config.EVENTS_OPTS,
    "report": report_config.REPORT_OPTS,
    "mail": report_config.MAIL_OPTS,
}


def list_opts() -> list[tuple[Any, list[Any]]]:
    """Return (group, options) pairs for oslo-config-generator."""
    return [*GROUPS.items(), (_LOCATION_GROUP, LOCATION_OPTS)]
