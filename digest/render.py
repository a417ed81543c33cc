"""A digest as plain text and as HTML that mail clients show; small enough for them, and never silent when a template fails."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import css_inline
from jinja2 import ChoiceLoader, Environment, FileSystemLoader, StrictUndefined, TemplateSyntaxError

from digest.evidence import Pieces
from digest.naming import Names
from digest.values import Digest
from digest.view import Outlet, Room, View, view_of
from digest.wording import say

HERE: Final = Path(__file__).resolve().parent / "templates"
ROOM: Final = 98_000  # bytes of HTML: Gmail cuts a mail off at 102 KB and hides the rest behind a link
LEAST_FULL: Final = 10  # stories told in full before others are cut to nothing
WIDTH: Final = 76


@dataclass(frozen=True, slots=True)
class Rendered:
    """A digest in words: subject, plain text, HTML (None when it could not be made; ``trouble`` says why)."""

    subject: str
    text: str
    html: str | None
    trouble: str = ""


def render(digest: Digest, names: Names, *, desk: str = "", unsubscribe: str = "", templates: Path | None = None) -> Rendered:
    """Render for the digest's reader; whatever fails in templates or inlining is told in the text, and the text is always there."""

    def view(room: Room) -> View:
        return view_of(digest, names, desk=desk, unsubscribe=unsubscribe, room=room)

    whole = view(Room())
    room, html, trouble = Room(), None, ""
    try:
        room, html = _fitted(whole, view, templates)
    # Templates can be a user's own, and may raise anything; a digest in plain text is better than none.
    except Exception as error:  # noqa: BLE001
        trouble = _why(error)
    try:
        text = render_text(view(room), templates)
    except Exception as error:  # noqa: BLE001
        html, trouble = None, _why(error)
        text = bare_text(whole)
    if trouble:
        text = f"{_wrapped(say(whole.language, 'fallback', reason=trouble))}\n\n{text}"
    return Rendered(whole.subject, text, html, trouble)


def render_text(view: View, templates: Path | None = None) -> str:
    """The plain text part."""
    return _environment(templates, False).get_template("digest.txt.j2").render(view=view).strip() + "\n"


def render_html(view: View, templates: Path | None = None) -> str:
    """The HTML part, its styles put into its tags."""
    made = _environment(templates, True).get_template("digest.html.j2").render(view=view)
    inliner = css_inline.CSSInliner(load_remote_stylesheets=False, keep_style_tags=False, keep_link_tags=False)
    return inliner.inline("\n".join(filter(None, (line.strip() for line in made.splitlines()))))


def bare_text(view: View) -> str:
    """The digest without any template: what there is to tell, line by line."""
    lines = [view.date, view.summary, view.warning, view.no_runs, view.empty]
    for part in view.parts:
        lines += ["", f"{part.heading} ({part.count})"]
        for entry in (*part.shown, *part.brief):
            lines += [f"- {entry.title}", f"  {_outlets(entry.outlets, entry.outlets_more)} · {entry.when}", f"  {entry.url}"]
            lines += [f"  + {other.title} {other.url}" for other in entry.others]
    for line in (*view.echoes, *view.corrections):
        lines += [f"- {line.title}: {line.words}", f"  {line.url}"]
    lines += ["", view.coverage, *(f"- {line.title}: {line.words}" for line in (*view.not_seen, *view.quiet)), *view.foot]
    return "\n".join(line for line in lines if line.strip() or not line) + "\n"


def _fitted(whole: View, view: Callable[[Room], View], templates: Path | None) -> tuple[Room, str]:
    """The largest mail that fits: first stories lose their quotations from the end, then the last are only counted."""
    html = render_html(whole, templates)
    if _fits(html):
        return Room(), html
    total = sum(part.count for part in whole.parts)
    for least, most, room in (
        (LEAST_FULL, total, Room),
        (0, total, lambda brief: Room(LEAST_FULL, brief)),
        (0, total, lambda brief: Room(0, brief)),
    ):
        found = _largest(least, most, room, view, templates)
        if found is not None:
            return found
    raise ValueError("the digest does not fit into a mail even without its stories")


def _largest(
    least: int, most: int, room: Callable[[int], Room], view: Callable[[Room], View], templates: Path | None
) -> tuple[Room, str] | None:
    """The room with the largest number in it, from least to most, whose mail fits; None when not even the least does."""
    best: tuple[Room, str] | None = None
    low, high = least, max(least, most)
    while low <= high:
        middle = (low + high) // 2 if best is not None else low
        html = render_html(view(room(middle)), templates)
        if _fits(html):
            best, low = (room(middle), html), middle + 1
        elif best is None:
            return None
        else:
            high = middle - 1
    return best


def _fits(html: str) -> bool:
    return len(html.encode()) <= ROOM


@cache
def _environment(templates: Path | None, html: bool) -> Environment:
    folders = [FileSystemLoader(folder) for folder in (templates, HERE) if folder is not None]
    made = Environment(  # the plain text part needs no escaping
        loader=ChoiceLoader(folders),
        autoescape=html,  # noqa: S701  # the plain text part needs no escaping
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters |= {"wrapped": _wrapped, "starred": _starred, "outlets": _outlets, "gloss": _gloss}
    return made


def _wrapped(text: str, indent: str = "", later: str | None = None) -> str:
    """Lines of at most 76 characters; addresses and long words stay whole."""
    return textwrap.fill(
        text,
        WIDTH,
        initial_indent=indent,
        subsequent_indent=indent if later is None else later,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _starred(pieces: Pieces) -> str:
    """Pieces of text with the marked ones between asterisks, as people mark words in plain text."""
    shown = []
    for text, mark in pieces:
        core = text.strip()
        shown.append(text.replace(core, f"*{core}*", 1) if mark and core else text)
    return "".join(shown)


def _outlets(outlets: Sequence[Outlet], more: int) -> str:
    named = ", ".join(f"{outlet.name} ({outlet.owner})" for outlet in outlets)
    return f"{named} +{more}" if more else named


def _gloss(groups: Sequence[Sequence[str]]) -> str:
    """Themes, places and names as one line of groups."""
    return " · ".join(", ".join(group) for group in groups if group)


def _why(error: Exception) -> str:
    where = f" ({error.name}, line {error.lineno})" if isinstance(error, TemplateSyntaxError) else ""
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}{where}"
