"""What a child process makes of one page, or of a feed's own words: the document and its sketch, together.

Whoever asks for it names these functions only: what they need is imported where they run, in the child.
"""

from __future__ import annotations

from datetime import datetime

from domain.values import Document, Entry

Article = tuple[Document, tuple[int, ...]]
"""A document and the sketch by which the same text is known again elsewhere (see ``extractors.sketch``).

A plain tuple: what a parsing child hands back is of the domain's values and plain data only (see ``extractors.pool``).
"""


def read_article(body: bytes, *, content_type: str, url: str, entry: Entry, now: datetime, languages: tuple[str, ...]) -> Article:
    """``read_page`` with the sketch of its text; raises ReadError as it does."""
    from extractors.pages import read_page
    from extractors.sketch import sketch

    document = read_page(body, content_type=content_type, url=url, entry=entry, now=now, languages=languages)
    return document, sketch(document.text)


def article_from_entry(entry: Entry, now: datetime, languages: tuple[str, ...]) -> Article:
    """The feed's own words as an article."""
    from extractors.pages import document_from_entry
    from extractors.sketch import sketch

    document = document_from_entry(entry, now, languages)
    return document, sketch(document.text)
