"""Weights in int8: how far from exact they may be, which of them are, and how they come to the device."""

from __future__ import annotations

import re
import weakref
from collections.abc import Callable
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import Qwen2_5_VLConfig, Qwen2_5_VLModel

from overpaint.errors import ConfigurationError
from overpaint.model import Edited, Editor, load_editor, quantised
from overpaint.model.quantised import Int8Linear, as_held, quantise
from overpaint.model.transformer import Transformer, TransformerConfig
from overpaint.plan import PUBLISHED
from tests.model.published import TEXT_ENCODER, TRANSFORMER

DTYPES = [torch.float32, torch.bfloat16]


def awkward() -> Tensor:
    """Rows as weights may have them: ordinary, with an outlier, all alike, zero, tiny, large; and one in steps."""
    draw = torch.Generator().manual_seed(2)
    rows = torch.randn((7, 96), generator=draw)
    rows[1, 5] = -40.0
    rows[2] = 0.3
    rows[3] = 0.0
    rows[4] *= 1e-30
    rows[5] *= 1e30
    rows[6] = torch.arange(96) - 48.0
    return rows


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("stored", DTYPES)
def test_what_is_held_lies_within_half_a_scale_of_what_was_stored(stored: torch.dtype, dtype: torch.dtype) -> None:
    matrix = awkward().to(stored)
    values, scales = quantised.quantised(matrix, dtype)
    assert (values.dtype, values.shape, scales.dtype, scales.shape) == (torch.int8, (7, 96), dtype, (7, 1))
    assert (scales > 0).all()
    error = (values.double() * scales.double() - matrix.double()).abs()
    assert (error <= 0.5001 * scales.double()).all()
    greatest = matrix.double().abs().amax(dim=1, keepdim=True)
    assert (scales.double() <= 1.005 * greatest / 127 + 1e-37).all(), "no step is wider than it must be"


@pytest.mark.parametrize("damage", [float("nan"), float("inf"), -float("inf")])
def test_what_is_no_number_stays_none(damage: float) -> None:
    """A damaged checkpoint shall fail as it does with exact weights, and not make a picture quietly."""
    matrix = awkward()
    matrix[2, 3] = damage
    values, scales = quantised.quantised(matrix, torch.float32)
    is_finite = (values * scales).isfinite()
    assert not is_finite[2].any()
    assert is_finite[[0, 1, 3, 4, 5, 6]].all()


def test_a_linear_in_int8_gives_what_its_error_allows() -> None:
    torch.manual_seed(0)
    linear = nn.Linear(48, 20).requires_grad_(False)
    x = torch.randn(3, 5, 48)
    other = Int8Linear(linear)
    pairs = [as_held(*item, other.state_dict(), torch.device("cpu")) for item in linear.state_dict().items()]
    other.load_state_dict(dict(chain.from_iterable(pairs)))
    allowed = F.linear(x.abs(), (other.scale / 2).expand(-1, 48)) + 1e-4
    difference = (other(x) - linear(x)).abs()
    assert (difference <= allowed).all()
    assert difference.max() > 0


def test_the_matrices_of_the_repeated_layers_are_held_in_int8_and_nothing_else() -> None:
    """The plan's numbers and the loader's modules are two hands that must agree."""
    with torch.device("meta"):
        transformer = Transformer(TransformerConfig.from_json(TRANSFORMER))
        encoder = Qwen2_5_VLModel(Qwen2_5_VLConfig(**TEXT_ENCODER))
    blocks = PUBLISHED.blocks * (PUBLISHED.block,)
    stays = (
        r"(time_text_embed\..*|img_in|txt_in|norm_out\.linear|proj_out|transformer_blocks\.\d+\.(img|txt)_mod\.1)\.weight",
        r"(visual\.merger\.mlp\.[02]|language_model\.embed_tokens)\.weight",
    )
    for network, layers, exact in zip((transformer, encoder), (blocks, PUBLISHED.layers), stays, strict=True):
        quantise(network)
        matrices = {name: p for name, p in network.named_parameters() if p.ndim == 2 and not name.endswith(".scale")}
        short = {name: p for name, p in matrices.items() if p.dtype == torch.int8}
        assert [name for name in matrices if name not in short and not re.fullmatch(exact, name)] == []
        assert [name for name in short if re.fullmatch(exact, name)] == []
        assert sum(p.numel() for p in short.values()) == sum(layer.in_matrices for layer in layers)
        assert sum(len(p) for p in short.values()) == sum(layer.rows for layer in layers)
        assert max(p.numel() for p in short.values()) == max(layer.largest for layer in layers)


