"""Trains the editor: text encoder and transformer together.

Knows the objective, the stages and how to resume. Does not know pixels: latents come from `training.batches`.

    python -m training.editor --stage words --seconds 900     # → runs/editor.pt; again to go on where it stopped
"""

from __future__ import annotations

import argparse
import json
import math
import os
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.attention import SDPBackend, sdpa_kernel

from overpaint.model.rotary import Shape, image_positions, rotation
from overpaint.model.transformer import Transformer, TransformerConfig
from training import encoder as text
from training import marks, places
from training.autoencoder import LATENTS, RUNS
from training.batches import Batch, Batches
from training.codec import Codec
from training.optimiser import Average, Muon
from training.stages import STAGES, Diet, Stage
from training.start import copy_start

MILD = 0.2  #: an edit that changes latents by much less matters five times as much as one that changes them by one
CHANGED = 0.02  #: mean square of a token's latents beyond which an edit changes it
TRANSFORMER: dict[str, Any] = {
    "_class_name": "QwenImageTransformer2DModel",
    "_diffusers_version": "0.42.1",
    "patch_size": 2,
    "in_channels": 4 * LATENTS,
    "out_channels": LATENTS,
    "num_layers": 6,
    "attention_head_dim": 64,
    "num_attention_heads": 3,
    "joint_attention_dim": text.WIDTH,
    "guidance_embeds": False,
    "axes_dims_rope": [16, 24, 24],
    "zero_cond_t": True,
}


class Editor(nn.Module):
    """The two networks that learn."""

    def __init__(self, settings: dict[str, Any], transformer: dict[str, Any] | None = None) -> None:
        super().__init__()
        self.encoder = text.build(settings)
        self.transformer = Transformer(TransformerConfig.from_json(transformer or TRANSFORMER))
        copy_start(self.transformer)
        nn.init.normal_(self.encoder.get_input_embeddings().weight, std=0.5)  # words far apart from the first step


def levels(count: int, rng: torch.Generator) -> Tensor:
    """Noise levels (count,): the two that the default two steps visit most often, the rest biased towards 1.

    All of what is asked for is decided at 1: below, what is seen tells it too.
    """
    dice, u = torch.rand(count, generator=rng), torch.rand(count, generator=rng)
    spread = 1 - 0.95 * u**2
    return torch.where(dice < 0.75, torch.ones(()), torch.where(dice < 0.87, torch.full((), 0.5), spread))


