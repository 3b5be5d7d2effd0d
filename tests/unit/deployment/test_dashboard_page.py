"""The installation page of the dashboard names what the package has."""

from support.clouds.embedded_cloud import CHECKOUT

PACKAGE = CHECKOUT / "dashboard" / "instance_images_dashboard"


def test_page_names_each_file_that_switches_something_on() -> None:
    page = (CHECKOUT / "doc" / "source" / "install" / "dashboard.md").read_text()
    files = [*PACKAGE.glob("enabled/_[0-9]*.py"), *PACKAGE.glob("local_settings.d/_[0-9]*.py")]

    assert files
    assert [file.name for file in files if file.name not in page] == []
