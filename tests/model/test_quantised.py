"""Weights in 8 bits: how far from exact they may be, which of them are, and how they come to the device."""

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
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.nn import functional as F
from transformers import Qwen2_5_VLConfig, Qwen2_5_VLModel

from overpaint.errors import ConfigurationError
from overpaint.model import Edited, Editor, load_editor, quantised
from overpaint.model.quantised import FP8, KINDS, Fp8Linear, Int8Linear, as_held, check, quantise
from overpaint.model.transformer import Transformer, TransformerConfig
from overpaint.plan import PUBLISHED, Weights, is_short
from tests.model.published import TEXT_ENCODER, TRANSFORMER

DTYPES = [torch.float32, torch.bfloat16]
SHORT: list[Weights] = list(KINDS)


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
def test_int8_lies_within_half_a_scale_of_what_was_stored(stored: torch.dtype, dtype: torch.dtype) -> None:
    matrix = awkward().to(stored)
    values, scales = quantised.quantised(matrix, torch.int8, dtype)
    assert (values.dtype, values.shape, scales.dtype, scales.shape) == (torch.int8, (7, 96), dtype, (7, 1))
    assert (scales > 0).all()
    error = (values.double() * scales.double() - matrix.double()).abs()
    assert (error <= 0.5001 * scales.double()).all()
    greatest = matrix.double().abs().amax(dim=1, keepdim=True)
    assert (scales.double() <= 1.005 * greatest / 127 + 1e-37).all(), "no step is wider than it must be"


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("stored", DTYPES)
def test_fp8_lies_within_half_a_digit_of_what_was_stored(stored: torch.dtype, dtype: torch.dtype) -> None:
    matrix = awkward().to(stored)
    values, scales = quantised.quantised(matrix, FP8, dtype)
    assert (values.dtype, values.shape, scales.dtype, scales.shape) == (FP8, (7, 96), dtype, (7, 1))
    assert (scales > 0).all()
    error = (values.double() * scales.double() - matrix.double()).abs()
    own = 1 / 16 + (1 / 256 if stored == dtype == torch.bfloat16 else 1e-6)  # a quotient is rounded before
    assert (error <= torch.maximum(matrix.double().abs() * own, 1.0001 * scales.double() / 1024)).all()
    assert (values.double().abs().amax(dim=1)[[0, 1, 2, 4, 5, 6]] == 448).all(), "the whole range is used"


@pytest.mark.parametrize("kind", [torch.int8, FP8], ids=str)
@pytest.mark.parametrize("damage", [float("nan"), float("inf"), -float("inf")])
def test_what_is_no_number_stays_none(damage: float, kind: torch.dtype) -> None:
    """A damaged checkpoint shall fail as it does with exact weights, and not make a picture quietly."""
    matrix = awkward()
    matrix[2, 3] = damage
    values, scales = quantised.quantised(matrix, kind, torch.float32)
    is_finite = (values.float() * scales).isfinite()
    assert not is_finite[2].any()
    assert is_finite[[0, 1, 3, 4, 5, 6]].all()


def short_of(linear: nn.Linear, weights: Weights) -> Int8Linear | Fp8Linear:
    """Filled from a linear, as the loader does it."""
    other = KINDS[weights](linear)
    pairs = [as_held(*item, other.state_dict(), torch.device("cpu")) for item in linear.state_dict().items()]
    other.load_state_dict(dict(chain.from_iterable(pairs)))
    return other


def test_a_linear_in_int8_gives_what_its_error_allows() -> None:
    torch.manual_seed(0)
    linear = nn.Linear(48, 20).requires_grad_(False)
    x = torch.randn(3, 5, 48)
    other = short_of(linear, "int8")
    allowed = F.linear(x.abs(), (other.scale / 2).expand(-1, 48)) + 1e-4
    difference = (other(x) - linear(x)).abs()
    assert (difference <= allowed).all()
    assert difference.max() > 0


@pytest.mark.parametrize("has_bias", [True, False])
@pytest.mark.parametrize("dtype", DTYPES)
def test_a_product_in_fp8_is_that_of_the_values_times_their_scales(dtype: torch.dtype, has_bias: bool) -> None:
    torch.manual_seed(0)
    linear = nn.Linear(96, 32, has_bias).requires_grad_(False).to(dtype)
    x = awkward().roll(48, 1).to(dtype)
    other = short_of(linear, "fp8")
    assert (other.weight.dtype, other.scale.dtype) == (FP8, torch.float32)
    values, scales = quantised.quantised(x, FP8, dtype)
    wanted = F.linear(values.double() * scales.double(), other.weight.double() * other.scale.double())
    wanted = wanted if linear.bias is None else wanted + linear.bias.bfloat16().double()
    made = other(x)
    assert made.dtype == dtype
    assert torch.allclose(made.double(), wanted, rtol=2**-8, atol=1e-6)
    exact = linear(x)
    assert not torch.equal(made, exact)
    assert 0.005 < (made - exact)[0].norm() / exact[0].norm() < 0.06


