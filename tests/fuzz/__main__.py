"""``python -m tests.fuzz feed --seconds 60``: coverage-guided fuzzing of one reader; needs atheris.

What it finds is written beside the seeds in ``tests/fuzz/corpus/<reader>/`` (crash-…, timeout-…) and replayed by the tests from
then on; ``--grow`` also keeps there the inputs that reached new code.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import tempfile
import warnings
from pathlib import Path

HERE = Path(__file__).resolve().parent
# Instrumented are our readers and the pure-Python parsers under them; what is written in C cannot be.
INSTRUMENTED = ["extractors", "domain.yamlfile", "rules.engine", "feedparser"]
SLOWEST = 60  # seconds one input may take on a busy machine, instrumented; a child process gets 20 of its own


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("reader", choices=("feed", "page", "url", "rule", "date"))
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--grow", action="store_true", help="keep inputs that reached new code in the corpus")
    given = parser.parse_args()
    try:
        import atheris
    except ImportError:
        sys.exit("atheris is not installed: pip install atheris (Linux and macOS; in the dev extra)")
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    with atheris.instrument_imports(include=INSTRUMENTED, enable_loader_override=False):
        from tests.fuzz.targets import TARGETS
    corpus, words = HERE / "corpus" / given.reader, HERE / "words" / f"{given.reader}.dict"
    corpus.mkdir(parents=True, exist_ok=True)
    found = corpus if given.grow else Path(tempfile.mkdtemp(prefix="sholu-fuzz-corpus-"))
    options = [
        f"-max_total_time={given.seconds}",
        f"-timeout={SLOWEST}",
        "-rss_limit_mb=2048",
        "-max_len=20000",
        f"-artifact_prefix={corpus}{os.sep}",
        "-print_final_stats=1",
        *([f"-dict={words}"] if words.exists() else []),
    ]
    atheris.Setup([sys.argv[0], *options, str(found), str(corpus)], TARGETS[given.reader])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
