"""`sholu run` as a schedule has it, with nothing but switches behind it: done without a library that reads command lines.

typer, and pydantic which it asks about every option, take as long as 150 polls where nothing changed.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from cli.output import complain, print_json

if TYPE_CHECKING:
    from domain.settings import Settings
    from flows.report import RunReport
    from flows.world import CollectOptions

SWITCHES = {"--force": "force", "--due": "due", "--dry-run": "dry_run", "--plain": "plain", "--json": "json"}
"""The switches of `sholu run`, which `cli.collect` explains."""


def done_at_once(words: Sequence[str]) -> int | None:
    """Do what the words say where that is `run` and switches, and return the exit code; None, and nothing done, where it is more."""
    if words[:1] != ["run"] or not all(word in SWITCHES for word in words[1:]):
        return None
    given: dict[str, Any] = {SWITCHES[word]: True for word in words[1:]}
    return run_sources(**given)


@contextmanager
def nothing_collected() -> Iterator[None]:
    """Import without the collector of circular garbage: what is imported stays to the end, and it would look for some among that twice."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def run_sources(
    *,
    sources: tuple[str, ...] = (),
    force: bool = False,
    since: datetime | None = None,
    due: bool = False,
    dry_run: bool = False,
    at_most: int | None = None,
    plain: bool = False,
    json: bool = False,
) -> int:
    """The command `sholu run`; returns its exit code."""
    with nothing_collected():
        from cli.logs import set_up_logs
        from domain.settings import load_settings
        from flows.steps import collect  # with all that it needs
        from flows.world import CollectOptions

    settings = load_settings()
    set_up_logs(settings.home)
    options = CollectOptions(sources=sources, force=force, since=since, due_only=due, dry_run=dry_run, at_most=at_most)
    report = _run_through_prefect(settings, options) if not plain else None
    if report is None:
        report = run_here(partial(collect, settings, options, clock=lambda: datetime.now(UTC)), progress=not json)
    if json:
        print_json(report.summary())
    else:
        from cli.collect import show_report

        show_report(report)
    return report.exit_code


def _run_through_prefect(settings: Settings, options: CollectOptions) -> RunReport | None:
    """The run as a Prefect flow run, where an API is configured and answers; otherwise None, and Prefect is not imported."""
    from cli.prefect_api import api_answers, shown_address

    if not api_answers():
        if address := shown_address():
            complain(f"The Prefect server at {address} does not answer; this run is done without it and does not show there.")
        return None
    from flows.collect import run_collect

    return run_collect(settings, options)


def run_here(work: Callable[..., Coroutine[Any, Any, RunReport]], *, progress: bool) -> RunReport:
    """The same steps directly and at once, with a progress display where there is a terminal to show it on."""
    if not progress:
        return asyncio.run(work())
    from cli.progress import shown_progress

    with shown_progress() as tell:
        return asyncio.run(work(tell=tell))
