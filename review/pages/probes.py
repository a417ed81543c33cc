"""What machines ask the desk: whether it works (`/healthz`) and its numbers for Prometheus (`/metrics`); people have pages."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from datetime import timedelta

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from domain.errors import StoreError
from review.desk import Desk, the_desk
from storage.gauges import Gauges, gauges, is_readable

router = APIRouter(include_in_schema=False)
SEEN_WITHIN = timedelta(hours=26)
FORWARDED = ("x-forwarded-for", "forwarded", "x-real-ip")


@router.get("/healthz")
def healthz(request: Request) -> Response:
    """200 while the desk can read its database, 503 with the reason's first words otherwise; tells nothing else to anybody."""
    try:
        is_readable(the_desk(request).store)
    except StoreError:
        return JSONResponse({"status": "the database cannot be read"}, status_code=503)
    return JSONResponse({"status": "ok"})


@router.get("/metrics")
def metrics(request: Request) -> Response:
    """The numbers in Prometheus' text format, for whoever reaches the desk itself; never through a proxy that faces the world."""
    if any(name in request.headers for name in FORWARDED):
        return PlainTextResponse("Ask the desk itself, not its proxy.\n", status_code=403)
    desk = the_desk(request)
    registry = written(gauges(desk.store, since=desk.clock() - SEEN_WITHIN), free=_free(desk))
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_PLAIN_0_0_4)


def written(found: Gauges, *, free: int) -> CollectorRegistry:
    """The numbers as Prometheus' values; made anew for each question, since they come from the database and not from this process."""
    registry = CollectorRegistry(auto_describe=False)

    def single(name: str, help_: str, value: float) -> None:
        Gauge(f"sholu_{name}", help_, registry=registry).set(value)

    def by(name: str, label: str, help_: str, values: Mapping[str, float]) -> None:
        gauge = Gauge(f"sholu_{name}", help_, [label], registry=registry)
        for value, number in values.items():
            gauge.labels(value).set(number)

    by("items", "grade", "Items stored, by what the rules say of them", found.items)
    single("items_undecided", "Flagged items on which nobody has decided", found.undecided)
    single("entries_pending", "Entries whose page is still to be read", found.pending)
    single("sources", "Sources listed and not known to be dead", found.sources)
    single("sources_failing", "Sources whose last poll failed", found.failing)
    single("sources_seen", "Sources read within 26 hours", found.seen)
    begun = {kind: at.timestamp() for kind, at in found.last_begun.items()}
    good = {kind: at.timestamp() for kind, at in found.last_good.items()}
    by("run_last_begun_timestamp_seconds", "kind", "When the last run of a kind began", begun)
    by("run_last_good_timestamp_seconds", "kind", "When the last run of a kind began that ended well", good)
    by("runs_under_way", "kind", "Runs under way", found.running)
    by("alarms_open", "kind", "Alarms open", found.alarms)
    by("mails", "state", "Mails in the outbox", found.mails)
    single("disk_free_bytes", "Free bytes where the program writes", free)
    return registry


def _free(desk: Desk) -> int:
    home = desk.settings.home.absolute()
    place = next(path for path in (home, *home.parents) if path.exists())
    return shutil.disk_usage(place).free
