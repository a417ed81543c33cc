"""Filters as they stand in an address: read and checked by pydantic, turned into storage's ItemFilter and back into an address."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Final, Literal
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from domain.errors import SholuError
from domain.values import Ownership
from storage.queues import CLEAR, FLAGGED, NEAR, Cursor, ItemFilter, Queue

Label = Annotated[str, Field(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
GRADES: Final[Mapping[str, int]] = {"flagged": FLAGGED, "near": NEAR, "clear": CLEAR}
# What a term's kind is called in an address; persons and organisations are entities alike.
TERMS: Final[Mapping[str, str]] = {
    "theme": "theme", "place": "place", "region": "region", "person": "entity", "organisation": "entity", "entity": "entity",
    "rule": "rule", "signal": "signal",
}  # fmt: skip
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MOST_ID: Final = 2**63 - 1
# The year 9999 in microseconds; a moment beyond it is no time a page can begin at.
MOST_MICROSECONDS: Final = 253_402_300_799_000_000


class FilterError(SholuError):
    """An address holds a filter that means nothing; names it and says what would."""


class Filters(BaseModel):
    """Which items to list. All of it stands in the address, so that any list can be bookmarked and sent to a colleague."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    queue: Queue = Field(Queue.NEW, description="new, near, unsure, decided, disputed or all")
    q: str = Field("", max_length=500, description="Words in the title or text; endings do not matter")
    theme: Label = Field("", description="protest, repression, reform, election …")
    place: Label = Field("", description="Id of a place")
    region: Label = Field("", description="ISO 3166-2 code of a region")
    person: Label = Field("", description="Id of a person")
    organisation: Label = Field("", description="Id of an organisation")
    entity: Label = Field("", description="Id of any entity")
    rule: Label = Field("", description="Id of a rule that flagged")
    signal: Label = Field("", description="rule/signal that gave points")
    outlet: Label = Field("", description="Id of a source")
    ownership: Literal["", "state", "independent", "exile", "foreign"] = Field("", description="Who stands behind the outlet")
    language: Annotated[str, Field(pattern=r"^[A-Za-z-]{0,20}$")] = Field("", description="en, ru, kk, kk-Latn …")
    since: date | None = Field(None, description="First day, in the desk's time zone")
    until: date | None = Field(None, description="Last day, in the desk's time zone")
    score_from: float | None = Field(None, ge=-1000, le=1000, description="Least score")
    score_to: float | None = Field(None, ge=-1000, le=1000, description="Greatest score")
    grade: Literal["", "flagged", "near", "clear"] = Field("", description="What the rules said")
    state: Literal["", "open", "relevant", "not-relevant", "unsure", "disputed"] = Field("", description="What people said")
    tag: Label = Field("", description="A tag that somebody gave")
    before: Annotated[str, Field(pattern=r"^(-?[0-9]{1,18}\.)?[0-9]{1,19}$|^$")] = Field("", description="Where the page begins")

    @field_validator("since", "until")
    @classmethod
    def _believable(cls, value: date | None) -> date | None:
        if value is not None and not 1990 <= value.year <= 2100:
            raise ValueError("a day between 1990 and 2100 is expected")
        return value

    @model_validator(mode="after")
    def _in_order(self) -> Filters:
        if self.since and self.until and self.since > self.until:
            raise ValueError("the first day is after the last day")
        if self.score_from is not None and self.score_to is not None and self.score_from > self.score_to:
            raise ValueError("the least score is above the greatest")
        return self

    def wanted(self, zone: ZoneInfo) -> ItemFilter:
        """The filter as storage knows it; days begin at midnight in the desk's zone."""
        terms = tuple((kind, getattr(self, name)) for name, kind in TERMS.items() if getattr(self, name))
        return ItemFilter(
            queue=self.queue, words=" ".join(self.q.split()), terms=terms, source_id=self.outlet, ownership=self.ownership,
            language=self.language, since=_midnight(self.since, zone),
            until=_midnight(self.until + timedelta(days=1), zone) if self.until else None, score_from=self.score_from,
            score_to=self.score_to, grade=GRADES[self.grade] if self.grade else None, review=self.state, tag=self.tag,
        )  # fmt: skip

    def cursor(self) -> Cursor | None:
        """Where the page begins; None for the newest."""
        if not self.before:
            return None
        micros, _, number = self.before.rpartition(".")
        if int(number) > MOST_ID or (micros and abs(int(micros)) > MOST_MICROSECONDS):
            raise FilterError("before: this is no place in a list; remove it from the address to begin at the newest.")
        if not micros:
            return Cursor(None, int(number))
        try:
            return Cursor(EPOCH + timedelta(microseconds=int(micros)), int(number))
        except OverflowError as error:
            raise FilterError("before: this is no place in a list; remove it from the address to begin at the newest.") from error

    def active(self) -> dict[str, str]:
        """What narrows the list, as it stands in the address; without the queue and the place of the page."""
        shown = self.model_dump(mode="json", exclude_defaults=True, exclude={"queue", "before"})
        return {name: str(value) for name, value in shown.items() if value not in {"", None}}

    def address(self, **changes: str | None) -> str:
        """The query of an address for this filter with some changes (None removes); always from the newest on."""
        values = {"queue": self.queue.value, **self.active()} | changes
        kept = {name: value for name, value in values.items() if value not in {None, ""} and (name, value) != ("queue", "new")}
        return urlencode(kept)


def cursor_text(cursor: Cursor) -> str:
    """A place in a list as it stands in an address."""
    if cursor.moment is None:
        return str(cursor.id)
    return f"{(cursor.moment - EPOCH) // timedelta(microseconds=1)}.{cursor.id}"


def read_filters(given: Iterable[tuple[str, str]], *, ignore: frozenset[str] = frozenset()) -> Filters:
    """Filters from an address; raises FilterError with a sentence for a person. Fields left empty in a form are no filters."""
    values: dict[str, str] = {}
    for name, value in given:
        if name in ignore or not value.strip():
            continue
        if name in values and values[name] != value:
            raise FilterError(f"{_shown(name)}: given twice with different values; leave one.")
        values[name] = value.strip()
    try:
        return Filters.model_validate(values)
    except ValidationError as error:
        raise FilterError(" ".join(_sentence(fault) for fault in error.errors()[:5])) from error


def _sentence(fault: Mapping[str, object]) -> str:
    place = fault["loc"]
    name = _shown(str(place[0])) if isinstance(place, tuple) and place else "filters"
    if fault["type"] == "extra_forbidden":
        return f"{name}: there is no such filter."
    message = str(fault["msg"]).removeprefix("Value error, ")
    return f"{name}: {message[:1].lower()}{message[1:]}."


def _shown(name: str) -> str:
    return re.sub(r"[^\w-]", "?", name)[:40]


def _midnight(day: date | None, zone: ZoneInfo) -> datetime | None:
    return None if day is None else datetime.combine(day, time(), zone).astimezone(UTC)


OWNERSHIPS: Final = tuple(owner.value for owner in Ownership)
