"""An ML2 mechanism driver for a host without any network: every port is bound and active."""

from typing import Any

from neutron_lib import constants
from neutron_lib.api.definitions import portbindings
from neutron_lib.plugins.ml2 import api


class AnywhereMechanismDriver(api.MechanismDriver):
    """Binds a port to the first segment on offer."""

    def initialize(self) -> None:
        pass

    def bind_port(self, context: Any) -> None:
        for segment in context.segments_to_bind:
            context.set_binding(
                segment[api.ID],
                portbindings.VIF_TYPE_OTHER,
                {},
                status=constants.PORT_STATUS_ACTIVE,
            )
            return