def test_nothing_keeps_a_matrix_whole_on_the_device(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[weakref.ref[Tensor]] = []
    plain = quantised.quantised

    def watched(matrix: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        assert matrix.is_meta, "it is on the device"
        assert not [other for other in seen if other() is not None]
        seen.append(weakref.ref(matrix))
        return plain(matrix, dtype)

    monkeypatch.setattr(quantised, "quantised", watched)
    stored = nn.Sequential(*(nn.Linear(4, 6) for _ in range(3))).state_dict()
    with torch.device("meta"):
        held = nn.Sequential(*(Int8Linear(nn.Linear(4, 6)) for _ in range(3))).state_dict()
    for name, whole in stored.items():
        for key, tensor in as_held(name, whole, held, torch.device("meta")):
            assert (tensor.shape, tensor.dtype) == (held[key].shape, held[key].dtype)
    assert len(seen) == 3


# --- the whole --------------------------------------------------------------------------------------------------------


def edited(editor: Editor, image: Image.Image) -> np.ndarray[Any, np.dtype[np.int_]]:
    *_, last = editor.edit([image], "red", seed=3, steps=3, true_cfg_scale=2.0)
    assert isinstance(last, Edited)
    return np.asarray(last.image).astype(int)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_the_picture_is_nearly_the_exact_one(
    dtype: str, random_checkpoint: Callable[..., Path], picture: Callable[..., Image.Image]
) -> None:
    folder, image = random_checkpoint("2511"), picture(64, 64)
    exact = load_editor(folder, device="cpu", dtype=dtype)
    short = load_editor(folder, device="cpu", dtype=dtype, weights="int8")
    difference = edited(short, image) - edited(exact, image)
    assert np.abs(difference).max() > 0, "nothing was held in int8"
    assert 10 * np.log10(255**2 / np.square(difference).mean()) > 40


def test_weights_are_exact_unless_asked_for_otherwise(random_checkpoint: Callable[..., Path]) -> None:
    editor = load_editor(random_checkpoint("2511"), device="cpu")
    networks = (editor.parts.transformer, editor.parts.conditioner.encoder, editor.parts.autoencoder)
    assert {tensor.dtype for network in networks for tensor in network.state_dict().values()} == {torch.float32}


def test_what_is_not_held_in_int8_is_bit_equal(random_checkpoint: Callable[..., Path]) -> None:
    folder = random_checkpoint("2511")
    exact, short = (load_editor(folder, device="cpu", dtype="bfloat16", weights=w).parts for w in ("exact", "int8"))
    for mine, other in (
        (exact.transformer, short.transformer),
        (exact.conditioner.encoder, short.conditioner.encoder),
        (exact.autoencoder, short.autoencoder),
    ):
        held = other.state_dict()
        same = [key for key in mine.state_dict() if held[key].dtype != torch.int8]
        assert same
        assert [key for key in same if not torch.equal(mine.state_dict()[key], held[key])] == []


def test_weights_of_another_kind_are_refused(random_checkpoint: Callable[..., Path]) -> None:
    with pytest.raises(ConfigurationError, match="int4"):
        load_editor(random_checkpoint("2511"), device="cpu", weights="int4")  # type: ignore[arg-type]
