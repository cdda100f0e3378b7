"""What a picture is made of, layer by layer, and how it is drawn. An edit is another scene.

Knows backdrops, things (shapes that look like stickers), boards with text, effects over all of it. Two scenes that
differ in one layer are equal, to the bit, wherever that layer is not. Does not know prompts or which edits there are.
Places and sizes are in pixels of the picture.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import cos, pi, sin

import numpy as np
import torch
from PIL import Image, ImageDraw

from training import crops, edits
from training.scenes import fonts
from training.scenes.weather import WEATHER
from training.scenes.words import COLOURS

Colour = tuple[float, float, float]  #: sRGB in [0, 1]
FINER = 4  #: outlines are drawn this much larger, then averaged
RIM = 3  #: width of a sticker's or a board's edge
DARK, LIGHT = (0.10, 0.10, 0.10), (0.98, 0.98, 0.98)


@dataclass(frozen=True)
class Backdrop:
    """A photograph, cropped as `seed` says, where `colours` is empty; else their gradient (one colour: plain)."""

    seed: int = 0
    colours: tuple[Colour, ...] = ()
    is_upright: bool = True  #: the gradient runs from top to bottom


@dataclass(frozen=True)
class Thing:
    """A shape as a sticker, `size` across, turned by `turn` degrees."""

    shape: str
    colour: str
    x: int
    y: int
    size: int
    turn: int = 0
    rim: Colour = LIGHT


@dataclass(frozen=True)
class Board:
    """A sign, label or banner (a banner reaches from side to side), blank."""

    kind: str
    x: int
    y: int
    width: int
    height: int
    plate: Colour


@dataclass(frozen=True)
class Text:
    """Capitals `height` high around (x, y); wider than `room`, they are squeezed to it."""

    text: str
    typeface: str
    x: int
    y: int
    height: int
    room: int
    ink: Colour


Part = Thing | Board | Text


@dataclass(frozen=True)
class Scene:
    """`parts` from back to front; `effect` names what is done to the whole picture in the end."""

    width: int
    height: int
    backdrop: Backdrop
    parts: tuple[Part, ...] = ()
    effect: str = "keep"


Layer = tuple[np.ndarray, np.ndarray]  #: how much it covers (H, W, 1), its colours (H, W, 3) or (3,)


def render(scene: Scene, photos: Sequence[Image.Image]) -> torch.Tensor:
    """(3, H, W) uint8. `photos` are what backdrops are cropped from."""
    canvas = behind(scene, photos)
    for part in scene.parts:
        covers, colours = layer(part, scene.width, scene.height)
        canvas = covers * colours + (1 - covers) * canvas  # exact where it covers all or nothing
    pixels = torch.from_numpy(np.ascontiguousarray(canvas.transpose(2, 0, 1)))
    made = (WEATHER | edits.EDITS)[scene.effect](pixels)
    return (made.clamp(0, 1) * 255).round().to(torch.uint8)


def touched(before: Scene, after: Scene) -> np.ndarray:
    """(H, W) bool: where the two may differ, from their layers alone. Elsewhere they are the same to the bit."""
    shape = before.height, before.width
    if before.effect != after.effect:
        return np.ones(shape, dtype=bool)
    if before.backdrop != after.backdrop:
        hidden = np.zeros(shape, dtype=bool)
        for part in after.parts:
            hidden |= layer(part, after.width, after.height)[0][..., 0] == 1
        return ~hidden
    found = np.zeros(shape, dtype=bool)
    for part in {*before.parts} ^ {*after.parts}:
        found |= layer(part, before.width, before.height)[0][..., 0] > 0
    return found


def rgb(colour: Colour) -> np.ndarray:
    return np.asarray(colour, dtype=np.float32)


def behind(scene: Scene, photos: Sequence[Image.Image]) -> np.ndarray:
    """(H, W, 3) float32."""
    drop, width, height = scene.backdrop, scene.width, scene.height
    if not drop.colours:
        rng = random.Random(drop.seed)
        cropped = crops.crop(rng.choice(photos), width, height, rng)
        return np.asarray(cropped, dtype=np.float32) / 255
    first, last = rgb(drop.colours[0]), rgb(drop.colours[-1])
    along = np.linspace(0, 1, height if drop.is_upright else width, dtype=np.float32)
    ramp = along[:, None, None] if drop.is_upright else along[None, :, None]
    return np.broadcast_to(first + ramp * (last - first), (height, width, 3)).astype(np.float32)


@lru_cache(maxsize=64)
def layer(part: Part, width: int, height: int) -> Layer:
    match part:
        case Thing():
            return thing(part, width, height)
        case Board():
            return board(part, width, height)
    glyphs = fonts.mask(part.text, part.typeface, part.height, part.room)
    covers = np.zeros((height, width, 1), dtype=np.float32)
    rows, columns = glyphs.shape
    top, left = part.y - rows // 2, part.x - columns // 2
    above, aside = max(0, -top), max(0, -left)  # no ink there: more room is drawn than letters take
    inside = glyphs[above : height - top, aside : width - left]
    covers[top + above :, left + aside :][: inside.shape[0], : inside.shape[1], 0] = inside
    return covers, rgb(part.ink)


def thing(part: Thing, width: int, height: int) -> Layer:
    """Lighter above than below, with a rim all around."""
    points = [((part.x + x) * FINER, (part.y + y) * FINER) for x, y in turned(part)]
    inner, outer = (Image.new("L", (width * FINER, height * FINER)) for _ in range(2))
    ImageDraw.Draw(inner).polygon(points, 255)
    pen = ImageDraw.Draw(outer)
    pen.polygon(points, 255)
    pen.line([*points, *points[:2]], 255, 2 * RIM * FINER, joint="curve")
    covers, filled = averaged(outer), averaged(inner)
    down = (np.arange(height, dtype=np.float32) - part.y) / part.size
    shade = np.clip(1 - 0.22 * down, 0.85, 1.15)[:, None, None]
    fill = np.minimum(rgb(COLOURS[part.colour][0]) * shade, 1)
    return covers, rgb(part.rim) + filled * (fill - rgb(part.rim))


def turned(part: Thing) -> list[tuple[float, float]]:
    """The outline's points around its middle, turned and scaled."""
    angle, half = part.turn * pi / 180, part.size / 2
    return [
        (half * (x * cos(angle) - y * sin(angle)), half * (x * sin(angle) + y * cos(angle)))
        for x, y in outline(part.shape)
    ]


