"""A checkpoint folder to modules with weights. Safetensors and JSON only.

Knows the folder layout and how stored keys map to ours. Does not know what the modules compute. Modules are built on
the meta device (no memory), the stored headers are compared with them key by key and shape by shape, and only then are
tensors read, one file at a time, straight to where they belong: the device, or the host memory that a plan names.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn
from transformers import Qwen2_5_VLConfig, Qwen2_5_VLModel

from overpaint.catalog import Checkpoint
from overpaint.errors import ConfigurationError
from overpaint.model.autoencoder import Autoencoder, AutoencoderConfig, folded
from overpaint.model.conditioner import Conditioner, VisionConfig
from overpaint.model.levels import LevelTable, Reader, Streamed, resident
from overpaint.model.quantised import as_held, quantise
from overpaint.model.reading import ahead
from overpaint.model.schedule import ScheduleConfig
from overpaint.model.streaming import HostEmbedding, StreamedList, spread
from overpaint.model.tokenizer import PromptTokenizer
from overpaint.model.transformer import Transformer, TransformerConfig
from overpaint.plan import MODULATION, Plan, Weights

Tensors = Mapping[str, Tensor]
Translate = Callable[[Tensors], dict[str, Tensor]]
Progress = Callable[[float], None]  #: called with the share of bytes read, 0 … 1


@dataclass(frozen=True, slots=True)
class Parts:
    """What an editor is made of."""

    transformer: Transformer
    autoencoder: Autoencoder
    conditioner: Conditioner
    schedule: ScheduleConfig
    levels: LevelTable
    plan: Plan | None = None  #: where the weights are held
    weights: Weights = "exact"


def load(
    checkpoint: Checkpoint,
    device: torch.device,
    dtype: torch.dtype,
    progress: Progress | None = None,
    *,
    plan: Plan | None = None,
    weights: Weights = "exact",
) -> Parts:
    """plan: where the weights are held, see `overpaint.plan`; None keeps all of them on the device.

    weights: "int8" and "fp8" hold the matrices of the repeated layers in 8 bits, see `overpaint.model.quantised`.

    Raises ConfigurationError naming the file and the key when the folder is not whole or not as its config says.
    """
    transformer, autoencoder, conditioner, schedule = _built(checkpoint)
    encoder = conditioner.encoder
    leaves = () if plan is None or plan.way == "resident" else MODULATION
    folder = checkpoint.folder
    fillings = [
        _Filling(transformer, folder / "transformer", dict, leaves),
        _Filling(autoencoder, folder / "vae", folded),
        _Filling(encoder, folder / "text_encoder", encoder_keys),
    ]
    for filling in fillings:
        filling.compare()
        filling.module.to(dtype)  # costs nothing yet, and from now on each tensor says of what kind it will be
    quantise(transformer, weights)
    quantise(encoder, weights)
    if plan:
        _hold(transformer, encoder, plan, device, leaves)
    _fill(fillings, device, progress)
    autoencoder.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # its convolutions' fast layout
    _rebuild_rotary_tables(encoder, device)
    for module in (transformer, autoencoder, encoder):
        module.eval().requires_grad_(False)
    read: Reader = Streamed(transformer, Stored(fillings[0].files, device, dtype)) if leaves else resident(transformer)
    levels = LevelTable(read, schedule.num_train_timesteps, device, dtype)
    return Parts(transformer, autoencoder, conditioner, schedule, levels, plan, weights)


def _built(checkpoint: Checkpoint) -> tuple[Transformer, Autoencoder, Conditioner, ScheduleConfig]:
    """The networks as their configs say, on the meta device."""
    folder = checkpoint.folder
    try:
        with torch.device("meta"):
            transformer = Transformer(TransformerConfig.from_json(_json(folder, "transformer/config.json")))
            autoencoder = Autoencoder(AutoencoderConfig.from_json(_json(folder, "vae/config.json")))
            encoder = Qwen2_5_VLModel(Qwen2_5_VLConfig(**_json(folder, "text_encoder/config.json")))
        schedule = ScheduleConfig.from_json(_json(folder, "scheduler/scheduler_config.json"))
        conditioner = Conditioner(
            encoder,
            PromptTokenizer(folder / "tokenizer"),
            VisionConfig.from_json(_json(folder, "processor/preprocessor_config.json")),
            labels_pictures=checkpoint.labels_pictures,
            max_prompt_tokens=checkpoint.max_prompt_tokens,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ConfigurationError(f"The checkpoint's configuration cannot be used: {error}.") from error
    return transformer, autoencoder, conditioner, schedule


def _hold(
    transformer: Transformer, encoder: Qwen2_5_VLModel, plan: Plan, device: torch.device, leaves: Sequence[str]
) -> None:
    """What a plan streams gets its place in host memory."""
    if plan.way in ("encoder", "blocks"):
        _hold_encoder(encoder, device)
    if plan.streamed_blocks:
        blocks = transformer.transformer_blocks
        waiting = spread(plan.streamed_blocks, len(blocks))
        transformer.transformer_blocks = StreamedList(blocks, waiting, device, leaves)


class _Filling:
    """One module and the files that fill it."""

    def __init__(self, module: nn.Module, folder: Path, translate: Translate, leaves: Sequence[str] = ()) -> None:
        self.module, self.folder, self.translate, self.leaves = module, folder, translate, leaves
        self.files = _weight_files(folder)

    def compare(self) -> None:
        """Every expected key once, no other key, shapes equal: by the files' headers alone."""
        stored: dict[str, Tensor] = {}
        for path in self.files:
            for key, shape in _header(path):
                if key in stored:
                    raise self._error(f"{key} is stored twice")
                stored[key] = torch.empty(shape, device="meta")
        found, wanted = self.translate(stored), self.module.state_dict()
        for key in wanted:
            if key not in found:
                raise self._error(f"{key} is missing")
        for key, tensor in found.items():
            if key not in wanted:
                raise self._error(f"{key} is not a tensor of this network")
            if tensor.shape != wanted[key].shape:
                raise self._error(f"{key} has shape {tuple(tensor.shape)}, not {tuple(wanted[key].shape)}")

    def read(self, path: Path, device: torch.device) -> None:
        with safe_open(path, framework="pt") as file:
            keys = [key for key in file.keys() if not any(part in key for part in self.leaves)]  # noqa: SIM118 (not a dict)
            stored = {key: file.get_tensor(key) for key in keys}  # mapped, not yet read
        held = self.module.state_dict()
        ours: dict[str, Tensor] = {}

        def place(item: tuple[str, Tensor]) -> None:
            for key, tensor in as_held(*item, held, device):
                if held[key].is_meta:
                    # a copy, even where nothing changes: in a file tensors lie anywhere, and kernels are chosen by that
                    ours[key] = tensor.to(device, held[key].dtype, copy=True)
                else:  # it waits in host memory, in a place of its own
                    held[key].copy_(tensor)

        for _ in ahead(place, self.translate(stored).items()):
            pass
        self.module.load_state_dict(ours, strict=False, assign=True)

    def _error(self, problem: str) -> ConfigurationError:
        return ConfigurationError(
            f"{self.folder.name}: {problem}.",
            hint="`overpaint checkpoints verify` compares the files with their source.",
        )


