"""How far fewer bits for each weight lead from the exact picture: `python -m benchmarks.quantised`.

Int8 with a scale a row is what `OVERPAINT_WEIGHTS=int8` holds, and FP8 products are those of `OVERPAINT_WEIGHTS=fp8`:
weights and inputs in 8 bits. Two formats for weights alone stand beside them, and exact weights in bfloat16: a rounding
that everybody accepts. Everything else is float32 on the CPU, so that only the format differs; what comes out of FP8
products is bfloat16, as on a GPU.

First the error of each kind of matrix, and of what it gives for the inputs that it meets: root of the mean square,
relative. Then how far the pictures lie from the exact ones. Three times: matrices of the published shapes, alone, with
normal values and inputs; a network as deep as the published ones, narrow, with random weights; the trained `mini`.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import Qwen2_5_VLConfig, Qwen2_5_VLModel

from benchmarks import report
from overpaint.model import Edited, Editor, load_editor
from overpaint.model.quantised import FP8, Fp8Linear, quantised
from overpaint.model.transformer import Transformer, TransformerConfig
from overpaint.plan import Weights, layer_of
from tests.model import checkpoints
from tests.model.published import TEXT_ENCODER, TRANSFORMER

PACKAGES = ("torch", "transformers", "pillow", "numpy")
PICTURES = ("astronaut", "cat")
PROMPTS = (
    "make it black and white",
    "turn it into night",
    "add fog",
    "more contrast",
    "invert the colours",
    "调亮一点",
)
SEED = 7
GROUP = 64
SAMPLE = 256  # rows of a published matrix, and inputs: rows know nothing of each other

PARTS = {
    "transformer_blocks": "transformer",
    "visual.blocks": "encoder, pictures",
    "language_model.layers": "encoder, words",
}

Approximate = Callable[[Tensor], Tensor]
Kind = tuple[str, str]  #: part, and name within a layer
Sums = dict[Kind, Tensor]  #: (formats, 4): squares of weights, of their errors, of outputs, of their errors
Pixels = np.ndarray[tuple[int, ...], np.dtype[np.int_]]
Load = Callable[..., Editor]  #: `load_editor` of one checkpoint


@dataclass(frozen=True)
class Format:
    """What is left of a matrix, and what a product gives: of inputs with the whole matrix, bias apart."""

    weights: Approximate
    product: Callable[[Tensor, Tensor], Tensor]


def of_weights(approximate: Approximate) -> Format:
    return Format(approximate, lambda inputs, matrix: F.linear(inputs, approximate(matrix)))


def int8(matrix: Tensor) -> Tensor:
    values, scales = quantised(matrix, torch.int8, matrix.dtype)
    return values * scales


def float8(matrix: Tensor) -> Tensor:
    values, scales = quantised(matrix, FP8, torch.float32)
    return values.to(matrix.dtype) * scales


def float8_product(inputs: Tensor, matrix: Tensor) -> Tensor:
    rows, columns = matrix.shape
    linear = Fp8Linear(nn.Linear(columns, rows, bias=False, device="meta"))
    values, scale = quantised(matrix, FP8, torch.float32)
    linear.load_state_dict({"weight": values, "scale": scale}, assign=True)
    return linear.requires_grad_(False)(inputs)  # type: ignore[no-any-return]  # as of any module


def int4(matrix: Tensor) -> Tensor:
    columns = matrix.shape[1]
    groups = F.pad(matrix, (0, -columns % GROUP)).unflatten(1, (-1, GROUP))
    scales = (groups.abs().amax(dim=2, keepdim=True) / 7).clamp_min(torch.finfo(matrix.dtype).tiny)
    return ((groups / scales).round() * scales).flatten(1)[:, :columns]


FORMATS: dict[str, Format] = {
    "int8": of_weights(int8),
    "FP8 products": Format(float8, float8_product),
    "float8_e4m3fn": of_weights(float8),
    f"int4, groups of {GROUP}": of_weights(int4),
}
SETTINGS: dict[str, Weights] = {"int8": "int8", "FP8 products": "fp8"}  #: that serve a format


def matrices(*networks: nn.Module) -> Iterator[tuple[Kind, nn.Linear]]:
    """What the setting holds in int8."""
    for network in networks:
        for name, module in network.named_modules():
            if isinstance(module, nn.Linear) and (layer := layer_of(name)):
                yield (PARTS[layer.rstrip(".0123456789")], name.removeprefix(layer)), module


def of_editor(editor: Editor) -> Iterator[tuple[Kind, nn.Linear]]:
    return matrices(editor.parts.transformer, editor.parts.conditioner.encoder)


# --- matrices ---------------------------------------------------------------------------------------------------------


def note(sums: Sums, kind: Kind, linear: nn.Linear, inputs: tuple[Tensor], *_: object) -> None:
    """A forward hook of `linear`, its first two arguments filled in. Biases are exact and left out."""
    found = []
    made = F.linear(inputs[0], linear.weight)
    for to in FORMATS.values():
        errors = to.weights(linear.weight) - linear.weight, to.product(inputs[0], linear.weight) - made
        parts = (linear.weight, errors[0], made, errors[1])
        found.append(torch.stack([part.double().square().sum() for part in parts]))
    sums[kind] += torch.stack(found)


def none_yet() -> Sums:
    return defaultdict(lambda: torch.zeros((len(FORMATS), 4), dtype=torch.double))


def of_published_shapes() -> Sums:
    sums = none_yet()
    with torch.device("meta"):
        transformer = Transformer(TransformerConfig.from_json(TRANSFORMER | {"num_layers": 1}))
        encoder = Qwen2_5_VLModel(Qwen2_5_VLConfig(**TEXT_ENCODER))
    draw = torch.Generator().manual_seed(SEED)
    for kind, published in dict(matrices(transformer, encoder)).items():
        rows, columns = published.weight.shape
        linear = nn.Linear(columns, min(rows, SAMPLE), bias=False).requires_grad_(False)
        linear.weight.normal_(generator=draw)
        note(sums, kind, linear, (torch.randn((SAMPLE, columns), generator=draw),))
    return sums


def of_an_edit(editor: Editor, picture: Image.Image) -> Sums:
    sums = none_yet()
    with ExitStack() as hooks:
        for kind, linear in of_editor(editor):
            hooks.enter_context(linear.register_forward_hook(partial(note, sums, kind)))
        made(editor, picture, PROMPTS[0])
    return sums


def error_rows(sums: Sums) -> list[list[str]]:
    """A row a kind, then one a part: of each format the error of the weights and of the outputs."""
    parts = {part: sum(found for (of, _), found in sums.items() if of == part) for part, _ in sums}
    named = [(f"{part}: {name}", found) for (part, name), found in sums.items()]
    return [
        [name, *(f"{share:.2%}" for share in (found[:, [1, 3]] / found[:, [0, 2]]).sqrt().flatten().tolist())]
        for name, found in (*named, *((f"all of {part}", found) for part, found in parts.items()))
    ]


# --- pictures ---------------------------------------------------------------------------------------------------------


def made(editor: Editor, picture: Image.Image, prompt: str) -> Pixels:
    *_, last = editor.edit([picture], prompt, seed=SEED)
    assert isinstance(last, Edited)
    return np.asarray(last.image).astype(int)


def approximated(load: Load, approximate: Approximate) -> Editor:
    """An editor whose matrices are what is left of them in another format."""
    editor = load(dtype="float32")
    for _, linear in of_editor(editor):
        linear.weight.copy_(approximate(linear.weight))
    return editor


def picture_rows(load: Load, pictures: Sequence[str], prompts: Sequence[str]) -> list[list[str]]:
    """A row an edit: of bfloat16 and of each format how far the picture lies from that of float32."""
    formats = [
        load(dtype="float32", weights=SETTINGS[name]) if name in SETTINGS else approximated(load, to.weights)
        for name, to in FORMATS.items()
    ]
    editors = [load(dtype="float32"), load(dtype="bfloat16"), *formats]
    rows = []
    for name in pictures:
        picture = Image.open(report.ROOT / "examples" / f"{name}.jpg").convert("RGB")
        for prompt in prompts:
            wanted, *found = (made(editor, picture, prompt) for editor in editors)
            rows.append([f"{name}, {prompt}", *(distance(wanted, other) for other in found)])
    return rows


def distance(wanted: Pixels, found: Pixels) -> str:
    """PSNR, and the largest difference of a value."""
    error = np.square(wanted - found).mean()
    return f"{10 * np.log10(255**2 / error):.1f} dB, {np.abs(wanted - found).max()}" if error else "the same"


@torch.no_grad()
def main(arguments: Sequence[str] | None = None) -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--checkpoint", default="mini", help="mini, a folder, or a hub id that was pulled")
    options.add_argument("--blocks", type=int, default=60, help="of the random network")
    options.add_argument("--prompts", type=int, default=len(PROMPTS), help="how many of them")
    given = options.parse_args(arguments)
    report.head("Fewer bits for each weight: how far from exact", PACKAGES)
    kinds = ["kind", *(f"{name}: {what}" for name in FORMATS for what in ("weights", "outputs"))]
    edits = ["edit", "bfloat16, exact weights", *FORMATS]
    print("## Matrices of the published shapes, normal values and inputs\n")
    report.table(kinds, error_rows(of_published_shapes()))
    with TemporaryDirectory() as temporary:
        folder = checkpoints.build(Path(temporary) / "random", "2511", blocks=given.blocks)
        for title, where in (
            (f"{given.blocks} blocks of random weights", folder),
            (given.checkpoint, given.checkpoint),
        ):
            load = partial(load_editor, where, device="cpu")
            photograph = Image.open(report.ROOT / "examples" / f"{PICTURES[0]}.jpg").convert("RGB")
            print(f"\n## {title}\n")
            report.table(kinds, error_rows(of_an_edit(load(dtype="float32"), photograph)))
            print("\nPSNR, and the largest difference of a value (of 255):\n")
            report.table(edits, picture_rows(load, PICTURES, PROMPTS[: given.prompts]))
    report.foot("Not measured: the official weights, a GPU, speed.")


if __name__ == "__main__":
    main()
