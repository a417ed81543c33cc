"""A Digest put into the reader's words, ready for any template: only text, addresses and numbers are left; pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from digest.evidence import Pieces
from digest.naming import Names
from digest.plain import one_line
from digest.values import Correction, Digest, Echo, Story
from digest.wording import day_shown, moment_shown, reason_shown, say, since_shown
from domain.shown import web_address
from domain.telling import Carrier, Tellable, Unseen

OUTLETS_SHOWN: Final = 8
NAMED_SHOWN: Final = 5
OTHERS_SHOWN: Final = 6
UNSEEN_SHOWN: Final = 15
LINES_SHOWN: Final = 40
TALLEST: Final = 44  # pixels of the chart's longest bar
BARS: Final = "▁▂▃▄▅▆▇█"
UNWATCHED: Final = "–"  # in place of the figure of a day on which no source was read


@dataclass(frozen=True, slots=True)
class Outlet:
    """An outlet's name, who owns it, and where it has the text ("" where that address cannot be followed safely)."""

    name: str
    owner: str
    ownership: str
    url: str


@dataclass(frozen=True, slots=True)
class Also:
    """The same happening in other words: its title, language, address and outlet."""

    title: str
    language: str
    url: str
    outlet: Outlet


@dataclass(frozen=True, slots=True)
class Entry:
    """A story as the mail shows it."""

    title: str
    language: str
    url: str
    desk: str
    when: str
    outlets: tuple[Outlet, ...]
    outlets_more: int
    sentence: Pieces
    cut_before: bool
    cut_after: bool
    title_pieces: Pieces
    places: tuple[str, ...]
    people: tuple[str, ...]
    themes: tuple[str, ...]
    others: tuple[Also, ...]
    others_more: int
    note: str


@dataclass(frozen=True, slots=True)
class Part:
    """A section of stories; ``shown`` in full, ``brief`` as lines, ``left`` only as a number at the desk."""

    id: str
    heading: str
    note: str
    count: int
    shown: tuple[Entry, ...]
    brief: tuple[Entry, ...]
    left: int
    left_words: str


@dataclass(frozen=True, slots=True)
class Line:
    """A title with words after it: a correction, an echo, a source that was not seen."""

    title: str
    language: str
    url: str
    words: str


@dataclass(frozen=True, slots=True)
class Bar:
    """A day of the chart: how tall (pixels), how many in figures, which day of the month, and the same for plain text."""

    pixels: int
    count: str
    day: str
    sign: str


@dataclass(frozen=True, slots=True)
class View:
    """All that a template prints."""

    language: str
    subject: str
    date: str
    summary: str
    warning: str
    empty: str
    parts: tuple[Part, ...]
    echoes: tuple[Line, ...]
    echoes_more: str
    corrections: tuple[Line, ...]
    corrections_more: str
    coverage: str
    complete: bool
    no_runs: str
    not_seen: tuple[Line, ...]
    not_seen_more: str
    quiet: tuple[Line, ...]
    quiet_more: str
    unread: str
    chart_title: str
    bars: tuple[Bar, ...]
    chart_note: str
    near: str
    near_url: str
    desk: str
    foot: tuple[str, ...]
    say: Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Room:
    """How much a mail has room for: stories in full, and after them stories as a line; the rest is only counted."""

    full: int = 10_000
    brief: int = 10_000


