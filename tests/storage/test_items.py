"""What becomes of entries: new, updated, unchanged, duplicate; the same batch again gives the same rows."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from domain.values import BodyFrom, Outcome, OutcomeKind
from storage.captures import save_captures
from storage.check import check_store
from storage.entries import Body, PendingEntry, pending_entries, take_entries
from storage.items import held_items, save_results
from storage.results import Held, NotStored, Read
from storage.runs import begin_run, run_outcomes
from storage.schema.whole import metadata
from storage.shelf import Filter, flagging_history, item, list_items, outlets, page, versions
from storage.sources import PollState, sync_sources
from storage.store import Store, open_store
from tests.storage.conftest import a_capture, a_document, a_flagging, a_read, a_source, an_entry

Take = Callable[..., tuple[PendingEntry, ...]]
HOUR = timedelta(hours=1)
NEVER_COMPARED = {"alembic_version"}


def rows_of(store: Store) -> dict[str, list[Any]]:
    """Every row of every table, for comparing two stores or two moments."""
    with store.read() as connection:
        return {
            name: sorted(map(repr, connection.execute(select(table)).all()))
            for name, table in metadata.tables.items()
            if name not in NEVER_COMPARED
        }


def kinds(outcomes: Sequence[Outcome]) -> list[str]:
    return [str(outcome.kind) for outcome in outcomes]


def test_a_new_item_is_kept_with_text_reasons_and_capture(store: Store, run_id: int, take: Take, now: datetime) -> None:
    (pending,) = take(1)
    (capture_id,) = save_captures(store, run_id, [a_capture("https://example.org/1", b"<p>", now)])
    read = a_read(pending, "Митинг в Алматы.\nВторая строка.", capture_id=capture_id, fetched_at=now)
    (outcome,) = save_results(store, run_id, [read], now=now)
    assert (outcome.kind, outcome.flagged) == (OutcomeKind.NEW, True)
    kept = item(store, next(iter(list_items(store))).id)
    assert (kept.title, kept.text, kept.source_id, kept.version) == ("Title 1", "Митинг в Алматы.\nВторая строка.", "azattyq", 1)
    assert kept.flagging == read.flagging
    assert kept.extra["capture_id"] == capture_id
    assert (kept.extra["grade"], kept.extra["review"], kept.extra["cluster_id"]) == (2, "open", kept.id)
    assert pending_entries(store, None, now=now) == []
    assert list(check_store(store)) == []


def test_the_same_batch_again_gives_the_same_rows_and_the_same_outcomes(
    store: Store, run_id: int, take: Take, now: datetime
) -> None:
    one, two, three, four = take(1, 2, 3, 4)
    batch = [
        a_read(one),
        replace(a_read(two), key=one.entry.url),
        NotStored(three, OutcomeKind.FAILED, "no answer", now + HOUR),
        NotStored(four, OutcomeKind.SKIPPED, "robots.txt forbids it"),
    ]
    first = save_results(store, run_id, batch, now=now)
    assert kinds(first) == ["new", "updated", "failed", "skipped"]
    rows = rows_of(store)
    assert save_results(store, run_id, batch, now=now) == first
    assert rows_of(store) == rows
    assert list(check_store(store)) == []


def test_a_text_that_did_not_change_is_unchanged_in_the_next_run(store: Store, run_id: int, take: Take, now: datetime) -> None:
    save_results(store, run_id, [a_read(each) for each in take(1)], now=now)
    again = take(1, summary="the feed says more")
    second = begin_run(store, kind="collect", now=now + HOUR, parameters={})
    assert kinds(save_results(store, second, [a_read(each) for each in again], now=now + HOUR)) == ["unchanged"]
    assert run_outcomes(store, second) == []
    assert item(store, 1).version == 1


def test_a_changed_text_is_a_new_version_with_a_diff_and_the_item_follows_it(
    store: Store, run_id: int, take: Take, now: datetime
) -> None:
    save_results(store, run_id, [a_read(each, "One.\nTwo.") for each in take(1)], now=now)
    second = begin_run(store, kind="collect", now=now + HOUR, parameters={})
    (changed,) = take(1, summary="changed")
    read = a_read(changed, "One.\nThree.")
    read = replace(read, flagging=a_flagging(read.document, flagged=False))
    (outcome,) = save_results(store, second, [read], now=now + HOUR)
    assert (outcome.kind, outcome.reason) == (OutcomeKind.UPDATED, "its text has changed: version 2")
    kept = item(store, 1)
    assert (kept.version, kept.text, kept.first_seen, kept.extra["grade"]) == (2, "One.\nThree.", now, 1)
    assert "-Two.\n+Three." in versions(store, 1)[1].diff
    assert [version.text for version in versions(store, 1)] == ["One.\nTwo.", "One.\nThree."]
    assert len(flagging_history(store, 1)) == 2
    assert [each.id for each in page(store, Filter(words="three"))] == [1]
    assert page(store, Filter(words="two")) == []
    assert list(check_store(store)) == []


def test_an_edit_taken_back_makes_the_former_version_the_one_in_force(
    store: Store, run_id: int, take: Take, now: datetime
) -> None:
    texts = ["One two three.", "Another text.", "One two three."]
    for step, said in enumerate(texts):
        at = now + step * HOUR
        run = begin_run(store, kind="collect", now=at, parameters={})
        (pending,) = take(1, summary=str(step))
        (outcome,) = save_results(store, run, [a_read(pending, said)], now=at)
    assert (outcome.kind, outcome.reason) == (OutcomeKind.UPDATED, "its text is that of a former version again")
    assert (item(store, 1).version, item(store, 1).text) == (1, "One two three.")
    assert len(versions(store, 1)) == 2
    assert list(check_store(store)) == []


def test_a_summary_never_takes_the_place_of_the_full_text_but_the_other_way_round(
    store: Store, run_id: int, take: Take, now: datetime
) -> None:
    short = a_document(1, "Short.", body_from=BodyFrom.SUMMARY)
    steps = [("new", short), ("updated", a_document(1, "Long and whole.")), ("unchanged", short)]
    for step, (kind, document) in enumerate(steps):
        run = begin_run(store, kind="collect", now=now, parameters={})
        (pending,) = take(1, summary=str(step))
        read = Read(pending, "k", document, a_flagging(document))
        assert kinds(save_results(store, run, [read], now=now)) == [kind]
    assert item(store, 1).text == "Long and whole."


def test_a_former_text_read_from_elsewhere_is_in_force_as_it_was_recorded(
    store: Store, run_id: int, take: Take, now: datetime
) -> None:
    summary = a_document(1, "One two three.", body_from=BodyFrom.SUMMARY, published=now - HOUR)
    page_after = a_document(1, "One two three.", url="https://example.org/moved")
    for step, document in enumerate([summary, a_document(1, "Another text."), page_after]):
        run = begin_run(store, kind="collect", now=now + step * HOUR, parameters={})
        (pending,) = take(1, summary=str(step))
        save_results(store, run, [Read(pending, "k", document, a_flagging(document))], now=now + step * HOUR)
    kept = item(store, 1)
    assert (kept.version, kept.body_from, kept.url, kept.published) == (1, BodyFrom.SUMMARY, summary.url, summary.published)
    assert list(check_store(store)) == []


def test_what_was_fetched_before_the_version_in_force_does_not_undo_it(
    store: Store, run_id: int, take: Take, now: datetime
) -> None:
    save_results(store, run_id, [a_read(each, "Later text.", fetched_at=now) for each in take(1)], now=now)
    slow = begin_run(store, kind="collect", now=now, parameters={})
    (pending,) = take(1, summary="x")
    (outcome,) = save_results(store, slow, [a_read(pending, "Earlier text.", fetched_at=now - HOUR)], now=now + HOUR)
    assert (outcome.kind, outcome.reason) == (OutcomeKind.UNCHANGED, "a later version is held")
    assert item(store, 1).text == "Later text."


def test_an_article_seen_through_another_source_is_a_duplicate_and_both_outlets_are_known(
    store: Store, run_id: int, take: Take, now: datetime
) -> None:
    save_results(store, run_id, [a_read(each) for each in take(1)], now=now)
    (theirs,) = take(1, source_id="vlast")
    assert held_items(store, [theirs.entry.url, "other"])[theirs.entry.url].id == 1
    (outcome,) = save_results(store, run_id, [Held(theirs, theirs.entry.url)], now=now)
    assert (outcome.kind, outcome.reason) == (
        OutcomeKind.DUPLICATE,
        "the article is held already, first seen through azattyq (item 1)",
    )
    assert [outlet.source_id for outlet in outlets(store, [1])[1]] == ["azattyq", "vlast"]
    later = begin_run(store, kind="collect", now=now, parameters={})
    (again,) = take(1, source_id="vlast", summary="x")
    assert kinds(save_results(store, later, [Held(again, again.entry.url)], now=now)) == ["unchanged"]


def test_an_item_lost_meanwhile_leaves_its_entry_in_the_queue(store: Store, run_id: int, take: Take, now: datetime) -> None:
    (pending,) = take(1)
    assert kinds(save_results(store, run_id, [Held(pending, "never stored")], now=now)) == ["failed"]
    assert len(pending_entries(store, None, now=now)) == 1
    assert list(check_store(store)) == []


def test_a_failure_may_be_bettered_in_the_same_run(store: Store, run_id: int, take: Take, now: datetime) -> None:
    (pending,) = take(1)
    save_results(store, run_id, [NotStored(pending, OutcomeKind.FAILED, "no answer", now)], now=now)
    (again,) = pending_entries(store, None, now=now)
    assert kinds(save_results(store, run_id, [a_read(again)], now=now)) == ["new"]
    assert kinds([outcome for _, outcome in run_outcomes(store, run_id)]) == ["new"]


def test_what_no_rulebook_judged_is_kept_and_says_so(store: Store, run_id: int, take: Take, now: datetime) -> None:
    save_results(store, run_id, [replace(a_read(each), flagging=None) for each in take(1)], now=now)
    assert item(store, 1).flagging is None
    assert item(store, 1).extra["grade"] == -1
    assert list(check_store(store)) == []


def test_items_are_filtered_by_what_they_say_and_where_they_come_from(
    store: Store, run_id: int, take: Take, now: datetime
) -> None:
    for number, pending in enumerate(take(*range(6))):
        document = a_document(number, language="kk" if number % 2 else "ru", published=now - number * HOUR)
        save_results(store, run_id, [Read(pending, f"k{number}", document, a_flagging(document, flagged=number < 3))], now=now)
    save_results(store, run_id, [replace(a_read(each), key="v") for each in take(9, source_id="vlast")], now=now)

    def ids(**chosen: Any) -> list[int]:
        streamed = [each.id for each in list_items(store, Filter(**chosen))]
        assert sorted(each.id for each in page(store, Filter(**chosen))) == streamed
        return streamed

    assert ids() == [1, 2, 3, 4, 5, 6, 7]
    assert ids(grades=(2,)) == [1, 2, 3, 7]
    assert ids(grades=(1, 0)) == [4, 5, 6]
    assert ids(languages=("kk",)) == [2, 4, 6]
    assert ids(source_ids=("vlast",)) == [7]
    assert ids(terms=(("theme", "protest"), ("region", "KZ-75"))) == [1, 2, 3, 7]
    assert ids(terms=(("theme", "reform"),)) == []
    assert ids(since=now - 2 * HOUR, until=now) == [2, 3]
    assert ids(least_score=2.0, languages=("ru",)) == [1, 3, 7]
    assert ids(words="second") == [1, 2, 3, 4, 5, 6, 7]
    assert ids(words="???") == []
    first = page(store, limit=3)
    rest = page(store, before=(first[-1].extra["moment"], first[-1].id))
    assert [each.id for each in (*first, *rest)] == [7, 1, 2, 3, 4, 5, 6]


def test_hostile_texts_are_kept_and_their_offsets_stay_right(store: Store, run_id: int, take: Take, now: datetime) -> None:
    (pending,) = take(1)
    document = a_document(1, "а\x00б\ud800в😀 г", title="\x00" * 10, url="https://example.org/" + "x" * 5000, authors=("\udfff",))
    save_results(store, run_id, [Read(pending, "k" * 5000, document, a_flagging(document))], now=now)
    assert item(store, 1).text == "а\ufffdб\ufffdв😀 г"
    assert list(check_store(store)) == []


def test_two_runs_that_store_the_same_at_once_leave_one_of_each(
    address: str, store: Store, run_id: int, take: Take, now: datetime
) -> None:
    pending = take(*range(60))
    ended: list[Outcome] = []

    def save() -> None:
        mine = open_store(address)
        run = begin_run(mine, kind="collect", now=now, parameters={})
        for start in range(0, 60, 7):
            ended.extend(save_results(mine, run, [a_read(each) for each in pending[start : start + 7]], now=now))
        mine.close()

    threads = [threading.Thread(target=save) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(kinds(ended)) == ["new"] * 60 + ["unchanged"] * 120
    assert len(list(list_items(store))) == 60
    assert list(check_store(store)) == []


BATCHES = st.lists(
    st.tuples(
        st.sampled_from(["azattyq", "vlast"]),
        st.integers(0, 3),  # entry
        st.integers(0, 2),  # item key
        st.sampled_from(["A text.", "B text.", "C text."]),
        st.sampled_from([BodyFrom.PAGE, BodyFrom.SUMMARY]),
        st.sampled_from(["read", "read", "read", "held", "failed", "skipped"]),
    ),
    min_size=1,
    max_size=12,
    unique_by=lambda drawn: drawn[:2],  # an entry has one ending a run
)


# Without shrinking: every example opens a database, and a failing one is printed whole anyway.
@settings(
    max_examples=25,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(runs_given=st.lists(BATCHES, min_size=1, max_size=3))
def test_whatever_comes_the_store_is_sound_and_a_repeat_changes_nothing(
    sqlite_template: Path, tmp_path: Path, now: datetime, runs_given: list[Any]
) -> None:
    path = tmp_path / f"{len(list(tmp_path.iterdir()))}.db"
    shutil.copy(sqlite_template, path)
    store = open_store(f"sqlite:///{path}")
    sync_sources(store, [a_source("azattyq"), a_source("vlast")], now=now)
    for number, given_batch in enumerate(runs_given):
        at = now + number * HOUR
        run = begin_run(store, kind="collect", now=at, parameters={})
        batch = []
        for source_id, entry_number, key, said, body_from, how in given_batch:
            entry = an_entry(entry_number, source_id, summary=f"{number}{said}")
            take_entries(store, run, [Body(source_id, [entry], PollState(source_id))], now=at)[0]
            waiting = {each.entry.key: each for each in pending_entries(store, [source_id], now=at)}
            if (pending := waiting.get(entry.key)) is None:
                continue
            document = a_document(key, said, body_from=body_from)
            if how == "read":
                batch.append(Read(pending, f"item-{key}", document, a_flagging(document)))
            elif how == "held":
                batch.append(Held(pending, f"item-{key}"))
            else:
                batch.append(NotStored(pending, OutcomeKind(how), "a reason", at + HOUR if how == "failed" else None))
        first = save_results(store, run, batch, now=at)
        rows = rows_of(store)
        again = save_results(store, run, batch, now=at)
        assert len(again) == len(first)
        assert rows_of(store) == rows
    assert list(check_store(store)) == []
    store.close()
