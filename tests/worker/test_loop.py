"""A worker at work: every way an edit may end, and who may write what."""

from __future__ import annotations

import asyncio
import hashlib
import threading
from collections.abc import Callable
from typing import Any

import pytest

from overpaint.domain import Beat, Claim, Origin, Outcome, OutputPicture, Status, Succeeded, Task, Timings, Usage
from overpaint.errors import ConfigurationError, EditFailed, StorageFull, StoreUnavailable
from overpaint.store.blobs import FolderBlobs, result_name
from overpaint.telemetry import FIELDS
from overpaint.worker import loop
from overpaint.worker.loop import Worker, WorkerBroken
from tests.worker.conftest import House
from tests.worker.doubles import ScriptedEditor, picture

pytestmark = pytest.mark.anyio

MakeHouse = Callable[..., House]


def is_processing(task: Task) -> bool:
    return task.status is Status.PROCESSING


class Moment:
    """A step that waits: `reached` when the editor is there, goes on when the test says so."""

    def __init__(self, step: int) -> None:
        self.editor = ScriptedEditor(self._at_step)
        self.reached = asyncio.Event()
        self.go_on = self.editor.gate()
        self._step = step
        self._loop = asyncio.get_running_loop()

    def _at_step(self, step: int) -> None:
        if step == self._step:
            self._loop.call_soon_threadsafe(self.reached.set)
            self.go_on.wait()


async def test_an_edit_ends_with_a_stored_picture_and_its_figures(house: MakeHouse) -> None:
    at = house()
    at.start(ScriptedEditor())
    task = await at.until(await at.submit(seed=2**31 - 1, output_format="png"))
    assert (task.status, task.attempt, task.step) == (Status.SUCCEEDED, 1, 4)
    (output,) = task.outputs
    data = at.blobs.get(output.name)
    assert output == OutputPicture(
        name=result_name(task.id, 1, 0, "png"),
        sha256=hashlib.sha256(data).hexdigest(),
        format="png",
        width=64,
        height=48,
        bytes=len(data),
        seed=2**31 - 1,
    )
    assert task.timings is not None and (task.timings.prepare_ms, task.timings.denoise_ms) == (1, 40)
    assert task.usage is not None and (task.usage.steps, task.usage.pixels) == (4, 4096)


@pytest.mark.parametrize("ending", [Status.SUCCEEDED, Status.FAILED])
async def test_a_rehearsal_ends_as_it_was_asked_to_without_a_step(house: MakeHouse, ending: Status) -> None:
    at = house(max_attempts=3)
    editor = ScriptedEditor()
    worker, _ = at.start(editor)
    task = await at.until(await at.submit(test_ending=ending))
    pace = worker._presence.info.seconds_per_step
    assert (task.status, task.attempt, editor.calls) == (ending, 1, [])
    if ending is Status.FAILED:
        assert (task.error_code, task.outputs) == ("test_mode", ())
        return
    assert at.blobs.get(task.outputs[0].name)[:2] == b"\xff\xd8"
    assert task.usage is not None and (task.usage.steps, task.usage.pixels) == (0, 0)
    assert pace and worker._presence.info.seconds_per_step == pace  # and it told nothing about how fast steps are


async def test_the_line_of_an_edit_tells_all_and_leads_to_its_request(house: MakeHouse) -> None:
    at = house()
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    origin = Origin(key_id="k", request_id="r", traceparent=f"00-{trace}-1111111111111111-01")
    at.start(ScriptedEditor())
    task_id = await at.submit(origin=origin)
    (line,) = await at.told()
    assert line.pop("run_seconds") >= 0 and line.pop("wait_seconds") >= 0
    assert line == {
        "event": "edit finished",
        "log_level": "info",
        "task_id": task_id,
        "worker_id": "worker-0",
        "key_id": "k",
        "request_id": "r",
        "trace_id": trace,
        "status": "succeeded",
        "attempt": 1,
        "size": "64x48",
        "steps": 4,
        "seed": 7,
        "prompt_characters": 12,
        "prompt": "make it snow",
    }


