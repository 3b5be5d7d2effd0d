"""The formats of the summary over all accounts: what each is called, and what renders it."""

from instance_images_reports.summary import Summary
from instance_images_reports.summary_json import Paths

# Their suffixes, by name.
SUMMARY_FORMATS = {"csv": ".csv", "json": ".json"}


def render_summary(name: str, summary: Summary, paths: Paths) -> bytes:
    """Return the summary in the format of that name; ``paths`` are those of the accounts' files."""
    from instance_images_reports import summary_json

    if name == "json":
        return summary_json.render_summary_json(summary, paths).encode()
    return summary_json.render_summary_csv(summary, paths).encode()
