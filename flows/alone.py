"""A run that works alone: entered in the ledger, claimed by its name, closed whatever happens; no scheduler is known here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from domain.errors import SholuError
from storage.runs import begin_run, end_run, renew_run, sweep_runs
from storage.sources import claim
from storage.store import Store

Clock = Callable[[], datetime]


class UnderWay(SholuError):
    """The same work is being done by another run right now; it is left to that one (not a fault of anybody)."""


@dataclass(slots=True)
class Work:
    """A run under way: ``alive`` is to be called at least every few minutes, ``said`` becomes the run's closing sentence."""

    store: Store
    run_id: int
    clock: Clock
    said: str = ""
    status: str = "done"
    done: dict[str, int] = field(default_factory=dict)

    def alive(self) -> None:
        """A sign of life: without one the claim is given away after a quarter of an hour, if it cannot be seen from here."""
        renew_run(self.store, self.run_id, now=self.clock())


@contextmanager
def working_alone(
    store: Store, kind: str, *, clock: Clock, parameters: Mapping[str, Any], slot: str | None = None, rules_version: str = ""
) -> Iterator[Work]:
    """Enter a run of this kind of which only one may be at work; raises UnderWay, or SlotTaken for a slot that is done.

    The scheduler has a limit of its own, but has been seen to start two at once, and a person may start a third.
    """
    now = clock()
    sweep_runs(store, now=now)
    run_id = begin_run(store, kind=kind, now=now, parameters=parameters, slot=slot, rules_version=rules_version)
    work = Work(store, run_id, clock)
    try:
        _claim(work, kind)
        yield work
    except UnderWay as other:
        end_run(store, run_id, now=clock(), status="cancelled", reason=str(other))
        raise
    except Exception as error:
        end_run(store, run_id, now=clock(), status="failed", reason=str(error) or type(error).__name__)
        raise
    except BaseException:  # Ctrl-C, a cancellation: whoever stops it knows
        end_run(store, run_id, now=clock(), status="cancelled", reason="stopped before its end")
        raise
    end_run(store, run_id, now=clock(), status=work.status, reason=work.said)


def _claim(work: Work, kind: str) -> None:
    if not claim(work.store, "flow", [kind], run_id=work.run_id, now=work.clock()):
        raise UnderWay(f"Another run is doing `{kind}` right now; nothing is done twice. Wait for it to end, or stop it first.")