def view_of(digest: Digest, names: Names, *, desk: str = "", unsubscribe: str = "", room: Room = Room()) -> View:
    """The digest in its reader's language, with as many stories in full as there is room for, in the order of the sections."""
    language = digest.recipient.language
    writer = _Writer(digest, names, desk.rstrip("/"))
    tell = writer.say
    sections = [(name, stories, "") for name, stories in digest.sections]
    sections += [("late", digest.late, tell("section.late.note"))] if digest.late else []
    sections += [("relevant", digest.relevant, "")] if digest.relevant else []
    parts, full, brief = [], room.full, room.brief
    for name, stories, note in sections:
        shown = 0 if name in {"late", "relevant"} else min(full, len(stories))
        lines = min(brief, len(stories) - shown)
        full, brief = full - shown, brief - lines
        parts.append(writer.part(name, note, stories, shown, lines))
    sight = digest.sight
    not_seen = [each for each in sight.unseen if not each.quiet]
    quiet = [each for each in sight.unseen if each.quiet]
    percent = sight.percent
    return View(
        language=language,
        subject=tell("subject", day=day_shown(language, digest.day, year=False), what=writer.subject()),
        date=day_shown(language, digest.day, weekday=True),
        summary=writer.summary(),
        warning="" if sight.complete else tell("incomplete", percent=percent),
        empty=tell("empty", since=writer.since(digest.since), percent=percent) if digest.empty else "",
        parts=tuple(parts),
        echoes=tuple(writer.echo(each) for each in digest.echoes[:LINES_SHOWN]),
        echoes_more=writer.more(len(digest.echoes) - LINES_SHOWN),
        corrections=tuple(writer.correction(each) for each in digest.corrections[:LINES_SHOWN]),
        corrections_more=writer.more(len(digest.corrections) - LINES_SHOWN),
        coverage=tell("unseen.coverage", percent=percent, seen=sight.seen, panel=sight.panel),
        complete=sight.complete,
        no_runs="" if sight.runs or sight.seen else tell("runs.none", since=writer.since(sight.since)),
        not_seen=tuple(writer.unseen(each) for each in not_seen[:UNSEEN_SHOWN]),
        not_seen_more=writer.more(len(not_seen) - UNSEEN_SHOWN),
        quiet=tuple(writer.unseen(each) for each in quiet[:UNSEEN_SHOWN]),
        quiet_more=writer.more(len(quiet) - UNSEEN_SHOWN),
        unread=tell("unread", n=sight.unread) if sight.unread else "",
        chart_title=tell("chart.title", n=len(digest.figures.days)),
        bars=bars(digest),
        chart_note=tell("chart.unwatched", sign=UNWATCHED) if any(count is None for _, count in digest.figures.days) else "",
        near=tell("near", n=digest.figures.near_misses) if digest.figures.near_misses else "",
        near_url=writer.desk_page("/", queue="near"),
        desk=writer.desk,
        foot=tuple(
            filter(None, (
                tell("foot.list", address=digest.recipient.address) if digest.recipient.address else "",
                tell("foot.unsubscribe", address=unsubscribe.removeprefix("mailto:")) if unsubscribe else "",
            ))
        ),
        say=lambda key: say(language, key),
    )  # fmt: skip


def bars(digest: Digest) -> tuple[Bar, ...]:
    """The chart's days, the tallest as high as the chart; a day nobody watched has neither a bar nor a figure."""
    most = max((count or 0 for _, count in digest.figures.days), default=0)
    return tuple(_bar(str(day.day), count, most) for day, count in digest.figures.days)


