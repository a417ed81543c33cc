"""Rules at work: what each rule and signal earns, from what people decided; changing them is done in the rules' files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import Response

from review.access import Reader
from review.agreement import agreement
from review.desk import page, the_desk
from review.views import entries
from storage import queues, samples, statistics
from storage.queues import ItemFilter, Queue
from storage.samples import wilson
from storage.statistics import Tally

router = APIRouter(include_in_schema=False)
DEMOTE_BELOW = 0.5
# A single wrong item has a lower bound near 0: with so few verdicts nothing is proposed.
JUDGED_AT_LEAST = 5


@dataclass(frozen=True, slots=True)
class Worth:
    """A tally with its precision, the interval of it, and whether demotion is proposed."""

    tally: Tally
    judged: int
    precision: float | None
    low: float
    high: float
    demote: bool


@router.get("/rules")
def rules(request: Request, who: Reader) -> Response:
    """All rules and signals, and recall."""
    desk = the_desk(request)
    counted = statistics.summary(desk.store, now=desk.clock())
    return page(
        request, "rules.html", who, rules=[worth(one) for one in counted.rules], signals=[worth(one) for one in counted.signals],
        at=counted.at, recall=samples.recall(desk.store), agreement=agreement(counted), below=DEMOTE_BELOW,
    )  # fmt: skip


@router.get("/rules/{rule_id:path}")
def rule(request: Request, who: Reader, rule_id: str) -> Response:
    """One rule (or ``rule/signal``): its figures, its last items and its false alarms."""
    desk = the_desk(request)
    counted = statistics.summary(desk.store, now=desk.clock())
    kind = "signal" if "/" in rule_id else "rule"
    found = next((one for one in (counted.signals if kind == "signal" else counted.rules) if one.name == rule_id), None)
    rulebook = desk.names.loaded() if found is not None else desk.names.ready()
    defined = rulebook.rules.get(rule_id) if rulebook is not None else None
    if found is None and defined is None:
        raise HTTPException(404, "There is no such rule, and nothing was ever flagged by one of this name.")
    term = ((kind, rule_id),)
    lists = {
        "last": ItemFilter(queue=Queue.ALL, terms=term, grade=queues.FLAGGED),
        "false": ItemFilter(queue=Queue.ALL, terms=term, grade=queues.FLAGGED, review="not-relevant"),
        "alone": ItemFilter(queue=Queue.ALL, terms=(("alone", rule_id),), grade=queues.FLAGGED),
    }
    shown = {name: entries(queues.list_items(desk.store, wanted, limit=8)) for name, wanted in lists.items()}
    signals = [worth(one) for one in counted.signals if one.name.startswith(f"{rule_id}/")]
    none = Tally(rule_id, 0, 0, 0, 0, 0, 0, 0)
    return page(
        request, "rule.html", who, name=rule_id, kind=kind, worth=worth(found or none), signals=signals, shown=shown, at=counted.at,
        where=f"{'/'.join(Path(defined.where.file).parts[-2:])}:{defined.where.line}" if defined is not None else "", below=DEMOTE_BELOW,
    )  # fmt: skip


def worth(tally: Tally) -> Worth:
    """Precision and its interval; demotion is proposed when even the upper half of doubt does not save it: lower bound under a half."""
    judged = tally.relevant + tally.not_relevant
    low, high = wilson(tally.relevant, judged)
    precision = tally.relevant / judged if judged else None
    return Worth(tally, judged, precision, low, high, judged >= JUDGED_AT_LEAST and low < DEMOTE_BELOW)
