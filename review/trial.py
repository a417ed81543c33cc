"""Trying a rule before it is saved: the rules folder copied with the pasted rules in it, and stored items judged by both.

Runs in a child process (``python -m review.trial``) with a limit of time and memory, so that a rule that explodes costs the desk nothing.
"""

from __future__ import annotations

import json
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from domain.errors import ConfigError, SholuError
from domain.values import Flagging
from domain.yamlfile import load_yaml, read_yaml

PASTED: Final = "the rule you pasted"
TRIED_FILE: Final = "zz_tried.yaml"
LONGEST: Final = 60_000
ITEMS: Final = 5_000
SECONDS: Final = 40.0  # spent judging; loading two rulebooks comes before
WHOLE_SECONDS: Final = 90.0
MEMORY: Final = 2_000_000_000
SHOWN: Final = 100


class TrialFailed(SholuError):
    """The rule could not be tried; says why."""


@dataclass(frozen=True, slots=True)
class Told:
    """One item the pasted rules would judge otherwise."""

    id: int
    title: str
    language: str
    review: str
    score: float
    threshold: float
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the pasted rules would do: items newly flagged and no more flagged, and how far the trial got."""

    rules: tuple[str, ...]
    replaced: tuple[str, ...]
    looked: int
    flagged_before: int
    flagged_after: int
    gained: tuple[Told, ...]
    lost: tuple[Told, ...]
    gained_count: int
    lost_count: int
    examples_failed: tuple[str, ...]
    seconds: float
    whole: bool


def try_rules(pasted: str, *, rules: Path, database: str, cache: Path | None = None, limit: int = ITEMS) -> Outcome:
    """Try pasted rules on the last items stored, in a child process; raises ConfigError (what is wrong in the YAML) or TrialFailed."""
    if not pasted.strip():
        raise ConfigError("nothing was pasted", file=PASTED)
    if len(pasted) > LONGEST:
        raise ConfigError(f"at most {LONGEST:,} characters can be tried at once", file=PASTED)
    asked = json.dumps({"pasted": pasted, "rules": str(rules), "limit": limit, "database": database, "cache": str(cache or "")})
    try:
        done = subprocess.run(
            [sys.executable, "-m", "review.trial"], input=asked, capture_output=True, text=True, timeout=WHOLE_SECONDS, check=False,
            cwd=Path(__file__).resolve().parent.parent,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise TrialFailed(f"The trial was stopped after {WHOLE_SECONDS:.0f} seconds; try fewer rules at once.") from error
    try:
        answer = json.loads(done.stdout)
    except ValueError as error:
        raise TrialFailed("The trial ended without an answer (out of memory, or a fault of the rules' engine).") from error
    if "refused" in answer:
        raise ConfigError(answer["refused"])
    if "failed" in answer:
        raise TrialFailed(answer["failed"])
    return read_outcome(answer)


def read_outcome(answer: dict[str, Any]) -> Outcome:
    """The child's answer as a value."""
    values: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in answer.items()}
    for name in ("gained", "lost"):
        values[name] = tuple(Told(**{**one, "words": tuple(one["words"])}) for one in answer[name])
    return Outcome(**values)


