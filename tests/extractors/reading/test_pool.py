"""A hang, a crash or a flood of memory costs one call; the child is replaced, and no child outlives its parent."""

from __future__ import annotations

import asyncio
import contextlib
import copyreg
import io
import os
import pickle
import signal
import subprocess
import sys
import time
from datetime import datetime
from enum import Enum

import psutil
import pytest

from domain import values
from domain.errors import ReadError
from domain.values import Entry
from extractors.child import _answer, pack_enumerations_by_value
from extractors.feeds import read_feed
from extractors.pages import read_page
from extractors.pool import LARGE, ParserPool, _Answer
from tests.conftest import HOUSE
from tests.extractors.reading.conftest import item, rss

NAP = 1.0  # seconds
BODY = rss(item(title="Story", link="https://a.example/1")).encode()


def hang(*, url: str) -> None:
    while True:
        pass


def sleep(*, url: str) -> None:
    time.sleep(600)


def nap(*, url: str) -> str:
    time.sleep(NAP)
    return "awake"


def toil(*, url: str) -> str:
    until = time.monotonic() + NAP
    while time.monotonic() < until:
        pass
    return "tired"


def after_a_nap(name: str, *, url: str) -> object:
    time.sleep(NAP)
    return globals()[name](url=url)


def die(*, url: str) -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def leave(*, url: str) -> None:
    os._exit(0)


def devour(*, url: str) -> int:
    return len(b"".join(bytes([number % 250 + 1]) * 10_000_000 for number in range(1000)))


def stumble(*, url: str) -> None:
    raise KeyError("some parser's defect")


def betray(*, url: str) -> object:
    return os.system


def shout(*, url: str) -> str:
    print("a library that prints")
    return "done"


def has_loaded_what_few_pages_need(*, url: str) -> bool:
    return not {"htmldate", "trafilatura", "urllib3"}.isdisjoint(sys.modules)


async def read(pool: ParserPool, now: datetime) -> str:
    return (await pool.run(read_feed, BODY, url="https://a.example/feed", source_id="a", now=now)).entries[0].title


async def test_a_call_s_value_and_its_refusal_come_back(now):
    async with ParserPool(1, 20, 200_000_000) as pool:
        assert await read(pool, now) == "Story"
        with pytest.raises(ReadError, match=r"the answer is empty \(https://a.example/feed\)") as refused:
            await pool.run(read_feed, b"", url="https://a.example/feed", source_id="a", now=now)
        assert refused.value.kind == "empty"
        assert pool.started == 1


async def test_nothing_starts_before_the_first_call():
    async with ParserPool(2, 20, 200_000_000) as pool:
        assert pool.started == 0


async def test_what_few_pages_need_is_loaded_by_the_first_of_them_within_its_child_s_limits(now):
    page = f'<html><body><p>{"A page without a headline, in plain words. " * 9}</p><p class="date">2020-01-02</p></body></html>'
    entry = Entry("a", "1", "https://a.example/news", "", "")
    async with ParserPool(1, 20, 200_000_000) as pool:
        assert not await pool.run(has_loaded_what_few_pages_need, url="")
        document = await pool.run(read_page, page.encode(), url=entry.url, entry=entry, now=now)
        assert document.extractor.startswith("trafilatura")
        assert document.published is not None
        assert document.published.date().isoformat() == "2020-01-02"
        assert await pool.run(has_loaded_what_few_pages_need, url="")
        assert pool.started == 1


@pytest.mark.parametrize(
    ("function", "kind", "said"),
    [
        (hang, "timeout", "took longer than 0.5 s"),
        (sleep, "timeout", "took longer than 0.5 s"),
        (die, "crash", "died on this"),
        (leave, "crash", "died on this"),
        (devour, "memory", "more than 60 MB"),
        (stumble, "crash", "KeyError"),
        (betray, "crash", "not an answer"),
    ],
)
async def test_a_call_that_goes_wrong_costs_itself_alone(now, function, kind, said):
    async with ParserPool(1, 20, 60_000_000) as pool:
        await pool.run(shout, url="")  # imports this file, which on a busy machine takes longer than the limit that is tried
        pool.seconds = 0.5
        with pytest.raises(ReadError, match=said) as ended:
            await pool.run(function, url="https://a.example/page")
        assert ended.value.kind == kind
        assert ended.value.url == "https://a.example/page"
        pool.seconds = 20
        assert await read(pool, now) == "Story"


