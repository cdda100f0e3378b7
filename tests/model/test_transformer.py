"""Our transformer against diffusers': same weights, same tokens, the same velocity."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from diffusers import QwenImageTransformer2DModel
from safetensors.torch import load_file
from torch import Tensor

from overpaint.model.rotary import Shape, image_positions, rotation, text_positions
from overpaint.model.transformer import Transformer, TransformerConfig
from tests.model.checkpoints import weights
from tests.model.stock import Stock

SHAPES: dict[str, list[Shape]] = {
    "square": [(1, 8, 8), (1, 8, 8)],
    "wide, odd sides": [(1, 5, 9), (1, 5, 9)],
    "two references of other shapes": [(1, 6, 10), (1, 7, 4), (1, 3, 13)],
    "three references": [(1, 4, 4), (1, 4, 6), (1, 9, 2), (1, 5, 5)],
    "output larger than the reference": [(1, 12, 10), (1, 6, 5)],
}


def ours(folder: Path, dtype: torch.dtype = torch.float32) -> Transformer:
    config = json.loads((folder / "transformer" / "config.json").read_text("utf-8"))
    transformer = Transformer(TransformerConfig.from_json(config)).to(dtype)
    transformer.load_state_dict(load_file(weights(folder, "transformer")), strict=True)
    return transformer.eval()


def inputs(
    transformer: Transformer, shapes: list[Shape], text_tokens: int = 11, rows: int = 1
) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(7)
    tokens = sum(height * width for _, height, width in shapes)
    image = torch.randn(rows, tokens, transformer.config.in_channels, generator=generator)
    return image, torch.randn(rows, text_tokens, transformer.config.joint_attention_dim, generator=generator)


def velocity(transformer: Transformer, image: Tensor, text: Tensor, sigma: Tensor, shapes: list[Shape]) -> Tensor:
    """image: the noise's tokens, then the references'."""
    noise, references = image.split([shapes[0][1] * shapes[0][2], image.shape[1] - shapes[0][1] * shapes[0][2]], dim=1)
    return transformer(noise, transformer.level(sigma), transformer.scene(references, text, shapes))


def stock_velocity(
    stock: QwenImageTransformer2DModel, image: Tensor, text: Tensor, sigma: Tensor, shapes: list[Shape]
) -> Tensor:
    made = stock(
        hidden_states=image,
        encoder_hidden_states=text,
        encoder_hidden_states_mask=None,
        timestep=sigma,
        img_shapes=[shapes] * len(image),
        return_dict=False,
    )[0]
    return made[:, : shapes[0][1] * shapes[0][2]]


@pytest.mark.parametrize("generation", ["2509", "2511"])  # zero_cond_t off, on
@pytest.mark.parametrize("case", SHAPES)
@torch.no_grad()
def test_velocity_equals_the_reference(
    case: str, generation: str, random_checkpoint: Callable[..., Path], stock: Callable[..., Stock]
) -> None:
    folder = random_checkpoint(generation)
    transformer, shapes = ours(folder), SHAPES[case]
    image, text = inputs(transformer, shapes)
    for level in (1.0, 0.61803, 0.02):
        sigma = torch.tensor([level])
        expected = stock_velocity(stock(folder).transformer, image, text, sigma, shapes)
        torch.testing.assert_close(velocity(transformer, image, text, sigma, shapes), expected, atol=1e-5, rtol=0)


@torch.no_grad()
def test_rows_of_a_batch_keep_their_own_noise_level(random_checkpoint: Callable[..., Path]) -> None:
    transformer, shapes = ours(random_checkpoint("2511")), SHAPES["two references of other shapes"]
    image, text = inputs(transformer, shapes, rows=2)
    sigma = torch.tensor([0.9, 0.1])
    together = velocity(transformer, image, text, sigma, shapes)
    for row in range(2):
        one = slice(row, row + 1)
        alone = velocity(transformer, image[one], text[one], sigma[one], shapes)
        torch.testing.assert_close(together[row : row + 1], alone, atol=1e-5, rtol=0)


@torch.no_grad()
def test_bfloat16_rounds_where_the_reference_rounds(random_checkpoint: Callable[..., Path]) -> None:
    folder, shapes = random_checkpoint("2511"), SHAPES["wide, odd sides"]
    transformer = ours(folder, torch.bfloat16)
    theirs = QwenImageTransformer2DModel.from_pretrained(folder / "transformer", torch_dtype=torch.bfloat16)
    image, text = (tensor.bfloat16() for tensor in inputs(transformer, shapes))
    sigma = torch.tensor([0.98828], dtype=torch.bfloat16)
    expected = stock_velocity(theirs, image, text, sigma, shapes).float()
    made = velocity(transformer, image, text, sigma, shapes).float()
    assert (made - expected).norm() <= 0.02 * expected.norm()


@torch.no_grad()
def test_zero_cond_t_changes_the_velocity(random_checkpoint: Callable[..., Path]) -> None:
    """Guards the parity above: were the flag ignored on both sides, it would prove nothing."""
    folder, shapes = random_checkpoint("2511"), SHAPES["square"]
    transformer = ours(folder)
    image, text = inputs(transformer, shapes)
    sigma = torch.tensor([0.7])
    flagged = velocity(transformer, image, text, sigma, shapes)
    transformer.config = TransformerConfig.from_json(
        json.loads((folder / "transformer" / "config.json").read_text("utf-8")) | {"zero_cond_t": False}
    )
    assert (velocity(transformer, image, text, sigma, shapes) - flagged).abs().max() > 1e-2


@pytest.mark.parametrize("case", SHAPES)
def test_rotary_angles_equal_the_reference(
    case: str, random_checkpoint: Callable[..., Path], stock: Callable[..., Stock]
) -> None:
    shapes, axes = SHAPES[case], (4, 6, 6)
    image, text = stock(random_checkpoint("2511")).transformer.pos_embed([shapes], max_txt_seq_len=13, device="cpu")
    for positions, expected in ((image_positions(shapes), image), (text_positions(shapes, 13), text)):
        cos, sin = rotation(positions, axes)
        torch.testing.assert_close(torch.complex(cos, sin).squeeze(1), expected, atol=1e-6, rtol=0)
