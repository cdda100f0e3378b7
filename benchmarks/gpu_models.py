"""The 20B networks with random weights, made on the device; and diffusers' transformer around the same tensors.

Knows sizes and modules. Does not know cases, clocks or tables. Weights are as torch and transformers initialise them:
activations stay finite in bfloat16, and no kernel of ours or theirs asks what they mean.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from copy import copy
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from diffusers import QwenImageTransformer2DModel
from diffusers.models.transformers.transformer_qwenimage import QwenEmbedRope
from transformers import Qwen2_5_VLConfig, Qwen2_5_VLModel

from overpaint.catalog import Checkpoint
from overpaint.model import Editor
from overpaint.model.autoencoder import Autoencoder, AutoencoderConfig
from overpaint.model.checkpoint import Parts
from overpaint.model.conditioner import Conditioner, VisionConfig
from overpaint.model.levels import LevelTable, resident
from overpaint.model.quantised import as_held, quantise
from overpaint.model.rotary import THETA
from overpaint.model.schedule import ScheduleConfig
from overpaint.model.tokenizer import PromptTokenizer
from overpaint.model.transformer import Transformer, TransformerConfig
from overpaint.plan import MODULATION
from tests.model.checkpoints import PREPROCESSOR, SCHEDULE, write_tokenizer
from tests.model.published import TEXT_ENCODER, TRANSFORMER, VAE

NARROW: dict[str, Any] = {"num_attention_heads": 2, "attention_head_dim": 16, "axes_dims_rope": [4, 6, 6]}
SMALL_ENCODER: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "rope_scaling": {"mrope_section": [2, 3, 3]},
    "vocab_size": 2200,
    "bos_token_id": None,
    "eos_token_id": None,
}
SMALL_VISION: dict[str, Any] = {
    "depth": 1,
    "fullatt_block_indexes": [0],
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_heads": 2,
    "out_hidden_size": 32,
}


@dataclass(frozen=True, kw_only=True)
class Size:
    """How large the networks are, and the pictures they get."""

    name: str
    shrinks: int  #: sides of pictures and numbers of words are divided by this
    dtype: torch.dtype
    transformer: Mapping[str, Any] = field(default_factory=lambda: TRANSFORMER | {"zero_cond_t": True})
    autoencoder: Mapping[str, Any] = field(default_factory=lambda: VAE)
    encoder: Mapping[str, Any] = field(default_factory=lambda: TEXT_ENCODER)

    @property
    def config(self) -> TransformerConfig:
        return TransformerConfig.from_json(self.transformer)


FULL = Size(name="full", shrinks=1, dtype=torch.bfloat16)
TINY = Size(  # as deep, and all else as small as it goes
    name="tiny",
    shrinks=16,
    dtype=torch.float32,
    transformer=FULL.transformer | NARROW | {"joint_attention_dim": 32},
    autoencoder=VAE | {"base_dim": 8, "num_res_blocks": 1},
    encoder=TEXT_ENCODER | SMALL_ENCODER | {"vision_config": TEXT_ENCODER["vision_config"] | SMALL_VISION},
)


class Networks:
    """Ours, and diffusers' transformer holding ours' tensors."""

    def __init__(self, size: Size, device: torch.device) -> None:
        torch.manual_seed(0)
        self.size, self.device, self.dtype = size, device, size.dtype
        self.schedule = ScheduleConfig.from_json(SCHEDULE)
        with torch.device(device), _default(size.dtype):
            self.transformer = Transformer(size.config)
            self.autoencoder = Autoencoder(AutoencoderConfig.from_json(size.autoencoder))
        self.autoencoder.to(memory_format=torch.channels_last)
        self.stock = _around(self.transformer, size.transformer)
        self.conditioner = _conditioner(size, device)
        for module in (self.transformer, self.stock, self.autoencoder, self.conditioner.encoder):
            module.eval().requires_grad_(False)

    def twin(self) -> Networks:
        """With a transformer of its own around the same tensors."""
        other = copy(self)
        with torch.device("meta"):
            other.transformer = Transformer(self.size.config)
        other.transformer.load_state_dict(self.transformer.state_dict(), strict=True, assign=True)
        other.transformer.eval().requires_grad_(False)
        return other

    def table(self) -> LevelTable:
        """An empty one, over the weights in memory."""
        return LevelTable(resident(self.transformer), self.schedule.num_train_timesteps, self.device, self.dtype)

    def editor(self) -> Editor:
        area = (1024 // self.size.shrinks) ** 2
        checkpoint = Checkpoint(
            id="random",
            folder=Path(),
            labels_pictures=True,
            default_steps=40,
            default_true_cfg_scale=4.0,
            native_pixels=area,
            condition_pixels=384**2 if self.size is FULL else area,
            max_images=3,
        )
        parts = Parts(self.transformer, self.autoencoder, self.conditioner, self.schedule, self.table())
        return Editor(checkpoint, parts, self.device, self.dtype)

    def in_fp8(self) -> Transformer:
        """Ours once more: the blocks' matrices in FP8, 13.6 GB at the full size, around the same tensors else."""
        with torch.device("meta"):
            short = Transformer(self.size.config).to(self.dtype)
        quantise(short, "fp8")
        held = short.state_dict()
        tensors = (as_held(*item, held, self.device) for item in self.transformer.state_dict().items())
        short.load_state_dict(dict(chain.from_iterable(tensors)), assign=True)
        return short.eval().requires_grad_(False)

    def leave_modulation(self) -> None:
        """Frees what a full table makes superfluous. Nothing here reads a level after that, diffusers does not run."""
        for module in (self.transformer, self.stock):
            for name, parameter in module.named_parameters():
                if any(part in name for part in MODULATION):
                    parameter.data = torch.empty(0, device=self.device, dtype=self.dtype)


def _around(transformer: Transformer, config: Mapping[str, Any]) -> QwenImageTransformer2DModel:
    """diffusers' module without memory of its own; its tables of positions are no tensors of the checkpoint."""
    with torch.device("meta"):
        stock = QwenImageTransformer2DModel(**config)
    stock.pos_embed = QwenEmbedRope(theta=int(THETA), axes_dim=list(config["axes_dims_rope"]), scale_rope=True)
    stock.load_state_dict(transformer.state_dict(), strict=True, assign=True)
    return stock


def _conditioner(size: Size, device: torch.device) -> Conditioner:
    """With a tokenizer that knows the template's words and bytes: a prompt is longer with it than it would be."""
    with TemporaryDirectory() as folder:
        ids = write_tokenizer(Path(folder), vocabulary=2048)
        tokenizer = PromptTokenizer(Path(folder))
    config = Qwen2_5_VLConfig(**size.encoder | {"image_token_id": ids["<|image_pad|>"]})
    with torch.device(device), _default(size.dtype):
        encoder = Qwen2_5_VLModel(config)
    vision = VisionConfig.from_json(PREPROCESSOR)
    return Conditioner(encoder, tokenizer, vision, labels_pictures=True, max_prompt_tokens=1024)


@contextlib.contextmanager
def _default(dtype: torch.dtype) -> Iterator[None]:
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)
