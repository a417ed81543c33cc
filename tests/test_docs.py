"""The documentation holds: every link inside the project leads somewhere, every command shown exists."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

import pytest
from markdown_it import MarkdownIt

from tests.conftest import HOUSE

PAGES = sorted(
    path for path in [*HOUSE.glob("*.md"), *HOUSE.glob("docs/**/*.md"), *HOUSE.glob("deploy/**/*.md"), *HOUSE.glob("bench/*.md")]
)  # fmt: skip
_OUTSIDE = re.compile(r"^(?:[a-z][a-z0-9+.-]*:|//)", re.IGNORECASE)


def links_of(path: Path) -> list[tuple[int, str]]:
    """The targets of a page's links and pictures, each with its line."""
    found = []
    for block in MarkdownIt("commonmark").enable("table").parse(path.read_text(encoding="utf-8")):
        for token in block.children or ():
            target = (
                token.attrGet("href") if token.type == "link_open" else token.attrGet("src") if token.type == "image" else None
            )
            if target:
                found.append(((block.map or [0])[0] + 1, str(target)))
    return found


def anchors_of(path: Path) -> set[str]:
    """The anchors that a page's headings make, as the usual Markdown viewers make them."""
    anchors = set()
    for line in path.read_text(encoding="utf-8").splitlines():
        if heading := re.match(r"#{1,6}\s+(.*?)\s*#*$", line):
            words = re.sub(r"[^\w\- ]", "", heading[1].lower())
            anchors.add(words.replace(" ", "-"))
    return anchors


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(HOUSE)))
def test_every_link_inside_the_project_leads_somewhere(page: Path) -> None:
    dead = []
    for line, target in links_of(page):
        if _OUTSIDE.match(target):
            continue
        name, _, anchor = unquote(target).partition("#")
        aim = (page.parent / name).resolve() if name else page
        if not aim.exists() or HOUSE not in (aim, *aim.parents):
            dead.append(f"{page.name}:{line}: {target} does not exist")
        elif anchor and aim.suffix == ".md" and anchor not in anchors_of(aim):
            dead.append(f"{page.name}:{line}: {target} names no heading of that page")
    assert not dead, "\n".join(dead)


def test_the_pages_a_newcomer_needs_are_there() -> None:
    for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "LICENSE", "docs/architecture.md", ".env.example"):
        assert (HOUSE / name).is_file(), name


def test_every_command_shown_in_the_docs_exists() -> None:
    from typer.main import get_command

    from cli.main import made_app

    root = get_command(made_app())
    wrong = []
    for page in PAGES:
        for line, text in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
            for shown in re.finditer(r"(?:^\$ |`|^\s{4,})(?:\.venv/bin/)?sholu ((?:[a-z][a-z-]*)(?: [a-z][a-z-]+)?)", text):
                command = root
                for word in shown[1].split():
                    known = getattr(command, "commands", None)
                    if not known:
                        break
                    if word not in known:
                        wrong.append(f"{page.name}:{line}: sholu {shown[1]}")
                        break
                    command = known[word]
    assert not wrong, "\n".join(wrong)
