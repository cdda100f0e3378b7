"""Writes what was trained as a checkpoint folder in the published layout, weights in bfloat16.

Knows file names, published keys and configs. Does not train or judge; the model card is written by hand.

    python -m training.export overpaint/checkpoints/mini
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from overpaint import __version__, hub
from overpaint.model.autoencoder import Autoencoder
from training import encoder as text
from training.autoencoder import RUNS
from training.codec import Codec
from training.editor import TRANSFORMER, Editor
from training.layout import config as vae_config

INDEX = {
    "_class_name": "QwenImageEditPlusPipeline",
    "_diffusers_version": "0.42.1",
    "processor": ["transformers", "Qwen2VLProcessor"],
    "scheduler": ["diffusers", "FlowMatchEulerDiscreteScheduler"],
    "text_encoder": ["transformers", "Qwen2_5_VLForConditionalGeneration"],
    "tokenizer": ["transformers", "Qwen2Tokenizer"],
    "transformer": ["diffusers", "QwenImageTransformer2DModel"],
    "vae": ["diffusers", "AutoencoderKLQwenImage"],
}
OVERPAINT = {
    "id": "mini",
    "default_steps": 2,
    "default_true_cfg_scale": 1.0,
    "native_pixels": 256**2,
    "condition_pixels": text.CONDITION_PIXELS,
    "max_images": 1,
    "max_pixels": 1024**2,
    "max_prompt_tokens": 256,
}
#: shift_terminal is null: with it a single step would divide zero by zero
SCHEDULER = {
    "_class_name": "FlowMatchEulerDiscreteScheduler",
    "_diffusers_version": "0.42.1",
    "num_train_timesteps": 1000,
    "shift": 1.0,
    "use_dynamic_shifting": False,
    "base_shift": 0.5,
    "max_shift": 0.9,
    "base_image_seq_len": 256,
    "max_image_seq_len": 8192,
    "shift_terminal": None,
    "time_shift_type": "exponential",
    "invert_sigmas": False,
    "stochastic_sampling": False,
    "use_beta_sigmas": False,
    "use_exponential_sigmas": False,
    "use_karras_sigmas": False,
}


def export(folder: Path, runs: Path = RUNS) -> None:
    """Replaces everything in the folder but its model card by what the run has made, and notes each file's SHA-256."""
    editor, settings = load_trained(runs)
    torch.manual_seed(0)  # what the autoencoder's layout has beyond its chain is never read, and shall not change files
    autoencoder = Codec.load(runs / "vae.pt").autoencoder
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "model_index.json", INDEX)
    write_json(folder / "overpaint.json", OVERPAINT)
    write_json(folder / "scheduler" / "scheduler_config.json", SCHEDULER)
    write_json(folder / "processor" / "preprocessor_config.json", text.PREPROCESSOR)
    write_json(folder / "transformer" / "config.json", TRANSFORMER)
    coder = autoencoder.config
    write_json(folder / "vae" / "config.json", vae_config(coder.latents_mean, coder.latents_std))
    write_json(folder / "text_encoder" / "config.json", settings)
    shutil.rmtree(folder / "tokenizer", ignore_errors=True)
    shutil.copytree(runs / "tokenizer", folder / "tokenizer")
    weights = "diffusion_pytorch_model.safetensors"
    write(folder / "transformer" / weights, editor.transformer.state_dict())
    write(folder / "vae" / weights, unfolded(autoencoder))
    write(folder / "text_encoder" / "model.safetensors", published(editor.encoder.state_dict()))
    hub.write_manifest(folder, repo="mini", revision=__version__)


def unfolded(autoencoder: Autoencoder) -> dict[str, Tensor]:
    """2-D tensors → the stored 3-D causal ones: all weight in the last moment, zeros in front."""
    return {key: unfold(key, tensor) for key, tensor in autoencoder.state_dict().items()}


def unfold(key: str, tensor: Tensor) -> Tensor:
    if key.endswith("gamma"):
        return tensor if ".attentions." in key else tensor.unsqueeze(-1)
    is_flat = ".resample." in key or ".to_qkv." in key or ".proj." in key  # stored 2-D in the published files too
    if tensor.ndim != 4 or is_flat:
        return tensor
    moments = tensor.shape[-1]  # 3 × 3 kernels are 3 frames deep, 1 × 1 kernels one
    full = tensor.new_zeros(*tensor.shape[:2], moments, *tensor.shape[2:])
    full[:, :, -1] = tensor
    return full


def published(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Keys of `Qwen2_5_VLModel` → those on disk. The head is tied to the embedding, so it is not stored."""
    return {key.replace("language_model.", "model.", 1): tensor for key, tensor in tensors.items()}


def write(path: Path, tensors: dict[str, Tensor]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({key: value.to(torch.bfloat16).contiguous() for key, value in tensors.items()}, path, {"format": "pt"})


def write_json(path: Path, value: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=2) + "\n", "utf-8")


def load_trained(runs: Path) -> tuple[Editor, dict[str, Any]]:
    """The averaged weights of the last saved step, and the text encoder's config."""
    _, settings = text.load_tokenizer(runs / "tokenizer")
    editor = Editor(settings)
    state = torch.load(runs / "editor.pt")
    editor.load_state_dict(state["editor"])
    for parameter, value in zip(editor.parameters(), state["average"]["values"], strict=True):
        parameter.data.copy_(value)
    return editor, settings


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path("overpaint/checkpoints/mini")
    export(folder)
    total = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    print(f"{folder}: {total / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
