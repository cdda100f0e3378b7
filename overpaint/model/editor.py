"""One edit, step by step: prepare, denoise, decode. The room where the four parts meet.

Knows pictures, prompts and seeds. Does not know tasks, files or who is asking. Between edits it keeps only what was
made of pictures and changes no result (memo.py); during one all state is the generator's own, so edits may be
interleaved step by step, and closing the iterator cancels.

The picture depends on the request and its seed alone: the noise is drawn on the CPU from the edit's own generator.
Bytes are equal on the same device model, build, dtype, thread count and choice of attention (attention.py).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from overpaint.catalog import Checkpoint
from overpaint.domain import MAX_SEED, Timings
from overpaint.errors import EditFailed, is_out_of_memory
from overpaint.model.checkpoint import Parts
from overpaint.model.frame import Frame, fit_exact, fit_reference
from overpaint.model.memo import Memo
from overpaint.model.rotary import Shape
from overpaint.model.schedule import Velocity, denoise, guided, sigmas
from overpaint.model.transformer import Level
from overpaint.plan import KEPT_LATENTS

Fit = Literal["exact", "reference"]
Around = Callable[[], AbstractContextManager[object]]


@dataclass(frozen=True, slots=True)
class Step:
    """One denoising step is done.

    preview  decodes the picture as it would be if we stopped here; only when called. Raises EditFailed: out_of_memory
    """

    index: int  #: 1 … total
    total: int
    preview: Callable[[], Image.Image]


@dataclass(frozen=True, slots=True)
class Edited:
    """The finished picture, 8-bit RGB."""

    image: Image.Image
    seed: int
    width: int
    height: int
    timings: Timings
    working_pixels: int  #: pixels of the grid the network worked on


class Editor:
    """A loaded checkpoint. `edit` may be called any number of times.

    around  gives the context that the passes of a step run in, entered and left within the step
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        parts: Parts,
        device: torch.device,
        dtype: torch.dtype,
        around: Around = nullcontext,
    ) -> None:
        self.checkpoint, self.parts, self.device, self.dtype, self.around = checkpoint, parts, device, dtype, around
        self.latents: Memo[Tensor] = Memo(lambda latents: [latents], KEPT_LATENTS)

    def edit(
        self,
        images: Sequence[Image.Image],
        prompt: str,
        *,
        negative_prompt: str | None = " ",
        seed: int,
        steps: int | None = None,
        true_cfg_scale: float | None = None,
        width: int | None = None,
        height: int | None = None,
        fit: Fit = "exact",
    ) -> Iterator[Step | Edited]:
        """A `Step` after each denoising step, then one `Edited`. Closing the iterator cancels.

        images           1 … checkpoint.max_images RGB pictures, upright; the first is the one being edited
        prompt           what to change, in any language; control tokens spelled in it are plain text
        negative_prompt  what guidance steers away from; None turns guidance off
        seed             0 … 2**31 - 1; the same request and seed give the same picture
        steps            >= 2; None takes the checkpoint's own number
        true_cfg_scale   >= 1, finite; 1 turns guidance off; None takes the checkpoint's own scale
        width, height    pixels of the result, >= 1, both or neither; None follows the first picture's aspect ratio
        fit              "exact" keeps every aspect ratio true; "reference" rounds sizes as the reference pipelines do

        Raises ValueError for arguments out of range. Iterating raises EditFailed: prompt_too_long, out_of_memory,
        output_invalid.
        """
        steps = self.checkpoint.default_steps if steps is None else steps
        scale = self.checkpoint.default_true_cfg_scale if true_cfg_scale is None else true_cfg_scale
        if not 1 <= len(images) <= self.checkpoint.max_images:
            raise ValueError(f"images: this checkpoint takes 1 to {self.checkpoint.max_images}")
        if not 0 <= seed <= MAX_SEED:
            raise ValueError(f"seed: 0 to {MAX_SEED}")
        if steps < 2:
            raise ValueError("steps: at least 2")
        if not 1 <= scale < math.inf:  # what is no number is neither
            raise ValueError("true_cfg_scale: at least 1, and finite")
        if fit not in get_args(Fit):
            raise ValueError("fit: exact or reference")
        if (width is None) != (height is None):
            raise ValueError("width and height: both or neither")
        frame = self._output_frame(images, width, height, fit)
        prompts = [prompt] if negative_prompt is None or scale == 1 else [prompt, negative_prompt]
        return _named(self._run(images, prompts, seed, steps, scale, frame, fit))

    def _run(
        self,
        images: Sequence[Image.Image],
        prompts: Sequence[str],
        seed: int,
        steps: int,
        scale: float,
        frame: Frame,
        fit: Fit,
    ) -> Iterator[Step | Edited]:
        """prompts: what to change, then, where guidance is on, what it steers away from."""
        started = time.perf_counter()
        working = [self._reference_frame(image, fit).lay(image) for image in images]
        seen = (
            working if self.checkpoint.condition_pixels is None else [self._condition_copy(image) for image in images]
        )
        texts = [self.parts.conditioner.encode(seen, prompt) for prompt in prompts]
        references = [self._latents(picture) for picture in working]
        noise = self._noise(seed, frame)
        shapes = [_token_shape(latents) for latents in (noise, *references)]
        latents = pack(noise)
        walk = sigmas(self.parts.schedule, steps, latents.shape[1])
        seen_tokens = torch.cat([pack(reference) for reference in references], dim=1)
        levels = self.parts.levels.schedule(walk[:-1])
        velocity = self._velocity(texts, scale, seen_tokens, shapes, levels)

        self._wait()
        prepared = time.perf_counter()
        for index, stride in enumerate(denoise(velocity, latents, walk), start=1):
            latents, estimate = stride
            self._wait()
            yield Step(index, steps, self._preview(estimate, shapes[0], frame))
        denoised = time.perf_counter()

        if not torch.isfinite(latents).all():
            raise EditFailed("output_invalid")
        image = frame.cut(self._picture(latents, shapes[0]))
        decoded = time.perf_counter()
        timings = Timings(
            prepare_ms=_ms(started, prepared),
            denoise_ms=_ms(prepared, denoised),
            decode_ms=_ms(denoised, decoded),
            total_ms=_ms(started, decoded),
        )
        yield Edited(image, seed, *image.size, timings, frame.grid_width * frame.grid_height)

    # --- sizes --------------------------------------------------------------------------------------------------------

    def _output_frame(self, images: Sequence[Image.Image], width: int | None, height: int | None, fit: Fit) -> Frame:
        if width is None or height is None:
            # The reference takes the last picture's shape; the first is the one a caller wants back.
            return self._reference_frame(images[0], fit)
        if min(width, height) < 1:
            raise ValueError("width and height: at least 1")
        if fit == "exact":
            return Frame.exact(width, height)
        unit = 2 * self.parts.autoencoder.config.factor
        if width % unit or height % unit:
            raise ValueError(f"width and height: multiples of {unit} with fit='reference'")
        return Frame(width, height, width, height)

    def _reference_frame(self, image: Image.Image, fit: Fit) -> Frame:
        fitted = fit_exact if fit == "exact" else fit_reference
        return fitted(image.size, self.checkpoint.native_pixels)

    def _condition_copy(self, image: Image.Image) -> Image.Image:
        """The encoder's own smaller copy (the Plus generations), sized as in their training."""
        assert self.checkpoint.condition_pixels is not None
        return fit_reference(image.size, self.checkpoint.condition_pixels).lay(image)

    # --- pictures and latents -----------------------------------------------------------------------------------------

    def _latents(self, picture: Image.Image) -> Tensor:
        """(1, z, H/factor, W/factor) of a reference."""
        return self.latents.of([picture], lambda: self.parts.autoencoder.encode(self._pixels(picture)))

    def _pixels(self, picture: Image.Image) -> Tensor:
        """(1, 3, H, W) in -1 … 1."""
        array = np.asarray(picture, dtype=np.float32) / np.float32(255)
        return (2.0 * torch.from_numpy(array).permute(2, 0, 1).unsqueeze(0) - 1.0).to(self.device, self.dtype)

    def _picture(self, tokens: Tensor, shape: Shape) -> Image.Image:
        """(1, tokens, channels) normalised latents -> 8-bit RGB, rounded half to even."""
        pixels = self.parts.autoencoder.decode(unpack(tokens, shape))
        grey = (pixels[0].float() / 2 + 0.5).clamp(0, 1).permute(1, 2, 0).cpu().numpy()
        return Image.fromarray((grey * 255).round().astype(np.uint8))

    def _preview(self, estimate: Tensor, shape: Shape, frame: Frame) -> Callable[[], Image.Image]:
        return _memory_errors_named()(lambda: frame.cut(self._picture(estimate.to(self.dtype), shape)))

    def _noise(self, seed: int, frame: Frame) -> Tensor:
        """(1, z, H/factor, W/factor), drawn on the CPU so that every device starts from the same noise."""
        config = self.parts.autoencoder.config
        size = (1, config.z_dim, frame.grid_height // config.factor, frame.grid_width // config.factor)
        generator = torch.Generator("cpu").manual_seed(seed)
        return torch.randn(size, generator=generator).to(self.device, self.dtype)

    def _wait(self) -> None:
        """A GPU runs behind the program: only when it has caught up is a step really done, and its time known."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    # --- the network --------------------------------------------------------------------------------------------------

    def _velocity(
        self,
        texts: Sequence[Tensor],
        scale: float,
        references: Tensor,
        shapes: Sequence[Shape],
        levels: Mapping[float, Level],
    ) -> Velocity:
        """The network with everything but latents and noise level filled in; guidance included."""
        transformer = self.parts.transformer
        scenes = [transformer.scene(references, text, shapes) for text in texts]

        def velocity(latents: Tensor, sigma: float) -> Tensor:
            with self.around():
                flow, *against = [transformer(latents, levels[sigma], scene) for scene in scenes]
            return guided(flow, against[0], scale) if against else flow

        return velocity


def pack(latents: Tensor) -> Tensor:
    """(B, z, h, w) -> (B, h/2 * w/2, 4 z): one token for each 2 x 2 latents, channel = c * 4 + dy * 2 + dx."""
    batch, channels, height, width = latents.shape
    squares = latents.view(batch, channels, height // 2, 2, width // 2, 2)
    return squares.permute(0, 2, 4, 1, 3, 5).reshape(batch, height // 2 * (width // 2), channels * 4)


def unpack(tokens: Tensor, shape: Shape) -> Tensor:
    """The inverse of `pack`, for a picture of shape (1, h/2, w/2) tokens."""
    batch, _, channels = tokens.shape
    _, height, width = shape
    squares = tokens.view(batch, height, width, channels // 4, 2, 2)
    return squares.permute(0, 3, 1, 4, 2, 5).reshape(batch, channels // 4, height * 2, width * 2)


def _token_shape(latents: Tensor) -> Shape:
    return 1, latents.shape[2] // 2, latents.shape[3] // 2


def _ms(begin: float, end: float) -> int:
    return round(1000 * (end - begin))


@contextmanager
def _memory_errors_named() -> Iterator[None]:
    """Out of memory, however the device says it, becomes the failure that has this name."""
    try:
        yield
    except Exception as error:
        if is_out_of_memory(error):
            raise EditFailed("out_of_memory") from None
        raise


def _named(events: Iterator[Step | Edited]) -> Iterator[Step | Edited]:
    with _memory_errors_named():
        yield from events
