"""Out of memory: one more try in the same attempt with less on the device, or a worker that makes room for another.

A device's figures are made up here: `Memory` is the tests' own. The editors of the first test are real.
"""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from overpaint import plan
from overpaint.domain import Status
from overpaint.errors import ConfigurationError, EditFailed
from overpaint.images.sandbox import Sandbox
from overpaint.model import Editor, load_editor
from overpaint.plan import Plan
from overpaint.worker import making
from overpaint.worker.loop import WorkerBroken
from overpaint.worker.shrinking import ShrinkingEditor
from overpaint.worker.supervisor import EXIT_BROKEN
from tests.model import checkpoints
from tests.worker.conftest import House
from tests.worker.doubles import ScriptedEditor, picture
from tests.worker.test_making import request

pytestmark = pytest.mark.anyio

_, TABLE, *_ = plan.plans(plan.PUBLISHED, bytes_a_value=2, pixels=0)


class Memory:
    """Of a device on which the plans follow each other."""

    def __init__(self, *plans: Plan, is_given_back: Callable[[], bool] = lambda: True) -> None:
        self._plans, self._is_given_back = list(plans), is_given_back

    def smaller(self, editor: object) -> Plan | None:
        return self._plans.pop(0) if self._plans else None

    def most_pixels(self, editor: object) -> int | None:
        return 4_000_000

    def is_given_back(self, device: object) -> bool:
        return self._is_given_back()


class Loads:
    """Gives these editors, one a load; notes for which plans."""

    def __init__(self, *editors: ScriptedEditor | Exception) -> None:
        self.plans: list[Plan | None] = []
        self._editors = list(editors)

    def __call__(self, plan: Plan | None) -> Any:
        self.plans.append(plan)
        editor = self._editors.pop(0)
        if isinstance(editor, Exception):
            raise editor
        return editor


def too_large(at: int) -> ScriptedEditor:
    """An editor that is out of memory at this step, each time."""

    def at_step(step: int) -> None:
        if step == at:
            raise EditFailed("out_of_memory")

    return ScriptedEditor(at_step)


def start(at: House, loads: Loads, memory: Memory, **changes: Any) -> asyncio.Task[None]:
    return at.start(ScriptedEditor(), load=lambda progress: ShrinkingEditor(loads, memory), **changes)[1]


@pytest.mark.parametrize("part", ["transformer.forward", "autoencoder.decode"])
def test_the_first_editor_is_gone_before_the_second_makes_the_same_picture(part: str, tmp_path: Path) -> None:
    folder = checkpoints.build(tmp_path / "checkpoint", "2511", tiny=True)
    ways = plan.plans(plan.measure(folder), bytes_a_value=4, pixels=0)
    asked: list[Plan | None] = []
    first: list[weakref.ref[Any]] = []

    def load(held: Plan | None) -> Editor:
        asked.append(held)
        editor = load_editor(folder, device="cpu", plan=held or ways[0])
        if held is None:
            first.extend(map(weakref.ref, (editor, editor.parts.transformer, editor.parts.autoencoder)))
            name, method = part.split(".")
            setattr(getattr(editor.parts, name), method, fail_at_the_third_call(getattr(editor.parts, name), method))
        return editor

    def is_given_back() -> bool:
        gc.collect()
        return [each() for each in first] == [None] * 3

    steps: list[int] = []
    editor = ShrinkingEditor(load, Memory(ways[1], is_given_back=is_given_back))
    sandbox = Sandbox(max_pixels=10**6)
    try:
        plain = made(load_editor(folder, device="cpu"), sandbox, lambda step, total: None)
        edited = made(editor, sandbox, lambda step, total: steps.append(step))
    finally:
        sandbox.close()
    assert edited.image.tobytes() == plain.image.tobytes()
    assert asked == [None, ways[1]]
    assert steps == ([1, 1, 2, 3] if part == "transformer.forward" else [1, 2, 3, 1, 2, 3])


def fail_at_the_third_call(module: Any, method: str) -> Callable[..., Any]:
    """Of the network; of the decoder at the first. Holds what it was given, as an error's frames do."""
    calls, inner = [0 if method == "forward" else 2], getattr(type(module), method)
    own = weakref.ref(module)

    def call(*args: Any) -> Any:
        calls[0] += 1
        if calls[0] == 3:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return inner(own(), *args)

    return call


def made(editor: Any, sandbox: Sandbox, on_step: Callable[[int, int], None]) -> Any:
    return making.edit(
        editor, request(steps=3), [picture()], sandbox=sandbox, on_step=on_step, is_stopped=lambda: False
    )


@pytest.mark.parametrize("at_step", [1, 3, 5], ids=["first step", "in between", "at the picture"])
async def test_it_is_tried_again_with_less_in_the_same_attempt_and_stays_so(
    house: Callable[..., House], at_step: int
) -> None:
    at = house()
    less = ScriptedEditor()
    loads = Loads(too_large(at_step), less)
    start(at, loads, Memory(TABLE))
    task = await at.until(await at.submit(seed=5))
    assert (task.status, task.attempt, len(task.outputs)) == (Status.SUCCEEDED, 1, 1)
    assert loads.plans == [None, TABLE]
    assert [each.outcome for each in await at.store.attempts(task.id)] == ["succeeded"]
    other = await at.until(await at.submit(seed=6))
    assert other.status is Status.SUCCEEDED
    assert [call["seed"] for call in less.calls] == [5, 6]


