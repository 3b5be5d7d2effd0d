"""Check that every link inside the built documentation leads to a page and an anchor that exist.

Usage: python doc/check_links.py FOLDER-OF-HTML. Links to other sites are not followed.
"""

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    """Collects the anchors of one page, and the addresses that it links to."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.anchors: set[str] = {""}
        self.links: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id" or (tag == "a" and name == "name"):
                self.anchors.add(value or "")
            elif (tag, name) in {("a", "href"), ("img", "src")} and value is not None:
                self.links.append(value)


def dead_links(root: Path) -> list[str]:
    """Return a line for each link below the folder that leads nowhere."""
    pages = {path.resolve(): Page(path) for path in sorted(root.rglob("*.html"))}
    found = []
    for path, page in pages.items():
        for link in page.links:
            address = urlsplit(link)
            if address.scheme or address.netloc:
                continue
            target = path if not address.path else path.parent / unquote(address.path)
            target = target.resolve()
            if not target.is_file():
                found.append(f"{path.name}: {link}: there is no such file")
            elif target in pages and unquote(address.fragment) not in pages[target].anchors:
                found.append(f"{path.name}: {link}: there is no such anchor")
    return found


if __name__ == "__main__":
    lines = dead_links(Path(sys.argv[1]))
    print("\n".join(lines), file=sys.stderr, end="\n" if lines else "")
    sys.exit(bool(lines))
