"""The network: our own PyTorch code for Qwen-Image-Edit. Knows tensors and checkpoints; never hears of HTTP or tasks.

editor = load_editor("mini")
for event in editor.edit([picture], "make it black and white", seed=7):
    ...  # Step, Step, …, then one Edited
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import torch

from overpaint import catalog, hub
from overpaint.catalog import Checkpoint
from overpaint.errors import ConfigurationError
from overpaint.model import attention, holding, quantised
from overpaint.model.attention import Attention
from overpaint.model.checkpoint import Parts, Progress, load
from overpaint.model.editor import Around, Edited, Editor, Step
from overpaint.plan import Plan, Weights

__all__ = ["Edited", "Editor", "Step", "load_editor"]

_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


def load_editor(
    folder_or_id: str | Path,
    *,
    device: str = "auto",
    dtype: str = "auto",
    weights: Weights = "exact",
    progress: Progress | None = None,
    plan: Plan | None = None,
    compiled: bool = False,
) -> Editor:
    """A checkpoint, ready to edit.

    folder_or_id  `mini`, a folder in diffusers layout, or a hub id that was pulled before
    device        "auto" (a GPU if there is one), "cpu", "cuda" or "cuda:N"
    dtype         "auto" (bfloat16 on a GPU, float32 on a CPU), "bfloat16" or "float32"; float16 overflows in this model
    weights       "exact"; "int8": half the memory, and a picture that is only nearly the same; "fp8": likewise, with
                  products in 8 bits, where the GPU has them
    progress      called with the share of the weights read, 0 … 1
    plan          where the weights are held; None is the simplest that fits what is free on a GPU, see `overpaint.plan`
    compiled      whether torch compiles the transformer's blocks in the first step: it takes long, later ones may take
                  less, and pictures differ in the last bits

    Raises ConfigurationError when the checkpoint is not here, not whole, not of this family, or too large for the GPU,
    when there is no such device, and when the GPU has no products for such weights. With `compiled` the first step does
    so where this machine cannot compile.
    """
    where = _device(device)
    if dtype == "auto":
        dtype = "bfloat16" if where.type == "cuda" else "float32"
    if dtype not in _DTYPES:
        raise ConfigurationError(f"dtype {dtype!r}: float32 and bfloat16 are offered; float16 overflows in this model.")
    if weights not in get_args(Weights):
        raise ConfigurationError(f"weights {weights!r}: exact, int8 and fp8 are offered.")
    quantised.check(weights, where)
    checkpoint, values = catalog.read(hub.locate(str(folder_or_id), offline=True)), _DTYPES[dtype]
    held = plan or holding.fitting(checkpoint, where, values, weights)
    parts = load(checkpoint, where, values, progress, plan=held, weights=weights)
    around: Around = _attention(checkpoint, parts, where, values)
    if compiled:
        from overpaint.model.compiled import CompiledBlocks  # torch's compiler: seconds

        around = CompiledBlocks(parts.transformer, around)
    return Editor(checkpoint, parts, where, values, around)


def _device(name: str) -> torch.device:
    """Raises ConfigurationError where this machine has none of this name."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    asked = re.fullmatch(r"cpu|cuda(?::([0-9]{1,9}))?", name)
    if asked is None:
        raise ConfigurationError(f"device {name!r}: auto, cpu, cuda and cuda:N are offered.")
    if name != "cpu" and not torch.cuda.is_available():
        raise ConfigurationError("There is no CUDA device.", hint="Use --device cpu, or install torch's CUDA build.")
    if asked[1] and int(asked[1]) >= (cards := torch.cuda.device_count()):
        raise ConfigurationError(f"There is no {name}.", hint=f"The last GPU of this machine is cuda:{cards - 1}.")
    return torch.device(name)


def _attention(checkpoint: Checkpoint, parts: Parts, device: torch.device, dtype: torch.dtype) -> Attention:
    """Chosen by edits of the checkpoint's own size with one reference."""
    config = parts.transformer.config
    tokens = 2 * checkpoint.native_pixels // (2 * parts.autoencoder.config.factor) ** 2
    return attention.chosen(config.num_attention_heads, config.attention_head_dim, tokens, device, dtype)
