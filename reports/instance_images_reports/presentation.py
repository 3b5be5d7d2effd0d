"""What the FOCUS data sets say beside the numbers: their version and who is behind them. Pure."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    pass

VERSIONS = ("1.4", "1.2")


@dataclass(frozen=True, slots=True)
class FocusOptions:
    """The version to write; who offers the service, and when its invoices are to be paid.

    The provider writes the invoices too: for FOCUS, what another company takes the money for costs
    nothing here. ``account_type`` is Keystone's word for an account.
    """

    version: str = VERSIONS[0]
    provider_name: str = "Cloud provider"
    payment_terms: str = "As agreed"
    account_type: str = "Project"


DEFAULT_FOCUS_OPTIONS = FocusOptions()


@dataclass(frozen=True, slots=True)
class Presentation:
    """How a report is shown to its reader; no number in it depends on this.

    ``locale`` is a language, with or without a territory, as in ``de`` or ``de_DE``. ``paper`` is
    the size of a PDF's pages, one of PAPERS. ``template_directories`` hold templates of the
    operator's, which go before those that are shipped. ``pdf_engine`` is one of PDF_ENGINES, or
    empty: then the operator's templates decide.
    """

    locale: str = "en_GB"
    paper: str = "a4"
    template_directories: tuple[Path, ...] = ()
    focus: FocusOptions = DEFAULT_FOCUS_OPTIONS
    pdf_engine: str = ""


PAPERS = ("a4", "letter")
PDF_ENGINES = ("typst", "weasyprint")


DEFAULT_PRESENTATION = Presentation()
