"""Builds small random checkpoints of each generation in the published folder layout, in about a second.

Knows the layout, the published scheduler and preprocessor values, and how to vary a folder the way real folders vary
(shards, key spellings, flat or nested text config). Does not know our loader or any maths: the networks are diffusers'
and transformers' own, with random weights, written by their own `save_pretrained`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import torch
from diffusers import AutoencoderKLQwenImage, FlowMatchEulerDiscreteScheduler, QwenImageTransformer2DModel
from safetensors.torch import load_file, save_file
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers
from torch import nn
from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

Generation = Literal["edit", "2509", "2511"]
GENERATIONS: tuple[Generation, ...] = ("edit", "2509", "2511")

#: What every prompt begins with, to the end of `user\n`. The published tokenizer makes 64 tokens of it.
PREFIX = (
    "<|im_start|>system\nDescribe the key features of the input image (color, shape, size, texture, objects, "
    "background), then explain how the user's text instruction should alter or modify the image. Generate a new image "
    "that meets the user's requirements while maintaining consistency with the original input where appropriate."
    "<|im_end|>\n<|im_start|>user\n"
)

#: The special tokens, in the published order; their ids follow the vocabulary.
SPECIALS = (
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|object_ref_start|>",
    "<|object_ref_end|>",
    "<|box_start|>",
    "<|box_end|>",
    "<|quad_start|>",
    "<|quad_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|vision_pad|>",
    "<|image_pad|>",
    "<|video_pad|>",
)

#: Published `scheduler_config.json`; the class defaults differ.
SCHEDULE: dict[str, Any] = {
    "num_train_timesteps": 1000,
    "shift": 1.0,
    "use_dynamic_shifting": True,
    "base_shift": 0.5,
    "max_shift": 0.9,
    "base_image_seq_len": 256,
    "max_image_seq_len": 8192,
    "shift_terminal": 0.02,
    "time_shift_type": "exponential",
    "invert_sigmas": False,
    "use_karras_sigmas": False,
    "use_exponential_sigmas": False,
    "use_beta_sigmas": False,
    "stochastic_sampling": False,
}

#: Published `preprocessor_config.json`.
PREPROCESSOR: dict[str, Any] = {
    "min_pixels": 3136,
    "max_pixels": 12845056,
    "patch_size": 14,
    "temporal_patch_size": 2,
    "merge_size": 2,
    "resample": 3,
    "do_rescale": True,
    "rescale_factor": 1 / 255,
    "do_normalize": True,
    "image_mean": [0.48145466, 0.4578275, 0.40821073],
    "image_std": [0.26862954, 0.26130258, 0.27577711],
    "image_processor_type": "Qwen2VLImageProcessor",
    "processor_class": "Qwen2_5_VLProcessor",
}

_QWEN2_WORDS = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def build(
    folder: Path,
    generation: Generation = "2511",
    *,
    seed: int = 0,
    tiny: bool = False,
    has_published_prefix: bool = True,
    vae_factor: Literal[4, 8] = 8,
    blocks: int | None = None,
) -> Path:
    """Writes a whole checkpoint folder and returns it.

    seed                  of all weights; vary it, so that no test leans on one draw
    tiny                  the smallest that runs (64² working area), for tests of what surrounds the model
    has_published_prefix  whether the template's prefix is 64 tokens, as with the published tokenizer, or more
    vae_factor            pixels per latent, each way: 8 as published, 4 as in the embedded checkpoint
    blocks                of the transformer: one if tiny, else three, unless said
    """
    torch.manual_seed(seed)
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = write_tokenizer(folder / "tokenizer", vocabulary=2048 if has_published_prefix else 300)
    components: dict[str, nn.Module] = {
        "transformer": _transformer(blocks or (1 if tiny else 3), tiny=tiny, zero_cond_t=generation == "2511"),
        "vae": _autoencoder(tiny=tiny, factor=vae_factor),
        "text_encoder": _text_encoder(tokenizer, tiny=tiny),
    }
    for name, module in components.items():
        _perturb(module)
        module.save_pretrained(folder / name)  # type: ignore[operator]
    FlowMatchEulerDiscreteScheduler(**SCHEDULE).save_pretrained(folder / "scheduler")
    write_json(folder / "processor" / "preprocessor_config.json", PREPROCESSOR)
    write_json(folder / "model_index.json", _index(generation))
    write_json(folder / "overpaint.json", _own(generation, tiny=tiny))
    return folder


def write_json(path: Path, value: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False), "utf-8")


def change_json(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Reads an object, lets `change` alter it in place, writes it back."""
    value = json.loads(path.read_text("utf-8"))
    change(value)
    write_json(path, value)


