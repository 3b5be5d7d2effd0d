"""Options of several commands."""

import click

from instance_images_reports.presentation import DEFAULT_PRESENTATION, PAPERS

paper_option = click.option(
    "--paper",
    type=click.Choice(PAPERS),
    default=DEFAULT_PRESENTATION.paper,
    show_default=True,
    help="Paper size of pdf and xlsx.",
)
locale_option = click.option(
    "--locale",
    metavar="LOCALE",
    default=DEFAULT_PRESENTATION.locale,
    show_default=True,
    help="Locale of texts, dates and numbers, such as de_DE. JSON does not depend on it. CSV in "
    "the default locale is for programs; in another it is for spreadsheets of that locale.",
)
