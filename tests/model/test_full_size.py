"""The published sizes, without weights: modules on the meta device, compared key by key with the reference's."""

from __future__ import annotations

import pytest
import torch
from diffusers import AutoencoderKLQwenImage, QwenImageTransformer2DModel
from torch import nn
from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration, Qwen2_5_VLModel

from overpaint.model.autoencoder import Autoencoder, AutoencoderConfig, folded
from overpaint.model.checkpoint import encoder_keys
from overpaint.model.transformer import Transformer, TransformerConfig
from overpaint.plan import PUBLISHED
from tests.model.published import TEXT_ENCODER, TRANSFORMER, VAE


def shapes(module: nn.Module) -> dict[str, torch.Size]:
    return {key: tensor.shape for key, tensor in module.state_dict().items()}


def parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize("zero_cond_t", [False, True])
def test_transformer_has_the_published_tensors(zero_cond_t: bool) -> None:
    with torch.device("meta"):
        ours = Transformer(TransformerConfig.from_json(TRANSFORMER | {"zero_cond_t": zero_cond_t}))
        theirs = QwenImageTransformer2DModel(**TRANSFORMER, zero_cond_t=zero_cond_t)
    assert shapes(ours) == shapes(theirs)
    assert len(ours.state_dict()) == 1933
    assert parameters(ours) == PUBLISHED.transformer == 20_430_401_088
    modulation = {name: p.numel() for name, p in ours.named_parameters() if "_mod." in name}
    assert sum(modulation.values()) == PUBLISHED.modulation
    biases = {name: count for name, count in modulation.items() if name.endswith("bias")}
    assert sum(count * (2 if "img" in name else 1) for name, count in biases.items()) == PUBLISHED.level
    without = {
        parameters(block) - parameters(block.img_mod) - parameters(block.txt_mod) for block in ours.transformer_blocks
    }
    assert (len(ours.transformer_blocks), without) == (PUBLISHED.blocks, {PUBLISHED.block.values})


def test_autoencoder_takes_the_published_tensors_and_keeps_what_one_frame_uses() -> None:
    with torch.device("meta"):
        ours = Autoencoder(AutoencoderConfig.from_json(VAE))
        theirs = AutoencoderKLQwenImage(**VAE)
    assert len(theirs.state_dict()) == 194
    assert parameters(theirs) == 126_892_531
    assert shapes(ours) == {key: tensor.shape for key, tensor in folded(theirs.state_dict()).items()}
    assert parameters(ours) == PUBLISHED.autoencoder == 44_599_603


def test_text_encoder_takes_the_published_tensors_but_the_language_head() -> None:
    with torch.device("meta"):
        config = Qwen2_5_VLConfig(**TEXT_ENCODER)
        ours, theirs = Qwen2_5_VLModel(config), Qwen2_5_VLForConditionalGeneration(config)
    assert len(theirs.state_dict()) == 729
    assert parameters(theirs) == 8_292_166_656
    stored = {published(key): tensor for key, tensor in theirs.state_dict().items()}
    assert {"visual.patch_embed.proj.weight", "model.layers.27.mlp.up_proj.weight", "lm_head.weight"} <= stored.keys()
    assert shapes(ours) == {key: tensor.shape for key, tensor in encoder_keys(stored).items()}
    assert len(ours.state_dict()) == 728
    assert parameters(ours) == PUBLISHED.text_encoder
    layers = map(parameters, [*ours.visual.blocks, *ours.language_model.layers])
    assert list(layers) == [layer.values for layer in PUBLISHED.layers]
    assert parameters(ours.language_model.embed_tokens) == PUBLISHED.words


def published(key: str) -> str:
    """transformers' spelling in memory -> the one in the published files."""
    return key.removeprefix("model.") if key.startswith("model.visual.") else key.replace("language_model.", "")
