"""The progress display of a run: how many sources were polled and how many pages read, on a terminal only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from cli.output import console

if TYPE_CHECKING:
    from flows.world import Tell


@contextmanager
def shown_progress() -> Iterator[Tell]:
    """Give a function that a run calls with ("sources" | "pages", how many more there are, how many are done)."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    out = console(stderr=True)
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=out,
        transient=True,
        disable=not out.is_terminal,
    ) as bar:
        tasks = {name: bar.add_task(name, total=0, visible=False) for name in ("sources", "pages")}

        def tell(what: str, more: int, done: int) -> None:
            task = tasks[what]
            total = (bar.tasks[task].total or 0) + more
            bar.update(task, total=total, advance=done, visible=total > 0)

        yield tell
