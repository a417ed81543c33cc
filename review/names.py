"""What things are called in the reader's language: entities, rules and signals of the rulebook, regions of the map, themes. No SQL."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from domain.errors import ConfigError, SholuError
from domain.yamlfile import load_yaml
from review.pictures import Tile
from review.wording import LANGUAGES, knows, say

if TYPE_CHECKING:
    from collections.abc import Sequence

MAP_FILE: Final = "map.yaml"
TITLES_FILE: Final = "titles.yaml"
Titles = Mapping[str, Mapping[str, str]]  # what is called → language → how
PERSON_TYPES: Final = frozenset({"person"})
PLACE_TYPES: Final = frozenset({"country", "region", "city", "town", "village", "district", "site", "place"})


class Names:
    """Names of entities, loaded beside the desk's start: a rulebook takes seconds to compile and the inbox does not wait for it."""

    def __init__(self, load: Callable[[], Any], folder: Path) -> None:
        self._load = load
        self._lock = threading.Lock()
        self._rulebook: Any = None
        self._said: dict[tuple[str, str], str] = {}  # the name of an entity by language and id, once it is known
        self._offered: dict[tuple[str, str], list[tuple[str, str]]] = {}
        self.trouble = ""
        self.tiles = load_map(folder)
        self.rules, self.signals = load_titles(folder)

    def begin(self) -> None:
        """Load in the background."""
        threading.Thread(target=self.ready, name="rulebook", daemon=True).start()

    def ready(self) -> Any:
        """The rulebook, loaded now if it was not yet; None (and ``trouble`` says why) when it cannot be."""
        with self._lock:
            if self._rulebook is None and not self.trouble:
                try:
                    self._rulebook = self._load()
                except SholuError as error:
                    self.trouble = str(error)
            return self._rulebook

    def loaded(self) -> Any:
        """The rulebook if it is there already, else None; never waits."""
        return self._rulebook

    def entity(self, language: str, entity_id: str) -> str:
        """The first name of an entity in the language, else in any other, else its id."""
        said = self._said.get((language, entity_id))
        if said is None:
            found = self._entities().get(entity_id)
            if found is None:
                return entity_id.replace("_", " ")
            said = self._said[language, entity_id] = first_name(found.names, language) or entity_id
        return said

    def knows(self, entity_id: str) -> bool:
        return entity_id in self._entities()

    def kind(self, entity_id: str) -> str:
        """person, place or organisation, as the filters call them; entity when not known."""
        found = self._entities().get(entity_id)
        if found is None:
            return "entity"
        if found.type in PERSON_TYPES:
            return "person"
        return "place" if found.type in PLACE_TYPES else "organisation"

    def offered(self, language: str, kind: str) -> list[tuple[str, str]]:
        """(id, name) of all entities of a kind, by name, to choose from in a filter."""
        offered = self._offered.get((language, kind))
        if offered is None:
            found = [(one, self.entity(language, one)) for one in self._entities() if self.kind(one) == kind]
            offered = sorted(found, key=lambda pair: pair[1])
            if found:  # else the rulebook may not be there yet
                self._offered[language, kind] = offered
        return list(offered)

    def rule(self, language: str, rule_id: str) -> str:
        """A rule's title in the language, else in English, else its id."""
        said = self.rules.get(rule_id, {})
        return said.get(language) or said.get("en") or rule_id

    def signal(self, language: str, name: str) -> str:
        """A signal in the language; its own name, which is English, where nobody has translated it."""
        return self.signals.get(name, {}).get(language) or name

    def tally(self, language: str, name: str) -> str:
        """What figures are kept of: a rule, or a signal of one as ``rule/signal``."""
        rule, _, signal = name.partition("/")
        return f"{self.rule(language, rule)}: {self.signal(language, signal)}" if signal else self.rule(language, rule)

    def region(self, language: str, code: str) -> str:
        tile = next((tile for tile in self.map(language) if tile.code == code), None)
        return tile.name if tile else code

    def map(self, language: str) -> list[Tile]:
        return [
            Tile(
                one["code"],
                one["column"],
                one["row"],
                one["short"].get(language) or one["short"]["en"],
                one["name"].get(language) or one["name"]["en"],
            )
            for one in self.tiles
        ]

    def _entities(self) -> Mapping[str, Any]:
        entities: Mapping[str, Any] = self._rulebook.entities if self._rulebook is not None else {}
        return entities


def first_name(names: Mapping[str, Sequence[Any]], language: str) -> str:
    """The headword in the language: the first alias; other languages stand in, English first."""
    for tag in (language, *(other for other in ("en", "ru", "kk") if other != language)):
        held = names.get(tag)
        if held:
            return str(getattr(held[0], "text", held[0]))
    return ""


def theme_name(language: str, theme: str) -> str:
    return say(language, f"theme.{theme}") if knows("en", f"theme.{theme}") else theme


def load_map(folder: Path) -> list[dict[str, Any]]:
    """The tile map of a country's folder of rules; empty where there is none. Raises ConfigError with file and line."""
    path = folder / MAP_FILE
    if not path.exists():
        return []
    file = load_yaml(path)
    if not isinstance(file.data, dict) or not isinstance(file.data.get("tiles"), list):
        raise ConfigError("a list called tiles is expected", file=path, line=1, key="tiles")
    for place, one in enumerate(file.data["tiles"]):
        whole = isinstance(one, dict) and {"code", "column", "row", "short", "name"} == set(one)
        if (
            not whole
            or not all(isinstance(one[key], int) for key in ("column", "row"))
            or "en" not in one["name"]
            or "en" not in one["short"]
        ):
            raise file.refuse("a tile has code, column, row, short and name (each by language, en at least)", "tiles", place)
        unknown = (set(one["name"]) | set(one["short"])) - set(LANGUAGES)
        if unknown:
            raise file.refuse(f"the desk does not speak {min(unknown)!r}", "tiles", place, "name")
    tiles: list[dict[str, Any]] = file.data["tiles"]
    return tiles


def load_titles(folder: Path) -> tuple[Titles, Titles]:
    """Titles of rules and of signals of a country's folder of rules; none where there is no such file. Raises ConfigError."""
    path = folder / TITLES_FILE
    if not path.exists():
        return {}, {}
    file = load_yaml(path)
    if not isinstance(file.data, dict) or set(file.data) != {"rules", "signals"}:
        raise ConfigError("two mappings are expected, rules and signals", file=path, line=1, key="rules")
    for kind, held in file.data.items():
        for name, said in held.items() if isinstance(held, dict) else [("", None)]:
            if (
                not isinstance(said, dict)
                or not set(said) <= set(LANGUAGES)
                or not all(isinstance(one, str) for one in said.values())
            ):
                raise file.refuse(f"words by language are expected ({', '.join(LANGUAGES)})", kind, *([name] if name else []))
    return file.data["rules"], file.data["signals"]