@contextmanager
def weighing(bias: Tensor | None) -> Iterator[None]:
    """Attention inside adds `bias` (queries, keys) to its logits."""
    plain = functional.scaled_dot_product_attention

    def weighed(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        mask = bias
        if mask is not None and query.shape[-2] < len(mask):  # the last block: of [words, noise, reference] only noise
            mask = mask[-2 * query.shape[-2] : -query.shape[-2]]
        return plain(query, key, value, attn_mask=mask if mask is None else mask.to(query.dtype))

    functional.scaled_dot_product_attention = weighed
    try:
        yield
    finally:
        functional.scaled_dot_product_attention = plain


def logits_of_the_absent(shape: Shape, chosen: Tensor, words: int, crowd: int) -> Tensor | None:
    """Bias for [words, noise, reference] queries and keys, so that chosen tokens stand for all; None for all."""
    count = len(chosen)
    if count == math.prod(shape):
        return None
    bias = torch.zeros(words + 2 * count, words + 2 * count)
    bias[:words, words:] = math.log(crowd / count)
    bias[words:, words:] = places.weights(shape, chosen, crowd).repeat(2, 2)
    return bias


def velocity_of_some(
    transformer: Transformer,
    noisy: Tensor,
    reference: Tensor,
    states: Tensor,
    sigma: Tensor,
    shape: Shape,
    chosen: Tensor,
    crowd: int,
) -> Tensor:
    """Velocity of the chosen tokens, at their true positions; they stand for `crowd` tokens of each picture."""
    axes, device = transformer.config.axes_dims_rope, noisy.device
    where = image_positions([shape, shape]).view(2, -1, 3)[:, chosen].flatten(0, 1)
    scene = replace(
        transformer.scene(reference, states, [shape, shape]),
        noise_tokens=len(chosen),
        image_rotation=rotation(where, axes, device),
    )
    bias = logits_of_the_absent(shape, chosen, states.shape[1], crowd)
    with weighing(bias if bias is None else bias.to(device)):
        return transformer(noisy, transformer.level(sigma), scene)


class Progress:
    """How far each family is: error of the guessed latents over the error of the unchanged ones, lately."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.sums: dict[str, tuple[float, float]] = {}

    def note(self, names: list[str], wrong: Tensor, change: Tensor, known: Tensor) -> None:
        """wrong, change (B, tokens, channels) of latents; known (B, tokens) 1 where the answer can be known."""
        made = (wrong.square().mean(-1) * known).sum(-1).tolist()
        same = (change.square().mean(-1) * known).sum(-1).tolist()
        for name, error, unchanged in zip(names, made, same, strict=True):
            errors, whole = self.sums.get(name, (0.0, 0.0))
            whole_of_one = unchanged if name != "keep" else float(wrong.shape[1])  # of variance 1
            self.sums[name] = 0.97 * errors + error, 0.97 * whole + whole_of_one

    def write(self, step: int, loss: float) -> None:
        line = {"step": step, "loss": round(loss, 5)} | {k: round(e / w, 4) for k, (e, w) in sorted(self.sums.items())}
        with self.path.open("a") as file:
            file.write(json.dumps(line) + "\n")


class Trainer:
    def __init__(
        self, stage: Stage, seed: int, path: Path, device: str, is_compiled: bool = False, workers: int = 0
    ) -> None:
        torch.manual_seed(seed)
        self.stage, self.path, self.device, self.seed, self.workers = stage, path, device, seed, workers
        self.tokenizer, settings = text.load_tokenizer()
        self.editor = Editor(settings).to(device)
        self.run_transformer: Any = torch.compile(velocity_of_some) if is_compiled else velocity_of_some
        self.muon = Muon(groups(self.editor, is_matrix), stage.muon)
        others = groups(self.editor, lambda name, p: not is_matrix(name, p))
        self.adam = torch.optim.AdamW(others, stage.adam, betas=(0.9, 0.98), weight_decay=0.0)
        self.average = Average(self.editor.parameters(), 0.99)
        self.marks = marks.start().to(device)
        self.codec = Codec.load()
        self.codec.autoencoder.to(device)
        self.channel_weight = self.codec.weight.repeat_interleave(4).to(device)
        self.progress = Progress(path.with_suffix(".jsonl"))
        self.step, self.total_steps, self.spent = 0, 0, 0.0

    def loss(self, diet: Diet, batch: Batch, rng: torch.Generator) -> Tensor:
        """Flow matching: x = (1 − σ) target + σ noise, the velocity noise − target is asked for."""
        reference, target = batch.reference, batch.target
        apart = math.ceil(len(target) / batch.sharing)
        sigma = levels(apart, rng).repeat(batch.sharing)[: len(target)].to(self.device)
        noise = torch.randn((apart, *target.shape[1:]), generator=self.noise, device=self.device)
        noise = noise.repeat(batch.sharing, 1, 1)[: len(target)]
        mixed = torch.lerp(target, noise, sigma[:, None, None])
        with torch.autocast(self.device, torch.bfloat16):
            with torch.set_grad_enabled(self.stage.learns != "obeying"):
                states = text.encode(self.editor.encoder, self.tokenizer, batch.prompts, batch.patches, batch.grid)
            if self.stage.learns == "reading":
                return marks.missed(states, batch.names, self.marks)
            if self.stage.learns == "obeying":
                states = marks.marked(states, batch.names, self.marks)
            crowd = max(diet.crowd or math.prod(batch.shape), len(batch.inside))
            velocity = self.run_transformer(
                self.editor.transformer, mixed, reference, states, sigma, batch.shape, batch.inside, crowd
            )
        wrong, change = velocity.float() - (noise - target), target - reference
        self.progress.note(batch.names, (wrong * sigma[:, None, None]).detach(), change, batch.known)
        counts = batch.known * (1 + diet.emphasis * (change.square().mean(-1) > CHANGED))
        matters = counts / (change.square().mean((1, 2)) + MILD)[:, None]
        return ((wrong.square() * self.channel_weight).mean(-1) * matters).sum() / matters.sum()

    def attention(self, diet: Diet) -> AbstractContextManager[Any]:
        """On a CPU the flash kernel's backward pass is slow for short sequences; the plain product is not."""
        return sdpa_kernel(SDPBackend.MATH) if diet.pattern != "whole" and self.device == "cpu" else nullcontext()

    def rate(self, step: int) -> float:
        left = 1 - step / self.stage.steps
        return min(1.0, (step + 1) / self.stage.warmup, max(0.02, left / self.stage.decay))

    def train(self, seconds: float, save_every: float = 120) -> None:
        seed = self.seed + 1000 + self.total_steps
        batches = Batches(self.stage, self.tokenizer, self.codec, seed, self.device, self.workers)
        rng = torch.Generator().manual_seed(seed + 1000)
        self.noise = torch.Generator(self.device).manual_seed(seed + 2000)
        started = saved = shown = time.monotonic()
        smooth, since = math.nan, 0
        while time.monotonic() - started < seconds and self.step < self.stage.steps:
            factor = self.rate(self.step)
            for optimiser, rate in ((self.muon, self.stage.muon), (self.adam, self.stage.adam)):
                for group, share in zip(optimiser.param_groups, self.stage.shares, strict=True):
                    group["lr"] = rate * factor * share
            diet, batch = batches.next(rng)
            with self.attention(diet):
                loss = self.loss(diet, batch, rng)
                loss.backward()
            torch.nn.utils.clip_grad_norm_(self.editor.parameters(), 1.0)
            for optimiser in (self.muon, self.adam):
                optimiser.step()
                optimiser.zero_grad()
            self.average.update()
            self.step, self.total_steps, since = self.step + 1, self.total_steps + 1, since + 1
            value = float(loss.detach())
            smooth = value if math.isnan(smooth) else 0.95 * smooth + 0.05 * value
            now = time.monotonic()
            if now - shown > 20:
                print(f"step {self.step}  loss {smooth:.4f}  {(now - shown) / since:.2f} s/step", flush=True)
                self.progress.write(self.total_steps, smooth)
                shown, since = now, 0
            if now - saved > save_every:
                saved = now
                self.save(time.monotonic() - started)
        self.spent += time.monotonic() - started
        self.save(0.0)

    def save(self, running: float) -> None:
        state = {
            "editor": self.editor.state_dict(),
            "muon": self.muon.state_dict(),
            "adam": self.adam.state_dict(),
            "average": self.average.state_dict(),
            "marks": self.marks,
            "step": self.step,
            "total_steps": self.total_steps,
            "spent": self.spent + running,
            "stage": repr(self.stage),
        }
        torch.save(state, self.path.with_suffix(".new"))
        self.path.with_suffix(".new").replace(self.path)

    def resume(self) -> None:
        """Goes on where it stopped; if that was in another stage, at the beginning of this one with the averages."""
        state = torch.load(self.path)
        self.editor.load_state_dict(state["editor"])
        self.average.load_state_dict(state["average"])
        for name, optimiser in (("muon", self.muon), ("adam", self.adam)):
            if name in state:
                optimiser.load_state_dict(state[name])
        self.total_steps, self.spent = state["total_steps"], state["spent"]
        self.marks = state.get("marks", self.marks).to(self.device)
        is_begun = state["stage"] == repr(self.stage)
        self.step = state["step"] if is_begun else 0
        if not is_begun:
            self.average.put_in_place()
        print(f"from step {self.step} of this stage, {self.total_steps} in all")


def begun(editor: Editor, *, total_steps: int = 0, spent: float = 0.0) -> dict[str, Any]:
    """The state of a run that is about to begin a stage from these weights."""
    average = {"steps": 0, "values": list(editor.parameters())}
    counts = {"step": 0, "total_steps": total_steps, "spent": spent}
    return {"editor": editor.state_dict(), "average": average, "stage": "", **counts}


def is_matrix(name: str, parameter: nn.Parameter) -> bool:
    """Attention and MLP matrices go to Muon; embeddings, modulation, in, out and vectors to AdamW."""
    others = ("embed", "_mod.", "img_in", "txt_in", "norm_out", "proj_out", "time_text")
    return parameter.ndim == 2 and not any(part in name for part in others)


def part(name: str) -> int:
    """Where a parameter works: 0 reads the prompt, 1 sees pictures alone, 2 joins the two."""
    if name.startswith("encoder.") or "txt_in" in name or "txt_norm" in name:
        return 0
    return 2 if "txt_" in name or "add_" in name else 1


def groups(editor: Editor, wanted: Callable[[str, nn.Parameter], bool]) -> list[dict[str, Any]]:
    """An optimiser group for each part."""
    found: tuple[list[nn.Parameter], ...] = ([], [], [])
    for name, parameter in editor.named_parameters():
        if wanted(name, parameter):
            found[part(name)].append(parameter)
    return [{"params": parameters} for parameters in found]


def main() -> None:
    parser = argparse.ArgumentParser(description="Trains text encoder and transformer.")
    parser.add_argument("--stage", choices=list(STAGES), default="words")
    parser.add_argument("--seconds", type=float, default=300, help="of this slice; a compile adds a minute or two")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--workers", type=int, help="processes that render scenes; all cores but two for a GPU")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--out", type=Path, default=RUNS / "editor.pt")
    parser.add_argument("--compile", action="store_true", help="for a GPU; on a CPU it costs minutes, gains little")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    spare = 0 if args.device == "cpu" else max(1, len(os.sched_getaffinity(0)) - 2)
    workers = spare if args.workers is None else args.workers
    trainer = Trainer(STAGES[args.stage], args.seed, args.out, args.device, args.compile, workers)
    if args.out.exists():
        trainer.resume()
    trainer.train(args.seconds)


if __name__ == "__main__":
    main()
