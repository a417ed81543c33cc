"""When a source is polled next: properties of the pure decisions, for any history."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.rhythm import Bounds, PollOutcome, PollState, is_due, next_poll, publishing_gap

BOUNDS = Bounds(600.0, 86_400.0)
START = datetime(2026, 11, 22, tzinfo=UTC)

seconds = st.floats(min_value=0, max_value=10 * 365 * 86_400, allow_nan=False)
moments = st.integers(-400_000_000, 400_000_000).map(lambda s: START + timedelta(seconds=s))
outcomes = st.builds(
    PollOutcome,
    ok=st.booleans(),
    new=st.integers(0, 5_000),
    gap=st.none() | seconds,
    fresh_until=st.none() | moments,
    retry_after=st.none() | seconds,
)
states = st.builds(
    PollState,
    next_at=st.none() | moments,
    gap=st.none() | seconds,
    last_new=st.none() | moments,
    failures=st.integers(0, 100_000),
)


def wait(state: PollState, now: datetime) -> float:
    assert state.next_at is not None
    return (state.next_at - now).total_seconds()


@given(states, outcomes, moments, st.integers())
def test_a_source_is_polled_within_its_bounds_and_never_given_up(
    state: PollState, outcome: PollOutcome, now: datetime, seed: int
) -> None:
    after = next_poll(state, outcome, now, Random(seed), BOUNDS)
    longest = max(BOUNDS.most, min(outcome.retry_after or 0.0, 86_400.0))
    assert BOUNDS.least - 1e-3 <= wait(after, now) <= longest + 1e-3


@given(states, outcomes, moments, st.integers())
def test_a_host_that_asks_for_silence_gets_it_up_to_a_day(
    state: PollState, outcome: PollOutcome, now: datetime, seed: int
) -> None:
    after = next_poll(state, outcome, now, Random(seed), BOUNDS)
    assert wait(after, now) >= min(outcome.retry_after or 0.0, 86_400.0) - 1e-3


@given(states, st.integers(0, 50), moments, st.integers())
def test_what_the_server_calls_fresh_is_not_asked_for_again(state: PollState, new: int, now: datetime, seed: int) -> None:
    until = now + timedelta(hours=3)
    after = next_poll(state, PollOutcome(ok=True, new=new, fresh_until=until), now, Random(seed), BOUNDS)
    assert wait(after, now) >= 3 * 3600 - 1e-3


@given(st.integers(), st.integers(1, 40))
def test_a_failing_source_is_polled_ever_more_rarely(seed: int, failures: int) -> None:
    rng, state, now = Random(seed), PollState(), START
    waits = []
    for _ in range(failures):
        state = next_poll(state, PollOutcome(ok=False), now, rng, BOUNDS)
        waits.append(wait(state, now))
        assert state.next_at is not None
        now = state.next_at
    assert all(later >= earlier * 0.5 for earlier, later in pairwise(waits))
    if failures > 9:
        assert waits[-1] >= BOUNDS.most / 2
    assert state.failures == failures


@given(states, moments, st.integers())
def test_one_success_forgets_the_failures(state: PollState, now: datetime, seed: int) -> None:
    assert next_poll(state, PollOutcome(ok=True), now, Random(seed), BOUNDS).failures == 0


@pytest.mark.parametrize("every", [1_800.0, 7_200.0, 21_600.0])
def test_a_source_is_polled_about_as_often_as_it_publishes(every: float) -> None:
    rng, state, now = Random(7), PollState(), START
    published, waits = 0, []
    for _ in range(300):
        seen = int((now - START).total_seconds() // every)
        state = next_poll(state, PollOutcome(ok=True, new=seen - published), now, rng, BOUNDS)
        published = seen
        waits.append(wait(state, now))
        assert state.next_at is not None
        now = state.next_at
    assert every / 2.5 <= sum(waits[100:]) / len(waits[100:]) <= every * 2.5


def test_sources_that_failed_together_do_not_come_back_together() -> None:
    state = PollState(failures=4)
    waits = {round(wait(next_poll(state, PollOutcome(ok=False), START, Random(seed), BOUNDS), START)) for seed in range(20)}
    assert len(waits) > 15


def test_a_feed_s_own_dates_tell_its_rhythm_before_anything_was_observed() -> None:
    dates = [START - timedelta(hours=2 * n) for n in range(10)]
    assert publishing_gap([*dates, None]) == 7_200
    assert publishing_gap(dates[:2]) is None
    after = next_poll(PollState(), PollOutcome(ok=True, new=10, gap=7_200), START, Random(1), BOUNDS)
    assert 7_200 * 0.9 <= wait(after, START) <= 7_200


def test_a_clock_that_jumped_ten_years_ahead_and_back_leaves_no_source_waiting() -> None:
    ahead = START + timedelta(days=3_653)
    state = next_poll(PollState(), PollOutcome(ok=True), ahead, Random(1), BOUNDS)
    assert not is_due(state, ahead, BOUNDS)
    assert is_due(state, START, BOUNDS)
    healed = next_poll(state, PollOutcome(ok=True, new=3), START, Random(1), BOUNDS)
    assert BOUNDS.least <= wait(healed, START) <= BOUNDS.most


def test_bounds_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(ValueError, match="poll_min"):
        Bounds(700, 600)
