"""Weights that wait in host memory and are on the device only while they are read, for cards too small for all of them.

Exact: the same bytes go through the same modules in the same order. On a GPU the next module's weights travel on a
stream of their own while the current one computes.

Knows modules and memory. Does not know what a module computes, nor how many should wait: `overpaint.plan` does.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import accumulate

import torch
from torch import Tensor, nn

from overpaint.plan import PLACES

ALIGNMENT = 256  # bytes, as the allocators give: kernels are chosen by it, and sums must not depend on where they lie


def spread(count: int, total: int) -> list[int]:
    """`count` of `total` turns, as far apart as may be, for then most is computed while a copy is under way."""
    return [turn for turn in range(total) if (turn + 1) * count // total > turn * count // total]


class StreamedList(nn.ModuleList):
    """Stands in the place of a list of modules that run one after the other.

    Iterate it to run them, one iteration at a time: each module comes with its weights on the device, and may be used
    until the next is asked for.

    modules  on the meta device, in their dtypes; those that wait get their memory here, to be filled in place
    waiting  indices of those whose weights wait in host memory
    leaves   parts of names (".img_mod.") of weights that are nobody's here
    """

    def __init__(
        self,
        modules: Iterable[nn.Module],
        waiting: Iterable[int],
        device: torch.device,
        leaves: Sequence[str] = (),
    ) -> None:
        super().__init__(modules)
        self.device = device
        self.waiting = {index: Waiting(self[index], device, leaves) for index in sorted(waiting)}
        self.copies = torch.cuda.Stream(device) if device.type == "cuda" else None

    def __iter__(self) -> Iterator[nn.Module]:
        with Shuttle([waiting.memory for waiting in self.waiting.values()], self.device, self.copies) as shuttle:
            for index, module in enumerate(self._modules.values()):
                assert module is not None
                if index not in self.waiting:
                    yield module
                    continue
                with shuttle.next() as memory, self.waiting[index].lying_in(memory):
                    yield module


class Waiting:
    """A module's weights side by side in one piece of host memory, so that one copy carries them all."""

    def __init__(self, module: nn.Module, device: torch.device, leaves: Sequence[str]) -> None:
        named = [(name, p) for name, p in module.named_parameters() if not any(part in f".{name}" for part in leaves)]
        *self.offsets, whole = accumulate((-(-p.nbytes // ALIGNMENT) * ALIGNMENT for _, p in named), initial=0)
        self.kinds = [(p.shape, p.dtype) for _, p in named]
        # A GPU reads by itself only what cannot be moved: page-locked memory.
        self.memory = torch.empty(whole, dtype=torch.uint8, device="cpu", pin_memory=device.type == "cuda")
        self.lies_in = self.memory
        self.parameters = [nn.Parameter(view, requires_grad=False) for view in self._views(self.memory)]
        for (name, _), parameter in zip(named, self.parameters, strict=True):
            owner, _, leaf = name.rpartition(".")
            setattr(module.get_submodule(owner), leaf, parameter)

    @contextmanager
    def lying_in(self, memory: Tensor) -> Iterator[None]:
        """For a while the module reads its weights there; `memory` begins with a copy of ours."""
        self._lie_in(memory)
        try:
            yield
        finally:
            if self.lies_in is memory:  # an iteration that failed may be closed late, in the middle of another
                self._lie_in(self.memory)

    def _lie_in(self, memory: Tensor) -> None:
        self.lies_in = memory
        for parameter, view in zip(self.parameters, self._views(memory), strict=True):
            parameter.data = view

    def _views(self, memory: Tensor) -> Iterator[Tensor]:
        for offset, (shape, dtype) in zip(self.offsets, self.kinds, strict=True):
            yield memory[offset : offset + shape.numel() * dtype.itemsize].view(dtype).view(shape)


class Shuttle:
    """Carries pieces of host memory to the device, in order, each as soon as there is a place for it.

    copies  the stream to carry on; None where a copy is done when the call returns
    """

    def __init__(self, pieces: Sequence[Tensor], device: torch.device, copies: torch.cuda.Stream | None) -> None:
        self.waiting, self.coming, self.copies = deque(pieces), deque[Place](), copies
        if pieces:
            largest = max(pieces, key=Tensor.numel)
            places = [Place(torch.empty_like(largest, device=device), copies) for _ in pieces[:PLACES]]
            for place in places:  # all are there: where one is lacking, no copy began that nobody would wait for
                self._send(place)

    def __enter__(self) -> Shuttle:
        return self

    def __exit__(self, *_: object) -> None:
        if self.copies is not None:  # who is given this memory next is not overwritten by a copy nobody waited for
            torch.cuda.current_stream(self.copies.device).wait_stream(self.copies)

    @contextmanager
    def next(self) -> Iterator[Tensor]:
        """The next piece, on the device. Then its place is another's."""
        place = self.coming.popleft()
        place.wait()
        yield place.memory
        self._send(place)

    def _send(self, place: Place) -> None:
        if self.waiting:
            place.fill(self.waiting.popleft())
            self.coming.append(place)


class Place:
    """Device memory for one piece."""

    def __init__(self, memory: Tensor, copies: torch.cuda.Stream | None) -> None:
        self.memory, self.copies = memory, copies
        self.filled: torch.cuda.Event | None = None

    def fill(self, piece: Tensor) -> None:
        """Begins to copy `piece` here, once all that the device was given so far is done: it may still read this."""
        if self.copies is None:
            self.memory[: piece.numel()].copy_(piece)
            return
        self.copies.wait_stream(torch.cuda.current_stream(self.copies.device))
        with torch.cuda.stream(self.copies):
            self.memory[: piece.numel()].copy_(piece, non_blocking=True)
            self.filled = self.copies.record_event()

    def wait(self) -> None:
        """What the device is given from now on begins when the copy is here."""
        if self.filled is not None:
            torch.cuda.current_stream(self.memory.device).wait_event(self.filled)


class HostEmbedding(nn.Embedding):
    """A table of words that stays in host memory; the rows asked for are brought to the device."""

    def forward(self, ids: Tensor) -> Tensor:
        return super().forward(ids.to(self.weight.device)).to(ids.device)
