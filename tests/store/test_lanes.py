"""Owners take turns (R14): by what was made for them, divided by their weight, whoever queued more or came first."""

from __future__ import annotations

import asyncio
import itertools
import sqlite3
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from overpaint.domain import Limits, Succeeded, Timings
from overpaint.store.sqlite import FILE_NAME, SqliteTaskStore
from overpaint.store.statements import SQL
from overpaint.store.tasks import TaskStore
from tests.figures import IS_LONG, figures
from tests.store.samples import ManualClock, new_task, succeeded

pytestmark = pytest.mark.anyio

OpenStore = Callable[..., TaskStore]


def made(milliseconds: int) -> Succeeded:
    return replace(succeeded(), timings=Timings(total_ms=milliseconds))


async def fill(store: TaskStore, **counts: int) -> None:
    """So many edits of each owner, one owner after the other."""
    for owner, count in counts.items():
        await asyncio.gather(*(store.submit(new_task(owner)) for _ in range(count)))


async def make(
    store: TaskStore, count: int, *, milliseconds: Callable[[str], int] = lambda owner: 1000
) -> Counter[str]:
    """One worker makes so many edits; the milliseconds that each owner had of it."""
    had: Counter[str] = Counter()
    for _ in range(count):
        claim = await store.claim("w")
        assert claim is not None
        had[claim.task.owner] += milliseconds(claim.task.owner)
        await store.finish(claim, made(milliseconds(claim.task.owner)))
    return had


async def test_one_edit_behind_a_thousand_of_another_owner_is_the_next_to_begin(open_store: OpenStore) -> None:
    store = open_store()
    await fill(store, many=1000)
    await make(store, 5)
    running = await store.claim("w")
    assert running and running.task.owner == "many"
    task = (await store.submit(new_task("one"))).task
    standing = await store.standing("one", task.id)
    assert standing and standing.queue_position == 1
    await store.finish(running, made(1000))
    claim = await store.claim("w")
    assert claim and claim.task.id == task.id
    figures(row="R14", queued_before=994, begun_after=0)


@pytest.mark.parametrize(("light", "heavy"), [(1000, 1000), (700, 7000), (7000, 700)])
async def test_weights_three_to_one_share_the_worker_three_to_one(
    open_store: OpenStore, light: int, heavy: int
) -> None:
    """Also where the edits of one take ten times as long."""
    store, count = open_store(), 2000 if IS_LONG else 120
    await store.put_limits("heavy", "", Limits(weight=3))
    await fill(store, light=count, heavy=count)
    had = await make(store, count, milliseconds=lambda owner: {"light": light, "heavy": heavy}[owner])
    share = had["heavy"] / had.total()
    assert abs(share - 0.75) < 0.075
    figures(row="R14", weights="3:1", edit_ms=f"{heavy}:{light}", share=round(share, 4))


async def test_huge_edits_of_one_and_small_ones_of_another_share_it_evenly(open_store: OpenStore) -> None:
    store, count = open_store(), 2000 if IS_LONG else 160
    await fill(store, huge=count, small=count)
    had = await make(store, count, milliseconds=lambda owner: {"huge": 20_000, "small": 500}[owner])
    assert abs(had["huge"] / had.total() - 0.5) < 0.05


async def test_who_was_away_has_saved_no_turns(open_store: OpenStore) -> None:
    store = open_store()
    await fill(store, here=100)
    await make(store, 50)
    await fill(store, away=30)
    assert 9 <= (await make(store, 20))["away"] / 1000 <= 11


async def test_who_was_held_back_by_a_limit_has_saved_no_turns_either(open_store: OpenStore) -> None:
    store = open_store()
    await store.put_limits("held", "", Limits(running=1))
    await fill(store, held=30, free=100)
    blocking = await store.claim("w")
    while blocking and blocking.task.owner != "held":
        await store.finish(blocking, made(1000))
        blocking = await store.claim("w")
    await make(store, 30)
    await store.put_limits("held", "", Limits())
    assert 9 <= (await make(store, 20))["held"] / 1000 <= 11


async def test_an_attempt_that_was_lost_costs_its_owner_no_turn(open_store: OpenStore, clock: ManualClock) -> None:
    store = open_store(lease_seconds=10)
    await fill(store, a=3, b=3)
    lost = await store.claim("w")
    clock.seconds += 10
    await store.sweep()
    again = await store.claim("w")
    assert lost and again and again.task.id == lost.task.id


@settings(max_examples=200 if IS_LONG else 10, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    owners=st.lists(st.tuples(st.floats(0.1, 10), st.integers(1, 20_000), st.booleans()), min_size=2, max_size=5),
    before=st.integers(0, 15),
    data=st.data(),
)
async def test_no_owner_starves(
    tmp_path_factory: pytest.TempPathFactory,
    owners: list[tuple[float, int, bool]],
    before: int,
    data: st.DataObject,
) -> None:
    """While two owners wait, neither gets ahead of the other by more than an edit of each, by weight.

    That is the bound of start-time fair queueing. Each owner: weight, longest edit in ms, whether he comes later.
    """
    store = SqliteTaskStore.open(tmp_path_factory.mktemp("lanes") / FILE_NAME, clock=ManualClock())
    names = [f"o{number}" for number in range(len(owners))]
    had = dict.fromkeys(names, 0.0)
    longest = dict.fromkeys(names, 0.0)
    seen: dict[str, dict[str, float]] = {}

    async def arrive(name: str) -> None:
        await fill(store, **{name: 40})
        seen[name] = dict(had)

    async def turn() -> None:
        claim = await store.claim("w")
        assert claim is not None
        name = claim.task.owner
        weight, most, _ = owners[names.index(name)]
        spent = data.draw(st.integers(1, most))
        longest[name] = max(longest[name], spent / weight)
        had[name] += spent / weight
        await store.finish(claim, made(spent))

    for name, (weight, _, _) in zip(names, owners, strict=True):
        await store.put_limits(name, "", Limits(weight=weight))
    for late in (False, True):
        for name, (_, _, is_late) in zip(names, owners, strict=True):
            if is_late is late:
                await arrive(name)
        for _ in range(before if not late and seen else 25 - before):
            if seen:
                await turn()
    for one, two in itertools.combinations(names, 2):
        start = max(seen[one], seen[two], key=lambda figures: sum(figures.values()))  # from then on both wait
        ahead = (had[one] - start[one]) - (had[two] - start[two])
        assert abs(ahead) <= longest[one] + longest[two] + 1, (one, two, had)
    await store.close()


async def test_a_claim_costs_the_same_however_many_wait(tmp_path: Path) -> None:
    """Counted in steps of SQLite's machine, which no other load of the computer changes."""
    store, steps = SqliteTaskStore.open(tmp_path / FILE_NAME, queue_max=0), {}
    for count in (20, 2000):
        await fill(store, **{"me": count, "you": count // 2})
        with closing(sqlite3.connect(tmp_path / FILE_NAME)) as db:
            ticks: list[int] = []
            db.set_progress_handler(lambda ticks=ticks: ticks.append(1) and 0, 1)
            db.execute(SQL["next_in_turn"], {"running_max": 0}).fetchall()
            steps[count] = len(ticks)
    assert steps[2000] <= steps[20] + 5
    await store.close()
