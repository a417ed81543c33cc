"""Text that a page's own style keeps from being seen: put there for machines, it would make the article say what nobody read."""

from __future__ import annotations

import re
from typing import Any, Final

_UNSEEN: Final = re.compile(
    r"(?:^|;)\s*(?:display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0(?:\.0+)?(?:[a-z]+|%)?\s*(?:!|;|$))", re.IGNORECASE
)
_HOLDERS: Final = ("p", "div", "span", "li", "section", "blockquote", "article", "td", "font")
_LEAST: Final = 20  # letters; less is an icon's name or a hidden date


def is_unseen(style: str) -> bool:
    """Whether an element with this ``style`` shows nothing of its text."""
    return bool(_UNSEEN.search(style))


def drop_unseen(tree: Any) -> None:
    """Take what nobody sees out of a tree of lxml.html, unless it is most of the page: then a script shows it, and it is the article."""
    found = [element for element in tree.iter(*_HOLDERS) if is_unseen(element.get("style") or "")]
    if not found:
        return
    held = set(found)
    outermost = [element for element in found if held.isdisjoint(element.iterancestors())]
    hidden = {element: len("".join(element.itertext()).strip()) for element in outermost}
    if 2 * sum(hidden.values()) > len("".join(tree.itertext()).strip()):
        return
    for element, letters in hidden.items():
        if letters >= _LEAST and element.find(".//time") is None:
            element.drop_tree()
