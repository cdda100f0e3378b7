"""Drives the reference: diffusers' own pipelines over a checkpoint folder, repaired where the stock stack is broken.

Knows diffusers and transformers. Does not know our code: what it needs of ours (working areas, the length of the
prefix) is told to it. The repairs, each of which a test holds against the unrepaired stack where that is possible:

- the text encoder is passed the token types, without which it gets no 3-D positions (diffusers issue 14194);
- the processor is built without torchvision, around the same tokenizer and transformers' Pillow image processor;
- working areas and the number of template tokens to drop, constants in the pipelines, are set from outside.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import diffusers
import numpy as np
import torch
import transformers
from diffusers import (
    AutoencoderKLQwenImage,
    FlowMatchEulerDiscreteScheduler,
    QwenImageEditPipeline,
    QwenImageEditPlusPipeline,
    QwenImageTransformer2DModel,
)
from diffusers.pipelines.qwenimage import pipeline_qwenimage_edit, pipeline_qwenimage_edit_plus
from PIL import Image
from torch import Tensor
from transformers import BatchFeature, Qwen2_5_VLForConditionalGeneration, Qwen2Tokenizer
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

diffusers.utils.logging.set_verbosity_error()
transformers.utils.logging.disable_progress_bar()

IMAGE_PAD = "<|image_pad|>"
MEGAPIXEL = 1024 * 1024  # the working area as it stands in the pipelines


class Processor:
    """What `Qwen2VLProcessor` does with pictures and text, without torchvision."""

    def __init__(self, tokenizer: Qwen2Tokenizer, pictures: Qwen2VLImageProcessorPil) -> None:
        self.tokenizer = tokenizer
        self.pictures = pictures

    def __call__(self, text: list[str], images: Any, padding: bool = True, return_tensors: str = "pt") -> BatchFeature:
        seen = self.pictures(images=images, return_tensors=return_tensors)
        counts = [int(grid.prod()) // self.pictures.merge_size**2 for grid in seen["image_grid_thw"]]
        expanded = [self._expanded(line, counts) for line in text]
        return BatchFeature({**self.tokenizer(expanded, padding=padding, return_tensors=return_tensors), **seen})

    def _expanded(self, line: str, counts: Sequence[int]) -> str:
        parts = line.split(IMAGE_PAD)
        assert len(parts) == len(counts) + 1, "one place in the text for each picture"
        pads = [IMAGE_PAD * count for count in counts]
        return "".join(piece for pair in zip(parts, [*pads, ""], strict=True) for piece in pair)


@dataclass(frozen=True)
class Result:
    """What the stock pipeline made: packed latents after each step, the text states it used, the 8-bit picture."""

    latents: list[Tensor]
    states: list[Tensor]
    picture: np.ndarray[Any, np.dtype[np.uint8]]


class Stock:
    """One loaded stock pipeline. `repaired=False` leaves the token types out, as stock does."""

    def __init__(
        self,
        folder: Path,
        *,
        native_pixels: int,
        condition_pixels: int | None,
        repaired: bool = True,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self.native_pixels = native_pixels
        self.condition_pixels = condition_pixels
        name = json.loads((folder / "model_index.json").read_text("utf-8"))["_class_name"]
        self.tokenizer = Qwen2Tokenizer.from_pretrained(folder / "tokenizer")
        self.image_processor = Qwen2VLImageProcessorPil.from_pretrained(folder / "processor")
        self.transformer = QwenImageTransformer2DModel.from_pretrained(folder / "transformer", torch_dtype=dtype)
        self.vae = AutoencoderKLQwenImage.from_pretrained(folder / "vae", torch_dtype=dtype)
        self.text_encoder = Qwen2_5_VLForConditionalGeneration.from_pretrained(folder / "text_encoder", dtype=dtype)
        self.scheduler = FlowMatchEulerDiscreteScheduler.from_pretrained(folder / "scheduler")
        kind = {"QwenImageEditPipeline": QwenImageEditPipeline, "QwenImageEditPlusPipeline": QwenImageEditPlusPipeline}
        self.pipeline = kind[name](
            scheduler=self.scheduler,
            vae=self.vae,
            text_encoder=self.text_encoder,
            tokenizer=self.tokenizer,
            processor=Processor(self.tokenizer, self.image_processor),
            transformer=self.transformer,
        )
        self.pipeline.set_progress_bar_config(disable=True)
        prefix = self.pipeline.prompt_template_encode.split("<|im_start|>user\n")[0] + "<|im_start|>user\n"
        self.pipeline.prompt_template_encode_start_idx = len(self.tokenizer(prefix).input_ids)
        if repaired:
            self._pass_token_types()

    def edit(
        self,
        pictures: Sequence[Image.Image],
        prompt: str,
        *,
        seed: int,
        steps: int = 4,
        negative_prompt: str | None = " ",
        true_cfg_scale: float = 4.0,
        width: int | None = None,
        height: int | None = None,
        after_step: Callable[[], object] = lambda: None,
    ) -> Result:
        """One edit. The Plus pipeline takes its size from the *last* picture unless width and height are given."""
        latents: list[Tensor] = []

        def keep(_pipe: object, _step: int, _time: object, values: dict[str, Tensor]) -> dict[str, Tensor]:
            latents.append(values["latents"])
            after_step()
            return values

        one_only = isinstance(self.pipeline, QwenImageEditPipeline)
        with self._areas(), self._states() as states:
            made = self.pipeline(
                image=pictures[0] if one_only else list(pictures),
                prompt=prompt,
                negative_prompt=negative_prompt,
                true_cfg_scale=true_cfg_scale,
                width=width,
                height=height,
                num_inference_steps=steps,
                generator=torch.Generator("cpu").manual_seed(seed),
                callback_on_step_end=keep,
                output_type="pil",
            )
        return Result(latents, states, np.asarray(made.images[0]))

    def encode(self, pictures: Sequence[Image.Image], prompt: str) -> Tensor:
        """The text states (1, tokens, width) of a prompt with pictures that already have the encoder's size."""
        images = pictures[0] if isinstance(self.pipeline, QwenImageEditPipeline) else list(pictures)
        with torch.no_grad():
            return self.pipeline.encode_prompt(prompt, image=images)[0]

    def _pass_token_types(self) -> None:
        stock_forward = self.text_encoder.forward
        image_token = self.text_encoder.config.image_token_id

        def forward(input_ids: Tensor, **rest: Any) -> Any:
            return stock_forward(input_ids=input_ids, mm_token_type_ids=(input_ids == image_token).int(), **rest)

        self.text_encoder.forward = forward

    @contextlib.contextmanager
    def _areas(self) -> Iterator[None]:
        """The pipelines' own arithmetic over our areas instead of 1024² and 384²."""
        edit, plus = pipeline_qwenimage_edit, pipeline_qwenimage_edit_plus
        edit_fit, plus_fit = edit.calculate_dimensions, plus.calculate_dimensions
        areas = {MEGAPIXEL: self.native_pixels, plus.CONDITION_IMAGE_SIZE: self.condition_pixels}
        with (
            patch.object(edit, "calculate_dimensions", lambda area, ratio: edit_fit(areas[area], ratio)),
            patch.object(plus, "calculate_dimensions", lambda area, ratio: plus_fit(areas[area], ratio)),
        ):
            yield

    @contextlib.contextmanager
    def _states(self) -> Iterator[list[Tensor]]:
        """Collects the text states as they are made: the prompt's, then the negative prompt's."""
        states: list[Tensor] = []
        stock_encode = self.pipeline.encode_prompt

        def encode_prompt(**arguments: Any) -> Any:
            made = stock_encode(**arguments)
            states.append(made[0])
            return made

        with patch.object(self.pipeline, "encode_prompt", encode_prompt):
            yield states
