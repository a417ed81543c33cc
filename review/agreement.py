"""How far people agree who judged the same items without knowing of each other: Krippendorff's alpha, from the library. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from storage.statistics import Summary


@dataclass(frozen=True, slots=True)
class Agreement:
    """Alpha over items judged blind by two or more: 1 is perfect, 0 is chance; None where it cannot be told (all said the same)."""

    alpha: float | None
    items: int
    same: int


def agreement(counted: Summary) -> Agreement:
    """Alpha and raw agreement from the counts of the summary."""
    rows = [(said, many) for *said, many in counted.agreement]
    total = sum(many for _, many in rows)
    same = sum(many for said, many in rows if sum(1 for one in said if one) == 1)
    return Agreement(_kept_alpha(counted.agreement), total, same)


@lru_cache(maxsize=8)
def _kept_alpha(counted: tuple[tuple[int, int, int, int], ...]) -> float | None:
    """Alpha of the same counts is the same: with 100,000 items judged twice it takes a tenth of a second."""
    return alpha_of([(list(said), many) for *said, many in counted])


def alpha_of(rows: list[tuple[list[int], int]]) -> float | None:
    """Krippendorff's alpha (nominal) of rows (how often each word was said of an item, how many such items)."""
    used = {place for said, _ in rows for place, count in enumerate(said) if count}
    if len(used) < 2:  # with one word only there is nothing to disagree on, and alpha is not defined
        return None
    # numpy costs a tenth of a second at start-up, and only this page needs it.
    import krippendorff
    import numpy  # noqa: ICN001

    matrix = numpy.repeat(numpy.array([said for said, _ in rows]), [many for _, many in rows], axis=0)
    return float(krippendorff.alpha(value_counts=matrix, level_of_measurement="nominal"))
