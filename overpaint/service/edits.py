"""The life of an edit as its caller sees it: ordered, standing in the queue, done.

Owns every rule of a request: ranges, defaults, what this checkpoint can honour, in which order things are stored.
Dialects hand in an `Order` and get back tasks. Does not know JSON, HTTP or SQL.
"""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import TypeVar

from uuid_utils import uuid7

from overpaint.catalog import Checkpoint
from overpaint.domain import (
    MAX_SEED,
    EditRequest,
    InputPicture,
    NewTask,
    Origin,
    OutputPicture,
    Standing,
    Status,
    Webhook,
)
from overpaint.errors import Draining, EditNotFound, InvalidParameter, OutputNotFound, QueueFull
from overpaint.images.header import Header
from overpaint.service.access import Caller
from overpaint.service.estimates import Estimates
from overpaint.service.links import FileName, Link, Signer, root_secret
from overpaint.service.pictures import ImageText, Picture, Pictures
from overpaint.service.webhooks import Endpoints
from overpaint.settings import Settings
from overpaint.store.blobs import SMALL_INPUT_BYTES, FolderBlobs, input_name, parse_result_name
from overpaint.store.tasks import Submitted, TaskStore
from overpaint.telemetry import Metrics

T = TypeVar("T")

STEPS = range(2, 101)  #: one step is no schedule: it would divide by zero
TRUE_CFG_SCALE = (1.0, 20.0)
QUALITY = range(1, 101)
SIDE = range(64, 4097)  #: of a size asked for in pixels
SIZE_WORDS = ("auto", "input", "native")
_WIDTH_HEIGHT = re.compile(r"([0-9]{1,5})[x*]([0-9]{1,5})", re.ASCII)
_TASK_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a caller asked for: right types, nothing checked. None: left to the server."""

    dialect: str
    public_base: str
    prompt: str
    image: ImageText
    output_format: str
    seed: int | None = None  #: -1 means None
    negative_prompt: str | None = None
    steps: int | None = None
    true_cfg_scale: float | None = None
    size: str | None = None
    output_quality: int | None = None
    webhook_url: str | None = None
    test_ending: Status | None = None  #: as in EditRequest


@dataclass(frozen=True, slots=True)
class Reading:
    """Where a task stands, and what is only true of this moment."""

    standing: Standing
    eta_seconds: int  #: 0 = unknown, or at an end
    links: Sequence[Link]


class Edits:
    """One owner of a task's life, for all dialects."""

    def __init__(
        self,
        settings: Settings,
        store: TaskStore,
        blobs: FolderBlobs,
        checkpoint: Checkpoint,
        endpoints: Endpoints,
        *,
        metrics: Metrics | None = None,
        pictures: Pictures | None = None,
        signer: Signer | None = None,
    ) -> None:
        self._settings = settings
        self._store = store
        self._blobs = blobs
        self._checkpoint = checkpoint
        self._endpoints = endpoints
        self._metrics = metrics or Metrics()
        self._pictures = pictures or Pictures(settings, self._metrics)
        self._signer = signer or Signer(root_secret(settings.data), ttl_seconds=settings.file_url_ttl_seconds)
        self._estimates = Estimates(store)
        self.is_draining = False

    async def submit(self, caller: Caller, order: Order, origin: Origin) -> Submitted:
        """Durable, visible and with its seed drawn once this returns.

        Raises InvalidParameter, ImageUrlNotAllowed and the picture errors for a wrong order; QueueFull, RateLimited,
        Draining, StorageFull or StoreUnavailable when nothing could be accepted.
        """
        if self.is_draining:
            raise Draining()
        request = self._checked(order)
        await self._check_room(request.size)
        webhook = None if order.webhook_url is None else await self._endpoints.check(order.webhook_url)
        picture = await self._pictures.take(order.image)
        self._check_size_of(picture.header, request.size)
        try:
            submitted = await self._store_edit(caller, order, request, picture, origin, webhook)
        except QueueFull as full:
            full.retry_after = await self._estimates.retry_seconds(full.limit, request.steps) or full.retry_after
            raise
        self._metrics.submitted.labels(order.dialect, self._checkpoint.id).inc()
        return submitted

    async def read(self, owner: str, task_id: str, *, base: str) -> Reading:
        """The owner's task as it stands, with fresh links below `base`. Raises EditNotFound."""
        standing = await self._store.standing(owner, task_id) if _TASK_ID.fullmatch(task_id) else None
        if standing is None:
            raise EditNotFound(task_id=task_id)
        return Reading(standing, await self._estimates.eta_seconds(standing), self._links(standing, base))

    async def output(self, file: FileName, expiry: str, key_id: str, signature: str) -> tuple[OutputPicture, int]:
        """Opens a signed link: the picture, and the seconds the link has left.

        Raises Forbidden for a link that is not ours or too old, OutputNotFound when the picture is gone.
        """
        seconds_left = self._signer.check(file, expiry, key_id, signature)
        task = await self._store.outputs_of(file.task_id)
        for output in task.outputs if task and not task.is_expired else ():
            if _file_name(output.name) == file:
                return output, seconds_left
        raise OutputNotFound()

    def _checked(self, order: Order) -> EditRequest:
        known = self._checkpoint
        if order.output_quality is not None and order.output_format == "png":
            raise InvalidParameter(field="output_quality", problem="has no meaning for a PNG; leave it out.")
        return EditRequest(
            prompt=self._prompt("prompt", order.prompt.strip(), is_empty_fine=False),
            negative_prompt=self._prompt("negative_prompt", _or(order.negative_prompt, " "), is_empty_fine=True),
            seed=_seed(order.seed),
            steps=_in_range("steps", _or(order.steps, known.default_steps), STEPS),
            true_cfg_scale=_scale(_or(order.true_cfg_scale, known.default_true_cfg_scale)),
            size=self._size(_or(order.size, "auto")),
            output_format=order.output_format,
            output_quality=_in_range("output_quality", _or(order.output_quality, 95), QUALITY),
            test_ending=order.test_ending,
        )

    def _prompt(self, field: str, text: str, *, is_empty_fine: bool) -> str:
        limit = self._settings.max_prompt_characters
        if not text and not is_empty_fine:
            raise InvalidParameter(field=field, problem="must not be empty")
        if len(text) > limit:
            raise InvalidParameter(field=field, problem=f"must have at most {limit:,} characters; it has {len(text):,}")
        if "\0" in text or not _is_unicode(text):
            raise InvalidParameter(field=field, problem="must not contain NUL or half of a surrogate pair")
        return text

    def _size(self, size: str) -> str:
        if size in SIZE_WORDS:
            return size
        match = _WIDTH_HEIGHT.fullmatch(size)
        if match is None:
            raise InvalidParameter(field="size", problem="must be auto, input, native or WIDTHxHEIGHT")
        width, height = int(match[1]), int(match[2])
        if width not in SIDE or height not in SIDE:
            raise InvalidParameter(field="size", problem=f"each side must have {SIDE[0]} to {SIDE[-1]:,} pixels")
        limit = min(self._checkpoint.max_pixels, self._settings.max_output_pixels)
        if width * height > limit:
            raise InvalidParameter(field="size", problem=f"must have at most {limit:,} pixels in all")
        return f"{width}x{height}"

    async def _check_room(self, size: str) -> None:
        """A worker that has loaded has room for what the words ask for."""
        limit = None if size in SIZE_WORDS else await self._estimates.max_pixels()
        if limit is not None and prod(map(int, size.split("x"))) > limit:
            problem = f"must have at most {limit:,} pixels in all: the server's memory has no room for more"
            raise InvalidParameter(field="size", problem=problem)

    def _check_size_of(self, picture: Header, size: str) -> None:
        limit = self._settings.max_output_pixels
        if size == "input" and picture.width * picture.height > limit:
            raise InvalidParameter(
                field="size", problem=f"input has more than the {limit:,} pixels given back; use auto"
            )

    def _pixels_of(self, picture: Header, size: str) -> int:
        """Of the picture asked for."""
        if size == "input":
            return picture.width * picture.height
        match = _WIDTH_HEIGHT.fullmatch(size)
        return int(match[1]) * int(match[2]) if match else self._checkpoint.native_pixels

    async def _store_edit(
        self,
        caller: Caller,
        order: Order,
        request: EditRequest,
        picture: Picture,
        origin: Origin,
        webhook: Webhook | None,
    ) -> Submitted:
        """The bytes first, then the row: a crash in between leaves a file that nobody names, never a nameless row."""
        task_id = str(uuid7())
        head = picture.header
        name = input_name(task_id, 0, picture.sha256, head.format)
        new = NewTask(
            id=task_id,
            owner=caller.owner,
            dialect=order.dialect,
            checkpoint=self._checkpoint.id,
            request=request,
            inputs=(
                InputPicture(
                    name=name,
                    sha256=picture.sha256,
                    format=head.format,
                    width=head.width,
                    height=head.height,
                    bytes=len(picture.data),
                ),
            ),
            public_base=order.public_base,
            origin=origin,
            webhook=webhook,
            pixels=self._pixels_of(head, request.size),
        )
        if len(picture.data) <= SMALL_INPUT_BYTES:
            return await self._store.submit(new, {name: picture.data})
        await asyncio.to_thread(self._blobs.put, name, picture.data)
        try:
            return await self._store.submit(new)
        except Exception:
            await asyncio.to_thread(self._blobs.delete, name)
            raise

    def _links(self, standing: Standing, base: str) -> Sequence[Link]:
        names = (_file_name(output.name) for output in standing.outputs)
        return [self._signer.sign(base, name, expires_at_ms=standing.expires_at) for name in names if name]


def _file_name(blob: str) -> FileName | None:
    parts = parse_result_name(blob)
    return FileName(parts.task_id, parts.attempt, parts.index, parts.format) if parts else None


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:  # half of a surrogate pair
        return False
    return True


def _or(value: T | None, default: T) -> T:
    return default if value is None else value


def _seed(seed: int | None) -> int:
    if seed is None or seed == -1:
        return random.getrandbits(31)
    if not 0 <= seed <= MAX_SEED:
        raise InvalidParameter(field="seed", problem=f"must be between -1 and {MAX_SEED}")
    return seed


def _in_range(field: str, value: int, allowed: range) -> int:
    if value not in allowed:
        raise InvalidParameter(field=field, problem=f"must be between {allowed[0]} and {allowed[-1]}")
    return value


def _scale(value: float) -> float:
    low, high = TRUE_CFG_SCALE
    if not low <= value <= high:
        raise InvalidParameter(field="true_cfg_scale", problem=f"must be between {low:g} and {high:g}")
    return value
