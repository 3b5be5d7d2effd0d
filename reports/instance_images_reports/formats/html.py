"""The Cloud Usage report as one HTML file, to be read on a screen or on paper.

Owns what the page shows; how it looks is in ``templates``, its words are those of ``sentences``
and of the template. The file asks for nothing else: no script, no font, no picture. Computes
nothing.
"""

from instance_images_billing.pricing.units import UNIT_BYTES
from instance_images_reports.formats.section_charts import section_charts
from instance_images_reports.formats.templating import render_template
from instance_images_reports.presentation import DEFAULT_PRESENTATION, Presentation
from instance_images_reports.statement.statement import Statement, only_section
from instance_images_reports.wording.words import words_for

PAGE, FRAGMENT = "cloud-usage.html.j2", "section.html.j2"


def render_html(statement: Statement, presentation: Presentation = DEFAULT_PRESENTATION) -> str:
    """Return the page. Its instants are in the time zone of the period."""
    return render_page(PAGE, statement, presentation)


def render_page(
    template: str, statement: Statement, presentation: Presentation, **more: object
) -> str:
    """Return the page that the template makes of the statement, and of ``more``."""
    words = words_for(statement, presentation)
    values = {
        "statement": statement,
        "sections": [
            (section, *section_charts(section, statement, words)) for section in statement.sections
        ],
        "unit_bytes": UNIT_BYTES,
        **more,
    }
    return render_template(template, words, presentation.template_directories, values)


def render_section(
    statement: Statement, section_name: str, presentation: Presentation = DEFAULT_PRESENTATION
) -> str:
    """Return one section as an element for a page of somebody else's, with a style of its own."""
    alone = only_section(statement, section_name)
    return render_page(FRAGMENT, alone, presentation)