async def test_what_a_library_prints_does_not_disturb_the_answers(now):
    async with ParserPool(1, 20, 200_000_000) as pool:
        assert await pool.run(shout, url="") == "done"
        assert await read(pool, now) == "Story"


def parsing_children() -> list[psutil.Process]:
    """The pool's own children; a test worker may have others, such as a database server of another test."""
    return [child for child in psutil.Process().children() if any("extractors.child" in part for part in child.cmdline())]


async def test_a_cancelled_call_leaves_no_process_behind(now):
    async with ParserPool(1, 60, 200_000_000) as pool:
        await read(pool, now)
        (child,) = parsing_children()
        call = asyncio.create_task(pool.run(sleep, url=""))
        await asyncio.sleep(0.1)
        call.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await call
        assert not child.is_running()
        assert await read(pool, now) == "Story"


@pytest.fixture
def behind_any(monkeypatch):
    """Calls are put behind others however long these take: the machine may be busy."""
    monkeypatch.setattr("extractors.pool._LONG", 60.0)


async def held_by(pool: ParserPool, number: int) -> None:
    """Wait until the pool's only child holds so many calls."""
    async with asyncio.timeout(30):
        while [child.held for child in pool._children] != [number]:
            await asyncio.sleep(0.001)


@pytest.mark.parametrize(("function", "kind"), [(hang, "timeout"), (die, "crash"), (devour, "memory"), (betray, "crash")])
@pytest.mark.usefixtures("behind_any")
async def test_a_call_behind_one_that_goes_wrong_is_given_to_another_child(now, function, kind):
    async with ParserPool(1, 20, 60_000_000) as pool:
        await pool.run(shout, url="")  # imports this file
        pool.seconds = 1
        first = asyncio.create_task(pool.run(after_a_nap, function.__name__, url="https://a.example/page"))
        await held_by(pool, 1)
        second = asyncio.create_task(read(pool, now))
        await held_by(pool, 2)
        with pytest.raises(ReadError) as ended:
            await first
        assert ended.value.kind == kind
        pool.seconds = 20
        assert await second == "Story"
        assert pool.started == 2


@pytest.mark.usefixtures("behind_any")
async def test_a_call_s_time_begins_when_its_turn_has_come(now):
    async with ParserPool(1, 20, 200_000_000) as pool:
        await read(pool, now)
        first = asyncio.create_task(pool.run(nap, url=""))
        await held_by(pool, 1)
        begun = pool._children[0].begun
        second = asyncio.create_task(pool.run(shout, url=""))
        await held_by(pool, 2)
        assert await asyncio.gather(first, second) == ["awake", "done"]
        assert pool._children[0].begun - begun >= NAP


@pytest.mark.usefixtures("behind_any")
async def test_a_call_cancelled_while_it_waits_behind_another_spoils_neither_that_nor_the_next(now):
    async with ParserPool(1, 20, 200_000_000) as pool:
        await read(pool, now)
        first = asyncio.create_task(pool.run(nap, url=""))
        await held_by(pool, 1)
        second = asyncio.create_task(pool.run(shout, url=""))
        await held_by(pool, 2)
        second.cancel()
        with pytest.raises(asyncio.CancelledError):
            await second
        assert await first == "awake"
        assert await read(pool, now) == "Story"


async def test_a_burst_is_left_to_one_child_and_long_waiting_starts_another(now):
    async with ParserPool(2, 20, 200_000_000) as pool:
        await asyncio.gather(*(read(pool, now) for _ in range(30)))
        assert pool.started == 1
        long = asyncio.create_task(pool.run(sleep, url=""))
        await held_by(pool, 1)
        await asyncio.sleep(0.4)  # nothing is put behind a call that may hang
        assert await read(pool, now) == "Story"
        assert pool.started == 2
        long.cancel()


