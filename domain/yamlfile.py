"""Reading our own YAML files safely, with the line of every key kept; knows nothing of what the files say.

The dialect is YAML less its surprises. Plain ``yes``, ``no``, ``on``, dates and ``12:30`` stay text (YAML 1.1 makes them
booleans, dates and 750: a lexicon with the word "no" must not lose it); only ``true``, ``false``, ``null``, ``~``,
integers and decimals are more than text, and keys are always text. Refused, each with file, line and key: a key given
twice, anchors and aliases (a few lines of them swell to gigabytes, and one edit changes what another place says),
tags, several documents, tabs at the start of a line, and files too large, too deep or not in UTF-8.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from domain.errors import ConfigError

MAX_BYTES: Final = 8_000_000  # several times our largest data file
MAX_DEPTH: Final = 40  # our files need fewer than ten; libyaml and Python's stack stand far more
MAX_NODES: Final = 2_000_000  # about a minute of parsing: nothing a person wrote

# libyaml parses eight times as fast; wheels have it, a build from source may not.
_LOADER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TAB_INDENT: Final = re.compile(r"^ *\t", re.MULTILINE)
_NOT_TEXT: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")
_INTEGER: Final = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})")
_DECIMAL: Final = re.compile(r"[-+]?(?:[0-9]{1,17}\.[0-9]{0,17}|\.[0-9]{1,17})(?:[eE][-+]?[0-9]{1,2})?")
_MAY_BE_NUMBER: Final = frozenset("0123456789+-.")
_WORDS: Final[Mapping[str, bool | None]] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip

Key = str | int


@dataclass(frozen=True, slots=True)
class YamlFile:
    """A file's content as plain dicts, lists, text, numbers, booleans and None, and where each of them stands.

    ``lines`` gives the line (from 1) of every key and list item by its path, for example ``("sources", 0, "home")``.
    """

    path: Path
    data: Any
    lines: Mapping[tuple[Key, ...], int] = field(repr=False)

    def line(self, *path: Key) -> int:
        """The line of ``path``, or of the nearest thing around it that stands in the file.

        Parts that the file does not have are passed over: pydantic's ``loc`` names members of unions, too.
        """
        known: tuple[Key, ...] = ()
        for part in path:
            if (*known, part) in self.lines:
                known = (*known, part)
        return self.lines.get(known, 1)

    def refuse(self, message: str, *path: Key) -> ConfigError:
        """The error to raise about ``path``, naming file, line and key."""
        return ConfigError(message, file=self.path, line=self.line(*path), key=written_path(path))


def written_path(path: tuple[Key, ...]) -> str:
    """A path as a person writes it: ``("sources", 0, "home")`` is ``sources[0].home``."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")


def load_yaml(path: Path, *, max_bytes: int = MAX_BYTES, max_depth: int = MAX_DEPTH) -> YamlFile:
    """Read one YAML file; raises ConfigError (file, line, key) where it cannot be read or is refused."""
    return read_yaml(_read_bytes(path, max_bytes), path, max_bytes=max_bytes, max_depth=max_depth)


def read_yaml(body: bytes, path: Path, *, max_bytes: int = MAX_BYTES, max_depth: int = MAX_DEPTH) -> YamlFile:
    """Read the bytes of a YAML file; ``path`` is only for messages."""
    if len(body) > max_bytes:
        raise ConfigError(f"the file is larger than {max_bytes:,} bytes; split it", file=path)
    text = _decode(body, path)
    builder = _Builder(path, max_depth)
    try:
        for event in _events(text):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        message = " ".join(part for part in (error.context, error.problem) if part)
        raise ConfigError(f"this is not valid YAML: {message}", file=path, line=mark.line + 1 if mark else 0) from error
    except yaml.YAMLError as error:  # what the reader itself refuses has no mark
        raise ConfigError(f"this is not valid YAML: {error}", file=path) from error
    return YamlFile(path=path, data=builder.root, lines=builder.lines)


def _read_bytes(path: Path, max_bytes: int) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(max_bytes + 1)
    except FileNotFoundError as error:
        raise ConfigError("there is no such file", file=path) from error
    except OSError as error:
        raise ConfigError(f"the file cannot be read: {error.strerror}", file=path) from error


def _decode(body: bytes, path: Path) -> str:
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        raise ConfigError("the file is not in UTF-8; save it as UTF-8", file=path, line=line) from error
    if found := _NOT_TEXT.search(text):
        message = f"the file contains the control character U+{ord(found.group()):04X}; remove it"
        raise ConfigError(message, file=path, line=text.count("\n", 0, found.start()) + 1)
    if found := _TAB_INDENT.search(text):
        line = text.count("\n", 0, found.end()) + 1
        raise ConfigError("a tab stands at the start of the line; indent with spaces", file=path, line=line)
    return text


def _events(text: str) -> Iterator[Any]:
    # Events, not yaml.compose(): the composer recurses, so a file of brackets would end the process, not the reading.
    loader = _LOADER(text)
    try:
        while loader.check_event():
            yield loader.get_event()
    finally:
        loader.dispose()


