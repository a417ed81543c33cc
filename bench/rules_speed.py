"""How fast the rules read: the whole engine beside bare tokenising, a lemmatiser, and other matchers where they are installed.

Run with ``python bench/rules_speed.py``. It reads the labelled documents beside the project where they are, else the rules' examples.
All figures are CPU time of one process. ahocorasick-rs and spaCy are no dependency of ours: install them in an environment of the
bench's own to see them in the table.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

HOUSE = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(HOUSE))

from rules.engine.rulebook import Rulebook, load_rulebook  # noqa: E402  # the path is set just above
from rules.engine.stream import flag_lines  # noqa: E402
from rules.engine.words import WORD, fold  # noqa: E402

SHARED = HOUSE.parent / "shared" / "gold"
RULES = HOUSE / "rules" / "kazakhstan"
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


def show(what: str, size: float, seconds: float, note: str = "") -> float:
    rate = size / seconds
    print(f"  {what:<44} {rate:9.3f} MB/s   {note}")
    return rate


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


def others(rulebook: Rulebook, docs: list[Document], size: float) -> None:
    terms = surface_terms(rulebook)
    try:
        import ahocorasick_rs
    except ImportError:
        print("  ahocorasick-rs is not installed in this environment: skipped")
    else:
        matcher = ahocorasick_rs.AhoCorasick([f" {term} " for term in terms])
        show(
            "ahocorasick-rs alone (forms, no rules)",
            size,
            cpu(lambda: [matcher.find_matches_as_indexes(f" {fold(text)} ") for _, text, _ in docs]),
        )
    try:
        import spacy
        from spacy.matcher import PhraseMatcher
    except ImportError:
        print("  spaCy is not installed in this environment: skipped")
    else:
        blank = spacy.blank("xx")
        phrases = PhraseMatcher(blank.vocab, attr="LOWER")
        phrases.add("term", [blank.make_doc(term) for term in terms])
        few = docs[:200]
        show(
            "spaCy PhraseMatcher (forms, no rules)",
            megabytes(few),
            cpu(lambda: [phrases(blank.make_doc(text)) for _, text, _ in few], 1),
        )


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


def start_up(cache: Path) -> None:
    """Seconds of CPU of a new process that loads the rulebook, without and with the interpreter's own start."""
    code = (
        "import time; a = time.process_time(); from pathlib import Path; from rules.engine.rulebook import load_rulebook; "
        f"b = time.process_time(); load_rulebook(Path({str(RULES)!r}), Path({str(cache)!r})); "
        "c = time.process_time(); print(b - a, c - b)"
    )
    best = [float("inf"), float("inf")]
    for _ in range(5):
        out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=HOUSE).stdout.split()
        best = [min(kept, float(now)) for kept, now in zip(best, out, strict=True)]
    print(f"  start-up from the cache: {best[1]:.3f} s of CPU (imports {best[0]:.3f} s)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=1000)
    parser.add_argument("--stream", type=int, default=5000, help="documents for the stream with two workers")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        cache = Path(temporary) / "cache"
        start = time.process_time()
        rulebook = load_rulebook(RULES, cache)
        aliases = len(rulebook.tables.aliases)
        forms, stems = sum(map(len, rulebook.tables.forms.values())), len(rulebook.tables.stems)
        spent = time.process_time() - start
        print(f"  compiling: {spent:.2f} s of CPU, {aliases:,} names and headwords, {forms:,} forms, {stems:,} Kazakh stems")
        start_up(cache)
        docs, source = documents(rulebook, given.documents)
        size = megabytes(docs)
        print(f"  {len(docs):,} documents, {size:.2f} MB: {source}")
        start = time.process_time()
        run_engine(rulebook, docs)
        show("the whole engine, first reading", size, time.process_time() - start, "words not yet remembered")
        engine = show("the whole engine", size, cpu(lambda: run_engine(rulebook, docs)))
        show("bare tokenising and case folding", size, cpu(lambda: tokenise(docs)))
        few = docs[: max(20, len(docs) // 40)]
        slow = show(
            "lemmatiser (pymorphy3) and set look-up", megabytes(few), cpu(lambda: lemmatise(few, set(surface_terms(rulebook))), 1)
        )
        print(f"  the engine is {engine / slow:.0f} times the lemmatiser")
        others(rulebook, docs, size)
        times = {}
        for more in (1_000, 20_000):
            bigger = grown(Path(temporary) / str(more), more)
            run_engine(bigger, docs)
            times[more] = cpu(lambda bigger=bigger: run_engine(bigger, docs)) / len(docs)  # type: ignore[misc]
            print(f"  with {more:>6,} names more: {times[more] * 1000:.3f} ms a document")
        print(f"  time per document grows {times[20_000] / times[1_000]:.2f} times")
        lines = [
            json.dumps({"id": n, "title": docs[n % len(docs)][0], "text": docs[n % len(docs)][1], "lang": docs[n % len(docs)][2]})
            for n in range(given.stream)
        ]
        for workers in (1, 2):
            begun = time.perf_counter()
            for _ in flag_lines(lines, rulebook, workers):
                pass
            rate = given.stream / (time.perf_counter() - begun)
            print(f"  stream of {given.stream:,}, workers {workers}: {rate:,.0f} documents/s (wall clock)")


if __name__ == "__main__":
    main()
