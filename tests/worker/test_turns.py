"""Owners take turns at a real worker (R14): one edit behind many of another owner is the next to begin."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from tests.worker.conftest import House
from tests.worker.doubles import ScriptedEditor

pytestmark = pytest.mark.anyio


async def test_one_edit_behind_many_begins_next(house: Callable[..., House]) -> None:
    at = house()
    await at.submit(owner="many", seed=0)
    reached, loop = asyncio.Event(), asyncio.get_running_loop()

    def at_step(_: int) -> None:
        loop.call_soon_threadsafe(reached.set)
        go_on.wait()

    editor = ScriptedEditor(at_step)
    go_on = editor.gate()
    at.start(editor)
    await reached.wait()
    many = [await at.submit(owner="many", seed=seed) for seed in range(1, 11)]
    one = await at.submit(owner="one", seed=99)
    go_on.set()
    for each in (one, *many):
        await at.until(each)
    assert [call["seed"] for call in editor.calls] == [0, 99, *range(1, 11)]
