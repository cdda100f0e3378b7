"""Muon for matrices, AdamW for the rest, a moving average of the weights.

Knows parameters and learning rates. Does not know what they are for.
Muon: Jordan et al. 2024 (momentum, then five Newton-Schulz steps); update scaled to AdamW's size by
0.2·√max(rows, columns) (Liu et al. 2025).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import nn


def orthogonalise(matrix: torch.Tensor, steps: int = 5) -> torch.Tensor:
    """The nearest semi-orthogonal matrix, roughly: singular values end between 0.7 and 1.2. Shape (..., r, c)."""
    a, b, c = 3.4445, -4.7750, 2.0315
    x = matrix.bfloat16() if matrix.shape[-1] > 128 else matrix.float()
    tall = x.shape[-2] > x.shape[-1]
    x = x.mT if tall else x
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(steps):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    return (x.mT if tall else x).float()


class Muon(torch.optim.Optimizer):
    """Momentum, orthogonalised. Convolution kernels are flattened to (out, in·k·k)."""

    def __init__(self, params: Iterable[Any], lr: float, momentum: float = 0.95) -> None:
        super().__init__(list(params), {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            by_shape: dict[torch.Size, list[nn.Parameter]] = {}
            for weight in group["params"]:
                if weight.grad is not None:
                    by_shape.setdefault(weight.shape, []).append(weight)
            for shape, weights in by_shape.items():
                self._step_alike(weights, shape, group["lr"], group["momentum"])

    def _step_alike(self, weights: list[nn.Parameter], shape: torch.Size, lr: float, momentum: float) -> None:
        """Weights of one shape go through Newton-Schulz as one batch."""
        updates = []
        for weight in weights:
            assert weight.grad is not None
            buffer = self.state[weight].setdefault("momentum", torch.zeros_like(weight))
            buffer.lerp_(weight.grad, 1 - momentum)
            updates.append(weight.grad.lerp(buffer, momentum).flatten(1))
        whole = orthogonalise(torch.stack(updates))
        scale = 0.2 * max(whole.shape[-2:]) ** 0.5
        for weight, update in zip(weights, whole, strict=True):
            weight.add_(update.view(shape), alpha=-lr * scale)


class Average:
    """Exponential moving average of parameters, warmed up so that the first steps do not linger."""

    def __init__(self, params: Iterable[nn.Parameter], decay: float) -> None:
        self.params = list(params)
        self.decay = decay
        self.steps = 0
        self.values = [p.detach().clone() for p in self.params]

    @torch.no_grad()
    def update(self) -> None:
        self.steps += 1
        decay = min(self.decay, (1 + self.steps) / (10 + self.steps))
        torch._foreach_lerp_(self.values, self.params, 1 - decay)

    @torch.no_grad()
    def put_in_place(self) -> None:
        """The parameters become their averages."""
        torch._foreach_copy_(self.params, self.values)

    def state_dict(self) -> dict[str, Any]:
        return {"steps": self.steps, "values": self.values}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.steps = state["steps"]
        for value, stored in zip(self.values, state["values"], strict=True):
            value.copy_(stored)