@pytest.mark.parametrize(("function", "cores", "children"), [(nap, 8, 1), (toil, 8, 2), (toil, 0, 1)])
@pytest.mark.usefixtures("behind_any")
async def test_another_child_is_started_where_the_first_has_no_rest_and_not_where_calls_wait_for_something_else(
    monkeypatch, function, cores, children
):
    monkeypatch.setattr("extractors.pool._cores", lambda: cores)  # none: all are taken, whatever else runs here
    monkeypatch.setattr("extractors.pool._PATIENCE_FOR_A_CHILD", 2.5 * NAP)
    monkeypatch.setattr("extractors.pool._NO_REST", 0.1)  # a child at work is given little on a busy machine
    async with ParserPool(2, 60, 200_000_000) as pool:
        await asyncio.gather(*(pool.run(function, url="") for _ in range(5)))
        assert pool.started == children


async def test_large_bodies_have_a_child_for_themselves(now):
    large = BODY + b" " * LARGE
    async with ParserPool(1, 20, 200_000_000) as pool:
        calls = [pool.run(read_feed, body, url="", source_id="a", now=now) for body in (BODY, large, BODY, large, BODY)]
        assert [feed.entries[0].title for feed in await asyncio.gather(*calls)] == ["Story"] * 5
        assert pool.started == 1


async def test_after_the_pool_was_closed_nothing_is_started(now):
    pool = ParserPool(1, 20, 200_000_000)
    await pool.close()
    with pytest.raises(ReadError, match="were ended"):
        await read(pool, now)
    assert pool.started == 0


async def test_ctrl_c_does_not_end_a_child(now):
    async with ParserPool(1, 20, 200_000_000) as pool:
        await read(pool, now)
        (child,) = parsing_children()
        child.send_signal(signal.SIGINT)
        assert await read(pool, now) == "Story"
        assert pool.started == 1


@pytest.mark.parametrize("call", ["sleep", "hang", "shout"])
def test_children_die_with_a_parent_killed_outright(call):
    code = (
        "import asyncio, psutil\nfrom extractors.pool import ParserPool\nimport tests.extractors.reading.test_pool as t\n"
        "async def main():\n    pool = ParserPool(1, 60, 200_000_000)\n    await pool.run(t.shout, url='')\n"
        f"    asyncio.ensure_future(pool.run(t.{call}, url=''))\n    await asyncio.sleep(0.2)\n"
        "    print(psutil.Process().children()[0].pid, flush=True)\n    await asyncio.sleep(60)\nasyncio.run(main())"
    )
    with subprocess.Popen([sys.executable, "-c", code], cwd=HOUSE, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        parent.kill()
    deadline = time.monotonic() + 10
    while psutil.pid_exists(child) and psutil.Process(child).status() != psutil.STATUS_ZOMBIE and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE


async def test_calls_at_once_share_the_children(now):
    async with ParserPool(2, 20, 200_000_000) as pool:
        assert await asyncio.gather(*(read(pool, now) for _ in range(20))) == ["Story"] * 20
        assert pool.started <= 2


def test_an_answer_that_is_no_value_leads_nowhere():
    """Pickle follows dots in names: a child taken over by a page must not reach ``eval`` in the parent by way of a value's module."""
    for name in (b"dataclass.__builtins__.get", b"Feed.__init__", b"dataclass"):
        answer = b"\x80\x04\x8c\x0ddomain.values\x8c" + bytes([len(name)]) + name + b"\x93."
        with pytest.raises(pickle.UnpicklingError):
            _Answer(io.BytesIO(answer)).load()


def test_an_enumeration_comes_back_on_every_python(monkeypatch: pytest.MonkeyPatch) -> None:
    # As Python 3.11.2 packs a member; later ones pack it by its value by themselves.
    monkeypatch.setattr(Enum, "__reduce_ex__", lambda member, _: (getattr, (type(member), member.name)))
    call = pickle.dumps(("domain.values", "BodyFrom", ("page",), {}))
    with pytest.raises(pickle.UnpicklingError):
        _Answer(io.BytesIO(_answer(call))).load()
    pack_enumerations_by_value(values)
    try:
        assert _Answer(io.BytesIO(_answer(call))).load() == ("ok", values.BodyFrom.PAGE)
    finally:
        for kind in [kind for kind in copyreg.dispatch_table if kind.__module__ == values.__name__]:
            del copyreg.dispatch_table[kind]
