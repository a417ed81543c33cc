"""Random samples of what the rules did not flag, judged blind, so that recall can be stated with its interval."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime
from math import sqrt

from sqlalchemy import func, insert, select
from sqlalchemy.orm import aliased

from domain.errors import SholuError
from storage.schema.items import items
from storage.schema.review import current_verdicts, sample_items, samples
from storage.store import Store
from storage.verdicts import write_audit

Z = 1.959964  # the normal distribution's quantile for 95 %
UNFLAGGED = (0, 1)  # clear and near miss: all that was judged and not flagged


class NothingToDraw(SholuError):
    """There is nothing unflagged in the time asked for."""


@dataclass(frozen=True, slots=True)
class InSample:
    """An item of a sample that waits for a verdict, and how far the sample is."""

    item_id: int
    sample_id: int
    name: str
    place: int
    size: int


@dataclass(frozen=True, slots=True)
class Sample:
    """A sample: what it was drawn from, and what was found so far. ``missed`` are unflagged items judged relevant."""

    id: int
    name: str
    drawn_at: datetime
    drawn_by: str
    since: datetime
    until: datetime
    frame: int
    size: int
    judged: int
    missed: int
    flagged_relevant: int


@dataclass(frozen=True, slots=True)
class Recall:
    """How much of what is relevant the rules flag, with the interval it lies in at 95 %; counts it was made of."""

    value: float
    low: float
    high: float
    caught: int
    judged: int
    missed: int
    frame: int


def wilson(good: int, total: int) -> tuple[float, float]:
    """The Wilson score interval of a share at 95 %; everything (0 to 1) where nothing was seen."""
    if total <= 0:
        return 0.0, 1.0
    share = good / total
    middle = share + Z * Z / (2 * total)
    spread = Z * sqrt(share * (1 - share) / total + Z * Z / (4 * total * total))
    scale = 1 + Z * Z / total
    return max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale)


def recall_of(caught: int, judged: int, missed: int, frame: int) -> Recall | None:
    """Recall from the relevant items caught and a sample of the rest: the sample's share of missed ones, scaled to its frame.

    The interval comes from the Wilson interval of that share: few relevant items hide among very many others, so it is wide, and
    honestly so. None where nothing was judged or nothing relevant is known.
    """
    if judged <= 0 or (caught == 0 and missed == 0):
        return None
    low_share, high_share = wilson(missed, judged)

    def share_caught(share_missed: float) -> float:
        total = caught + share_missed * frame
        return caught / total if total else 0.0

    return Recall(share_caught(missed / judged), share_caught(high_share), share_caught(low_share), caught, judged, missed, frame)


def draw(store: Store, *, size: int, since: datetime, until: datetime, by: str, now: datetime, seed: int | None = None) -> int:
    """Draw ``size`` items at random from all unflagged ones of these days; returns the sample's id.

    Ids are drawn from the range of ids and kept when they are in the frame: no list of a million items is made, every item of the frame
    is as likely as any other. Raises NothingToDraw.
    """
    chosen_seed = random.SystemRandom().randrange(2**32) if seed is None else seed
    chance = random.Random(chosen_seed)  # noqa: S311 - a sample to be drawn again from its seed, not a secret
    in_frame = (items.c.grade.in_(UNFLAGGED), items.c.moment >= since, items.c.moment < until)
    with store.begin() as connection:
        frame = connection.execute(select(func.count()).select_from(items).where(*in_frame)).scalar_one()
        if frame == 0:
            raise NothingToDraw("Nothing unflagged is stored from these days; choose a longer time.")
        picked: dict[int, int] = {}
        if frame <= 4 * size:
            known = connection.execute(select(items.c.id, items.c.grade).where(*in_frame).order_by(items.c.id)).all()
            picked = {row.id: row.grade for row in chance.sample(known, min(size, len(known)))}
        else:
            low, high = connection.execute(select(func.min(items.c.id), func.max(items.c.id)).where(*in_frame)).one()
            while len(picked) < size:
                tried = [chance.randint(low, high) for _ in range(200)]
                found = {
                    row.id: row.grade
                    for row in connection.execute(select(items.c.id, items.c.grade).where(items.c.id.in_(tried), *in_frame))
                }
                picked.update((one, found[one]) for one in tried if one in found and len(picked) < size)
        parameters = {
            "seed": chosen_seed,
            "since": since.isoformat(),
            "until": until.isoformat(),
            "size": size,
            "grades": list(UNFLAGGED),
        }
        name = f"{now:%Y-%m-%d %H:%M:%S} · {size}"
        sample_id = connection.execute(
            insert(samples)
            .values(name=name, drawn_at=now, drawn_by=by, parameters=parameters, frame_size=frame)
            .returning(samples.c.id)
        ).scalar_one()
        rows = [
            {"sample_id": sample_id, "item_id": one, "place": place, "grade": grade}
            for place, (one, grade) in enumerate(picked.items(), 1)
        ]
        connection.execute(insert(sample_items), rows)
        write_audit(connection, who=by, what="sample-drawn", subject=name, detail=parameters, address="", now=now)
    return int(sample_id)


def next_in_samples(store: Store, reviewer: str) -> InSample | None:
    """The next item of the newest sample that this reviewer has not judged."""
    mine = aliased(current_verdicts)
    query = (
        select(sample_items.c.item_id, sample_items.c.sample_id, samples.c.name, sample_items.c.place)
        .join(samples, samples.c.id == sample_items.c.sample_id)
        .where(~select(mine.c.item_id).where(mine.c.item_id == sample_items.c.item_id, mine.c.reviewer == reviewer).exists())
        .order_by(sample_items.c.sample_id.desc(), sample_items.c.place)
        .limit(1)
    )
    with store.read() as connection:
        row = connection.execute(query).first()
        if row is None:
            return None
        size = connection.execute(
            select(func.count()).select_from(sample_items).where(sample_items.c.sample_id == row.sample_id)
        ).scalar_one()
    return InSample(row.item_id, row.sample_id, row.name, row.place, size)


def list_samples(store: Store, limit: int = 20) -> list[Sample]:
    """The samples, the newest first, each with what was found."""
    with store.read() as connection:
        rows = connection.execute(select(samples).order_by(samples.c.id.desc()).limit(limit)).all()
        made = []
        for row in rows:
            since, until = (datetime.fromisoformat(row.parameters[name]) for name in ("since", "until"))
            size = connection.execute(
                select(func.count()).select_from(sample_items).where(sample_items.c.sample_id == row.id)
            ).scalar_one()
            # One person's word counts an item as judged; where two differ it is not judged yet.
            found = connection.execute(
                select(items.c.review, func.count())
                .join(sample_items, sample_items.c.item_id == items.c.id)
                .where(sample_items.c.sample_id == row.id)
                .group_by(items.c.review)
            ).all()
            by_review = {row[0]: int(row[1]) for row in found}
            caught = connection.execute(
                select(func.count()).select_from(items)
                .where(items.c.grade == 2, items.c.review == "relevant", items.c.moment >= since, items.c.moment < until)
            ).scalar_one()  # fmt: skip
            judged = by_review.get("relevant", 0) + by_review.get("not-relevant", 0)
            made.append(
                Sample(
                    row.id,
                    row.name,
                    row.drawn_at,
                    row.drawn_by,
                    since,
                    until,
                    row.frame_size,
                    size,
                    judged,
                    by_review.get("relevant", 0),
                    caught,
                )
            )
    return made


def recall(store: Store) -> Recall | None:
    """Recall from the newest sample of which anything is judged."""
    for sample in list_samples(store, limit=5):
        found = recall_of(sample.flagged_relevant, sample.judged, sample.missed, sample.frame)
        if found is not None:
            return found
    return None
