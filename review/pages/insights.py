"""Pictures of what was found: made here as SVG, each with its numbers as a table and as CSV."""

from __future__ import annotations

import csv
import io
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from markupsafe import Markup

from review import pictures
from review.access import READS, Reader
from review.desk import Desk, language_of, page, the_desk
from review.export_rows import safe_cell
from review.names import theme_name
from review.pictures import Estimate
from review.wording import knows, say
from storage import samples, statistics
from storage.samples import recall_of, wilson

router = APIRouter(include_in_schema=False)
Name = Literal["days", "regions", "outlets", "quality"]
SPANS = (7, 30, 90, 365)


@dataclass(frozen=True, slots=True)
class Figure:
    """A picture and the table it was made of; ``keys`` name the colours of its series."""

    name: str
    title: str
    svg: Markup
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    keys: tuple[str, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether there is no number in it but noughts."""
        return not any(cell.strip("0 %") for row in self.rows for cell in row[1:])


@router.get("/pictures")
def all_pictures(request: Request, who: Reader, days: int = Query(30, ge=1, le=3660)) -> Response:
    """The four pictures of the last days."""
    desk, language = the_desk(request), language_of(request)
    figures = [_figure(desk, language, name, days) for name in ("days", "regions", "outlets", "quality")]
    return page(request, "pictures.html", who, figures=figures, days=days, spans=SPANS)


@router.get("/pictures/{name}.svg", dependencies=READS)
def one_picture(request: Request, name: Name, days: int = Query(30, ge=1, le=3660)) -> Response:
    figure = _figure(the_desk(request), language_of(request), name, days)
    headers = {
        "content-disposition": f'attachment; filename="sholu-{name}.svg"',
        "content-security-policy": "sandbox; default-src 'none'",
    }
    return Response(str(figure.svg), media_type="image/svg+xml", headers=headers)


@router.get("/pictures/{name}.csv", dependencies=READS)
def one_table(request: Request, name: Name, days: int = Query(30, ge=1, le=3660)) -> Response:
    figure = _figure(the_desk(request), language_of(request), name, days)
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([safe_cell(cell) for cell in figure.head])
    writer.writerows([safe_cell(cell) for cell in row] for row in figure.rows)
    headers = {"content-disposition": f'attachment; filename="sholu-{name}.csv"'}
    return Response("\ufeff" + out.getvalue(), media_type="text/csv; charset=utf-8", headers=headers)


def _figure(desk: Desk, language: str, name: str, days: int) -> Figure:
    made = {"days": _days, "regions": _regions, "outlets": _outlets, "quality": _quality}
    return made[name](desk, language, days)


def _since(desk: Desk, days: int) -> datetime:
    """Midnight of the first of these days, in the desk's zone; today is the last."""
    today = desk.clock().astimezone(desk.own.timezone).replace(hour=0, minute=0, second=0, microsecond=0)
    return today - timedelta(days=days - 1)


def _days(desk: Desk, language: str, days: int) -> Figure:
    first = _since(desk, days)
    shown = [(first + timedelta(days=place)).date() for place in range(days)]
    counted: dict[str, list[int]] = {}
    for value, moments in statistics.days_of(desk.store, "theme", since=first).items():
        by_day = Counter(moment.astimezone(desk.own.timezone).date() for moment in moments)
        counted[value] = [by_day[day] for day in shown]
    ordered = dict(sorted(counted.items(), key=lambda pair: -sum(pair[1])))
    names = {value: theme_name(language, value) for value in ordered}
    title = say(language, "picture.days")
    head = (say(language, "day"), *names.values())
    rows = tuple((day.isoformat(), *(str(values[place]) for values in ordered.values())) for place, day in enumerate(shown))
    svg = pictures.bars(shown, ordered, title=title, names=names)
    return Figure("days", title, Markup(svg), head, rows, tuple(names.values()))  # noqa: S704 - every word in it was escaped there


def _regions(desk: Desk, language: str, days: int) -> Figure:
    since = _since(desk, days)
    counts = statistics.counts_of(desk.store, "region", since=since)
    layout = desk.names.map(language)
    title = say(language, "picture.regions")
    known = {tile.code for tile in layout}
    named = [(tile.name, counts.get(tile.code, 0)) for tile in layout] + [
        (code, count) for code, count in counts.items() if code not in known
    ]
    rows = tuple((name, str(count)) for name, count in sorted(named, key=lambda pair: (-pair[1], pair[0])))
    svg = pictures.tiles(layout, counts, title=title, link=f"/?queue=all&grade=flagged&since={since.date()}&region=")
    return Figure("regions", title, Markup(svg), (say(language, "filter.region"), say(language, "items")), rows)  # noqa: S704


def _outlets(desk: Desk, language: str, days: int) -> Figure:
    counts = statistics.outlets_by(desk.store, since=_since(desk, days))

    def own(value: str) -> str:
        return say(language, f"ownership.{value or 'unknown'}")

    def spoken(value: str) -> str:
        return say(language, f"language.{value}") if knows(language, f"language.{value}") else value

    ownerships = sorted(
        {key[0] for key in counts}, key=lambda one: (-sum(many for key, many in counts.items() if key[0] == one), one)
    )
    languages = sorted(
        {key[1] for key in counts}, key=lambda one: (-sum(many for key, many in counts.items() if key[1] == one), one)
    )
    named = {(own(key[0]), spoken(key[1])): many for key, many in counts.items()}
    title = say(language, "picture.outlets")
    columns = [spoken(one) for one in languages]
    svg = pictures.grid([own(one) for one in ownerships], columns, named, title=title)
    rows = tuple((own(row), *(str(counts.get((row, column), 0)) for column in languages)) for row in ownerships)
    return Figure("outlets", title, Markup(svg), (say(language, "filter.ownership"), *columns), rows)  # noqa: S704


def _quality(desk: Desk, language: str, days: int) -> Figure:
    """Precision a week (or a month for long spans) from verdicts; recall at each blind sample."""
    zone, since = desk.own.timezone, _since(desk, max(days, 28))
    step = 7 if days <= 180 else 30
    judged = statistics.judged_moments(desk.store, since=since)
    bins: dict[int, list[int]] = {}
    for said, moments in judged.items():
        for moment in moments:
            held = bins.setdefault((moment.astimezone(zone) - since).days // step, [0, 0])
            held[1] += 1
            held[0] += said == "relevant"
    last = (desk.clock().astimezone(zone) - since).days // step
    labels = [f"{since + timedelta(days=place * step):%d.%m}" for place in range(last + 1)]
    precision = []
    for place in sorted(bins):
        good, total = bins[place]
        if place <= last:
            precision.append(Estimate(labels[place], good / total, *wilson(good, total)))
    recall = []
    for sample in reversed(samples.list_samples(desk.store)):
        found = recall_of(sample.flagged_relevant, sample.judged, sample.missed, sample.frame)
        if found is not None and sample.drawn_at >= since:
            recall.append(
                Estimate(
                    labels[min(last, (sample.drawn_at.astimezone(zone) - since).days // step)], found.value, found.low, found.high
                )
            )
    names = {"precision": say(language, "precision"), "recall": say(language, "recall")}
    title = say(language, "picture.quality")
    svg = pictures.lines({"precision": precision, "recall": recall}, labels, title=title, names=names)
    head = (say(language, "day"), "", say(language, "share"), say(language, "interval.low"), say(language, "interval.high"))
    rows = tuple(
        (one.label, names[kind], f"{one.value:.3f}", f"{one.low:.3f}", f"{one.high:.3f}")
        for kind, held in (("precision", precision), ("recall", recall)) for one in held
    )  # fmt: skip
    return Figure("quality", title, Markup(svg), head, rows, tuple(names.values()))  # noqa: S704
