"""What tests read back from a PDF: the text of its pages, where it stands, and its objects."""

from io import BytesIO
from typing import Any

from pypdf import PageObject, PdfReader
from pypdf.generic import DictionaryObject, IndirectObject


def pages(content: bytes) -> list[str]:
    """Return the text of each page, its blanks made plain."""
    return [
        " ".join(page.extract_text().replace("\xa0", " ").split())
        for page in PdfReader(BytesIO(content)).pages
    ]


def objects(content: bytes) -> list[DictionaryObject]:
    """Return all dictionaries of the file."""
    reader = PdfReader(BytesIO(content))
    found = [
        reader.get_object(IndirectObject(number, 0, reader))
        for number in range(1, int(str(reader.trailer["/Size"])))
    ]
    return [one for one in found if isinstance(one, DictionaryObject)]


def texts_in_print(page: PageObject) -> list[tuple[str, float, str]]:
    """Return each piece of text with where it begins, in points from the left, and its font."""
    found: list[tuple[str, float, str]] = []

    def visit(text: str, user: Any, matrix: Any, font: Any, size: float) -> None:
        if text.strip() and font:
            left = matrix[4] * user[0] + user[4]
            found.append((text.strip(), left, str(font.get("/BaseFont", font["/Subtype"]))))

    page.extract_text(visitor_text=visit)
    return found