async def test_every_line_about_an_edit_names_it(house: MakeHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "RETRY_SECONDS", 0.01)

    class Blobs(FolderBlobs):
        is_full = True

        def put(self, name: str, data: bytes) -> None:
            if name.startswith("results") and self.is_full:
                self.is_full = False
                raise StorageFull()
            super().put(name, data)

    at = house()
    at.start(ScriptedEditor(), blobs=Blobs(at.settings.data / "blobs"))
    task_id = await at.submit()
    await at.until(task_id)
    await at.told()
    (line,) = [line for line in at.lines if line["event"] == "storage does not answer"]
    assert (line["task_id"], line["code"]) == (task_id, "storage_full")


async def test_edits_are_made_in_the_order_they_were_asked_for(house: MakeHouse) -> None:
    at, editor = house(), ScriptedEditor()
    ids = [await at.submit(seed=seed) for seed in range(5)]
    at.start(editor)
    for task_id in ids:
        assert (await at.until(task_id)).status is Status.SUCCEEDED
    assert [call["seed"] for call in editor.calls] == [0, 1, 2, 3, 4]


async def test_an_input_that_came_with_its_submit_is_read_from_there(house: MakeHouse) -> None:
    at = house()
    at.start(ScriptedEditor())
    task = await at.until(await at.submit(is_small=True))
    assert task.status is Status.SUCCEEDED
    assert not at.blobs.path(task.inputs[0].name).exists()


async def test_a_cancel_stops_the_work_at_a_step(house: MakeHouse) -> None:
    at, moment = house(), Moment(3)
    worker, _ = at.start(moment.editor)
    task_id = await at.submit(steps=100)
    await moment.reached.wait()
    await at.store.cancel("me", task_id)
    assert (await at.task(task_id)).status is Status.PROCESSING
    await stopped(worker)
    moment.go_on.set()
    task = await at.until(task_id)
    assert (task.status, task.error_code, task.outputs) == (Status.CANCELED, "canceled", ())
    assert task.usage is not None and task.usage.steps == 2
    assert (moment.editor.steps_made, moment.editor.closed_early) == (3, 1)


async def stopped(worker: Worker) -> None:
    """Returns when the edit in work is told to stop."""
    while worker._lease is None or not worker._lease.is_stopped():
        await asyncio.sleep(0.01)


class Counted:
    """A store's method that counts its answers."""

    def __init__(self, method: Callable[..., Any]) -> None:
        self._method = method
        self._answers = 0
        self._changed = asyncio.Condition()

    async def __call__(self, *args: Any, **more: Any) -> Any:
        answer = await self._method(*args, **more)
        async with self._changed:
            self._answers += 1
            self._changed.notify_all()
        return answer

    async def reach(self, answers: int) -> None:
        async with self._changed:
            await self._changed.wait_for(lambda: self._answers >= answers)


async def test_the_lease_is_renewed_while_a_step_is_long(house: MakeHouse) -> None:
    at, moment = house(lease_seconds=4), Moment(2)
    beats = Counted(at.store.beat)
    at.store.beat = beats  # type: ignore[method-assign]
    at.start(moment.editor)
    task_id = await at.submit()
    await moment.reached.wait()
    await beats.reach(4)  # each a third of a lease after the other: the first lease is long over
    assert (await at.store.sweep()).requeued == 0
    moment.go_on.set()
    task = await at.until(task_id)
    assert (task.status, task.attempt) == (Status.SUCCEEDED, 1)


async def test_progress_is_written_long_before_the_lease_needs_it(house: MakeHouse) -> None:
    at, steps = house(lease_seconds=600), list[int]()
    beat = at.store.beat

    async def noting(claim: Claim, *, step: int) -> Beat:
        steps.append(step)
        return await beat(claim, step=step)

    at.store.beat = noting  # type: ignore[method-assign]
    decoding = Moment(5)  # the step after the last: the picture is being decoded
    at.start(decoding.editor)
    task_id = await at.submit()
    await decoding.reached.wait()
    task = await at.until(task_id, lambda task: task.step == 4)
    assert task.status is Status.PROCESSING
    assert steps == sorted(set(steps)) and steps[-1] == 4
    decoding.go_on.set()
    await at.until(task_id)


