"""What is offered: locations, rates, images to choose from, estimates, limits."""

from openstack import resource

from instance_images_client.sdk.base import Base


class Location(Base):
    """A location with its price."""

    resource_key = "location"
    resources_key = "locations"
    base_path = "/locations"

    allow_list = True

    name = resource.Body("name", alternate_id=True)
    #: Whether images can be captured there.
    enabled = resource.Body("enabled", type=bool)
    currency = resource.Body("currency")
    #: Price per unit and month as a decimal in a text; None without a rate.
    price = resource.Body("price")
    #: ``GB`` (10^9 bytes) or ``GiB`` (2^30 bytes).
    unit = resource.Body("unit")
    hours_per_month = resource.Body("hours_per_month")
    partial_hour = resource.Body("partial_hour")
    #: Bytes of an account that are free of charge.
    free_bytes = resource.Body("free_bytes", type=int)
    minimum_charge = resource.Body("minimum_charge")
    #: Price that takes effect at ``next_price_from``.
    next_price = resource.Body("next_price")
    next_price_from = resource.Body("next_price_from")
    #: Which size of an image is charged: ``stored`` or ``virtual``.
    billable_size = resource.Body("billable_size")


class Rate(Base):
    """The price of a location from an hour on."""

    resource_key = "rate"
    resources_key = "rates"
    base_path = "/rates"

    allow_create = True
    allow_list = True

    _query_mapping = resource.QueryParameters("location")

    location = resource.Body("location")
    #: First hour of the rate, as an instant.
    starts_at = resource.Body("from")
    #: Price per unit and month as a decimal in a text.
    price = resource.Body("price")
    currency = resource.Body("currency")
    unit = resource.Body("unit")
    hours_per_month = resource.Body("hours_per_month")
    partial_hour = resource.Body("partial_hour")
    #: When the rate was set.
    set_at = resource.Body("set_at")
    free_bytes = resource.Body("free_bytes", type=int)
    minimum_charge = resource.Body("minimum_charge")


class RatePreview(Base):
    """What last month's usage would have cost at another price."""

    resource_key = "preview"
    base_path = "/rates"

    location = resource.Body("location")
    period = resource.Body("period")
    currency = resource.Body("currency")
    #: Amounts as decimals in texts.
    old_total = resource.Body("old_total")
    new_total = resource.Body("new_total")
    difference = resource.Body("difference")


class Choice(Base):
    """An image that can be deployed."""

    base_path = "/choices"

    #: ``OS Images`` or ``My Images``.
    group = resource.Body("group")
    #: Id of the image in the image service.
    cloud_image_id = resource.Body("cloud_image_id")
    size_bytes = resource.Body("size_bytes", type=int)
    #: Smallest disk in GiB, and smallest memory in MiB, of an instance.
    min_disk_gib = resource.Body("min_disk_gib", type=int)
    min_ram_mib = resource.Body("min_ram_mib", type=int)
    os_type = resource.Body("os_type")
    os_distro = resource.Body("os_distro")
    os_version = resource.Body("os_version")
    architecture = resource.Body("architecture")


class Estimate(Base):
    """The size and the cost that an image of an instance would probably have."""

    resource_key = "estimate"
    base_path = "/estimates"

    #: Size in bytes; None if nothing is known of the disk.
    size_bytes = resource.Body("size_bytes", type=int)
    #: What the size is derived from: ``last_capture``, ``similar`` or ``disk`` (the maximum).
    basis = resource.Body("basis")
    #: Amounts and prices as decimals in texts; None without a rate.
    per_hour = resource.Body("per_hour")
    per_month = resource.Body("per_month")
    currency = resource.Body("currency")
    rate = resource.Body("rate")
    free_bytes_left = resource.Body("free_bytes_left", type=int)
    #: Images that the account holds, and those that it may hold (-1: any number).
    held = resource.Body("held", type=int)
    max_images = resource.Body("max_images", type=int)
    #: Whether one more image is within the limit.
    fits = resource.Body("fits", type=bool)


class Limit(Base):
    """How many images an account may hold at a location."""

    resource_key = "limit"
    resources_key = "limits"
    base_path = "/limits"

    allow_list = True

    _query_mapping = resource.QueryParameters("account_id", "all_accounts")

    account_id = resource.Body("account_id", alternate_id=True)
    account_name = resource.Body("account_name")
    location = resource.Body("location")
    #: -1: any number.
    max_images = resource.Body("max_images", type=int)
    #: Where the limit was set: ``account``, ``keystone``, ``location`` or ``default``.
    source = resource.Body("source")
    #: Images that the account holds.
    held = resource.Body("held", type=int)


class DefaultLimit(Base):
    """How many images an account without a limit of its own may hold at a location."""

    resource_key = "default_limit"
    resources_key = "default_limits"
    base_path = "/default-limits"

    allow_list = True

    location = resource.Body("location", alternate_id=True)
    #: -1: any number.
    max_images = resource.Body("max_images", type=int)
    #: Where it is changed: ``keystone``, ``operator`` (here), or the configuration: ``location``,
    #: ``default``.
    source = resource.Body("source")