def _fill(fillings: Sequence[_Filling], device: torch.device, progress: Progress | None) -> None:
    total, done = sum(path.stat().st_size for filling in fillings for path in filling.files), 0
    for filling in fillings:
        for path in filling.files:
            filling.read(path, device)
            done += path.stat().st_size
            if progress:
                progress(done / total)


class Stored:
    """Single tensors of a component, read from its files when asked for."""

    def __init__(self, files: Sequence[Path], device: torch.device, dtype: torch.dtype) -> None:
        self.files = {key: path for path in files for key, _ in _header(path)}
        self.device, self.dtype = device, dtype

    def __call__(self, key: str) -> Tensor:
        with safe_open(self.files[key], framework="pt") as file:
            tensor: Tensor = file.get_tensor(key)
            return tensor.to(self.device, self.dtype, copy=True)  # as in `_Filling.read`


def _weight_files(folder: Path) -> list[Path]:
    """The one file, or all that the index names; in order of name."""
    for stem in ("diffusion_pytorch_model", "model"):
        index = folder / f"{stem}.safetensors.index.json"
        single = folder / f"{stem}.safetensors"
        if index.exists():
            files = [folder / name for name in _shard_names(index)]
        elif single.exists():
            files = [single]
        else:
            continue
        for path in files:
            if not path.exists():
                raise ConfigurationError(f"{folder.name}: the file {path.name} is missing.", hint="Pull it again.")
        return files
    raise ConfigurationError(
        f"{folder.name}: there are no weights in safetensors form.", hint="`overpaint checkpoints pull` fetches them."
    )


def _shard_names(index: Path) -> list[str]:
    try:
        names = {str(name) for name in json.loads(index.read_text("utf-8"))["weight_map"].values()}
    except (AttributeError, KeyError, TypeError, ValueError):
        raise ConfigurationError(f"{index.parent.name}: {index.name} is damaged.", hint="Pull it again.") from None
    return sorted(names)


def _header(path: Path) -> Iterator[tuple[str, list[int]]]:
    try:
        with safe_open(path, framework="pt") as file:
            for key in file.keys():  # noqa: SIM118 (not a dict)
                yield key, file.get_slice(key).get_shape()
    except SafetensorError:
        raise ConfigurationError(f"{path.parent.name}: {path.name} is damaged.", hint="Pull it again.") from None


def encoder_keys(tensors: Tensors) -> dict[str, Tensor]:
    """Published keys -> those of `Qwen2_5_VLModel`. The language head is never needed; two spellings occur."""
    return {_encoder_key(key): tensor for key, tensor in tensors.items() if key != "lm_head.weight"}


def _encoder_key(key: str) -> str:
    name = key.removeprefix("model.")
    return name if name.startswith(("visual.", "language_model.")) else f"language_model.{name}"


def _hold_encoder(encoder: Qwen2_5_VLModel, device: torch.device) -> None:
    """Its layers and its table of words wait in host memory; what stays on the device is a hundredth of it."""
    vision, words = encoder.visual, encoder.language_model
    vision.blocks = StreamedList(vision.blocks, range(len(vision.blocks)), device)
    words.layers = StreamedList(words.layers, range(len(words.layers)), device)
    words.embed_tokens = HostEmbedding.from_pretrained(torch.empty_like(words.embed_tokens.weight, device="cpu"))


def _rebuild_rotary_tables(encoder: nn.Module, device: torch.device) -> None:
    """Rotary frequencies are computed, not stored, so those built on the meta device are empty: build them anew."""
    for module in list(encoder.modules()):
        for name, child in module.named_children():
            if "RotaryEmbedding" in type(child).__name__:
                setattr(module, name, type(child)(child.config).to(device))


def _json(folder: Path, name: str) -> dict[str, Any]:
    try:
        value = json.loads((folder / name).read_text("utf-8"))
    except FileNotFoundError:
        raise ConfigurationError(f"The checkpoint folder has no {name}.", hint="Pull it again.") from None
    except ValueError:
        raise ValueError(f"{name} is not JSON") from None
    if not isinstance(value, dict):
        raise ValueError(f"{name} is not a JSON object")
    return value