async def win(at: House, task_id: str) -> tuple[Claim, OutputPicture]:
    """Another worker gets the task and finishes it."""
    await at.store.void_leases()
    heir = await at.store.claim("heir")
    assert heir is not None and heir.task.id == task_id
    name = result_name(task_id, heir.attempt, 0, "jpeg")
    at.blobs.put(name, b"the winner's")
    output = OutputPicture(name=name, sha256="", format="jpeg", width=1, height=1, bytes=12, seed=7)
    won = Succeeded(outputs=(output,), timings=Timings(), usage=Usage())
    assert await at.store.finish(heir, won)
    return heir, output


async def test_a_worker_that_lost_its_lease_makes_no_more_of_it_and_writes_nothing(house: MakeHouse) -> None:
    at, moment = house(), Moment(2)
    worker, _ = at.start(moment.editor)
    task_id = await at.submit(steps=100)
    await moment.reached.wait()
    _, output = await win(at, task_id)
    await stopped(worker)
    moment.go_on.set()
    assert (await at.until(await at.submit())).status is Status.SUCCEEDED  # and works on
    assert [line["status"] for line in await at.told(2)] == ["lost", "succeeded"]
    assert (moment.editor.closed_early, moment.editor.steps_made) == (1, 2 + 4)
    task = await at.task(task_id)
    assert (task.outputs, task.attempt) == ((output,), 2)
    assert not at.blobs.path(result_name(task_id, 1, 0, "jpeg")).exists()


async def test_a_zombies_finish_is_refused_and_only_its_own_picture_goes(house: MakeHouse) -> None:
    at, main = house(), asyncio.get_running_loop()

    class Blobs(FolderBlobs):
        def put(self, name: str, data: bytes) -> None:
            super().put(name, data)
            nonlocal is_stored
            is_stored = self.path(name).exists()
            asyncio.run_coroutine_threadsafe(win(at, task_id), main).result()

    is_stored = False
    task_id = await at.submit()
    at.start(ScriptedEditor(), blobs=Blobs(at.settings.data / "blobs"))
    assert [line["status"] for line in await at.told()] == ["lost"]
    task = await at.task(task_id)
    assert is_stored
    assert not at.blobs.path(result_name(task_id, 1, 0, "jpeg")).exists()
    assert [output.name for output in task.outputs] == [result_name(task_id, 2, 0, "jpeg")]
    assert at.blobs.get(task.outputs[0].name) == b"the winner's"
    assert [(each.number, each.outcome) for each in await at.store.attempts(task_id)] == [(1, "lost"), (2, "succeeded")]


async def test_a_silent_store_costs_the_lease_before_anybody_else_may_take_it(house: MakeHouse) -> None:
    at, moment = house(lease_seconds=3), Moment(2)
    silence = asyncio.Event()

    async def hang(claim: Claim, *, step: int) -> Beat:
        silence.set()
        await asyncio.Event().wait()
        raise AssertionError

    at.store.beat = hang  # type: ignore[method-assign]
    task_id = await at.submit(steps=100)
    worker, _ = at.start(moment.editor)
    await silence.wait()
    await stopped(worker)
    moment.go_on.set()
    assert [line["status"] for line in await at.told()] == ["lost"]
    assert moment.editor.closed_early == 1
    assert (await at.task(task_id)).status is Status.PROCESSING  # its lease runs out by itself


@pytest.mark.parametrize(
    "changes", [{"is_stored": False}, {"stored": picture((32, 32))}], ids=["missing", "another's bytes"]
)
async def test_an_input_that_is_not_what_was_sent_is_lost(house: MakeHouse, changes: dict[str, Any]) -> None:
    at, editor = house(), ScriptedEditor()
    at.start(editor)
    task = await at.until(await at.submit(**changes))
    assert (task.status, task.error_code, task.attempt) == (Status.FAILED, "input_lost", 1)
    assert editor.calls == []