def outline(shape: str) -> list[tuple[float, float]]:
    """Points within [-1, 1]², y downward."""
    full = [2 * pi * step / 48 for step in range(48)]
    match shape:
        case "circle":
            return [(0.92 * sin(t), -0.92 * cos(t)) for t in full]
        case "square":
            return [(-0.82, -0.82), (0.82, -0.82), (0.82, 0.82), (-0.82, 0.82)]
        case "triangle":
            return [(0, -0.95), (1, 0.8), (-1, 0.8)]
        case "star":
            radii = [1.05 if step % 2 == 0 else 0.45 for step in range(10)]
            return [(r * sin(pi * i / 5), -r * cos(pi * i / 5) + 0.05) for i, r in enumerate(radii)]
        case "heart":
            return [
                (sin(t) ** 3, -(13 * cos(t) - 5 * cos(2 * t) - 2 * cos(3 * t) - cos(4 * t)) / 16 - 0.1) for t in full
            ]
        case "diamond":
            return [(0, -1.05), (0.75, 0), (0, 1.05), (-0.75, 0)]
        case "cross":
            upper = [(-0.32, -0.32), (-0.32, -0.95), (0.32, -0.95)]
            right = [(-y, x) for x, y in upper]
            return upper + right + [(-x, -y) for x, y in upper + right]
    # the moon: three quarters of a circle, and back along a smaller one
    arc = [pi * (0.25 + 1.5 * step / 32) for step in range(33)]
    outside = [(0.95 * cos(t) + 0.15, -0.95 * sin(t)) for t in arc]
    inside = [(0.72 * cos(t) + 0.45, -0.72 * sin(t)) for t in reversed(arc[2:-2])]
    return outside + inside


def board(part: Board, width: int, height: int) -> Layer:
    """A plate with an edge: round corners for a sign, sharp ones for a label, stripes above and below for a banner."""
    outer, inner = (Image.new("L", (width * FINER, height * FINER)) for _ in range(2))
    box = [part.x - part.width // 2, part.y - part.height // 2, part.x + part.width // 2, part.y + part.height // 2]
    sides = 0 if part.kind == "banner" else RIM
    shrunk = [box[0] + sides, box[1] + RIM, box[2] - sides, box[3] - RIM]
    for image, corners, radius in ((outer, box, 8), (inner, shrunk, 6)):
        scaled = [FINER * edge for edge in corners]
        ImageDraw.Draw(image).rounded_rectangle(scaled, FINER * radius if part.kind == "sign" else 0, 255)
    edge = rgb(DARK if part.plate[1] > 0.5 else LIGHT)
    return averaged(outer), edge + averaged(inner) * (rgb(part.plate) - edge)


def averaged(image: Image.Image) -> np.ndarray:
    """(H, W, 1) in [0, 1] of a mask drawn FINER times larger."""
    return np.asarray(image.reduce(FINER), dtype=np.float32)[..., None] / 255
