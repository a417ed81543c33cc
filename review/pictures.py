"""Pictures as SVG, drawn from plain numbers: bars a day, a tile map, a grid of outlets, lines with intervals. Pure.

Colours are classes (``desk.css`` gives them for light and dark) with a presentation attribute beside them, so that a picture
saved to a file keeps its colours too. No style attributes: the desk's Content-Security-Policy forbids them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from html import escape as html_escape
from typing import Final

from review.plain import plain

# Okabe and Ito's colours, told apart by colour-blind readers too.
COLOURS: Final = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8c6d31", "#7f7f7f")
SHADES: Final = ("#e6efed", "#bfdbd6", "#8fc1b9", "#57a199", "#24807a", "#0b5a57")
LETTER: Final = 0.67
"""Width of a letter in a wide font, as a share of its size (DejaVu's Cyrillic)."""
_WORDS: Final = 12  # size of most letters
_FONT: Final = "font-family=\"system-ui, 'Noto Sans', sans-serif\""


@dataclass(frozen=True, slots=True)
class Tile:
    """One region's square on the map: its code, place in the grid and short and whole name."""

    code: str
    column: int
    row: int
    short: str
    name: str


@dataclass(frozen=True, slots=True)
class Estimate:
    """A share with its interval, at a label of the horizontal axis."""

    label: str
    value: float
    low: float
    high: float


def escape(words: str) -> str:
    return html_escape(plain(words))


def bars(days: Sequence[date], series: Mapping[str, Sequence[int]], *, title: str, names: Mapping[str, str]) -> str:
    """Stacked bars, one a day, one colour a series."""
    width, height, left, bottom, top = 860, 260, 44, 34, 12
    totals = [sum(values[place] for values in series.values()) for place in range(len(days))]
    ceiling = nice_ceiling(max(totals, default=0))
    step = (width - left - 8) / max(len(days), 1)
    scale = (height - bottom - top) / ceiling
    parts = [_axis(left, width, top, height - bottom, ceiling)]
    for place, day in enumerate(days):
        base = float(height - bottom)
        x = left + place * step
        for number, (key, values) in enumerate(series.items()):
            if not values[place]:
                continue
            tall = values[place] * scale
            base -= tall
            label = f"{day:%d.%m.%Y} · {names.get(key, key)}: {values[place]}"
            parts.append(
                f'<rect x="{x + step * 0.12:.1f}" y="{base:.1f}" width="{max(step * 0.76, 1):.1f}" height="{tall:.1f}" '
                f'class="c{number % 8}" fill="{COLOURS[number % 8]}"><title>{escape(label)}</title></rect>'
            )
        if place % max(1, round(len(days) / 10)) == 0:
            parts.append(_text(x + step / 2, height - bottom + 16, f"{day:%d.%m}", anchor="middle"))
    return _svg(width, height, title, parts)


def tiles(layout: Sequence[Tile], counts: Mapping[str, int], *, title: str, link: str) -> str:
    """The regions as squares in a grid, darker where there is more; every square says its number and leads to ``link`` + its code."""
    side, gap = 84, 6
    columns = max((tile.column for tile in layout), default=0) + 1
    rows = max((tile.row for tile in layout), default=0) + 1
    most = max((counts.get(tile.code, 0) for tile in layout), default=0)
    parts = []
    for tile in layout:
        count = counts.get(tile.code, 0)
        shade = shade_of(count, most)
        x, y = tile.column * (side + gap) + 2, tile.row * (side + gap) + 2
        dark = "on-dark" if shade >= 3 else "on-light"
        ink = "#ffffff" if shade >= 3 else "#1c2b2a"
        parts.append(
            f'<a href="{escape(link + tile.code)}" class="tile"><title>{escape(tile.name)}: {count}</title>'
            f'<rect x="{x}" y="{y}" width="{side}" height="{side}" rx="6" class="s{shade}" fill="{SHADES[shade]}"/>'
            f'<text x="{x + side / 2}" y="{y + 30}" text-anchor="middle" class="{dark}" fill="{ink}" '
            f'font-size="{_size_within(side - 4, tile.short, 13):g}" {_FONT}>{escape(tile.short)}</text>'
            f'<text x="{x + side / 2}" y="{y + 54}" text-anchor="middle" class="{dark}" fill="{ink}" font-size="17" '
            f'font-weight="600" {_FONT}>{count}</text></a>'
        )
    return _svg(columns * (side + gap) + 4, rows * (side + gap) + 4, title, parts, role="group")


def grid(rows: Sequence[str], columns: Sequence[str], counts: Mapping[tuple[str, str], int], *, title: str) -> str:
    """A table as shaded cells: rows by columns, darker where there is more."""
    top, wide, tall = 30, 92, 38
    left = 14 + round(LETTER * _WORDS * max(map(len, rows), default=0))
    most = max(counts.values(), default=0)
    parts = [
        _text(left + place * wide + wide / 2, 20, name, anchor="middle", size=_size_within(wide - 4, name, _WORDS))
        for place, name in enumerate(columns)
    ]
    for line, row in enumerate(rows):
        y = top + line * tall
        parts.append(_text(left - 10, y + tall / 2 + 5, row, anchor="end"))
        for place, column in enumerate(columns):
            count = counts.get((row, column), 0)
            shade = shade_of(count, most)
            x = left + place * wide
            ink, kind = ("#ffffff", "on-dark") if shade >= 3 else ("#1c2b2a", "on-light")
            parts.append(
                f'<rect x="{x + 2}" y="{y + 2}" width="{wide - 4}" height="{tall - 4}" rx="4" class="s{shade}" '
                f'fill="{SHADES[shade]}"><title>{escape(row)} · {escape(column)}: {count}</title></rect>'
                f'<text x="{x + wide / 2}" y="{y + tall / 2 + 5}" text-anchor="middle" font-size="14" class="{kind}" fill="{ink}" '
                f"{_FONT}>{count}</text>"
            )
    return _svg(left + len(columns) * wide + 6, top + len(rows) * tall + 6, title, parts)


def lines(series: Mapping[str, Sequence[Estimate]], labels: Sequence[str], *, title: str, names: Mapping[str, str]) -> str:
    """Shares from 0 to 1 over time as dots joined by lines, each with the interval it may really lie in."""
    width, height, left, bottom, top = 860, 260, 44, 34, 12
    step = (width - left - 20) / max(len(labels), 1)
    tall = height - bottom - top

    def at(label: str, value: float) -> tuple[float, float]:
        return left + (labels.index(label) + 0.5) * step, top + (1 - value) * tall

    parts = [_axis(left, width, top, height - bottom, 1.0)]
    for number, (key, points) in enumerate(series.items()):
        shift = (number - (len(series) - 1) / 2) * 5
        colour = COLOURS[number % 8]
        spots = [(*at(point.label, point.value), point) for point in points]
        if len(spots) > 1:
            path = " ".join(f"{x + shift:.1f},{y:.1f}" for x, y, _ in spots)
            parts.append(f'<polyline points="{path}" fill="none" class="l{number % 8}" stroke="{colour}" stroke-width="2"/>')
        for x, y, point in spots:
            low, high = at(point.label, point.low)[1], at(point.label, point.high)[1]
            label = f"{names.get(key, key)} · {point.label}: {point.value:.0%} ({point.low:.0%}–{point.high:.0%})"
            parts.append(
                f'<g><title>{escape(label)}</title><line x1="{x + shift:.1f}" x2="{x + shift:.1f}" y1="{high:.1f}" y2="{low:.1f}" '
                f'class="l{number % 8}" stroke="{colour}" stroke-width="1.5"/>'
                f'<circle cx="{x + shift:.1f}" cy="{y:.1f}" r="4" class="c{number % 8}" fill="{colour}"/></g>'
            )
    for place, label in enumerate(labels):
        if place % max(1, round(len(labels) / 10)) == 0:
            parts.append(_text(left + (place + 0.5) * step, height - bottom + 16, label, anchor="middle"))
    return _svg(width, height, title, parts)


def nice_ceiling(most: int) -> int:
    """The top of an axis: the first of 4, 10, 20, 40, 100, 200, 400 … that is not below ``most``; four steps each."""
    power = 1
    while True:
        for digit in (4, 10, 20):
            if digit * power >= most:
                return digit * power
        power *= 10


def shade_of(count: int, most: int) -> int:
    """0 for nothing, then 1 to 5 by the share of the greatest count."""
    return 0 if count <= 0 or most <= 0 else min(5, 1 + (count * 5 - 1) // most)


def _size_within(width: int, words: str, most: float) -> float:
    """The size of letters, ``most`` at most, at which ``words`` stand within ``width`` in a wide font, too."""
    return min(most, round(width / (LETTER * max(len(words), 1)), 1))


def _axis(left: int, right: int, top: int, base: int, ceiling: float) -> str:
    parts = []
    for quarter in range(5):
        y = base - (base - top) * quarter / 4
        value = ceiling * quarter / 4
        label = f"{value:.0%}" if ceiling == 1.0 else f"{value:g}"
        parts.append(f'<line x1="{left}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}" class="rule" stroke="#d8d8d2" stroke-width="1"/>')
        parts.append(_text(left - 8, y + 4, label, anchor="end"))
    return "".join(parts)


def _text(x: float, y: float, words: str, *, anchor: str, size: float = _WORDS) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size:g}" class="ink" fill="#55595c" {_FONT}>{escape(words)}</text>'


def _svg(width: int, height: int, title: str, parts: Sequence[str], *, role: str = "img") -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="{role}" '
        f'aria-label="{escape(title)}" class="picture{" wide" if width == 860 else ""}"><title>{escape(title)}</title>{"".join(parts)}</svg>'
    )
