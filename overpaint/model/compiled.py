"""The transformer's blocks compiled by torch: one version for all blocks and all sizes, made in the first pass.

Stated rounding: a compiled block computes the same and may round otherwise, so pictures differ in the last bits. Token
counts are symbols in what is compiled, each of its own, even where two happen to be equal at the time. What would need
another version later on runs as it is written, at once: nobody waits for a compiler in the middle of traffic. The last
block, of which the noise's rows alone are wanted, is a sixtieth and stays as it is.

Knows blocks and torch's compiler. Does not know what a block computes, where its weights lie, nor who asked for this.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import Any

import torch
from torch import nn
from torch._dynamo.exc import TorchDynamoException
from torch.fx.experimental import _config as symbols

from overpaint.errors import ConfigurationError
from overpaint.model.editor import Around
from overpaint.model.transformer import Transformer

Backend = str | Callable[..., Any]


class CompiledBlocks:
    """Has the blocks compiled, from now on. Called, it is the context to run a pass in; the first one is long.

    within   the context that a pass runs in beside. A compiled block keeps the attention kernel that it first ran with
    backend  of torch.compile

    The first pass raises ConfigurationError where this machine cannot compile.
    """

    def __init__(self, transformer: Transformer, within: Around, backend: Backend = "inductor") -> None:
        self.within, self.is_made = within, False
        for block in transformer.transformer_blocks.children():
            block.compile(dynamic=True, fullgraph=True, backend=backend)
        transformer.register_forward_pre_hook(_with_text_of_its_own)

    @contextmanager
    def __call__(self) -> Iterator[None]:
        with self.within(), self._made() if self.is_made else self._first():
            yield
        self.is_made = True

    @staticmethod
    def _made() -> AbstractContextManager[object]:
        return torch.compiler.set_stance("eager_on_recompile")

    @staticmethod
    @contextmanager
    def _first() -> Iterator[None]:
        try:
            # Else counts that happen to be equal are one symbol, and must stay equal
            with symbols.patch(use_duck_shape=False):  # type: ignore[attr-defined]
                yield
        except TorchDynamoException as error:
            raise ConfigurationError(
                f"The blocks cannot be compiled here: {_first_line(error)}",
                hint="torch.compile needs a C++ compiler, and on a GPU Triton. Or leave OVERPAINT_COMPILE at false.",
            ) from error


def _with_text_of_its_own(_: nn.Module, given: tuple[Any, ...]) -> tuple[Any, ...]:
    """The first block is given the text as a view, the others as a tensor: that would be two versions."""
    latents, level, scene = given
    return latents, level, replace(scene, text=scene.text.clone())


def _first_line(error: TorchDynamoException) -> str:
    """Of what went wrong within the compiler, where torch tells."""
    cause = getattr(error, "inner_exception", error)
    return next(iter(str(cause).splitlines()), type(cause).__name__)
