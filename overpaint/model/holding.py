"""What memory there is to hold an editor's weights, and whether it came back: asks the device and the machine.

Knows torch's figures for a GPU; a CPU's memory is not asked. Does not reckon: `overpaint.plan` does.
"""

from __future__ import annotations

import gc
import re
from pathlib import Path

import torch

from overpaint import plan
from overpaint.catalog import Checkpoint
from overpaint.model.editor import Editor
from overpaint.plan import Plan, Weights


def fitting(checkpoint: Checkpoint, device: torch.device, dtype: torch.dtype, weights: Weights) -> Plan | None:
    """The simplest plan that fits what is free now; None on a CPU. Raises ConfigurationError where none does."""
    if device.type != "cuda":
        return None
    free = _memory(device) - torch.cuda.memory_allocated(device)
    ways = plan.plans(
        plan.measure(checkpoint.folder),
        bytes_a_value=dtype.itemsize,
        pixels=2 * checkpoint.native_pixels,
        budget=free,
        weights=weights,
    )
    return plan.choose(ways, free, _free_host_memory())


def smaller(editor: Editor) -> Plan | None:
    """A plan to follow the editor's own: it holds less, and has room for the largest edit where that can be.

    None on a CPU, and where nothing is left to take off the device.
    """
    held, known = editor.parts.plan, editor.checkpoint
    if held is None:
        return None
    candidates = plan.every(
        plan.measure(known.folder),
        bytes_a_value=editor.dtype.itemsize,
        pixels=known.max_pixels + known.max_images * known.native_pixels,
        weights=editor.parts.weights,
    )
    return plan.smaller(candidates, held, _memory(editor.device), _host_memory(held))


def most_pixels(editor: Editor) -> int | None:
    """The largest output that there is room for, of one reference, if as little as can be is held; None on a CPU."""
    held, native = editor.parts.plan, editor.checkpoint.native_pixels
    if held is None:
        return None
    pixels = plan.most_pixels(
        plan.measure(editor.checkpoint.folder),
        bytes_a_value=editor.dtype.itemsize,
        weights=editor.parts.weights,
        budget=_memory(editor.device),
        host=_host_memory(held),
    )
    return max(native, pixels - native)  # it was loaded with room for that


def is_given_back(device: torch.device) -> bool:
    """Whether the GPU has what this process held there, but for what CUDA's libraries keep. Empties the caches."""
    gc.collect()
    torch.cuda.empty_cache()
    return torch.cuda.memory_allocated(device) <= plan.SPARE_BYTES


def _memory(device: torch.device) -> int:
    """Bytes of a GPU that no other process has: free ones, and this process's own, whether in use or not."""
    return torch.cuda.mem_get_info(device)[0] + torch.cuda.memory_reserved(device)


def _host_memory(held: Plan) -> int:
    """Likewise of the machine: torch keeps page-locked memory, and gives it out again."""
    return _free_host_memory() + held.host


def _free_host_memory() -> int:
    """Bytes that can be had without swapping, as Linux reckons."""
    found = re.search(r"MemAvailable:\s*(\d+) kB", Path("/proc/meminfo").read_text("ascii"))
    return 0 if found is None else int(found[1]) * 1024