def _bar(day: str, count: int | None, most: int) -> Bar:
    if count is None:
        return Bar(0, UNWATCHED, day, UNWATCHED)
    if not count:
        return Bar(1, "0", day, "·")
    return Bar(round(TALLEST * count / most) or 1, str(count), day, BARS[min(len(BARS) - 1, count * len(BARS) // (most + 1))])


class _Writer:
    """Puts values into the words of one reader."""

    def __init__(self, digest: Digest, names: Names, desk: str) -> None:
        self.digest, self.names = digest, names
        self.language = digest.recipient.language
        self.zone = ZoneInfo(digest.recipient.time_zone)
        self.desk = desk if web_address(desk) else ""

    def say(self, key: str, **values: object) -> str:
        return say(self.language, key, **values)

    def when(self, moment: datetime) -> str:
        return moment_shown(self.language, moment, self.zone, self.digest.day)

    def since(self, moment: datetime) -> str:
        return since_shown(self.language, moment, self.zone, self.digest.day)

    def more(self, count: int) -> str:
        return self.say("unseen.more", n=count) if count > 0 else ""

    def desk_page(self, path: str, **query: str) -> str:
        return f"{self.desk}{path}{'?' if query else ''}{urlencode(query)}" if self.desk else ""

    def counts(self) -> list[str]:
        found = [self.say("count", n=len(stories), theme=self.say(f"theme.{name}")) for name, stories in self.digest.sections]
        if self.digest.corrections:
            found.append(self.say("subject.corrections", n=len(self.digest.corrections)))
        return found

    def subject(self) -> str:
        what = self.counts() or [self.say("subject.empty")] * self.digest.empty or [self.say("section.late")]
        if not self.digest.sight.complete:
            what.append(self.say("subject.incomplete"))
        return ", ".join(what)

    def summary(self) -> str:
        since = self.since(self.digest.since)
        told = f"{self.say('stories', n=self.digest.stories)} ({', '.join(self.counts())})" if self.digest.stories else ""
        sight = self.digest.sight
        seen = self.say("unseen.coverage", percent=sight.percent, seen=sight.seen, panel=sight.panel)
        return f"{since[0].upper()}{since[1:]}: {told}. {seen}" if told else seen

    def part(self, name: str, note: str, stories: Sequence[Story], shown: int, lines: int) -> Part:
        left = len(stories) - shown - lines
        words = self.say("more", n=left) if left else ""
        return Part(
            id=name,
            heading=self.say(f"section.{name}"),
            note=note,
            count=len(stories),
            shown=tuple(self.entry(story, name) for story in stories[:shown]),
            brief=tuple(self.entry(story, name) for story in stories[shown : shown + lines]),
            left=left,
            left_words=words if self.desk or not left else f"{words}: {self.say('more.command')}",
        )

    def entry(self, story: Story, section: str) -> Entry:
        lead, quoted = story.lead, story.sentence
        # Under its own heading a story in the reader's language need not name its theme again.
        foreign = lead.language.partition("-")[0] != self.language
        themes = [theme for theme in story.themes if foreign or theme != section]
        outlets = [self.outlet(each) for each in story.carriers] or [Outlet("", "", "unknown", "")]
        in_title = quoted is not None and quoted.in_title
        return Entry(
            title=one_line(lead.title) or web_address(lead.url),
            language=lead.language,
            url=web_address(lead.url),
            desk=self.desk_page(f"/item/{lead.id}"),
            when=self.when(lead.moment),
            outlets=tuple(outlets[:OUTLETS_SHOWN]),
            outlets_more=max(0, len(outlets) - OUTLETS_SHOWN),
            sentence=quoted.pieces if quoted is not None and not in_title else (),
            cut_before=quoted is not None and quoted.cut_before,
            cut_after=quoted is not None and quoted.cut_after,
            # A title too long to be shown whole is shown without marks.
            title_pieces=quoted.pieces if quoted is not None and in_title and not (quoted.cut_before or quoted.cut_after) else (),
            places=self.called(story.places),
            people=self.called(story.people),
            themes=tuple(dict.fromkeys(self.say(f"theme.{theme}") for theme in themes)),
            others=tuple(self.also(item) for item in story.others[:OTHERS_SHOWN]),
            others_more=max(0, len(story.others) - OTHERS_SHOWN),
            note="; ".join(
                self.say(what)
                for what, is_so in (("decided", lead.review == "relevant"), ("corrections.gone", lead.gone))
                if is_so
            ),
        )

    def also(self, item: Tellable) -> Also:
        outlet = self.outlet(item.carriers[0]) if item.carriers else Outlet("", "", "unknown", "")
        return Also(one_line(item.title), item.language, web_address(item.url), outlet)

    def called(self, ids: Iterable[str]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self.names.name(one, self.language) for one in ids))[:NAMED_SHOWN]

    def outlet(self, carrier: Carrier) -> Outlet:
        owner = carrier.ownership.value if carrier.ownership else "unknown"
        return Outlet(one_line(carrier.title, 60), self.say(f"ownership.{owner}"), owner, web_address(carrier.url))

    def echo(self, echo: Echo) -> Line:
        item = echo.item
        outlet = one_line(item.carriers[0].title, 60) if item.carriers else ""
        return Line(
            one_line(item.title),
            item.language,
            web_address(item.url),
            self.say("echo.told", outlet=outlet, when=self.when(echo.told_at)),
        )

    def correction(self, correction: Correction) -> Line:
        item, before = correction.item, correction.item.told
        words = [self.say(f"corrections.{kind}", title=one_line(before.title) if before else "") for kind in correction.kinds] + (
            [self.say("corrections.told", when=self.when(before.at))] if before else []
        )
        url = self.desk_page(f"/item/{item.id}") or web_address(item.url)
        return Line(one_line(item.title), item.language, url, "; ".join(words))

    def unseen(self, unseen: Unseen) -> Line:
        last = self.say("unseen.last", when=self.when(unseen.last_seen)) if unseen.last_seen else self.say("unseen.never")
        reason = one_line(reason_shown(self.language, unseen.reason), 140) or self.say("unseen.no-reason")
        return Line(one_line(unseen.title, 60), "", "", reason if unseen.quiet else f"{reason} ({last})")
