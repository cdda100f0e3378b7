"""Pictures and words to the text states that steer the denoising: Qwen2.5-VL, without its language head.

Knows the encoder's pixels, its 3-D positions and the template's length. Does not know latents or noise. The network is
transformers' `Qwen2_5_VLModel`; what it is fed is made here, because the stock path feeds it wrong positions
(transformers >= 5.3 falls back to 1-D positions when `mm_token_type_ids` is not passed, and diffusers 0.42 does not
pass it: diffusers issue 14194).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from transformers import DynamicCache, Qwen2_5_VLModel

from overpaint.errors import EditFailed
from overpaint.model.memo import Memo
from overpaint.model.tokenizer import PromptTokenizer
from overpaint.plan import KEPT_OPENINGS


@dataclass(frozen=True, slots=True, kw_only=True)
class VisionConfig:
    """`processor/preprocessor_config.json`. Read, never assumed: the class defaults of the reference would shrink."""

    patch_size: int
    merge_size: int
    temporal_patch_size: int
    min_pixels: int
    max_pixels: int
    mean: tuple[float, ...]
    std: tuple[float, ...]

    @classmethod
    def from_json(cls, config: Mapping[str, Any]) -> VisionConfig:
        """Two spellings of the limits occur in published files. Raises KeyError where neither does."""
        size = config.get("size") or {}
        return cls(
            patch_size=config["patch_size"],
            merge_size=config["merge_size"],
            temporal_patch_size=config["temporal_patch_size"],
            min_pixels=config["min_pixels"] if "min_pixels" in config else size["shortest_edge"],
            max_pixels=config["max_pixels"] if "max_pixels" in config else size["longest_edge"],
            mean=tuple(config["image_mean"]),
            std=tuple(config["image_std"]),
        )

    def grid_size(self, width: int, height: int) -> tuple[int, int]:
        """Pixels (width, height) that whole patch groups cover, within the limits, aspect kept as well as may be."""
        unit = self.patch_size * self.merge_size
        fitted_height, fitted_width = round(height / unit) * unit, round(width / unit) * unit
        if fitted_height * fitted_width > self.max_pixels:
            shrink = math.sqrt(height * width / self.max_pixels)
            fitted_height, fitted_width = (max(unit, math.floor(s / shrink / unit) * unit) for s in (height, width))
        elif fitted_height * fitted_width < self.min_pixels:
            grow = math.sqrt(self.min_pixels / (height * width))
            fitted_height, fitted_width = (math.ceil(s * grow / unit) * unit for s in (height, width))
        return fitted_width, fitted_height


def patches(picture: Image.Image, config: VisionConfig) -> tuple[Tensor, tuple[int, int]]:
    """An RGB picture -> (patches, channels * time * patch * patch) float32, and its grid (rows, columns) of patches.

    The rows come in merge groups: the patches of one 2 x 2 square stand next to each other.
    """
    size = config.grid_size(*picture.size)
    if size != picture.size:
        picture = picture.resize(size, Image.Resampling.BICUBIC)
    pixels = np.asarray(picture, dtype=np.float32) / np.float32(255)
    normal = (pixels - np.array(config.mean, np.float32)) / np.array(config.std, np.float32)
    patch, merge = config.patch_size, config.merge_size
    rows, columns = size[1] // patch, size[0] // patch
    # (rows/m, m, patch, columns/m, m, patch, channels) -> (rows/m, columns/m, m, m, channels, patch, patch)
    cut = torch.from_numpy(normal).view(rows // merge, merge, patch, columns // merge, merge, patch, 3)
    grouped = cut.permute(0, 3, 1, 4, 6, 2, 5).reshape(rows * columns, 3, 1, patch * patch)
    return grouped.expand(-1, -1, config.temporal_patch_size, -1).reshape(rows * columns, -1), (rows, columns)


def positions(ids: Sequence[int], image_pad: int, grids: Sequence[tuple[int, int]]) -> Tensor:
    """(3, 1, tokens): time, height and width of each token ("Qwen2.5-VL Technical Report", arXiv:2502.13923).

    A word advances all three by one. A picture of (rows, columns) merged tokens spreads over height and width from
    where it begins, and the next word stands beyond its longer side.
    """
    parts: list[Tensor] = []
    following, index, remaining = 0, 0, list(grids)
    while index < len(ids):
        if ids[index] == image_pad:
            rows, columns = remaining.pop(0)
            zero = torch.zeros(rows * columns, dtype=torch.long)
            y, x = torch.cartesian_prod(torch.arange(rows), torch.arange(columns)).unbind(1)
            parts.append(following + torch.stack([zero, y, x]))
            following, index = following + max(rows, columns), index + rows * columns
        else:
            parts.append(torch.full((3, 1), following))
            following, index = following + 1, index + 1
    return torch.cat(parts, dim=1).unsqueeze(1)


@dataclass(frozen=True, slots=True)
class Opening:
    """The encoder's view of all that stands before the prompt. No word there sees the prompt, so any may follow."""

    states: Tensor  #: (1, tokens, width), of the pictures and their labels
    keys_and_values: list[tuple[Tensor, Tensor]]  #: of each layer, the template's fixed opening included
    following: int  #: position of the prompt's first token

    def tensors(self) -> list[Tensor]:
        return [self.states, *(tensor for layer in self.keys_and_values for tensor in layer)]

    def cache(self) -> DynamicCache:
        """To be read on from; what is read grows a copy."""
        cache = DynamicCache()
        for number, (keys, values) in enumerate(self.keys_and_values):
            cache.update(keys, values, number)
        return cache


