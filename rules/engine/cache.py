"""The compiled rulebook on disk: compressed JSON under the hash of its files; anything odd about it means compiling anew."""

from __future__ import annotations

import contextlib
import gc
import json
import os
import struct
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Final, TypeVar, overload

import zstandard

from rules.engine.definitions import (
    AnchorWeights,
    Defaults,
    Definitions,
    Entity,
    Example,
    Headword,
    LexiconEntry,
    Name,
    Rule,
    Signal,
    Where,
)
from rules.engine.packed import packed_file, read_packed, wrapped
from rules.engine.tables import Tables

_LARGEST: Final = 200_000_000  # bytes unpacked: a file that claims more is not ours
_SIZES: Final = struct.Struct(">3Q")  # of the parts: what judging needs, the entities as written, the lexicon as written

T = TypeVar("T")


class Later(Sequence[T]):
    """What is made when it is first asked for: judging asks for no entity and no word as written, the desk and the digest do."""

    def __init__(self, make: Callable[[], tuple[T, ...]]) -> None:
        self._make = make

    @cached_property
    def _made(self) -> tuple[T, ...]:
        return self._make()

    def __len__(self) -> int:
        return len(self._made)

    @overload
    def __getitem__(self, place: int) -> T: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[T, ...]: ...
    def __getitem__(self, place: int | slice) -> T | tuple[T, ...]:
        return self._made[place]

    def __eq__(self, other: object) -> bool:
        return tuple(other) == self._made if isinstance(other, Sequence) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._made)


def read_cache(cache: Path, key: str) -> tuple[Definitions, Tables] | None:
    """What was kept under the key; None where there is nothing or it is damaged."""
    packed = read_packed(cache, key)
    return None if packed is None else unpack(packed)


def unpack(packed: bytes) -> tuple[Definitions, Tables] | None:
    """A rulebook out of its compiled form; None where it is not one."""
    try:
        with collector_at_rest():
            core, entities, lexicon = _parts(packed)
            data = _read(core)
            definitions = _definitions(
                data["definitions"], Later(partial(_all, _entity, entities)), Later(partial(_all, _lexicon, lexicon))
            )
            return definitions, Tables.from_plain(data["tables"])
    except (zstandard.ZstdError, struct.error, ValueError, KeyError, TypeError):
        return None


def _parts(packed: bytes) -> Iterator[bytes]:
    start = _SIZES.size
    for size in _SIZES.unpack_from(packed):
        yield packed[start : start + size]
        start += size


def _read(part: bytes) -> Any:
    return json.loads(zstandard.ZstdDecompressor().decompress(part, max_output_size=_LARGEST))


def _all(make: Callable[[dict[str, Any]], T], part: bytes) -> tuple[T, ...]:
    with collector_at_rest():
        return tuple(map(make, _read(part)))


@contextlib.contextmanager
def collector_at_rest() -> Iterator[None]:
    """Half a million new objects, none of them garbage: looking for some among them took a third of the time of loading."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def write_cache(cache: Path, key: str, definitions: Definitions, tables: Tables) -> None:
    """Keep a compiled rulebook; a folder that cannot be written only costs the next start its time."""
    core = {"definitions": _fields(definitions) | {"entities": (), "lexicon": ()}, "tables": tables.to_plain()}
    parts = [_written(part) for part in (core, definitions.entities, definitions.lexicon)]
    body = wrapped(key, _SIZES.pack(*map(len, parts)) + b"".join(parts))
    target = packed_file(cache, key)
    unfinished = cache / f"{target.name}.{os.getpid()}"
    try:
        cache.mkdir(parents=True, exist_ok=True)
        unfinished.write_bytes(body)
        unfinished.replace(target)  # whole or not at all, whatever stops us
        for old in sorted(cache.glob("rules-*.zst"), key=lambda path: path.stat().st_mtime)[:-4]:
            old.unlink(missing_ok=True)
    except OSError:
        with contextlib.suppress(OSError):
            unfinished.unlink()


def _written(part: Any) -> bytes:
    written = json.dumps(part, ensure_ascii=False, separators=(",", ":"), default=_fields)
    return zstandard.ZstdCompressor(level=3).compress(written.encode())


def _fields(value: Any) -> dict[str, Any]:
    """A definition's fields, for JSON to go on with: ``asdict`` copies all of it first, which takes as long as writing all."""
    return {name: getattr(value, name) for name in value.__slots__}


def _definitions(data: dict[str, Any], entities: Sequence[Entity], lexicon: Sequence[LexiconEntry]) -> Definitions:
    return Definitions(
        name=data["name"],
        country=data["country"],
        languages=tuple(data["languages"]),
        home_languages=tuple(data["home_languages"]),
        anchors=AnchorWeights(**data["anchors"]),
        defaults=Defaults(**data["defaults"]),
        entities=entities,
        lexicon=lexicon,
        rules=tuple(_rule(item) for item in data["rules"]),
    )


def _entity(item: dict[str, Any]) -> Entity:
    item["where"] = Where(**item["where"])
    item["tags"] = tuple(item["tags"])
    for key in ("names", "surnames"):
        item[key] = {
            language: tuple(Name(**{**name, "also": tuple(name["also"])}) for name in names)
            for language, names in item[key].items()
        }
    return Entity(**item)


def _lexicon(item: dict[str, Any]) -> LexiconEntry:
    item["where"] = Where(**item["where"])
    item["words"] = {language: tuple(Headword(**word) for word in words) for language, words in item["words"].items()}
    item["tags"], item["shadow_for"] = tuple(item["tags"]), tuple(item["shadow_for"])
    return LexiconEntry(**item)


def _signal(item: dict[str, Any]) -> Signal:
    for key in ("any", "with_any", "and_with", "not_with"):
        item[key] = tuple(item[key])
    return Signal(**item)


def _rule(item: dict[str, Any]) -> Rule:
    item["where"] = Where(**item["where"])
    item["signals"] = tuple(_signal(signal) for signal in item["signals"])
    item["penalties"] = tuple(_signal(signal) for signal in item["penalties"])
    item["requires"] = tuple(item["requires"])
    item["languages"] = tuple(item["languages"])
    item["examples"] = tuple(Example(**example) for example in item["examples"])
    return Rule(**item)
