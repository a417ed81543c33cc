"""How fast the rules read: the whole engine beside bare tokenising, a lemmatiser, spaCy's PhraseMatcher and ahocorasick-rs, in one run.

Run with ``python bench/rules_speed.py``. It reads the labelled documents beside the project where they are, else the rules' examples.
All rates are CPU time of one process. spaCy (blank, without a model) and ahocorasick-rs are no dependency of ours: they are run in an
environment of the bench's own, from the lock in ``bench/peers/matching.txt``, over the same terms and the same texts. One table is printed,
and kept as ``bench/out/rules.json``. For stored documents see ``bench/reflag_rate.py``.
"""

from __future__ import annotations

import argparse
import gc
import gzip
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

HOUSE = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(HOUSE))

from bench.environments import python_of  # noqa: E402  # the path is set just above
from rules.engine.rulebook import Rulebook, load_rulebook  # noqa: E402  # the path is set just above
from rules.engine.words import WORD, fold  # noqa: E402

SHARED = HOUSE.parent / "shared" / "gold"
RULES = HOUSE / "rules" / "kazakhstan"
OUT = HOUSE / "bench" / "out"
ROUNDS = 6
Document = tuple[str, str, str]  # title, text, language


def documents(rulebook: Rulebook, count: int) -> tuple[list[Document], str]:
    """Mixed documents: half from the labelled ones, half background; without them the rules' own examples over and over."""
    if not SHARED.exists():
        own = [(one.title, one.text, one.language) for rule in rulebook.definitions.rules for one in rule.examples]
        return [
            own[number % len(own)] for number in range(count)
        ], "the rules' own examples (short: figures are lower than on articles)"
    labelled = [
        json.loads(line) for language in ("en", "ru", "kk") for line in (SHARED / f"{language}.jsonl").open(encoding="utf-8")
    ]
    with gzip.open(SHARED / "background.jsonl.gz", "rt", encoding="utf-8") as file:
        background = [json.loads(line) for line in file]
    chance = random.Random(1)
    mixed = chance.sample(labelled, min(count // 2, len(labelled)))
    mixed += chance.sample(background, count - len(mixed))
    chance.shuffle(mixed)
    return [
        (one.get("title") or "", one.get("text") or "", one.get("lang") or "") for one in mixed
    ], "labelled and background documents, half and half"


def megabytes(docs: Iterable[Document]) -> float:
    return sum(len(f"{title}\n{text}".encode()) for title, text, _ in docs) / 1e6


def cpu(work: Callable[[], object], repeat: int = 3) -> float:
    """The best of some runs, in seconds of CPU: the least disturbed by whatever else the machine does."""
    best = float("inf")
    for _ in range(repeat):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return best


def run_engine(rulebook: Rulebook, docs: list[Document]) -> None:
    for title, text, language in docs:
        rulebook.flag(title=title, text=text, language=language)


def tokenise(docs: list[Document]) -> None:
    for title, text, _ in docs:
        for found in WORD.finditer(f"{title}\n{text}"):
            fold(found[0])


def lemmatise(docs: list[Document], terms: set[str]) -> int:
    """The usual other way: each word to its lemma by pymorphy3 (no cache of ours), then a set look-up."""
    import pymorphy3

    morph = pymorphy3.MorphAnalyzer(lang="ru")
    return sum(
        morph.parse(found[0])[0].normal_form in terms for title, text, _ in docs for found in WORD.finditer(f"{title}\n{text}")
    )


def surface_terms(rulebook: Rulebook) -> list[str]:
    return sorted({form for forms in rulebook.tables.forms.values() for form in forms} | set(rulebook.tables.stems))


def others(rulebook: Rulebook, docs: list[Document], place: Path) -> dict[str, float]:
    """CPU seconds of other people's matchers over the same terms and texts; nothing, with a word, where they cannot be had."""
    python = python_of("matching")
    if isinstance(python, str):
        print(f"  spaCy and ahocorasick-rs: {python}; skipped")
        return {}
    files = place / "terms.json", place / "texts.json"
    for file, told in zip(files, (surface_terms(rulebook), [f"{title}\n{text}" for title, text, _ in docs]), strict=True):
        file.write_text(json.dumps(told, ensure_ascii=False), encoding="utf-8")
    command = [str(python), str(HOUSE / "bench" / "matchers.py"), *map(str, files)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=600)
    if done.returncode:
        print(f"  spaCy and ahocorasick-rs failed: {done.stderr.strip().splitlines()[-1:]}; skipped")
        return {}
    return {name: seconds for name, (seconds, _) in json.loads(done.stdout).items()}


def grown(folder: Path, aliases: int) -> Rulebook:
    """Our rules over as many made-up names as said, a third in each language."""
    chance = random.Random(2)
    syllables = {
        "en": ["bar", "tol", "nur", "khan", "sar", "mak", "dau", "zhol", "bek", "tay", "kor", "shal"],
        "ru": ["бар", "тол", "нур", "хан", "сар", "мак", "дау", "жол", "бек", "тай", "кор", "шал"],
        "kk": ["бар", "тол", "нұр", "хан", "сар", "мақ", "дау", "жол", "бек", "тай", "қор", "шал", "өз"],
    }
    for part in ("entities", "lexicon", "rules"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    lines = []
    for number in range(aliases // 3):
        names = {language: "".join(chance.choices(parts, k=4)).capitalize() for language, parts in syllables.items()}
        lines.append(
            f"- {{id: p{number}, type: village, names: {{en: [{names['en']}], ru: [{names['ru']}], kk: [{names['kk']}]}}}}"
        )
    (folder / "rulebook.yaml").write_text((RULES / "rulebook.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    (folder / "entities" / "grown.yaml").write_text("\n".join(lines), encoding="utf-8")
    for part in ("lexicon", "entities", "rules"):
        for path in sorted((RULES / part).glob("*.yaml")):
            (folder / part / path.name).write_bytes(path.read_bytes())
    return load_rulebook(folder)


def start_up(cache: Path) -> float:
    """Seconds of CPU of a new process that loads the rulebook from its cache, its own imports taken off."""
    code = (
        "import time; from pathlib import Path; from rules.engine.rulebook import load_rulebook; a = time.process_time(); "
        f"load_rulebook(Path({str(RULES)!r}), Path({str(cache)!r})); print(time.process_time() - a)"
    )
    runs = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=HOUSE).stdout
        for _ in range(5)
    ]
    return min(map(float, runs))


def growth(docs: list[Document], place: Path) -> dict[int, float]:
    """Seconds of CPU a document with so many names more; in turns, so that a busy moment strikes both."""
    books = {more: grown(place / str(more), more) for more in (1_000, 20_000)}
    best = dict.fromkeys(books, float("inf"))
    for _ in range(4):  # the first meets every word for the first time and is never the best
        for more, book in books.items():
            best[more] = min(best[more], cpu(lambda book=book: run_engine(book, docs), 1) / len(docs))  # type: ignore[misc]
    return best


def rows(rulebook: Rulebook, docs: list[Document], place: Path) -> list[tuple[str, float, float]]:
    """What, MB/s of CPU time, and how many times quicker our engine is; ours in turn with the lemmatiser, so that a busy moment
    strikes both."""
    size = megabytes(docs)
    fresh = Rulebook(rulebook.definitions, rulebook.tables, version=rulebook.version)
    seconds = {"the engine, words met for the first time": cpu(lambda: run_engine(fresh, docs), 1)}
    few = docs[: max(20, len(docs) // 20)]
    terms = set(surface_terms(rulebook))
    part = size / megabytes(few)
    ours = "the engine, everything (matches, anchors, rules, spans)"
    theirs = {
        ours: (lambda: run_engine(rulebook, docs), 1.0),
        "bare tokenising and folding, each word anew": (lambda: tokenise(docs), 1.0),
        "pymorphy3 to lemmas, then a set look-up": (lambda: lemmatise(few, terms), part),
    }
    for _ in range(ROUNDS):
        for name, (work, times) in theirs.items():
            seconds[name] = min(seconds.get(name, float("inf")), cpu(work, 1) * times)
    seconds |= others(rulebook, docs, place)
    return [(name, size / spent, spent / seconds[ours]) for name, spent in seconds.items()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=1000)
    given = parser.parse_args()
    gc.set_threshold(50_000, 20, 20)  # as the command itself runs (cli/main.py)
    with tempfile.TemporaryDirectory() as temporary:
        place = Path(temporary)
        begun = time.process_time()
        rulebook = load_rulebook(RULES, place / "cache")
        facts: dict[str, Any] = {
            "compiling, s of CPU": round(time.process_time() - begun, 2),
            "start-up from the cache, s of CPU": round(start_up(place / "cache"), 3),
            "names and headwords": len(rulebook.tables.aliases),
            "written forms": sum(map(len, rulebook.tables.forms.values())),
            "Kazakh stems": len(rulebook.tables.stems),
        }
        docs, source = documents(rulebook, given.documents)
        found = rows(rulebook, docs, place)
        grown_by = growth(docs, place)
        facts |= {f"ms a document with {more:,} names more": round(spent * 1000, 3) for more, spent in grown_by.items()}
        facts["growth from 1,000 to 20,000 names more"] = round(grown_by[20_000] / grown_by[1_000], 2)
    print(f"\n  {len(docs):,} documents, {megabytes(docs):.2f} MB: {source}\n")
    print(f"  {'':<58}{'MB/s':>9}{'engine is … times quicker':>28}")
    for name, rate, times in found:
        print(f"  {name:<58}{rate:9.3f}{times:28.2f}")
    print()
    for name, value in facts.items():
        print(f"  {name:<58}{value:>9,}")
    OUT.mkdir(parents=True, exist_ok=True)
    told = {
        "documents": len(docs),
        "megabytes": megabytes(docs),
        "source": source,
        "rates": [{"what": name, "MB_a_second": rate, "engine_is_times_quicker": times} for name, rate, times in found],
        "facts": facts,
    }
    (OUT / "rules.json").write_text(json.dumps(told, indent=1, ensure_ascii=False), encoding="utf-8")


if __name__ == "__main__":
    main()
