"""The options that the parts above this one bring: found by entry points, read with all others.

An entry point of the group ``instance_images.settings`` has the part's name, and names a
PartOptions.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from instance_images.errors import BrokenExtension
from instance_images.model.extensions import extensions, loaded

LOG = logging.getLogger(__name__)
GROUP = "instance_images.settings"


@dataclass(frozen=True, slots=True)
class PartOptions:
    """The options of a part by section, and what makes settings of their values.

    ``read`` takes the values of all sections by attribute, and raises ConfigurationError.
    """

    sections: Mapping[str, Sequence[Any]]
    read: Callable[[Any], Any]


@cache
def installed() -> Mapping[str, PartOptions]:
    """Return the options of each part by the part's name; what cannot be loaded is left out."""
    found: dict[str, PartOptions] = {}
    for one in extensions(GROUP):
        try:
            found[one.name] = loaded(one)
        except BrokenExtension as error:
            LOG.warning("%s", error)
    return found