def weights(folder: Path, component: str) -> Path:
    """The one weight file of an unsharded component."""
    (path,) = (folder / component).glob("*.safetensors")
    return path


def change_weights(folder: Path, component: str, change: Callable[[dict[str, torch.Tensor]], object]) -> None:
    """Reads the one weight file of a component, lets `change` alter the tensors in place, writes it back."""
    path = weights(folder, component)
    tensors = load_file(path)
    change(tensors)
    save_file({key: tensor.contiguous() for key, tensor in tensors.items()}, path, metadata={"format": "pt"})


def shard(folder: Path, component: str, parts: int = 3) -> Path:
    """Splits a component's weight file into `parts` files, as the large checkpoints come; returns their index."""
    whole = weights(folder, component)
    tensors = load_file(whole)
    names = [f"{whole.stem}-{part:05}-of-{parts:05}.safetensors" for part in range(1, parts + 1)]
    owner = {key: names[index % parts] for index, key in enumerate(sorted(tensors))}
    for name in names:
        save_file({key: tensors[key] for key in owner if owner[key] == name}, whole.with_name(name), {"format": "pt"})
    whole.unlink()
    index = whole.with_name(whole.name + ".index.json")
    write_json(index, {"metadata": {"total_size": sum(t.nbytes for t in tensors.values())}, "weight_map": owner})
    return index


def flatten_text_config(folder: Path) -> None:
    """Puts the text model's fields at the top of `text_encoder/config.json`, as the published files have them."""

    def flatten(config: dict[str, Any]) -> None:
        text = config.pop("text_config")
        rope = text.pop("rope_parameters")
        keep = {key: value for key, value in text.items() if key not in ("model_type", "layer_types", "dtype")}
        config |= keep | {
            "rope_theta": rope["rope_theta"],
            "rope_scaling": {"type": "mrope", "mrope_section": rope["mrope_section"]},
        }

    change_json(folder / "text_encoder" / "config.json", flatten)


def respell_text_encoder_keys(folder: Path) -> None:
    """From the published spelling (`visual.`, `model.`) to the newer one (`model.visual.`, `model.language_model.`)."""

    def respell(tensors: dict[str, torch.Tensor]) -> None:
        for key in list(tensors):
            if key.startswith("visual."):
                tensors["model." + key] = tensors.pop(key)
            elif key.startswith("model."):
                tensors["model.language_model." + key.removeprefix("model.")] = tensors.pop(key)

    change_weights(folder, "text_encoder", respell)


def write_tokenizer(folder: Path, *, vocabulary: int) -> dict[str, int]:
    """Trains a byte-level BPE tokenizer on the template and writes it in the published files; returns the special ids.

    With room in the vocabulary every word of the template becomes one token, so that the prefix has 64, as published.
    """
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_QWEN2_WORDS), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        min_frequency=1,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    words = PREFIX
    for special in SPECIALS:
        words = words.replace(special, " ")
    tokenizer.train_from_iterator(
        [part + "\n" for part in words.split("\n")] + ["assistant", "system", "user"], trainer
    )
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.model.save(str(folder))
    first = tokenizer.get_vocab_size()
    ids = {special: first + offset for offset, special in enumerate(SPECIALS)}
    write_json(folder / "added_tokens.json", ids)
    write_json(
        folder / "tokenizer_config.json",
        {
            "tokenizer_class": "Qwen2Tokenizer",
            "add_prefix_space": False,
            "bos_token": None,
            "eos_token": "<|im_end|>",
            "pad_token": "<|endoftext|>",
            "unk_token": None,
            "errors": "replace",
            "model_max_length": 131072,
            "split_special_tokens": False,
            "additional_special_tokens": list(SPECIALS[1:]),
            "added_tokens_decoder": {
                str(number): {
                    "content": special,
                    "lstrip": False,
                    "normalized": False,
                    "rstrip": False,
                    "single_word": False,
                    "special": True,
                }
                for special, number in ids.items()
            },
        },
    )
    return ids


