"""The small Qwen2.5-VL that reads the prompt: its config, and how a batch of prompts goes through it.

Knows token ids, picture patches and positions; uses the served path's own template, patches and positions.
Does not know latents. In a batch all prompts are equally long: no padding, no mask, exactly what one edit sees.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor
from transformers import Qwen2_5_VLConfig, Qwen2_5_VLModel

from overpaint.model.conditioner import VisionConfig, patches, positions
from overpaint.model.frame import fit_reference
from overpaint.model.tokenizer import PromptTokenizer
from training import tokenizer as own

WIDTH = 128  #: hidden size = the transformer's joint_attention_dim
CONDITION_PIXELS = 64**2  #: the encoder's copy: 64×64 → 56×56 pixels → 4 tokens; no tonal edit needs more
PREPROCESSOR: dict[str, Any] = {
    "image_processor_type": "Qwen2VLImageProcessor",
    "do_convert_rgb": True,
    "do_normalize": True,
    "do_rescale": True,
    "do_resize": True,
    "image_mean": [0.48145466, 0.4578275, 0.40821073],
    "image_std": [0.26862954, 0.26130258, 0.27577711],
    "max_pixels": 12845056,
    "merge_size": 2,
    "min_pixels": 3136,
    "patch_size": 14,
    "resample": 3,
    "rescale_factor": 1 / 255,
    "temporal_patch_size": 2,
}
VISION = VisionConfig.from_json(PREPROCESSOR)


def config(tokenizer: PromptTokenizer, vocabulary: int, ids: dict[str, int]) -> dict[str, Any]:
    """`text_encoder/config.json`, flat as published. `ids` are the special tokens' by name."""
    return {
        "architectures": ["Qwen2_5_VLForConditionalGeneration"],
        "model_type": "qwen2_5_vl",
        "attention_dropout": 0.0,
        "bos_token_id": ids["endoftext"],
        "eos_token_id": ids["im_end"],
        "vision_start_token_id": ids["vision_start"],
        "vision_end_token_id": ids["vision_end"],
        "vision_token_id": ids["vision_pad"],
        "image_token_id": tokenizer.image_pad,
        "video_token_id": ids["video_pad"],
        "hidden_act": "silu",
        "hidden_size": WIDTH,
        "initializer_range": 0.05,
        "intermediate_size": 384,
        "max_position_embeddings": 4096,
        "max_window_layers": 3,
        "num_attention_heads": 4,
        "num_hidden_layers": 3,
        "num_key_value_heads": 2,
        "rms_norm_eps": 1e-6,
        "rope_scaling": {"type": "mrope", "mrope_section": [4, 6, 6]},
        "rope_theta": 1000000.0,
        "sliding_window": 4096,
        "use_sliding_window": False,
        "tie_word_embeddings": True,
        "torch_dtype": "bfloat16",
        "use_cache": True,
        "vocab_size": vocabulary,
        "vision_config": {
            "model_type": "qwen2_5_vl",
            "depth": 2,
            "hidden_act": "silu",
            "hidden_size": 64,
            "intermediate_size": 128,
            "num_heads": 2,
            "in_chans": 3,
            "in_channels": 3,
            "out_hidden_size": WIDTH,
            "patch_size": 14,
            "spatial_merge_size": 2,
            "spatial_patch_size": 14,
            "temporal_patch_size": 2,
            "window_size": 112,
            "fullatt_block_indexes": [1],
            "tokens_per_second": 2,
        },
    }


def load_tokenizer(folder: Path = own.FOLDER) -> tuple[PromptTokenizer, dict[str, Any]]:
    """The tokenizer and the encoder's config that fits it."""
    tokenizer = PromptTokenizer(folder)
    whole = own.Tokenizer.from_file(str(folder / "tokenizer.json"))
    ids = {name: whole.token_to_id(f"<|{name}|>") for name in own.SPECIALS}
    return tokenizer, config(tokenizer, whole.get_vocab_size(), ids)


def build(settings: dict[str, Any]) -> Qwen2_5_VLModel:
    return Qwen2_5_VLModel(Qwen2_5_VLConfig(**settings))


def condition_patches(picture: Image.Image) -> tuple[Tensor, tuple[int, int]]:
    """What the encoder sees of a picture, made as the editor makes it: (patches, 1176) and (rows, columns)."""
    return patches(fit_reference(picture.size, CONDITION_PIXELS).lay(picture), VISION)


def encode(
    encoder: Qwen2_5_VLModel,
    tokenizer: PromptTokenizer,
    prompts: Sequence[Sequence[int]],
    pixels: Tensor,
    grid: tuple[int, int],
) -> Tensor:
    """Equally long prompts (token ids) and their pictures' patches (B, patches, 1176) → states (B, Nt, WIDTH)."""
    rows, columns = grid[0] // VISION.merge_size, grid[1] // VISION.merge_size
    shell = tokenizer.ids("", [rows * columns], labels_pictures=True)
    tail = len(shell) - len(tokenizer.ids("", [], labels_pictures=True)) + tokenizer.prefix_length
    ids = [[*shell[:tail], *prompt, *shell[tail:]] for prompt in prompts]
    places = positions(ids[0], tokenizer.image_pad, [(rows, columns)]).expand(3, len(ids), -1)
    states = encoder(
        input_ids=torch.tensor(ids, device=pixels.device),
        pixel_values=pixels.flatten(0, 1),
        image_grid_thw=torch.tensor([(1, *grid)] * len(ids), device=pixels.device),
        position_ids=places.to(pixels.device),
        use_cache=False,
    ).last_hidden_state
    return states[:, tokenizer.prefix_length :]
