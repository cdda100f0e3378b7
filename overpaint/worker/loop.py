"""A worker: claim → fetch → edit → store → announce, one edit after the other, on one device.

The main thread claims, renews, stores and announces; one making thread drives the editor. Knows the store, the blobs
and the order of things. Does not know how a picture is made (making.py) nor when to stop (lease.py).
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, ParamSpec, TypeVar

import structlog

from overpaint.domain import (
    Canceled,
    Claim,
    Failed,
    InputPicture,
    Outcome,
    OutputPicture,
    Released,
    Succeeded,
    Task,
    Usage,
    WorkerInfo,
)
from overpaint.errors import EditFailed, TryLater
from overpaint.images.sandbox import Sandbox
from overpaint.settings import Settings
from overpaint.store.blobs import FolderBlobs, result_name
from overpaint.store.tasks import TaskStore
from overpaint.worker import making
from overpaint.worker.lease import Lease, Stop, patience_seconds
from overpaint.worker.presence import Presence
from overpaint.worker.shrinking import ShrinkingEditor

if TYPE_CHECKING:  # torch comes with it
    from overpaint.model import Edited

STORING_PATIENCE_SECONDS = 600.0  #: a finished picture is kept in memory so long while storing it fails
RETRY_SECONDS = 0.5
IDLE_SECONDS = 1.0  #: the change feed only hints; so often the queue is looked at anyway

log = structlog.get_logger()

P = ParamSpec("P")
T = TypeVar("T")
Load = Callable[[Callable[[float], None]], ShrinkingEditor]  #: takes progress(0 … 1), gives the loaded editor


class Stopped(Exception):
    """The edit ended early; its lease has the reason."""


class WorkerBroken(Exception):
    """The device hangs, lost its context or keeps its memory: only a new process helps."""


class Worker:
    """One device's share of the queue, from loading the checkpoint to draining.

    info      its first line in the store
    load      called once, in the making thread
    patience  seconds per step -> seconds without a step after which the device counts as hung
    """

    def __init__(
        self,
        settings: Settings,
        store: TaskStore,
        blobs: FolderBlobs,
        load: Load,
        info: WorkerInfo,
        *,
        patience: Callable[[float], float] = patience_seconds,
    ) -> None:
        self._settings = settings
        self._store = store
        self._blobs = blobs
        self._load = load
        self._patience = patience
        self._presence = Presence(store, info, lease_seconds=settings.lease_seconds)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="making")
        self._sandbox = Sandbox(max_pixels=settings.max_image_pixels)
        self._draining = asyncio.Event()
        self._lease: Lease | None = None

    async def run(self) -> None:
        """Until drained. Raises WorkerBroken, and what loading raised: ConfigurationError when it can never work."""
        presence = asyncio.create_task(self._presence.run())
        try:
            editor = await self._unless_draining(self._ready())
            while editor is not None and (claimed := await self._next()) is not None:
                await self._serve(editor, *claimed)
        finally:
            presence.cancel()
            with suppress(asyncio.CancelledError):
                await presence

    def drain(self) -> None:
        """Claims nothing more; the edit in work may finish if it can in time. A second call gives it back at once."""
        is_second = self._draining.is_set()
        self._draining.set()
        seconds = self._settings.drain_seconds
        left = self._lease.steps_left * self._pace if self._lease is not None else 0.0
        asyncio.get_running_loop().call_later(0 if is_second or left > seconds else seconds, self._release)

    def _release(self) -> None:
        if self._lease is not None:
            self._lease.stop(Stop.RELEASED)

    async def _ready(self) -> ShrinkingEditor:
        """Loads the checkpoint and makes one short edit: it allocates, and tells the pace before anybody waits."""
        moments: dict[int, float] = {}  # of the last time that each step was made
        editor = await self._in_thread(self._load, _from_thread(self._loading))
        await self._in_thread(
            making.warm_up, editor, _from_thread(lambda step, _: moments.update({step: time.monotonic()}))
        )
        self._presence.stepped(moments[2] - moments[1])
        self._presence.loaded(str(editor.device), editor.max_pixels)
        pace, weights = round(self._pace, 4), self._settings.weights
        log.info("worker ready", device=str(editor.device), weights=weights, step_seconds=pace)
        return editor

    def _loading(self, share: float) -> None:
        if self._lease is None:
            self._presence.loading(share)
        else:  # the second time, in the middle of an edit
            self._lease.lives()

    @property
    def _pace(self) -> float:
        return self._presence.info.seconds_per_step or 0.0

    async def _next(self) -> tuple[Claim, float] | None:
        """The next claim, and the moment it was asked for; None when draining."""
        while not self._draining.is_set():
            asked = time.monotonic()
            try:
                claim = await self._store.claim(self._presence.info.id)
                if claim is not None:
                    self._presence.busy()
                    return claim, asked
                self._presence.idle()
                await self._unless_draining(self._store.changed(IDLE_SECONDS))
            except TryLater as error:
                log.warning("store does not answer", code=error.code)
                await asyncio.sleep(RETRY_SECONDS)
        return None

    async def _serve(self, editor: ShrinkingEditor, claim: Claim, asked: float) -> None:
        """One claim from beginning to end. Raises WorkerBroken."""
        with structlog.contextvars.bound_contextvars(worker_id=claim.worker_id, **claim.task.trail):
            await self._serve_named(editor, claim, asked)

    async def _serve_named(self, editor: ShrinkingEditor, claim: Claim, asked: float) -> None:
        error: Exception | None = None
        async with self._leased(claim, asked) as lease:
            try:
                outcome: Outcome | None = await self._edit(editor, claim, lease)
            except Stopped:
                outcome = _stopped_outcome(lease)
            except Exception as caught:
                outcome, error = Failed(code=making.failure_code(caught)), caught
            if outcome is not None and not await self._announce(claim, outcome, lease):
                outcome = None
        self._lease = None
        is_end = isinstance(outcome, Succeeded | Canceled) or (outcome is not None and await self._is_at_its_end(claim))
        _tell("edit finished" if is_end else "attempt ended", claim, outcome, lease, error)
        if lease.reason is Stop.STALLED or (error is not None and making.is_device_lost(error)):
            raise WorkerBroken()

    async def _is_at_its_end(self, claim: Claim) -> bool:
        """Whether this attempt was the last: what failed may be made again."""
        with suppress(TryLater):
            task = await self._store.outputs_of(claim.task.id)
            return task is not None and task.attempt == claim.attempt and task.status.is_final
        return False

    def _leased(self, claim: Claim, asked: float) -> Lease:
        self._lease = Lease(
            self._store,
            claim,
            began=asked,
            lease_seconds=self._settings.lease_seconds,
            run_timeout_seconds=self._settings.run_timeout_seconds,
            patience_seconds=self._patience(self._pace),
        )
        if self._draining.is_set():  # the signal came while the claim was on its way
            self._lease.stop(Stop.RELEASED)
        return self._lease

    async def _edit(self, editor: ShrinkingEditor, claim: Claim, lease: Lease) -> Succeeded:
        """Raises Stopped, EditFailed, and whatever else went wrong."""
        task = claim.task
        files = [await self._fetch(picture, lease) for picture in task.inputs]
        edited = await self._make(editor, task, files, lease)
        steps = 0 if task.request.test_ending else task.request.steps
        if steps:
            self._presence.stepped(edited.timings.denoise_ms / 1000 / steps)
        made = time.monotonic()
        data, width, height = await self._in_thread(
            making.render, edited.image, task.request, task.inputs[0], self._settings.max_output_pixels
        )
        encoded = time.monotonic()
        name = result_name(task.id, claim.attempt, 0, task.request.output_format)
        await self._put(name, data, lease)
        output = OutputPicture(
            name=name,
            sha256=hashlib.sha256(data).hexdigest(),
            format=task.request.output_format,
            width=width,
            height=height,
            bytes=len(data),
            seed=edited.seed,
        )
        encode_ms, total_ms = round(1000 * (encoded - made)), round(1000 * lease.age_seconds)
        return Succeeded(
            outputs=(output,),
            timings=replace(edited.timings, encode_ms=encode_ms, total_ms=total_ms),
            usage=Usage(steps=steps, pixels=edited.working_pixels, device_seconds=lease.device_seconds),
        )

    async def _fetch(self, picture: InputPicture, lease: Lease) -> bytes:
        """The stored bytes, and exactly those. Raises EditFailed("input_lost")."""
        try:
            data = await self._patiently(lambda: self._store.input(picture.name), lease.is_stopped)
            if data is None:
                data = await asyncio.to_thread(self._blobs.get, picture.name)
        except OSError:
            raise EditFailed("input_lost") from None
        if hashlib.sha256(data).hexdigest() != picture.sha256:
            raise EditFailed("input_lost")
        return data

    async def _make(self, editor: ShrinkingEditor, task: Task, files: list[bytes], lease: Lease) -> Edited:
        """Raises Stopped: at the next step, or at once when the lease says that waiting for it is no use."""
        work = partial(
            making.edit,
            sandbox=self._sandbox,
            on_step=_from_thread(lease.stepped),
            is_stopped=lease.is_stopped,
        )
        lease.begin_making()
        making_it = asyncio.ensure_future(self._in_thread(work, editor, task.request, files))
        abandoned = asyncio.ensure_future(lease.abandoned.wait())
        try:
            await asyncio.wait((making_it, abandoned), return_when=asyncio.FIRST_COMPLETED)
            edited = making_it.result() if making_it.done() else None
        finally:
            lease.end_making()
            abandoned.cancel()
            making_it.cancel()
        if edited is None or lease.is_stopped():
            raise Stopped()
        return edited

    async def _put(self, name: str, data: bytes, lease: Lease) -> None:
        """The picture, durable. It is never made again because of the storage. Raises EditFailed, Stopped."""
        try:
            await self._patiently(lambda: asyncio.to_thread(self._blobs.put, name, data), lease.is_stopped)
        except TryLater:
            raise EditFailed("output_storage_failed") from None
        except FileExistsError:  # an earlier `put` of ours that failed after the file was there, or else no longer ours
            if await asyncio.to_thread(self._blobs.get, name) != data:
                lease.stop(Stop.LOST)
                raise Stopped() from None

    async def _announce(self, claim: Claim, outcome: Outcome, lease: Lease) -> bool:
        """False: not written, as far as we know. A picture that nobody will name is deleted."""
        try:
            is_written = await self._patiently(lambda: self._store.finish(claim, outcome), lease.abandoned.is_set)
        except (TryLater, Stopped):
            return False  # perhaps it is written and only the answer was lost, so the picture stays
        if not is_written and isinstance(outcome, Succeeded):
            await asyncio.to_thread(self._blobs.delete, outcome.outputs[0].name)
        return is_written

    async def _patiently(self, work: Callable[[], Awaitable[T]], is_stopped: Callable[[], bool]) -> T:
        """Repeats what the storage refuses for now. Raises Stopped, or TryLater when patience is at its end."""
        began = time.monotonic()
        for tries in count(1):
            try:
                return await work()
            except TryLater as error:
                if tries == 1:
                    log.warning("storage does not answer", code=error.code)
                if time.monotonic() - began >= STORING_PATIENCE_SECONDS:
                    raise
            if is_stopped():
                break
            await asyncio.sleep(RETRY_SECONDS)
        raise Stopped()

    async def _unless_draining(self, work: Awaitable[T]) -> T | None:
        working, draining = asyncio.ensure_future(work), asyncio.ensure_future(self._draining.wait())
        try:
            await asyncio.wait((working, draining), return_when=asyncio.FIRST_COMPLETED)
            return working.result() if working.done() else None
        finally:
            working.cancel()
            draining.cancel()

    async def _in_thread(self, function: Callable[..., T], *args: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, function, *args)


def _from_thread(function: Callable[P, object]) -> Callable[P, None]:
    """For the making thread to call: what it calls runs in the main thread, soon and in order."""
    loop = asyncio.get_running_loop()

    def call(*args: P.args, **kwargs: P.kwargs) -> None:
        loop.call_soon_threadsafe(partial(function, *args, **kwargs))

    return call


def _stopped_outcome(lease: Lease) -> Outcome | None:
    """None: write nothing."""
    match lease.reason:
        case Stop.CANCELED:
            return Canceled(usage=Usage(images=0, steps=lease.step, device_seconds=lease.device_seconds))
        case Stop.RUN_TIMEOUT:
            return Failed(code="run_timeout")
        case Stop.RELEASED:
            return Released()
    return None


def _tell(event: str, claim: Claim, outcome: Outcome | None, lease: Lease, error: Exception | None) -> None:
    """One line for each attempt; a traceback only for what nobody foresaw."""
    task, facts, say = claim.task, dict[str, object](), log.info
    if isinstance(outcome, Succeeded):
        facts["size"] = f"{outcome.outputs[0].width}x{outcome.outputs[0].height}"
    if isinstance(outcome, Failed):
        facts["code"], say = outcome.code, log.warning
        if outcome.code == "internal_error":
            facts["exc_info"], say = error, log.error
    say(
        event,
        status="lost" if outcome is None else type(outcome).__name__.lower(),
        attempt=claim.attempt,
        wait_seconds=round(task.wait_seconds, 3),
        run_seconds=round(lease.age_seconds, 3),
        steps=lease.step,
        seed=task.request.seed,
        prompt_characters=len(task.request.prompt),
        prompt=task.request.prompt,  # goes no further than telemetry, unless the operator asked for it
        **facts,
    )