class Conditioner:
    """Holds the encoder; `encode` is the whole of its work. What it has seen of pictures it remembers for a while."""

    def __init__(
        self,
        encoder: Qwen2_5_VLModel,
        tokenizer: PromptTokenizer,
        vision: VisionConfig,
        *,
        labels_pictures: bool,
        max_prompt_tokens: int,
    ) -> None:
        if encoder.config.image_token_id != tokenizer.image_pad:
            raise ValueError("text_encoder/config.json and the tokenizer disagree on the id of <|image_pad|>")
        self.encoder, self.tokenizer, self.vision = encoder, tokenizer, vision
        self.labels_pictures, self.max_prompt_tokens = labels_pictures, max_prompt_tokens
        self.openings = Memo(Opening.tensors, KEPT_OPENINGS)

    def encode(self, pictures: Sequence[Image.Image], prompt: str) -> Tensor:
        """pictures (RGB, at the size the encoder shall see) and a prompt -> states (1, tokens, width).

        The template's fixed opening is seen by the encoder but not returned. Raises EditFailed("prompt_too_long").
        """
        if len(self.tokenizer.prompt_ids(prompt)) > self.max_prompt_tokens:
            raise EditFailed("prompt_too_long")
        opening = self.openings.of(pictures, lambda: self._open(pictures))
        ids = self.tokenizer.closing(prompt)
        places = torch.arange(opening.following, opening.following + len(ids)).expand(3, 1, -1)
        states = self._read(ids, places, opening.cache())
        return torch.cat([opening.states, states], dim=1)

    def _open(self, pictures: Sequence[Image.Image]) -> Opening:
        cut = [patches(picture, self.vision) for picture in pictures]
        merge = self.vision.merge_size
        grids = [(rows // merge, columns // merge) for _, (rows, columns) in cut]
        ids = self.tokenizer.opening([math.prod(grid) for grid in grids], labels_pictures=self.labels_pictures)
        places, cache = positions(ids, self.tokenizer.image_pad, grids), DynamicCache()
        states = self._read(
            ids,
            places,
            cache,
            pixel_values=torch.cat([pixels for pixels, _ in cut]).to(self.encoder.device, self.encoder.dtype),
            image_grid_thw=torch.tensor([(1, *grid) for _, grid in cut], device=self.encoder.device),
        )
        layers: list[tuple[Tensor, Tensor]] = [(keys, values) for keys, values, _ in cache]
        return Opening(states[:, self.tokenizer.prefix_length :].clone(), layers, int(places.max()) + 1)

    def _read(self, ids: Sequence[int], places: Tensor, cache: DynamicCache, **pictures: Tensor) -> Tensor:
        """States of these tokens, which follow what the cache holds; it holds them too afterwards."""
        device = self.encoder.device
        states: Tensor = self.encoder(
            input_ids=torch.tensor([ids], device=device),
            position_ids=places.to(device),
            past_key_values=cache,
            use_cache=True,
            **pictures,
        ).last_hidden_state
        return states