async def test_a_second_lack_of_memory_ends_the_edit_and_the_worker_goes_on(house: Callable[..., House]) -> None:
    at, loads = house(), Loads(too_large(2), too_large(3))
    start(at, loads, Memory(TABLE))
    for _ in range(2):  # the second has nothing smaller to try
        task = await at.until(await at.submit())
        assert (task.status, task.error_code, task.attempt) == (Status.FAILED, "out_of_memory", 1)
    assert loads.plans == [None, TABLE]


async def test_another_failure_changes_nothing(house: Callable[..., House]) -> None:
    def fail(step: int) -> None:
        raise EditFailed("prompt_too_long")

    at, loads = house(), Loads(ScriptedEditor(fail))
    start(at, loads, Memory(TABLE))
    assert (await at.until(await at.submit())).error_code == "prompt_too_long"
    assert loads.plans == [None]


@pytest.mark.parametrize("what", ["memory is kept", "loading fails"])
async def test_a_worker_without_an_editor_goes_and_the_edit_is_made_by_another(
    house: Callable[..., House], what: str
) -> None:
    at = house()
    loads = Loads(too_large(2), ConfigurationError("the folder is gone"))
    run = start(at, loads, Memory(TABLE, is_given_back=lambda: what != "memory is kept"))
    task_id = await at.submit()
    with pytest.raises(WorkerBroken):
        await run
    task = await at.task(task_id)
    assert (task.status, task.attempt) == (Status.QUEUED, 1)
    assert [(each.outcome, each.error) for each in await at.store.attempts(task_id)] == [("failed", "worker_lost")]
    assert loads.plans == ([None] if what == "memory is kept" else [None, TABLE])
    at.start(ScriptedEditor())
    task = await at.until(task_id)
    assert (task.status, task.attempt) == (Status.SUCCEEDED, 2)


async def test_the_lease_is_kept_and_a_cancel_heard_while_it_loads_again(house: Callable[..., House]) -> None:
    """Loading tells how far it is: longer than a device may be silent, it is no hung device."""
    at, beats, go_on = house(lease_seconds=1.5), threading.Semaphore(0), threading.Event()
    again = asyncio.Event()
    loop = asyncio.get_running_loop()
    real = at.store.beat

    async def beat(claim: Any, *, step: int) -> Any:
        answer = await real(claim, step=step)
        if again.is_set():
            beats.release()
        return answer

    at.store.beat = beat  # type: ignore[method-assign]
    less = ScriptedEditor()

    def load(progress: Callable[[float], None]) -> ShrinkingEditor:
        def of_plan(held: Plan | None) -> Any:
            if held is None:
                return too_large(50)
            loop.call_soon_threadsafe(again.set)
            for _ in range(5):  # half a second each, the first two perhaps less
                while not beats.acquire(timeout=0.05):
                    progress(0.5)
            go_on.wait()
            return less

        return ShrinkingEditor(of_plan, Memory(TABLE))

    _, run = at.start(less, load=load, patience=lambda pace: 1.0)
    task_id = await at.submit(steps=100)
    await again.wait()
    await at.store.cancel("me", task_id)
    go_on.set()
    ended = asyncio.ensure_future(at.until(task_id))
    await asyncio.wait((ended, run), return_when=asyncio.FIRST_COMPLETED)
    assert not run.done()
    task = await ended
    assert (task.status, task.attempt) == (Status.CANCELED, 1)
    assert task.usage is not None and task.usage.steps == 49  # what is told of steps never falls
    assert less.closed_early == 1


async def test_a_worker_says_how_large_a_picture_it_has_room_for(house: Callable[..., House]) -> None:
    at = house()
    start(at, Loads(ScriptedEditor()), Memory())
    while not (lines := await at.store.workers()) or lines[0].state != "idle":
        await at.store.changed(0.05)
    assert lines[0].max_pixels == 4_000_000


KEEPING = """
import sys
from overpaint import catalog
from overpaint.settings import load
from overpaint.worker import making, process
from overpaint.worker.shrinking import ShrinkingEditor
from tests.worker.test_shrinking import TABLE, Loads, Memory, too_large

memory = Memory(TABLE, is_given_back=lambda: False)
making.load = lambda *_, **more: ShrinkingEditor(Loads(too_large(2)), memory)
process.run(load(data=sys.argv[1]), catalog.EMBEDDED / "mini", "cpu")
"""


async def test_a_process_whose_device_keeps_its_memory_asks_to_be_replaced(house: Callable[..., House]) -> None:
    at = house()
    task_id = await at.submit()
    command = [sys.executable, "-c", KEEPING, str(at.settings.data)]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True)
    assert done.returncode == EXIT_BROKEN, done.stderr
    assert "keeps its memory" in done.stderr + done.stdout
    assert (await at.task(task_id)).status is Status.QUEUED
