"""Prove all that is kept as evidence (``sholu verify``): the file, every body, every link, every record; nothing is mended here."""

from __future__ import annotations

from collections.abc import Iterator

from storage.chain_check import count_records, verify_chain
from storage.check import body_problems, file_problems, item_problems
from storage.problems import Problem
from storage.store import Store

__all__ = ["Problem", "count_records", "verify_store"]


def verify_store(store: Store) -> Iterator[Problem]:
    """Every byte flipped, record missing or record added, each in a sentence; an unreadable record is a fault like any other."""
    yield from file_problems(store)
    with store.read() as connection:
        yield from body_problems(connection)
        yield from item_problems(connection)
    yield from verify_chain(store)
