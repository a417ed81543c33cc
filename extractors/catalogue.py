"""Reading the list of sources: our YAML stanzas, OPML, or a bare list of addresses, from a file or a folder; fetches nothing.

A mistake anywhere in the list stops the run before it starts and names file, line and key: a source that silently fell
out of the list would never be missed.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import yaml

from domain.errors import ConfigError
from domain.values import Rung, RungKind, Source
from domain.yamlfile import Key, YamlFile, load_yaml, read_yaml
from extractors.kept_list import SUFFIXES, files_of
from extractors.stanzas import LANGUAGE, WrongValueError, read_address, read_stanza, written_stanza

MAX_LIST_BYTES: Final = 8_000_000  # ten thousand sources take about three


@dataclass(frozen=True, slots=True)
class _Listed:
    """A source and the place in a file where it stands; ``merge`` says that the same address again is no mistake there."""

    source: Source
    file: YamlFile
    path: tuple[Key, ...]
    merge: bool = False

    @property
    def place(self) -> str:
        return f"{self.file.path}:{self.file.line(*self.path)}"

    def refuse(self, message: str, *below: Key) -> ConfigError:
        if self.file.data is None:  # a list or an OPML file has lines, but no keys
            return ConfigError(message, file=self.file.path, line=self.file.line(*self.path))
        return self.file.refuse(message, *self.path, *below)


def load_sources(path: Path) -> tuple[Source, ...]:
    """Read all sources of a folder or a file, sorted by id; raises ConfigError naming file, line and key."""
    found = [listed for file in _files(path) for listed in _read_file(file)]
    return _without_doubles(found)


def read_sources(body: bytes, path: Path) -> tuple[Source, ...]:
    """Read the bytes of one file of sources; ``path`` decides nothing but a doubtful format, and is named in messages."""
    return _without_doubles(_read_body(body, path))


def written_stanzas(sources: Iterable[Source]) -> str:
    """The sources as YAML in our own format, sorted by id; reading it gives the same sources."""
    stanzas = [written_stanza(source) for source in sorted(sources, key=lambda source: source.id)]
    # One dump a stanza: an empty line between them keeps a file of hundreds readable.
    return "\n".join(yaml.dump([stanza], Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=120) for stanza in stanzas)


class _Dumper(yaml.SafeDumper):
    """Writes a list of words on one line, as a person would: ``languages: [ru, kk]``."""

    def represent_sequence(self, tag: str, sequence: Any, flow_style: bool | None = None) -> yaml.SequenceNode:
        words = all(isinstance(item, str) and "/" not in item for item in sequence)
        return super().represent_sequence(tag, sequence, flow_style=words if flow_style is None else flow_style)


def not_yet_listed(known: Iterable[Source], imported: Iterable[Source]) -> tuple[tuple[Source, ...], tuple[Source, ...]]:
    """Split an import into the sources that are new and those one of whose addresses is listed already.

    A new source whose id is taken gets a longer one, derived from its address, so that joining the two lists is safe.
    """
    known = tuple(known)
    taken = {_plain_address(rung.url) for source in known for rung in source.rungs}
    ids = {source.id for source in known}
    new: list[Source] = []
    present: list[Source] = []
    for source in imported:
        if any(_plain_address(rung.url) in taken for rung in source.rungs):
            present.append(source)
            continue
        if source.id in ids:
            source = _renamed(source)  # noqa: PLW2901  # the source goes on under another id
        ids.add(source.id)
        new.append(source)
    return tuple(new), tuple(present)


def derived_id(url: str) -> str:
    """A stable id for an address that came without one: ``https://www.lada.kz/rss.xml`` is ``lada.kz-rss.xml``.

    Where the address says more than an id may hold (a query, other letters, its length), a part of its hash is added.
    """
    parts = urlsplit(url)
    host = (parts.hostname or "").removeprefix("www.")
    port = f"-{parts.port}" if parts.port not in (None, 80, 443) else ""
    path = "-".join(piece for piece in parts.path.split("/") if piece)
    name = f"{host}{port}" + (f"-{path}" if path else "")
    plain = re.sub(r"[^a-z0-9._-]+", "-", name.lower()).strip("-._")
    if plain == name and not parts.query and len(plain) <= 72:
        return plain
    return f"{plain[:72].rstrip('-._') or 'source'}-{_digest(url)}"


# --- files ---------------------------------------------------------------------------------------------------------


def _files(path: Path) -> list[Path]:
    files = files_of(path)
    if not files:
        raise ConfigError(f"the folder has no file of sources ({', '.join(SUFFIXES)})", file=path)
    return files


def _read_file(path: Path) -> list[_Listed]:
    if path.suffix in (".yaml", ".yml") and not path.exists():
        load_yaml(path)  # raises with the right sentence
    try:
        with path.open("rb") as file:
            body = file.read(MAX_LIST_BYTES + 1)
    except FileNotFoundError as error:
        raise ConfigError("there is no such file or folder of sources", file=path) from error
    except OSError as error:
        raise ConfigError(f"the sources cannot be read: {error.strerror}", file=path) from error
    return _read_body(body, path)


def _read_body(body: bytes, path: Path) -> list[_Listed]:
    if len(body) > MAX_LIST_BYTES:
        raise ConfigError(f"the list of sources is larger than {MAX_LIST_BYTES:,} bytes", file=path)
    if _is_xml(body):
        return _read_opml(body, path)
    if _is_bare_list(body, path):
        return _read_list(body, path)
    return _read_stanzas(read_yaml(body, path))


def _is_xml(body: bytes) -> bool:
    # UTF-16 without a decoder: the NUL bytes between the letters are dropped for this one question.
    start = body[:200].removeprefix(b"\xef\xbb\xbf").lstrip(b"\xff\xfe").replace(b"\0", b"").lstrip()
    return start.startswith(b"<")


def _is_bare_list(body: bytes, path: Path) -> bool:
    """Whether the first line that says something is an address on its own (the suffix decides only where none is)."""
    text = body.decode("utf-8-sig", errors="replace")
    lines = (line.strip() for line in text.splitlines())
    first = next((line for line in lines if line and not line.startswith("#")), "")
    if re.match(r"https?://", first, re.IGNORECASE):
        return True
    return path.suffix not in (".yaml", ".yml") and not re.match(r"(?:---|-\s|[\[{]|[a-z_]+:(?:\s|$))", first)


# --- a bare list ---------------------------------------------------------------------------------------------------


def _read_list(body: bytes, path: Path) -> list[_Listed]:
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        raise ConfigError("the list of addresses is not in UTF-8; save it as UTF-8", file=path, line=line) from error
    found: list[_Listed] = []
    rows = text.splitlines()
    lines: dict[tuple[Key, ...], int] = {(number,): number for number in range(1, len(rows) + 1)}
    file = YamlFile(path=path, data=None, lines=lines)
    for number, row in enumerate(rows, start=1):
        # " #" begins a comment, "#" alone may belong to an address.
        address = re.split(r"(?:^|\s)#", row, maxsplit=1)[0].strip()
        if address:
            found.append(_Listed(_bare(address, file, (number,)), file, (number,)))
    if not found:
        raise ConfigError("the list has no address", file=path)
    return found


def _bare(url: str, file: YamlFile, path: tuple[Key, ...], title: str = "") -> Source:
    try:
        url = read_address(url)
    except WrongValueError as error:
        raise ConfigError(str(error), file=file.path, line=file.line(*path)) from error
    parts = urlsplit(url)
    return Source(
        id=derived_id(url),
        title=title or (parts.hostname or "").removeprefix("www."),
        home=f"{parts.scheme}://{parts.netloc}/",
        rungs=_guessed_rungs(url),
    )


def _guessed_rungs(url: str) -> tuple[Rung, ...]:
    path = urlsplit(url).path
    if re.search(r"sitemap[^/]*\.xml(?:\.gz)?$", path, re.IGNORECASE):
        return (Rung(RungKind.SITEMAP, url),)
    if path in ("", "/"):  # a home page was pasted, unless a feed is served there
        return (Rung(RungKind.FEED, url), Rung(RungKind.SECTION, url))
    return (Rung(RungKind.FEED, url),)


# --- OPML ----------------------------------------------------------------------------------------------------------


def _read_opml(body: bytes, path: Path) -> list[_Listed]:
    from extractors.opml import read_outlines

    outlines = read_outlines(body, path)
    lines: dict[tuple[Key, ...], int] = {(number,): outline.line for number, outline in enumerate(outlines)}
    file = YamlFile(path=path, data=None, lines=lines)
    found: list[_Listed] = []
    for number, outline in enumerate(outlines):
        place: tuple[Key, ...] = (number,)
        if outline.stanza:  # our own export: nothing needs guessing
            located = YamlFile(path=path, data=None, lines={(): outline.line})
            found.append(_Listed(read_stanza(outline.stanza, located, ()), file, place, merge=True))
            continue
        source = _bare(outline.url, file, place, title=outline.title)
        found.append(_Listed(_with_hints(source, outline.home, outline.language), file, place, merge=True))
    return found


def _with_hints(source: Source, home: str, language: str) -> Source:
    """What a foreign OPML says beside the address is taken where it is well formed and left out where it is not."""
    try:
        home = read_address(home)
    except WrongValueError:
        home = source.home
    languages = (language,) if LANGUAGE.fullmatch(language) else ()
    return Source(source.id, source.title, home, source.rungs, languages)


# --- stanzas ------------------------------------------------------------------------------------------------------


def _read_stanzas(file: YamlFile) -> list[_Listed]:
    if file.data is None or file.data == []:
        raise ConfigError("the file has no source; write one stanza a source (docs/sources.md)", file=file.path)
    if not isinstance(file.data, list):
        raise file.refuse("the file must be a list of sources: each begins with '- id: …' (docs/sources.md)")
    found: list[_Listed] = []
    for number, stanza in enumerate(file.data):
        if isinstance(stanza, str):
            found.append(_Listed(_bare(stanza, file, (number,)), file, (number,)))
        elif isinstance(stanza, dict):
            found.append(_Listed(read_stanza(stanza, file, (number,)), file, (number,)))
        else:
            raise file.refuse("a source must be a stanza with id, title, home and an address", number)
    return found


# --- the whole list ------------------------------------------------------------------------------------------------


def _without_doubles(found: list[_Listed]) -> tuple[Source, ...]:
    by_id: dict[str, _Listed] = {}
    by_address: dict[str, _Listed] = {}
    for listed in found:
        source = listed.source
        other = next((by_address[rung.url] for rung in source.rungs if rung.url in by_address), None)
        if other is not None and listed.merge and other.merge:
            continue  # feed readers list one feed in several folders
        if other is not None:
            raise listed.refuse(f"the address is already that of {other.source.id!r} ({other.place})")
        if source.id in by_id and listed.file.data is None:
            source = _renamed(source)  # ids of bare addresses are ours to choose
        if source.id in by_id:
            message = f"the id {source.id!r} is already taken ({by_id[source.id].place}); choose another"
            raise listed.refuse(message, "id")
        by_id[source.id] = _Listed(source, listed.file, listed.path)
        by_address.update({rung.url: listed for rung in source.rungs})
    return tuple(by_id[key].source for key in sorted(by_id))


def _renamed(source: Source) -> Source:
    return replace(source, id=f"{source.id[:72]}-{_digest(source.rungs[0].url)}")


def _digest(url: str) -> str:
    return hashlib.sha256(url.encode()).hexdigest()[:6]


def _plain_address(url: str) -> str:
    """The address without what does not change the publication it names, to compare two lists."""
    parts = urlsplit(url)
    host = (parts.hostname or "").removeprefix("www.")
    return f"{host}:{parts.port or ''}{parts.path.rstrip('/')}?{parts.query}"
