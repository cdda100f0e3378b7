"""What a checkpoint can do, read from its folder's JSON without torch and before any worker has loaded it.

Both columns use it: the service to fill in defaults and refuse what cannot be served, the model to choose its
template and areas. Knows the official generations and `overpaint.json`; does not know tensors or downloads.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from overpaint.errors import ConfigurationError

EMBEDDED = Path(__file__).parent / "checkpoints"  #: checkpoints that ship with the package, by their id
GRID = 32  #: working sides are multiples of this many pixels, as in the reference pipelines


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A folder of config and weights, and what it promises."""

    id: str
    folder: Path
    labels_pictures: bool  #: the prompt template says "Picture 1: " before each picture (the Plus generations)
    default_steps: int
    default_true_cfg_scale: float
    native_pixels: int  #: working area
    condition_pixels: int | None  #: area of the encoder's own copy; None = it sees the working picture
    max_images: int
    max_pixels: int = 4_194_304  #: largest picture it is asked for
    max_prompt_tokens: int = 1024


def read(folder: Path) -> Checkpoint:
    """Recognises the generation from `model_index.json` and `transformer/config.json`; `overpaint.json` overrides.

    Raises ConfigurationError when the folder is not a Qwen-Image-Edit checkpoint that we can run.
    """
    pipeline = _json(folder / "model_index.json").get("_class_name")
    transformer = _json(folder / "transformer" / "config.json")
    for flag in ("guidance_embeds", "use_additional_t_cond", "use_layer3d_rope"):
        if transformer.get(flag):
            raise ConfigurationError(f"This checkpoint needs `{flag}`, which belongs to another model family.")
    known = _generation(pipeline, bool(transformer.get("zero_cond_t")), folder)
    path = folder / "overpaint.json"
    return _overridden(known, _json(path)) if path.exists() else known


def _generation(pipeline: object, has_zero_cond_t: bool, folder: Path) -> Checkpoint:
    """Constants of the published pipelines; none of them stands in a published config."""
    if pipeline == "QwenImageEditPipeline":
        return Checkpoint(
            id="qwen-image-edit",
            folder=folder,
            labels_pictures=False,
            default_steps=50,
            default_true_cfg_scale=4.0,
            native_pixels=1024**2,
            condition_pixels=None,
            max_images=1,
        )
    if pipeline == "QwenImageEditPlusPipeline":
        return Checkpoint(
            id="qwen-image-edit-2511" if has_zero_cond_t else "qwen-image-edit-2509",
            folder=folder,
            labels_pictures=True,
            default_steps=40,
            default_true_cfg_scale=4.0,
            native_pixels=1024**2,
            condition_pixels=384**2,
            max_images=3,
        )
    raise ConfigurationError(
        f"model_index.json names the pipeline {pipeline!r}; only Qwen-Image-Edit checkpoints can be served.",
        hint="Try `mini`, Qwen/Qwen-Image-Edit, Qwen/Qwen-Image-Edit-2509 or Qwen/Qwen-Image-Edit-2511.",
    )


#: What `overpaint.json` may set, and the least value of each number.
_OVERRIDES: dict[str, tuple[type, int]] = {
    "id": (str, 0),
    "default_steps": (int, 2),
    "default_true_cfg_scale": (float, 1),
    "native_pixels": (int, GRID**2),
    "condition_pixels": (int, GRID**2),
    "max_images": (int, 1),
    "max_pixels": (int, GRID**2),
    "max_prompt_tokens": (int, 1),
}


def _overridden(known: Checkpoint, own: dict[str, Any]) -> Checkpoint:
    for name, value in own.items():
        if name not in _OVERRIDES:
            raise ConfigurationError(f"overpaint.json: {name!r} is not one of {', '.join(_OVERRIDES)}.")
        if not _fits(value, *_OVERRIDES[name]):
            raise ConfigurationError(f"overpaint.json: {name!r} has a wrong value.")
    return replace(known, **own)


def _fits(value: Any, kind: type, least: int) -> bool:
    if kind is str:
        return isinstance(value, str) and value != ""
    return type(value) in (int, kind) and value >= least  # not isinstance: true is an int


def _json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise ConfigurationError(
            f"The checkpoint folder has no {path.parent.name}/{path.name}.",
            hint="`overpaint checkpoints verify` checks it.",
        ) from None
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{path.name} cannot be read: {type(error).__name__}.") from None
    if not isinstance(value, dict):
        raise ConfigurationError(f"{path.name} is not a JSON object.")
    return value
