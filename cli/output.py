"""How the command line speaks: JSON lines for programs, tables for people, complaints on standard error."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from enum import Enum
from pathlib import Path
from shutil import which
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table


def complain(sentence: str) -> None:
    """Print one sentence on standard error."""
    print(f"sholu: {sentence}", file=sys.stderr)


def console(*, stderr: bool = False) -> Console:
    """The terminal for people; plain where output is not a terminal, links and markup of hostile titles never interpreted."""
    from rich.console import Console

    return Console(stderr=stderr, markup=False, highlight=False, soft_wrap=False)


def _plain(value: object) -> Any:
    """What JSON does not know, in its terms: dataclasses as objects, times as ISO 8601 in UTC, enums as their values."""
    match value:
        case Enum():
            return value.value
        case datetime() | date():
            return value.isoformat()
        case timedelta():
            return value.total_seconds()
        case Mapping():
            return dict(value)
        case _ if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
        case Iterable():
            return list(value)
    return str(value)


def print_json(value: object) -> None:
    """Print one value as one line of JSON in UTF-8, letters as they are."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_plain) + "\n")
    sys.stdout.flush()


def runnable(text: str) -> str:
    """A sentence whose commands can be typed as they stand: with the path of `sholu` where the shell would not find it."""
    if which("sholu"):
        return text
    own = Path(sys.argv[0])
    path = own.relative_to(Path.cwd()) if own.is_absolute() and own.is_relative_to(Path.cwd()) else own
    return text.replace("`sholu ", f"`{path} ") if own.name == "sholu" else text


def clean(text: str, limit: int = 0) -> str:
    """Text of the web made safe for a terminal: no control or direction characters, one line, cut with an ellipsis."""
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return line if not limit or len(line) <= limit else line[: limit - 1].rstrip() + "…"


def table(title: str, *columns: str) -> Table:
    """An empty table in the house's style."""
    from rich import box
    from rich.table import Table

    made = Table(
        title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True, title_style="bold"
    )
    for column in columns:
        made.add_column(column, overflow="fold")
    return made