def prepare(pasted: str, rules: Path, into: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Copy the rules folder with the pasted rules in it; returns their ids, and those that replace a rule of the same id."""
    text = pasted if re.match(r"\s*(#[^\n]*\n|\s)*-", pasted) else "- " + pasted.strip("\n").replace("\n", "\n  ")
    read = read_yaml(text.encode(), Path(PASTED))
    if not isinstance(read.data, list) or not all(isinstance(one, dict) and isinstance(one.get("id"), str) for one in read.data):
        raise ConfigError(
            "a rule, or a list of rules, each with an id, is expected (as in the files of the rules folder)", file=PASTED, line=1
        )
    ids = tuple(one["id"] for one in read.data)
    shutil.copytree(rules, into, dirs_exist_ok=True)
    replaced: list[str] = []
    for path in sorted((into / "rules").rglob("*.y*ml")):
        replaced += _without(path, set(ids))
    (into / "rules" / TRIED_FILE).write_text(text, encoding="utf-8")
    return ids, tuple(replaced)


def compare(judged: Iterable[tuple[dict[str, Any], Flagging, Flagging]], *, seconds: float = SECONDS) -> dict[str, Any]:
    """Count what changes between two verdicts on each item, as long as the time lasts."""
    begun = time.monotonic()
    looked = before = after = gained_count = lost_count = 0
    gained: list[Told] = []
    lost: list[Told] = []
    whole = True
    for item, old, new in judged:
        looked += 1
        before += old.flagged
        after += new.flagged
        if new.flagged and not old.flagged:
            gained_count += 1
            if len(gained) < SHOWN:
                gained.append(_told(item, new))
        elif old.flagged and not new.flagged:
            lost_count += 1
            if len(lost) < SHOWN:
                lost.append(_told(item, old))
        if time.monotonic() - begun > seconds:
            whole = False
            break
    return {
        "looked": looked, "flagged_before": before, "flagged_after": after, "gained": [asdict(one) for one in gained],
        "lost": [asdict(one) for one in lost], "gained_count": gained_count, "lost_count": lost_count,
        "seconds": round(time.monotonic() - begun, 1), "whole": whole,
    }  # fmt: skip


def _told(item: dict[str, Any], flagging: Flagging) -> Told:
    words = tuple(dict.fromkeys(span.text for span in flagging.spans if span.points or span.signal))
    return Told(item["id"], item["title"][:300], item["language"], item["review"], flagging.score, flagging.threshold, words[:12])


def _without(path: Path, ids: set[str]) -> list[str]:
    """Take the rules of these ids out of a file, line by line, leaving all else as it is."""
    file = load_yaml(path)
    if not isinstance(file.data, list):
        return []
    starts = [file.line(place) for place in range(len(file.data))]
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    ends = [*(start - 1 for start in starts[1:]), len(lines)]
    taken = [(one["id"], start - 1, end) for one, start, end in zip(file.data, starts, ends, strict=True) if one.get("id") in ids]
    for _, start, end in reversed(taken):
        lines[start:end] = []
    if taken:
        path.write_text("".join(lines), encoding="utf-8")
        if len(taken) == len(file.data):
            path.unlink()
    return [found for found, _, _ in taken]


def _judge_all(items: Iterator[dict[str, Any]], old: Any, new: Any) -> Iterator[tuple[dict[str, Any], Flagging, Flagging]]:
    for item in items:
        published = datetime.fromisoformat(item["published"]) if item["published"] else None
        given = {
            "title": item["title"],
            "text": item["text"],
            "language": item["language"],
            "published": published,
            "source_country": item["country"],
        }
        yield item, old.flag(**given), new.flag(**given)


def _failed_examples(rulebook: Any, ids: Sequence[str]) -> list[str]:
    from rules.engine.examples import try_example

    failed = []
    for rule_id in ids:
        rule = rulebook.rules[rule_id]
        for example in rule.examples:
            tried = try_example(rulebook, rule, example)
            if not tried.right and not tried.example.known_miss:
                failed.append(f"{rule_id}: {tried.said}")
    return failed


def main() -> int:
    """The child: asked as JSON on standard input, answers as JSON on standard output."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    asked = json.load(sys.stdin)
    from rules.engine.rulebook import load_rulebook
    from storage.store import open_store
    from storage.texts import newest_documents

    try:
        with tempfile.TemporaryDirectory(prefix="sholu-trial-") as folder:
            rules, copy = Path(asked["rules"]), Path(folder) / "rules-folder"
            ids, replaced = prepare(asked["pasted"], rules, copy)
            try:
                new = load_rulebook(copy)
            except ConfigError as error:
                said = str(error).replace(str(copy / "rules" / TRIED_FILE), PASTED).replace(str(copy), str(rules))
                raise ConfigError(said) from error
            old = load_rulebook(rules, Path(asked["cache"]) if asked["cache"] else None)
            failed = _failed_examples(new, ids)
            store = open_store(asked["database"], migrate=False)
            try:
                answer = compare(_judge_all(newest_documents(store, limit=asked["limit"]), old, new))
            finally:
                store.close()
        answer |= {"rules": ids, "replaced": replaced, "examples_failed": failed[:50]}
    except ConfigError as error:
        answer = {"refused": str(error)}
    except SholuError as error:
        answer = {"failed": str(error)}
    json.dump(answer, sys.stdout, ensure_ascii=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