@pytest.mark.parametrize(
    ("error", "code", "attempts"),
    [
        (MemoryError(), "out_of_memory", 1),
        (EditFailed("prompt_too_long"), "prompt_too_long", 1),
        (EditFailed("output_invalid"), "output_invalid", 2),
        (KeyError("surprise"), "internal_error", 2),
    ],
)
async def test_failures_are_repeated_only_where_that_may_help(
    house: MakeHouse, error: Exception, code: str, attempts: int
) -> None:
    def fail(step: int) -> None:
        raise error

    at = house(max_attempts=2)
    at.start(ScriptedEditor(fail))
    task = await at.until(await at.submit())
    assert (task.status, task.error_code, task.attempt) == (Status.FAILED, code, attempts)
    told = await at.told(attempts)
    assert [line["code"] for line in told] == [code] * attempts
    assert [line["event"] for line in told] == ["attempt ended"] * (attempts - 1) + ["edit finished"]
    assert all(("exc_info" in line) is (code == "internal_error") for line in told)


async def test_numbers_that_are_no_picture_may_be_one_the_next_time(house: MakeHouse) -> None:
    errors = [EditFailed("output_invalid")]

    def fail_once(step: int) -> None:
        if errors:
            raise errors.pop()

    at = house()
    at.start(ScriptedEditor(fail_once))
    task = await at.until(await at.submit())
    assert (task.status, task.attempt) == (Status.SUCCEEDED, 2)


async def test_an_edit_may_not_run_longer_than_its_limit(house: MakeHouse) -> None:
    at, moment = house(run_timeout_seconds=0.1), Moment(1)
    worker, _ = at.start(moment.editor)
    task_id = await at.submit(steps=100)
    await moment.reached.wait()
    await stopped(worker)
    moment.go_on.set()
    task = await at.until(task_id)
    assert (task.status, task.error_code, task.attempt) == (Status.FAILED, "run_timeout", 1)
    assert moment.editor.closed_early == 1


async def test_a_picture_is_made_once_however_often_storing_it_fails(
    house: MakeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "RETRY_SECONDS", 0.01)
    troubles: list[Exception] = [StorageFull(), StoreUnavailable(), StorageFull()]

    class Blobs(FolderBlobs):
        def put(self, name: str, data: bytes) -> None:
            if troubles:
                raise troubles.pop()
            super().put(name, data)

    at, editor = house(), ScriptedEditor()
    task_id = await at.submit()
    at.start(editor, blobs=Blobs(at.settings.data / "blobs"))
    task = await at.until(task_id)
    assert (task.status, task.attempt, len(editor.calls)) == (Status.SUCCEEDED, 1, 1)


async def test_storage_that_never_answers_fails_the_attempt_by_its_name(
    house: MakeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "STORING_PATIENCE_SECONDS", 0)

    class Blobs(FolderBlobs):
        def put(self, name: str, data: bytes) -> None:
            raise StorageFull()

    at = house(max_attempts=1)
    task_id = await at.submit()
    at.start(ScriptedEditor(), blobs=Blobs(at.settings.data / "blobs"))
    assert (await at.until(task_id)).error_code == "output_storage_failed"


async def test_a_put_and_a_finish_whose_answers_were_lost_are_ours_all_the_same(
    house: MakeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "RETRY_SECONDS", 0.01)
    put_answers, finish_answers = [StoreUnavailable()], [StoreUnavailable()]

    class Blobs(FolderBlobs):
        def put(self, name: str, data: bytes) -> None:
            super().put(name, data)
            if put_answers:
                raise put_answers.pop()

    at = house()
    finish = at.store.finish

    async def losing_its_answer(claim: Claim, outcome: Outcome) -> bool:
        written = await finish(claim, outcome)
        if finish_answers:
            raise finish_answers.pop()
        return written

    at.store.finish = losing_its_answer  # type: ignore[method-assign]
    task_id = await at.submit()
    at.start(ScriptedEditor(), blobs=Blobs(at.settings.data / "blobs"))
    assert [line["status"] for line in await at.told()] == ["succeeded"]
    task = await at.task(task_id)
    assert (task.status, task.attempt) == (Status.SUCCEEDED, 1)
    assert at.blobs.get(task.outputs[0].name)


async def test_draining_lets_the_edit_in_work_finish_and_claims_nothing_more(house: MakeHouse) -> None:
    at, moment = house(), Moment(2)
    worker, run = at.start(moment.editor)
    first, second = await at.submit(), await at.submit()
    await moment.reached.wait()
    worker.drain()
    moment.go_on.set()
    await run
    assert (await at.task(first)).status is Status.SUCCEEDED
    assert (await at.task(second)).status is Status.QUEUED
    assert await at.store.workers() == ()


