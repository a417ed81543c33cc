"""Other people's matchers over the terms and texts they are given: ``python matchers.py TERMS.json TEXTS.json``, in an environment of their own.

Prints a JSON object: matcher → [CPU seconds of the best of some runs, hits]. Nothing of ours is imported here. Each is given what it
needs for nothing: small letters, spaces for other signs, its automaton built before the clock starts.
"""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path

RUNS = 3


def best(work: Callable[[], int], runs: int = RUNS) -> tuple[float, int]:
    """CPU seconds of the quickest run, the least disturbed by whatever else the machine does; and what it found."""
    least, found = float("inf"), 0
    for _ in range(runs):
        start = time.process_time()
        found = work()
        least = min(least, time.process_time() - start)
    return least, found


def aho_corasick(terms: list[str], texts: list[str]) -> tuple[float, int]:
    """Whole words only: each term between spaces, and the same of the text."""
    import ahocorasick_rs

    matcher = ahocorasick_rs.AhoCorasick([f" {term} " for term in terms])

    def one(text: str) -> int:
        bare = re.sub(r"\W+", " ", text.lower())
        return len(matcher.find_matches_as_indexes(f" {bare} ", overlapping=True))

    return best(lambda: sum(map(one, texts)))


def phrase_matcher(terms: list[str], texts: list[str]) -> tuple[float, int]:
    """spaCy's blank tokenizer for any language and its PhraseMatcher; no model."""
    import spacy
    from spacy.matcher import PhraseMatcher

    blank = spacy.blank("xx")
    matcher = PhraseMatcher(blank.vocab, attr="LOWER")
    matcher.add("term", list(blank.tokenizer.pipe(terms)))
    return best(lambda: sum(len(matcher(blank.make_doc(text))) for text in texts), 1)


MATCHERS = {"ahocorasick-rs alone (forms, no rules)": aho_corasick, "spaCy PhraseMatcher (forms, no rules)": phrase_matcher}

if __name__ == "__main__":
    given_terms, given_texts = (json.loads(Path(name).read_text(encoding="utf-8")) for name in sys.argv[1:3])
    print(json.dumps({name: matcher(given_terms, given_texts) for name, matcher in MATCHERS.items()}))
