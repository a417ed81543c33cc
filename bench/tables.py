"""Tables of costs: on the terminal, as JSON, and as Markdown; nothing is measured here."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Table:
    """A stage's result: rows of cells under heads; ``note`` says what one has to know to read it."""

    name: str
    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    note: str = ""


@dataclass
class Report:
    """What a run of the suite has found so far: kept after each table, so that one stopped half-way has not run in vain."""

    folder: Path
    command: str
    tables: list[Table] = field(default_factory=list)
    load: list[tuple[str, float]] = field(default_factory=list)

    def add(self, *made: Table) -> None:
        """Print tables and keep them; the machine's load at this moment is kept with them."""
        for table in made:
            self.tables.append(table)
            self.load.append((table.name, os.getloadavg()[0]))
            print(f"\n{as_text(table)}", flush=True)
        self.folder.mkdir(parents=True, exist_ok=True)
        told = {
            "when": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
            "machine": machine(),
            "command": self.command,
            "load": dict(self.load),
            "tables": {table.name: {"title": table.title, "heads": table.heads, "rows": table.rows, "note": table.note} for table in self.tables},
        }  # fmt: skip
        (self.folder / "suite.json").write_text(json.dumps(told, indent=1, ensure_ascii=False), encoding="utf-8")
        (self.folder / "suite.md").write_text("\n\n".join(map(as_markdown, self.tables)) + "\n", encoding="utf-8")


def machine() -> str:
    """What it ran on, in a few words."""
    return f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, {platform.system()}"


def as_text(table: Table) -> str:
    """The table for a terminal."""
    rows = [table.heads, *(tuple(map(_cell, row)) for row in table.rows)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(table.heads))]
    lines = [
        "  ".join(_set(cell, width, place) for place, (cell, width) in enumerate(zip(row, widths, strict=True))) for row in rows
    ]
    return "\n".join([table.title, *lines, *([table.note] if table.note else [])])


def as_markdown(table: Table) -> str:
    """The table for the documents."""
    rule = "|".join(["---", *["---:"] * (len(table.heads) - 1)])
    rows = [" | ".join(map(_cell, row)) for row in table.rows]
    lines = [f"**{table.title}**", "", f"| {' | '.join(table.heads)} |", f"|{rule}|", *(f"| {row} |" for row in rows)]
    return "\n".join(lines + (["", table.note] if table.note else []))


def ratios(costs: Sequence[float], floor: float) -> list[float]:
    """Each cost as a share of the floor's."""
    return [cost / floor if floor else 0.0 for cost in costs]


def _set(cell: str, width: int, place: int) -> str:
    return cell.ljust(width) if place == 0 else cell.rjust(width)


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.3f}" if abs(value) < 0.1 else f"{value:.2f}" if abs(value) < 100 else f"{value:,.0f}"
    return f"{value:,}" if isinstance(value, int) else str(value)
