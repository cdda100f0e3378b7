"""Which of torch's attention kernels the denoising passes use: the fastest on this device, measured once and kept.

Which is the fastest depends on the card and on torch's build, and they differ in the last bits. So the choice is
written down, in the user's cache folder: every process of this machine finds the same one, and no restart changes a
byte of a picture. On a CPU torch chooses as ever; nothing is measured or written there.

Knows kernels, shapes, a clock and one file. Does not know blocks, steps or who runs under what was chosen.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import statistics
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

#: In this order an earlier one stands unless a later is clearly faster: of near equals chance must not choose.
FUSED = (SDPBackend.FLASH_ATTENTION, SDPBackend.CUDNN_ATTENTION, SDPBackend.EFFICIENT_ATTENTION)
CLEARLY = 0.95  # of the time
RUNS = 9  # of each kernel that count
WARM_UP = 2
TEXT_TOKENS = 300
FILE = "attention.json"

Clock = Callable[[], float]
Times = Mapping[SDPBackend, float]  #: seconds

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Attention:
    """What a pass attends with: the first of these that takes the shape. None named: as torch chooses by itself.

    Called, it is the context to run a pass in. What torch holds is one for the process: leave it before a step ends.
    """

    backends: tuple[SDPBackend, ...] = ()

    def __call__(self) -> AbstractContextManager[object]:
        return sdpa_kernel(list(self.backends), set_priority=True) if self.backends else nullcontext()


@dataclass(frozen=True, slots=True)
class Kind:
    """What a choice holds for."""

    device: str  #: its name
    dtype: torch.dtype
    head_dim: int

    @property
    def key(self) -> str:
        return f"{_place(self.device)}, {str(self.dtype).removeprefix('torch.')}, head_dim {self.head_dim}"


def chosen(heads: int, head_dim: int, image_tokens: int, device: torch.device, dtype: torch.dtype) -> Attention:
    """For a network with these heads and edits of about this size. On a CPU torch's own choice, as ever."""
    if device.type != "cuda":
        return Attention()
    kind = Kind(torch.cuda.get_device_name(device), dtype, head_dim)
    shape = (1, image_tokens + TEXT_TOKENS, heads, head_dim)
    return choose(kind, lambda: measured(FUSED, shape, device, dtype), cache_folder())


def choose(kind: Kind, measure: Callable[[], Times], folder: Path | None) -> Attention:
    """As the file in `folder` says; where it does not, as measured, and then it does.

    Of two processes that measure at a time the first one's choice is both's. A file that is damaged or cannot be
    written costs a line in the log. folder: None where there is none.
    """
    if found := _read(folder, tell=log.warning).get(kind.key):
        return _first(found)
    times = measure()
    if not times:
        return Attention()
    best = fastest(times)
    try:
        best = best if folder is None else _kept(kind, best, times, folder)
    except OSError as error:
        log.warning("the choice of attention is not kept, each start measures anew: %s", error.strerror)
    return _first(best)


def measured(
    backends: Sequence[SDPBackend],
    shape: tuple[int, int, int, int],
    device: torch.device,
    dtype: torch.dtype,
    clock: Clock = time.perf_counter,
) -> Times:
    """Seconds of each of these that can run, the median of several in turn.

    shape  (B, tokens, heads, head_dim) of queries, keys and values
    """
    draw = torch.Generator(device).manual_seed(0)
    inputs = [torch.randn(shape, generator=draw, device=device, dtype=dtype).transpose(1, 2) for _ in range(3)]
    taken: dict[SDPBackend, list[float]] = {backend: [] for backend in backends if _runs(backend, inputs)}
    for _ in range(WARM_UP + RUNS):
        for backend, seconds in taken.items():
            began = clock()
            _attend(backend, inputs)
            _wait(device)
            seconds.append(clock() - began)
    return {backend: statistics.median(seconds[WARM_UP:]) for backend, seconds in taken.items()}


def fastest(times: Times) -> SDPBackend:
    """Or one named before it that is nearly as fast."""
    least = min(times.values())
    return next(backend for backend, seconds in times.items() if seconds * CLEARLY <= least)


def known(device: str) -> dict[str, str]:
    """What was chosen on a device of this name with this torch: kind -> backend, in words."""
    start = f"{_place(device)}, "
    kept = _read(cache_folder(), tell=lambda *_: None)
    return {key.removeprefix(start): backend.name for key, backend in kept.items() if key.startswith(start)}


def cache_folder() -> Path | None:
    """`$XDG_CACHE_HOME/overpaint` or `~/.cache/overpaint`; None for somebody without a home."""
    named = Path(os.environ.get("XDG_CACHE_HOME", ""))
    try:
        return (named if named.is_absolute() else Path.home() / ".cache") / "overpaint"
    except RuntimeError:
        return None


# --- kernels ----------------------------------------------------------------------------------------------------------


def _first(backend: SDPBackend) -> Attention:
    """It, and where it does not take a shape, whatever else does."""
    return Attention(tuple(dict.fromkeys((backend, *FUSED, SDPBackend.MATH))))


def _runs(backend: SDPBackend, inputs: Sequence[Tensor]) -> bool:
    with warnings.catch_warnings(action="ignore"):  # torch says at length why one cannot
        try:
            _attend(backend, inputs)
            _wait(inputs[0].device)
        except RuntimeError:  # out of memory, too
            return False
    return True


def _attend(backend: SDPBackend, inputs: Sequence[Tensor]) -> None:
    with sdpa_kernel(backend):
        queries, keys, values = inputs
        F.scaled_dot_product_attention(queries, keys, values)


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


# --- the file ---------------------------------------------------------------------------------------------------------


def _place(device: str) -> str:
    return f"{device}, torch {torch.__version__}"


def _kept(kind: Kind, best: SDPBackend, times: Times, folder: Path) -> SDPBackend:
    """What the file says afterwards: ours, or that of a process which was faster."""
    folder.mkdir(parents=True, exist_ok=True)
    with _alone_in(folder):
        there = _json(folder / FILE)
        if other := _backend(there.get(kind.key)):
            return other
        ms = {backend.name: round(1000 * seconds, 4) for backend, seconds in times.items()}
        _write(folder / FILE, {**there, kind.key: {"backend": best.name, "ms": ms}})
    return best


def _read(folder: Path | None, tell: Callable[..., object]) -> dict[str, SDPBackend]:
    # `exists` raises where a folder on the way may not be searched: a home that is another user's
    if folder is None or not os.access(folder / FILE, os.R_OK):
        return {}
    held = _json(folder / FILE)
    found = {key: backend for key, value in held.items() if (backend := _backend(value))}
    if len(found) < len(held) or not held:
        tell("the file of attention choices is damaged, what is missing is measured again")
    return found


def _json(path: Path) -> dict[str, Any]:
    """Empty where it is missing or makes no sense."""
    try:
        value = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def _backend(value: object) -> SDPBackend | None:
    name = value.get("backend") if isinstance(value, dict) else None
    return next((backend for backend in FUSED if backend.name == name), None)


def _write(path: Path, value: object) -> None:
    """Whole or not at all."""
    with NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, prefix=path.name, delete=False) as file:
        try:
            json.dump(value, file, indent=2)
            file.flush()
            Path(file.name).replace(path)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """For the moment of a write, among the processes that do likewise."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