def _transformer(blocks: int, *, tiny: bool, zero_cond_t: bool) -> QwenImageTransformer2DModel:
    return QwenImageTransformer2DModel(
        patch_size=2,
        in_channels=64,
        out_channels=16,
        num_layers=blocks,
        num_attention_heads=2 if tiny else 4,
        attention_head_dim=16,
        joint_attention_dim=32 if tiny else 64,
        axes_dims_rope=(4, 6, 6),
        guidance_embeds=False,
        zero_cond_t=zero_cond_t,
    )


def _autoencoder(*, tiny: bool, factor: Literal[4, 8]) -> AutoencoderKLQwenImage:
    return AutoencoderKLQwenImage(
        base_dim=4 if tiny else 8,
        z_dim=16,
        dim_mult=[1, 2, 2, 2] if factor == 8 else [1, 2, 4],
        num_res_blocks=1,
        attn_scales=[],
        temperal_downsample=[False, True, True] if factor == 8 else [False, False],
        dropout=0.0,
    )


def _text_encoder(ids: dict[str, int], *, tiny: bool) -> Qwen2_5_VLForConditionalGeneration:
    width = 32 if tiny else 64
    heads = width // 16
    config = Qwen2_5_VLConfig(
        text_config={
            "hidden_size": width,
            "intermediate_size": 2 * width,
            "num_hidden_layers": 1 if tiny else 2,
            "num_attention_heads": heads,
            "num_key_value_heads": heads // 2,
            "vocab_size": max(ids.values()) + 2,  # a little more than the tokenizer has, as published
            "max_position_embeddings": 4096,
            "rms_norm_eps": 1e-6,
            "initializer_range": 0.1,  # strong enough that positions and order show in the states
            "rope_parameters": {"rope_type": "default", "rope_theta": 1e6, "mrope_section": [2, 3, 3]},
            "bos_token_id": None,
            "eos_token_id": ids["<|im_end|>"],
            "pad_token_id": None,
        },
        vision_config={
            "depth": 1 if tiny else 2,
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_heads": 2,
            "out_hidden_size": width,
            "patch_size": 14,
            "spatial_merge_size": 2,
            "temporal_patch_size": 2,
            "window_size": 112,
            "fullatt_block_indexes": [0] if tiny else [1],
            "initializer_range": 0.1,
        },
        image_token_id=ids["<|image_pad|>"],
        video_token_id=ids["<|video_pad|>"],
        vision_start_token_id=ids["<|vision_start|>"],
        vision_end_token_id=ids["<|vision_end|>"],
        tie_word_embeddings=False,
    )
    return Qwen2_5_VLForConditionalGeneration(config)


def _perturb(module: nn.Module) -> None:
    """Moves biases, norms and gains off their start at 0 and 1, where swapped or forgotten keys would hide.

    Matrices and kernels grow by sqrt(3) to unit gain, so that what a layer hears still shows in the picture.
    """
    with torch.no_grad():
        for parameter in module.parameters():
            if parameter.squeeze().ndim <= 1:
                parameter += 0.1 * torch.randn_like(parameter)
            elif not isinstance(module, Qwen2_5_VLForConditionalGeneration):  # its gain is in its config
                parameter *= 3**0.5


def _index(generation: Generation) -> dict[str, Any]:
    return {
        "_class_name": "QwenImageEditPipeline" if generation == "edit" else "QwenImageEditPlusPipeline",
        "_diffusers_version": "0.42.1",
        "processor": ["transformers", "Qwen2VLProcessor"],
        "scheduler": ["diffusers", "FlowMatchEulerDiscreteScheduler"],
        "text_encoder": ["transformers", "Qwen2_5_VLForConditionalGeneration"],
        "tokenizer": ["transformers", "Qwen2Tokenizer"],
        "transformer": ["diffusers", "QwenImageTransformer2DModel"],
        "vae": ["diffusers", "AutoencoderKLQwenImage"],
    }


def _own(generation: Generation, *, tiny: bool) -> dict[str, Any]:
    side = 64 if tiny else 128
    own: dict[str, Any] = {"native_pixels": side**2, "default_steps": 4}
    if generation != "edit":
        own["condition_pixels"] = (64 if tiny else 96) ** 2
    return own
