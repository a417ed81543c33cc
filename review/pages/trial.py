"""The page on which a rule is tried before it is saved to a file; the trial itself runs in a child process (``review.trial``)."""

from __future__ import annotations

import threading

from fastapi import APIRouter, Request
from fastapi.responses import Response

from domain.errors import ConfigError
from review.access import Reviewer, Sent, peer
from review.desk import page, the_desk
from review.trial import ITEMS, TrialFailed, try_rules
from storage import users

router = APIRouter(include_in_schema=False)
_ONE = threading.Lock()  # a trial keeps a core busy for half a minute: one at a time


@router.get("/try")
def form(request: Request, who: Reviewer) -> Response:
    """The empty form."""
    return page(request, "try.html", who, pasted="", outcome=None, refused="", most=ITEMS)


@router.post("/try")
def trial(request: Request, who: Reviewer, form: Sent) -> Response:
    """What the pasted rules would flag and drop among the last stored items. Nothing is saved."""
    desk = the_desk(request)
    pasted = form.one("pasted").replace("\r\n", "\n")
    outcome, refused, status = None, "", 200
    if not _ONE.acquire(blocking=False):
        raise TrialFailed("Another rule is being tried just now; try again in a minute.")
    try:
        outcome = try_rules(
            pasted,
            rules=desk.settings.rules.absolute(),
            database=desk.settings.database,
            cache=desk.settings.home.absolute() / "cache",
        )
    except (ConfigError, TrialFailed) as error:
        refused, status = str(error), 422
    finally:
        _ONE.release()
    detail: dict[str, object] = {"rules": list(outcome.rules) if outcome else [], "refused": refused[:300]}
    users.audit(desk.store, who=who.name, what="rule-tried", subject="", now=desk.clock(), address=peer(request), detail=detail)
    return page(request, "try.html", who, status=status, pasted=pasted, outcome=outcome, refused=refused, most=ITEMS)
