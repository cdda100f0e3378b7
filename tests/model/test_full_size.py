"""The published sizes, without weights: modules on the meta device, compared key by key with the reference's."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from diffusers import AutoencoderKLQwenImage, QwenImageTransformer2DModel
from torch import nn
from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration, Qwen2_5_VLModel

from overpaint.model.autoencoder import Autoencoder, AutoencoderConfig, folded
from overpaint.model.checkpoint import encoder_keys
from overpaint.model.transformer import Transformer, TransformerConfig
from overpaint.plan import PUBLISHED

TRANSFORMER: dict[str, Any] = {
    "attention_head_dim": 128,
    "axes_dims_rope": [16, 56, 56],
    "guidance_embeds": False,
    "in_channels": 64,
    "joint_attention_dim": 3584,
    "num_attention_heads": 24,
    "num_layers": 60,
    "out_channels": 16,
    "patch_size": 2,
}
VAE: dict[str, Any] = {
    "attn_scales": [],
    "base_dim": 96,
    "dim_mult": [1, 2, 4, 4],
    "dropout": 0.0,
    "num_res_blocks": 2,
    "temperal_downsample": [False, True, True],
    "z_dim": 16,
    "latents_mean": [0.0] * 16,
    "latents_std": [1.0] * 16,
}
TEXT_ENCODER: dict[str, Any] = {  # flat, as published
    "hidden_size": 3584,
    "image_token_id": 151655,
    "initializer_range": 0.02,
    "intermediate_size": 18944,
    "max_position_embeddings": 128000,
    "num_attention_heads": 28,
    "num_hidden_layers": 28,
    "num_key_value_heads": 4,
    "rms_norm_eps": 1e-06,
    "rope_scaling": {"mrope_section": [16, 24, 24], "type": "mrope"},
    "rope_theta": 1000000.0,
    "tie_word_embeddings": False,
    "use_sliding_window": False,
    "vision_config": {
        "depth": 32,
        "fullatt_block_indexes": [7, 15, 23, 31],
        "hidden_size": 1280,
        "in_channels": 3,
        "intermediate_size": 3420,
        "model_type": "qwen2_5_vl",
        "num_heads": 16,
        "out_hidden_size": 3584,
        "patch_size": 14,
        "spatial_merge_size": 2,
        "temporal_patch_size": 2,
        "window_size": 112,
    },
    "vocab_size": 152064,
}


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


def published(key: str) -> str:
    """transformers' spelling in memory -> the one in the published files."""
    return key.removeprefix("model.") if key.startswith("model.visual.") else key.replace("language_model.", "")
