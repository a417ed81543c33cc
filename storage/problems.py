"""One finding of a check of the store; the checks themselves are in ``storage.check`` and ``storage.chain_check``."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong: which check found it, where (a table and a row), and a sentence for a person."""

    check: str
    where: str
    sentence: str