class _Builder:
    """Builds plain data from YAML events; holds the stack of open collections."""

    def __init__(self, path: Path, max_depth: int) -> None:
        self.root: Any = None
        self.lines: dict[tuple[Key, ...], int] = {}
        self._path, self._max_depth = path, max_depth
        self._documents = 0
        # An open collection: the data, its path, and for a mapping the key waiting for its value.
        self._open: list[list[Any]] = []
        self._take = {
            yaml.ScalarEvent: self._scalar,
            yaml.MappingStartEvent: self._mapping,
            yaml.SequenceStartEvent: self._sequence,
            yaml.MappingEndEvent: self._close,
            yaml.SequenceEndEvent: self._close,
            yaml.AliasEvent: self._alias,
            yaml.DocumentStartEvent: self._document,
        }

    def take(self, event: Any) -> None:
        handler = self._take.get(type(event))
        if handler is not None:
            handler(event)

    def _document(self, event: Any) -> None:
        self._documents += 1
        if self._documents > 1:
            raise self._refuse(event, "a second document begins here (---); write one document a file")

    def _alias(self, event: Any) -> None:
        raise self._refuse(event, f"aliases are not allowed (*{event.anchor}); write the value out")

    def _scalar(self, event: Any) -> None:
        if event.anchor is not None or not (event.implicit[0] or event.implicit[1]):
            raise self._refuse_decoration(event)
        text: str = event.value
        if event.style == '"' and (found := _NOT_TEXT.search(text)):
            raise self._refuse(event, f"the text contains the control character U+{ord(found.group()):04X}; remove it")
        top = self._open[-1] if self._open else None
        if top is not None and top[2] is _NO_KEY and type(top[0]) is dict:
            self._key(event, top, text)
        else:
            # Only a plain scalar may be more than text; quoted and block ones never are.
            self._value(event, _plain(text) if event.implicit[0] else text)

    def _key(self, event: Any, top: list[Any], text: str) -> None:
        if text == "<<" and event.implicit[0]:
            raise self._refuse(event, "merge keys (<<) are not allowed; write the values out")
        if text in top[0]:
            first = self.lines[(*top[1], text)]
            raise self._refuse(event, f"the key is given twice (first on line {first}); remove one", text)
        self.lines[(*top[1], text)] = event.start_mark.line + 1
        if len(self.lines) > MAX_NODES:
            raise self._refuse(event, f"the file has more than {MAX_NODES:,} keys and items; split it")
        top[0][text] = None
        top[2] = text

    def _mapping(self, event: Any) -> None:
        self._enter(event, {})

    def _sequence(self, event: Any) -> None:
        self._enter(event, [])

    def _enter(self, event: Any, data: dict[str, Any] | list[Any]) -> None:
        if event.anchor is not None or not event.implicit:
            raise self._refuse_decoration(event)
        top = self._open[-1] if self._open else None
        if top is not None and top[2] is _NO_KEY and type(top[0]) is dict:
            raise self._refuse(event, "a key must be text, not a list or a mapping")
        if len(self._open) >= self._max_depth:
            message = f"the file is nested deeper than {self._max_depth} levels"  # without the key: it would fill the screen
            raise ConfigError(message, file=self._path, line=event.start_mark.line + 1)
        path = self._value(event, data)
        self._open.append([data, path, _NO_KEY])

    def _close(self, _event: Any) -> None:
        self._open.pop()

    def _value(self, event: Any, value: Any) -> tuple[Key, ...]:
        """Put a value where it belongs and return its path."""
        if not self._open:
            self.root = value
            self.lines[()] = event.start_mark.line + 1
            return ()
        top = self._open[-1]
        data, path, key = top
        if type(data) is dict:
            data[key] = value
            top[2] = _NO_KEY
            return (*path, key)
        here = (*path, len(data))
        data.append(value)
        self.lines[here] = event.start_mark.line + 1
        if len(self.lines) > MAX_NODES:
            raise self._refuse(event, f"the file has more than {MAX_NODES:,} keys and items; split it")
        return here

    def _refuse_decoration(self, event: Any) -> ConfigError:
        if event.anchor is not None:
            return self._refuse(event, f"anchors are not allowed (&{event.anchor}); write the value out")
        return self._refuse(event, f"tags are not allowed ({event.tag}); remove it")

    def _refuse(self, event: Any, message: str, *below: Key) -> ConfigError:
        key: tuple[Key, ...] = below
        if self._open:
            data, path, waiting = self._open[-1]
            key = (*path, *below) if below or waiting is _NO_KEY else (*path, waiting)
            if type(data) is list:
                key = (*path, len(data))
        return ConfigError(message, file=self._path, line=event.start_mark.line + 1, key=written_path(key))


_NO_KEY: Final = object()


def _plain(text: str) -> str | int | float | bool | None:
    """What a plain scalar means: see the dialect in the module's docstring."""
    if len(text) <= 5 and text in _WORDS:
        return _WORDS[text]
    if text[0] in _MAY_BE_NUMBER:
        if _INTEGER.fullmatch(text):
            return int(text)
        if _DECIMAL.fullmatch(text):
            return float(text)
    return text