def test_in_fp8_each_token_is_cast_by_itself() -> None:
    """Whatever stands beside it, in whatever shape: else an edit's picture would hang on its neighbours."""
    torch.manual_seed(0)
    linear = nn.Linear(32, 16).requires_grad_(False)
    other = short_of(linear, "fp8")
    x = torch.randn(2, 3, 32)
    x[0, 1] *= 1e6
    x[1, 0] = 0
    made = other(x)
    assert made.shape == (2, 3, 16)
    for batch in range(2):
        for token in range(3):
            assert torch.equal(other(x[batch, token]), made[batch, token])
    assert torch.equal(made[1, 0], linear.bias.bfloat16().float())
    x[0, 2, 5] = float("nan")
    is_finite = other(x).isfinite()
    assert not is_finite[0, 2].any()
    assert is_finite.flatten(0, 1)[[0, 1, 3, 4, 5]].all()
    assert other(x[:, :0]).shape == (2, 0, 16)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("tokens", [1, 5])
def test_a_gpu_is_given_what_it_can_multiply(tokens: int, dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch) -> None:
    """By torch's own checks for one, which need none, and by those that only its kernels make."""
    given: list[tuple[Any, ...]] = []

    def noted(*arguments: Any, bias: Tensor) -> Tensor:
        given.append((*arguments, bias))
        return plain(*arguments, bias=bias)

    plain = F.scaled_mm
    monkeypatch.setattr(F, "scaled_mm", noted)
    other = short_of(nn.Linear(48, 32, dtype=dtype).requires_grad_(False), "fp8")
    other(torch.ones(48, tokens, dtype=dtype).t())  # columns, not rows, lie one after the other
    ((*arguments, bias),) = given
    with FakeTensorMode():
        there = [
            torch.empty_strided(a.shape, a.stride(), dtype=a.dtype, device="cuda:0") if isinstance(a, Tensor) else a
            for a in arguments
        ]
        assert plain(*there).dtype == torch.bfloat16
    rows, columns, scales, _, by_column, _ = arguments
    assert (rows.stride(), columns.stride()) == ((48, 1), (1, 48))
    assert (scales.shape, by_column.shape) == ((tokens, 1), (1, 32))
    assert scales.is_contiguous() and by_column.is_contiguous() and bias.is_contiguous()
    assert [t.dtype for t in (rows, columns, scales, by_column, bias)] == [
        FP8,
        FP8,
        *2 * [torch.float32],
        torch.bfloat16,
    ]


def test_a_matrix_that_a_gpu_cannot_multiply_in_fp8_stays_exact() -> None:
    block = nn.Sequential(*(nn.Linear(columns, rows) for columns, rows in ((48, 32), (40, 32), (48, 20))))
    network = nn.ModuleDict({"blocks": nn.ModuleList([block])})
    quantise(network, "exact")
    assert {type(linear) for linear in block} == {nn.Linear}
    quantise(network, "fp8")
    assert [type(linear) for linear in block] == [Fp8Linear, nn.Linear, nn.Linear]


def test_a_gpu_without_products_in_fp8_is_refused_before_anything_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: (8, 6))
    with pytest.raises(ConfigurationError, match=r"OVERPAINT_WEIGHTS=fp8 needs .* 8\.9 or more; .* 8\.6") as refused:
        load_editor(tmp_path / "is not read", device="cuda", weights="fp8")
    assert "int8 works everywhere" in refused.value.hint


@pytest.mark.parametrize("capability", [(8, 9), (9, 0), (10, 0), (12, 0)])
def test_later_gpus_are_not_refused(capability: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: capability)
    check("fp8", torch.device("cuda:1"))


def test_a_device_is_not_asked_where_its_products_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: pytest.fail("asked"))
    check("exact", torch.device("cuda"))
    check("int8", torch.device("cuda"))
    check("fp8", torch.device("cpu"))