async def test_draining_gives_back_at_once_what_will_not_be_done_in_time(house: MakeHouse) -> None:
    at, moment = house(drain_seconds=0), Moment(2)
    worker, run = at.start(moment.editor)
    task_id = await at.submit(steps=100)
    await moment.reached.wait()
    worker.drain()
    await run  # although the step is still in work
    task = await at.task(task_id)
    assert (task.status, task.worker_id) == (Status.QUEUED, None)
    assert [(each.number, each.outcome) for each in await at.store.attempts(task_id)] == [(1, "released")]


async def test_a_second_signal_waits_for_nothing(house: MakeHouse) -> None:
    at, moment = house(drain_seconds=3600), Moment(1)
    worker, run = at.start(moment.editor)
    task_id = await at.submit()
    await moment.reached.wait()
    worker.drain()
    worker.drain()
    await run
    assert (await at.task(task_id)).status is Status.QUEUED


async def test_a_worker_may_be_stopped_while_it_loads(house: MakeHouse) -> None:
    at, gate = house(), threading.Event()
    worker, run = at.start(ScriptedEditor(), load=lambda progress: gate.wait())
    await at.store.changed(5)
    worker.drain()
    await run  # it does not wait for the gate
    assert not gate.is_set()
    assert await at.store.workers() == ()
    gate.set()


async def test_a_hung_device_ends_the_worker_and_leaves_the_task_to_its_lease(house: MakeHouse) -> None:
    at, moment = house(lease_seconds=0.3), Moment(2)
    _, run = at.start(moment.editor, patience=lambda pace: 0.3)
    task_id = await at.submit()
    with pytest.raises(WorkerBroken):
        await run
    assert (await at.task(task_id)).status is Status.PROCESSING
    while (await at.store.sweep()).requeued == 0:
        await asyncio.sleep(0.01)
    assert (await at.task(task_id)).status is Status.QUEUED


async def test_a_lost_device_context_ends_the_worker_after_its_task_is_given_back(house: MakeHouse) -> None:
    class AcceleratorError(RuntimeError):
        """As torch names it."""

    def fail(step: int) -> None:
        raise AcceleratorError("an illegal memory access was encountered")

    at = house()
    _, run = at.start(ScriptedEditor(fail))
    task_id = await at.submit()
    with pytest.raises(WorkerBroken):
        await run
    assert [(each.outcome, each.error) for each in await at.store.attempts(task_id)] == [("failed", "internal_error")]


async def test_a_worker_says_how_far_it_has_loaded_and_then_its_pace(house: MakeHouse) -> None:
    at, gate, loaded = house(), threading.Event(), ScriptedEditor()

    def load(progress: Callable[[float], None]) -> ScriptedEditor:
        progress(0.42)
        gate.wait()
        return loaded

    at.start(loaded, load=load)
    while not (lines := await at.store.workers()) or lines[0].loading_percent != 42:
        await at.store.changed(0.05)
    assert (lines[0].state, lines[0].seconds_per_step) == ("starting", None)
    gate.set()
    while (lines := await at.store.workers())[0].state != "idle":
        await at.store.changed(0.05)
    assert lines[0].loading_percent == 100 and lines[0].seconds_per_step is not None


async def test_a_worker_that_is_ready_says_which_weights_it_serves(house: MakeHouse) -> None:
    at = house(weights="int8")
    at.start(ScriptedEditor())
    while not (said := [line for line in at.lines if line["event"] == "worker ready"]):
        await at.store.changed(0.05)
    (line,) = said
    assert line["weights"] == "int8"
    assert FIELDS.fullmatch("weights"), "else it would not be written"


async def test_a_checkpoint_that_cannot_be_loaded_ends_the_worker(house: MakeHouse) -> None:
    def load(progress: Callable[[float], None]) -> ScriptedEditor:
        raise ConfigurationError("transformer: the key img_in.weight is missing.")

    at = house()
    _, run = at.start(ScriptedEditor(), load=load)
    with pytest.raises(ConfigurationError, match="img_in"):
        await run
    assert await at.store.workers() == ()
