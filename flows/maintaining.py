"""Keeping house: a back-up that was tried, retention by age, indexes, a look at the store's health; plain, knows no scheduler."""

from __future__ import annotations

import logging
import shutil
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from domain.errors import StoreError
from domain.settings import Settings
from flows.alone import Clock, Work, working_alone
from storage.backup import back_up, check_backup
from storage.check import check_store
from storage.maintenance import Dropped, Retention, fact, index_anew, note_fact, retire, tidy
from storage.problems import Problem
from storage.store import Store, open_store

log = logging.getLogger("sholu.maintain")

DEEP_EVERY = timedelta(days=7)  # every body unpacked and the whole chain walked: minutes of work on a large store
ROOM = 1.2  # a back-up is refused unless this many times the database's size is free


@dataclass(frozen=True, slots=True)
class MaintainOptions:
    """What is done; days as in ``Retention``, 0: keep for ever. ``backups`` is how many back-ups are kept, 0: make none."""

    retention: Retention = field(default_factory=Retention)
    backups: int = 7
    deep: bool = False
    dry_run: bool = False
    slot: str | None = None


@dataclass(frozen=True, slots=True)
class MaintainReport:
    """What was done and found; ``backup`` says in a sentence what became of the back-up."""

    run_id: int
    backup: str
    backed_up: bool
    dropped: Dropped
    indexed: int
    problems: tuple[Problem, ...]
    deep: bool
    free: int
    dry_run: bool

    @property
    def sound(self) -> bool:
        return not self.problems and self.backed_up

    def closing(self) -> str:
        """A few sentences on the whole."""
        first = self.problems[0] if self.problems else None
        health = f"The store is sound ({'looked through to the last byte' if self.deep else 'a quick look'})."
        if first is not None:
            health = f"{len(self.problems)} problems were found (`sholu db check`), the first: {first.where} {first.sentence}."
        verb = "Would drop" if self.dry_run else "Dropped"
        indexed = f" {self.indexed} items were indexed for search anew." if self.indexed else ""
        return f"{self.backup} {verb} {self.dropped}.{indexed} {health} {self.free / 1e9:.1f} GB are free."


def maintain(settings: Settings, options: MaintainOptions, *, clock: Clock) -> MaintainReport:
    """Do all of it, the back-up first: what goes wrong later can then be undone. Raises StoreError where the store refuses.

    A back-up that fails is told in the report and stops nothing but retention: nothing is dropped that is not in a back-up.
    """
    now = clock()
    parameters = {"dry_run": options.dry_run, "captures": options.retention.captures, "ledger": options.retention.ledger}
    with (
        closing(open_store(settings.database)) as store,
        working_alone(store, "maintain", clock=clock, parameters=parameters, slot=options.slot) as work,
    ):
        backup, backed_up = _back_up(settings, store, options, now)
        work.alive()
        dropped = Dropped()
        if backed_up:
            dropped = retire(store, options.retention, now=now, dry_run=options.dry_run, alive=work.alive)
        indexed = 0 if options.dry_run else index_anew(store, alive=work.alive)
        if not options.dry_run:
            tidy(store)
        deep = options.deep or _deep_is_due(store, now)
        problems = tuple(check_store(store, deep=deep))
        report = MaintainReport(
            run_id=work.run_id,
            backup=backup,
            backed_up=backed_up,
            dropped=dropped,
            indexed=indexed,
            problems=problems,
            deep=deep,
            free=free_space(settings.home),
            dry_run=options.dry_run,
        )
        _close(work, report, now)
        return report


def _close(work: Work, report: MaintainReport, now: datetime) -> None:
    if report.deep and not report.problems:
        note_fact(work.store, "last-deep-check", {"problems": 0}, now=now)
    note_fact(work.store, "last-maintenance", {"sound": report.sound, "said": report.closing()}, now=now)
    work.said = report.closing()
    # A back-up that was not made, or a store that is not sound, must not look like a good night.
    work.status = "done" if report.sound else "failed"
    (log.info if report.sound else log.error)(work.said, extra={"run": work.run_id})


def _deep_is_due(store: Store, now: datetime) -> bool:
    last = fact(store, "last-deep-check")
    return last is None or now - last[1] >= DEEP_EVERY


def _back_up(settings: Settings, store: Store, options: MaintainOptions, now: datetime) -> tuple[str, bool]:
    """What became of the back-up, in a sentence, and whether retention may go on."""
    if not options.backups:
        return "No back-up was asked for.", True
    if options.dry_run:
        return "A back-up would be made.", True
    folder = settings.home / "backups"
    suffix = "db" if store.path else "dump"
    to = folder / f"sholu-{now:%Y%m%dT%H%M%S}.{suffix}"
    try:
        _must_have_room(store, folder)
        size = back_up(settings.database, to)
        whole = check_backup(to)
    except (StoreError, OSError) as error:
        return f"No back-up was made, so nothing was dropped: {error}", False
    removed = prune_backups(folder, keep=options.backups)
    gone = f" ({removed} older ones removed)" if removed else ""
    return f"Back-up of {size / 1e6:.1f} MB{gone}: {whole}", True


def _must_have_room(store: Store, folder: Path) -> None:
    if store.path is None:
        return
    folder.mkdir(parents=True, exist_ok=True)
    size, free = store.path.stat().st_size, shutil.disk_usage(folder).free
    if free < size * ROOM:
        raise StoreError(f"the disk of {folder} has {free / 1e9:.1f} GB free and the database is {size / 1e9:.1f} GB")


def prune_backups(folder: Path, *, keep: int) -> int:
    """Remove all but the newest ``keep`` of the back-ups made here; files of other names are none of our business."""
    made = sorted(folder.glob("sholu-????????T??????.*"), key=lambda path: path.name)
    old = [path for path in made if path.suffix in {".db", ".dump"}][:-keep]
    for path in old:
        path.unlink(missing_ok=True)
    return len(old)


def free_space(home: Path) -> int:
    """Free bytes where the program writes, also before its folder exists."""
    place = next(path for path in (home.absolute(), *home.absolute().parents) if path.exists())
    return shutil.disk_usage(place).free
