"""What the FOCUS data sets say beside the numbers: their version and who is behind them. Pure."""

from dataclasses import dataclass

VERSIONS = ("1.4", "1.2")


@dataclass(frozen=True, slots=True)
class FocusOptions:
    """The version to write; who offers the service, and when its invoices are to be paid.

    The provider writes the invoices too: for FOCUS, what another company takes the money for costs
    nothing here.
    """

    version: str = VERSIONS[0]
    provider_name: str = "Cloud provider"
    payment_terms: str = "As agreed"


DEFAULT_FOCUS_OPTIONS = FocusOptions()
