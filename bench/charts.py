"""Charts of some tables as small SVG files, drawn here: two shapes, bars and lines, need no library; what they show is in the tables."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from bench.tables import Table

WIDTH, HEIGHT, LEFT, TOP, BELOW = 720, 360, 70, 46, 52
INKS = ("#1f6f8b", "#c0562f", "#5b7f2b", "#7a4b94")
SHAPE = 'xmlns="http://www.w3.org/2000/svg" font-family="sans-serif" font-size="13"'


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a chart: its name and its points."""

    name: str
    points: tuple[tuple[float, float], ...]


def draw(tables: Sequence[Table], folder: Path) -> list[Path]:
    """Write a chart for each table that has one; returns the files."""
    made = []
    for table in tables:
        picture = _picture(table)
        if picture:
            folder.mkdir(parents=True, exist_ok=True)
            file = folder / f"{table.name}.svg"
            file.write_text(picture, encoding="utf-8")
            made.append(file)
    return made


def _picture(table: Table) -> str:
    if table.name in {"articles", "polls", "feeds", "feeds-changed", "fundus"}:
        return bars(f"{table.title}: CPU ms each", [(str(row[0]), float(row[2])) for row in table.rows])
    if table.name == "sources":
        named = (("CPU s of a pass", 1), ("statements to the database", 4))
        return lines(table.title, "sources", [Line(name, _points(table, place)) for name, place in named])
    if table.name == "items":
        named = (("ms to store one", 1), ("kB each", 2), ("back-up CPU s", 4), ("db check CPU s", 5))
        return lines(table.title, "items", [Line(name, _points(table, place)) for name, place in named])
    if table.name == "desk":
        sizes = [float(head.split(" items")[0].replace(",", "")) for head in table.heads[1:-1]]
        wanted = [row for row in table.rows if row[0] in {"inbox", "item, new", "search, rare word", "one rule"}]
        told = [Line(str(row[0]), tuple(zip(sizes, map(float, row[1:-1]), strict=True))) for row in wanted]
        return lines(table.title, "items", told)
    return ""


def _points(table: Table, place: int) -> tuple[tuple[float, float], ...]:
    return tuple((float(str(row[0]).replace(",", "")), float(str(row[place]).split(" ", 1)[0])) for row in table.rows)


def bars(title: str, values: Sequence[tuple[str, float]]) -> str:
    """Horizontal bars, each with its name and value."""
    height = TOP + 34 * len(values) + 14
    most = max((value for _, value in values), default=1.0) or 1.0
    parts = [_text(16, 26, title, weight="bold")]
    for place, (name, value) in enumerate(values):
        y = TOP + 34 * place
        length = (WIDTH - 400) * value / most
        parts += [
            _text(300, y + 17, name, anchor="end"),
            f'<rect x="310" y="{y}" width="{length:.1f}" height="24" fill="{INKS[1] if name.startswith(("sholu", "ours")) else INKS[0]}"/>',
            _text(316 + length, y + 17, f"{value:.1f}"),
        ]
    return _svg(height, parts)


def lines(title: str, across: str, told: Sequence[Line]) -> str:
    """Lines over logarithmic axes: there a straight line of slope one is linear growth (the dotted one), a level one none."""
    points = [point for line in told for point in line.points if point[0] > 0 and point[1] > 0]
    if not points:
        return ""
    x0, x1 = _decades([x for x, _ in points])
    y0, y1 = _decades([y for _, y in points])

    def at(x: float, y: float) -> tuple[float, float]:
        right = LEFT + (WIDTH - LEFT - 200) * (math.log10(x) - x0) / (x1 - x0)
        return right, HEIGHT - BELOW - (HEIGHT - TOP - BELOW) * (math.log10(y) - y0) / (y1 - y0)

    parts = [_text(16, 26, title, weight="bold"), _text((LEFT + WIDTH - 200) / 2, HEIGHT - 12, across, anchor="middle")]
    for power in range(x0, x1 + 1):
        x, y = at(10.0**power, 10.0**y0)
        parts += [
            f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{y:.1f}" stroke="#ddd"/>',
            _text(x, y + 18, _short(power), anchor="middle"),
        ]
    for power in range(y0, y1 + 1):
        x, y = at(10.0**x0, 10.0**power)
        parts += [
            f'<line x1="{x:.1f}" x2="{WIDTH - 200}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>',
            _text(x - 8, y + 4, _short(power), anchor="end"),
        ]
    rise = min(x1 - x0, y1 - y0)
    (ax, ay), (bx, by) = at(10.0**x0, 10.0**y0), at(10.0 ** (x0 + rise), 10.0 ** (y0 + rise))
    parts.append(f'<line x1="{ax:.1f}" y1="{ay:.1f}" x2="{bx:.1f}" y2="{by:.1f}" stroke="#999" stroke-dasharray="3 5"/>')
    for place, line in enumerate(told):
        ink = INKS[place % len(INKS)]
        spots = [at(x, y) for x, y in line.points if x > 0 and y > 0]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in spots)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{ink}" stroke-width="2.5"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{ink}"/>' for x, y in spots]
        parts += [
            f'<rect x="{WIDTH - 186}" y="{TOP + 24 * place}" width="12" height="12" fill="{ink}"/>',
            _text(WIDTH - 168, TOP + 11 + 24 * place, line.name),
        ]
    parts.append(_text(WIDTH - 186, TOP + 11 + 24 * len(told), "dotted: linear growth"))
    return _svg(HEIGHT, parts)


def _decades(values: Sequence[float]) -> tuple[int, int]:
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    return low, max(high, low + 1)


def _short(power: int) -> str:
    return f"{10**power:,}" if power >= 0 else f"{10.0**power:g}"


def _text(x: float, y: float, words: str, *, anchor: str = "start", weight: str = "normal") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-weight="{weight}" fill="#222">{escape(words)}</text>'


def _svg(height: float, parts: list[str]) -> str:
    ground = f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>'
    return f'<svg {SHAPE} viewBox="0 0 {WIDTH} {height}">\n{ground}\n' + "\n".join(parts) + "\n</svg>\n"
