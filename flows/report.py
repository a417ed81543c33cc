"""What a run says of itself when it is over: counts, how every source ended, what was flagged; decides the exit code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import reduce
from operator import add
from typing import Any

from domain.values import Counts, Flagging, PollKind, SourceReport

SEEN = frozenset({PollKind.OK, PollKind.UNCHANGED, PollKind.QUIET, PollKind.SKIPPED})
"""Endings of a poll after which a source counts as seen: a skipped one was seen by another run, or its turn has not come."""

NETWORK_REASONS = frozenset({"unreachable", "dns", "timeout"})


@dataclass(frozen=True, slots=True)
class FlaggedItem:
    """A line of the report: an item this run flagged, and the words that did it."""

    item_id: int | None
    title: str
    url: str
    outlet: str
    themes: tuple[str, ...]
    places: tuple[str, ...]
    words: tuple[str, ...]
    score: float


@dataclass(frozen=True, slots=True)
class RunReport:
    """The result of a run of the main job; ``sources`` holds one report for every source that was asked for."""

    run_id: int | None
    # Not in its repr: asyncio makes that of a finished run's task for nobody, and with a thousand sources it takes as long as 30 polls.
    sources: tuple[SourceReport, ...] = field(repr=False)
    flagged_items: tuple[FlaggedItem, ...]
    rules_version: str
    seconds: float
    database: str
    offline: bool = False
    dry_run: bool = False
    looked_again: str = ""

    @property
    def counts(self) -> Counts:
        return reduce(add, (report.counts for report in self.sources if report.counts.seen), Counts())

    @property
    def unseen(self) -> tuple[SourceReport, ...]:
        return tuple(report for report in self.sources if report.kind not in SEEN)

    @property
    def exit_code(self) -> int:
        """0 when every source was seen, 1 when some were not, 3 when none could be seen."""
        if not self.unseen:
            return 0
        return 3 if len(self.unseen) == len(self.sources) else 1

    def closing(self, *, hints: bool = True) -> str:
        """The last words of a run: what was seen, and (``hints``) where to look next."""
        total = len(self.sources)
        if not total:
            return "No source was due. To poll them all now: `sholu run` without --due, or in Prefect a custom run with only_due off."
        if self.offline:
            return "There is no network: not one source could be reached. `make demo` shows the whole thing work without one."
        kinds = Counter(report.kind for report in self.sources)
        parts = [f"{kinds[kind]} {kind.value}" for kind in PollKind if kinds[kind]]
        seen = f"{total} sources: {', '.join(parts)}; {self.counts.new} new items, {len(self.flagged_items)} flagged, in {self.seconds:.0f} s."
        if self.looked_again:
            seen += f" {self.looked_again}"
        if self.dry_run:
            return f"{seen} This was a dry run: nothing was stored."
        if not hints:
            return seen
        if self.unseen:
            seen += f" {len(self.unseen)} could not be seen: the table says why, `sholu sources check {self.unseen[0].source_id}` looks closer."
        return f"{seen} Look next: `sholu items --flagged`, or `sholu review` to decide."

    def summary(self) -> dict[str, Any]:
        """What `sholu run --json` prints in its last line; the names are others' to build on."""
        counts = self.counts
        return {
            "run": self.run_id,
            "seen": counts.seen,
            "new": counts.new,
            "updated": counts.updated,
            "unchanged": counts.unchanged,
            "duplicate": counts.duplicate,
            "skipped": counts.skipped,
            "failed": counts.failed,
            "flagged": counts.flagged,
            "exit_code": self.exit_code,
            "offline": self.offline,
            "dry_run": self.dry_run,
            "rules_version": self.rules_version,
            "seconds": round(self.seconds, 2),
            "message": self.closing(),
            "looked_again": self.looked_again,
            "flagged_items": [
                {
                    "id": item.item_id,
                    "title": item.title,
                    "url": item.url,
                    "source": item.outlet,
                    "themes": list(item.themes),
                    "words": list(item.words),
                }
                for item in self.flagged_items
            ],
            "sources": [
                {
                    "id": report.source_id,
                    "outcome": report.kind.value,
                    "reason": report.reason,
                    "rung": report.rung,
                    "entries": report.entries,
                    "new": report.counts.new,
                    "updated": report.counts.updated,
                    "unchanged": report.counts.unchanged,
                    "duplicate": report.counts.duplicate,
                    "skipped": report.counts.skipped,
                    "failed": report.counts.failed,
                    "flagged": report.counts.flagged,
                }
                for report in self.sources
            ],
        }

    def markdown(self, *, desk: str = "") -> str:
        """The run as an artifact shows it: the closing words, what was flagged with its reasons, what was not seen."""
        lines = [self.closing(), ""]
        if self.flagged_items:
            lines += ["| flagged | outlet | themes | because of |", "|---|---|---|---|"]
            for item in self.flagged_items:
                link = f"{desk}/item/{item.item_id}" if desk and item.item_id else item.url
                lines.append(
                    f"| [{_cell(item.title)}]({link}) | {_cell(item.outlet)} | {', '.join(item.themes)} | {_cell(', '.join(item.words))} |"
                )
        if self.unseen:
            lines += ["", "| not seen | why |", "|---|---|"]
            lines += [f"| {_cell(report.source_id)} | {_cell(report.reason)} |" for report in self.unseen]
        return "\n".join(lines)


def _cell(text: str) -> str:
    """Text of the web as a cell of a Markdown table: no markup of its own, no line breaks."""
    return "".join(f"\\{letter}" if letter in "\\`*_{}[]<>()#|!" else letter for letter in " ".join(text.split()))


def telling_words(flagging: Flagging, limit: int = 6) -> tuple[str, ...]:
    """The words that made a flag, those worth most first, each once."""
    scored = sorted((span for span in flagging.spans if span.points > 0), key=lambda span: -span.points)
    return tuple(_first_of_each(span.text for span in scored))[:limit]


def _first_of_each(words: Iterable[str]) -> Iterable[str]:
    known: set[str] = set()
    for word in words:
        if word.casefold() not in known:
            known.add(word.casefold())
            yield word
