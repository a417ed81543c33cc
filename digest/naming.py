"""What entities are and what they are called in the reader's language; made from whatever holds the entities, nothing is loaded here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from digest.plain import one_line

_PLACES: Final = frozenset({"region", "city", "town", "village", "district", "site", "square"})
_ORGANISATIONS: Final = frozenset({"company", "group", "movement", "ngo", "party"})
_FALLBACK: Final = ("en", "ru", "kk")


@dataclass(frozen=True, slots=True)
class Names:
    """Names and kinds of entities by id; one that is not known is called by its id. ``entities`` are the rulebook's."""

    entities: Mapping[str, Any] = field(default_factory=dict, repr=False)
    country: str = ""

    def kind(self, entity_id: str) -> str:
        """country, place, person, organisation or other. Institutions and the media are other: they are in every second item."""
        found = self.entities.get(entity_id)
        if found is None:
            return "country" if entity_id == self.country else "other" if self.entities else "place"
        if found.type == "person":
            return "person"
        if found.type in _PLACES:
            return "place"
        return "country" if found.type == "country" else "organisation" if found.type in _ORGANISATIONS else "other"

    def name(self, entity_id: str, language: str) -> str:
        """The headword in the language, else in English, Russian or Kazakh, else the id in words."""
        found = self.entities.get(entity_id)
        names: Mapping[str, Sequence[Any]] = found.names if found is not None else {}
        for tag in (language, *_FALLBACK):
            if held := names.get(tag):
                return one_line(str(getattr(held[0], "text", held[0])), 80)
        return one_line(entity_id.replace("_", " "), 80)
