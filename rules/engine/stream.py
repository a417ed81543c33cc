"""Flagging a stream of JSON lines: order kept, memory bounded, a bad line answered by a line that says what is wrong with it."""

from __future__ import annotations

import json
import multiprocessing
import os
import re
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from datetime import datetime
from itertools import islice
from threading import Thread
from typing import Any, Final

from domain.codec import span_to_plain
from domain.values import Flagging
from rules.engine.rulebook import Rulebook

CHUNK: Final = 50  # lines handed to a worker at once
LONGEST_LINE: Final = 8_000_000  # bytes or letters
_OPTIONAL_TEXT: Final = ("title", "text", "lang", "language", "source_country", "published")

_SURROGATE: Final = re.compile("[\ud800-\udfff]")

_rulebook: Rulebook | None = None


def flag_lines(lines: Iterable[str | bytes], rulebook: Rulebook, workers: int = 1) -> Iterator[str]:
    """For each input line ``{id, title, text, published?, lang?, source_country?}`` one output line, in the same order.

    With ``workers`` above one the lines are spread over processes; at most a few chunks a worker are held at a time.
    """
    numbered = enumerate(lines, 1)
    if workers <= 1:
        for number, line in numbered:
            if line.strip():
                yield flag_line(number, line, rulebook)
        return
    context = multiprocessing.get_context("spawn")  # fork is unsafe where the caller has threads
    given = (rulebook.definitions, rulebook.tables, rulebook.version)
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_adopt, initargs=given) as pool:
        waiting: deque[Future[list[str]]] = deque()
        while chunk := list(islice(numbered, CHUNK)):
            waiting.append(pool.submit(_flag_chunk, chunk))
            if len(waiting) > 3 * workers:
                yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()


def _adopt(definitions: Any, tables: Any, version: str) -> None:
    global _rulebook  # noqa: PLW0603  # one rulebook a worker process, given once
    _rulebook = Rulebook(definitions, tables, version=version)
    Thread(target=leave_with_parent, daemon=True).start()


def leave_with_parent() -> None:
    """For a thread of a worker: end once the command is gone; where it was killed, a worker would wait for its next chunk for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _flag_chunk(chunk: list[tuple[int, str | bytes]]) -> list[str]:
    assert _rulebook is not None
    return [flag_line(number, line, _rulebook) for number, line in chunk if line.strip()]


def flag_line(number: int, line: str | bytes, rulebook: Rulebook) -> str:
    """The output line for one input line; ``number`` is for messages."""
    try:
        document = _read_line(line)
    except (ValueError, RecursionError) as error:
        reason = str(error) if not isinstance(error, RecursionError) else "the JSON is nested too deep"
        return _write({"line": number, "error": f"line {number}: {reason}"})
    try:
        flagging = rulebook.flag(
            title=document.get("title") or "",
            text=document.get("text") or "",
            language=document.get("lang") or document.get("language"),
            published=_read_time(document.get("published")),
            source_country=document.get("source_country"),
        )
    except ValueError as error:
        return _write({"id": document.get("id"), "line": number, "error": f"line {number}: {error}"})
    return _write(answer(document.get("id"), flagging))


def answer(identity: Any, flagging: Flagging) -> dict[str, Any]:
    """One output line of ``sholu flag`` as a dict."""
    return {
        "id": identity,
        "flagged": flagging.flagged,
        "near_miss": flagging.near_miss,
        "score": flagging.score,
        "threshold": flagging.threshold,
        "themes": list(flagging.themes),
        "entities": list(flagging.entities),
        "places": list(flagging.places),
        "spans": [span_to_plain(span) for span in flagging.spans],
        "rules_version": flagging.rules_version,
    }


def _read_line(line: str | bytes) -> dict[str, Any]:
    if len(line) > LONGEST_LINE:
        raise ValueError(f"the line is longer than {LONGEST_LINE:,}")
    if isinstance(line, bytes):
        try:
            line = line.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise ValueError(f"the line is not in UTF-8 (byte {error.start})") from error
    try:
        document = json.loads(line.removeprefix("\ufeff"))
    except json.JSONDecodeError as error:
        raise ValueError(f"this is not JSON: {error.msg} at character {error.pos}") from error
    if not isinstance(document, dict):
        raise ValueError("a JSON object is needed")  # noqa: TRY004  # one kind of error for one kind of answer
    for key in _OPTIONAL_TEXT:
        value = document.get(key)
        if value is not None and not isinstance(value, str):
            raise ValueError(f"{key!r} must be text, not {type(value).__name__}")
        if isinstance(value, str):
            document[key] = _without_surrogates(value)
    if not document.get("title") and not document.get("text"):
        raise ValueError("a title or a text is needed")
    return document


def _without_surrogates(text: str) -> str:
    """Lone surrogates ("\\ud800" in JSON) cannot be written out again; one sign takes the place of each, so that offsets stay."""
    return _SURROGATE.sub("\ufffd", text)


def _read_time(value: str | None) -> datetime | None:
    if not value:
        return None
    try:
        return datetime.fromisoformat(value.strip())
    except ValueError as error:
        raise ValueError(f"published {value[:40]!r} is not a time like 2022-01-05T10:00:00+06:00") from error


def _write(data: dict[str, Any]) -> str:
    text = json.dumps(data, ensure_ascii=False)
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")