@pytest.mark.parametrize("weights", SHORT)
def test_the_matrices_of_the_repeated_layers_are_held_in_8_bits_and_nothing_else(weights: Weights) -> None:
    """The plan's numbers and the loader's modules are two hands that must agree."""
    with torch.device("meta"):
        transformer = Transformer(TransformerConfig.from_json(TRANSFORMER))
        encoder = Qwen2_5_VLModel(Qwen2_5_VLConfig(**TEXT_ENCODER))
    blocks = PUBLISHED.blocks * (PUBLISHED.block,)
    stays = (
        r"(time_text_embed\..*|img_in|txt_in|norm_out\.linear|proj_out|transformer_blocks\.\d+\.(img|txt)_mod\.1)\.weight",
        r"(visual\.merger\.mlp\.[02]|language_model\.embed_tokens)\.weight"
        + (r"|visual\.blocks\.\d+\.mlp\..*" if weights == "fp8" else ""),  # 3420 is no multiple of 16
    )
    kind = KINDS[weights](nn.Linear(1, 1)).weight.dtype
    for network, layers, exact in zip((transformer, encoder), (blocks, PUBLISHED.layers), stays, strict=True):
        quantise(network, weights)
        matrices = {name: p for name, p in network.named_parameters() if p.ndim == 2 and not name.endswith(".scale")}
        short = {name: p for name, p in matrices.items() if p.dtype == kind}
        assert [name for name in matrices if name not in short and not re.fullmatch(exact, name)] == []
        assert [name for name in short if re.fullmatch(exact, name)] == []
        reckoned = [shape for layer in layers for shape in layer.matrices if is_short(shape, weights)]
        assert sorted(tuple(p.shape) for p in short.values()) == sorted(reckoned)


@pytest.mark.parametrize("weights", SHORT)
def test_nothing_keeps_a_matrix_whole_on_the_device(weights: Weights, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[weakref.ref[Tensor]] = []
    plain = quantised.quantised

    def watched(matrix: Tensor, *kinds: torch.dtype) -> tuple[Tensor, Tensor]:
        assert matrix.is_meta, "it is on the device"
        assert not [other for other in seen if other() is not None]
        seen.append(weakref.ref(matrix))
        return plain(matrix, *kinds)

    monkeypatch.setattr(quantised, "quantised", watched)
    stored = nn.Sequential(*(nn.Linear(4, 6) for _ in range(3))).state_dict()
    with torch.device("meta"):
        held = nn.Sequential(*(KINDS[weights](nn.Linear(4, 6)) for _ in range(3))).state_dict()
    for name, whole in stored.items():
        for key, tensor in as_held(name, whole, held, torch.device("meta")):
            assert (tensor.shape, tensor.dtype) == (held[key].shape, held[key].dtype)
    assert len(seen) == 3


# --- the whole --------------------------------------------------------------------------------------------------------


def edited(editor: Editor, image: Image.Image) -> np.ndarray[Any, np.dtype[np.int_]]:
    *_, last = editor.edit([image], "red", seed=3, steps=3, true_cfg_scale=2.0)
    assert isinstance(last, Edited)
    return np.asarray(last.image).astype(int)


@pytest.mark.parametrize(("weights", "decibels"), [("int8", 40), ("fp8", 30)])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_the_picture_is_nearly_the_exact_one(
    dtype: str,
    weights: Weights,
    decibels: float,
    random_checkpoint: Callable[..., Path],
    picture: Callable[..., Image.Image],
) -> None:
    folder, image = random_checkpoint("2511"), picture(64, 64)
    exact = load_editor(folder, device="cpu", dtype=dtype)
    short = load_editor(folder, device="cpu", dtype=dtype, weights=weights)
    difference = edited(short, image) - edited(exact, image)
    assert np.abs(difference).max() > 0, "nothing was held in 8 bits"
    assert 10 * np.log10(255**2 / np.square(difference).mean()) > decibels


def test_weights_are_exact_unless_asked_for_otherwise(random_checkpoint: Callable[..., Path]) -> None:
    editor = load_editor(random_checkpoint("2511"), device="cpu")
    networks = (editor.parts.transformer, editor.parts.conditioner.encoder, editor.parts.autoencoder)
    assert {tensor.dtype for network in networks for tensor in network.state_dict().values()} == {torch.float32}


@pytest.mark.parametrize("weights", SHORT)
def test_what_is_not_held_in_8_bits_is_bit_equal(weights: Weights, random_checkpoint: Callable[..., Path]) -> None:
    folder = random_checkpoint("2511")
    exact, short = (load_editor(folder, device="cpu", dtype="bfloat16", weights=w).parts for w in ("exact", weights))
    for mine, other in (
        (exact.transformer, short.transformer),
        (exact.conditioner.encoder, short.conditioner.encoder),
        (exact.autoencoder, short.autoencoder),
    ):
        held = other.state_dict()
        same = [key for key in mine.state_dict() if held[key].dtype == torch.bfloat16]
        assert same
        assert [key for key in same if not torch.equal(mine.state_dict()[key], held[key])] == []


def test_weights_of_another_kind_are_refused(random_checkpoint: Callable[..., Path]) -> None:
    with pytest.raises(ConfigurationError, match="int4"):
        load_editor(random_checkpoint("2511"), device="cpu", weights="int4")  # type: ignore[arg-type]
