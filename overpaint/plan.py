"""What a checkpoint needs of a device's memory, and which way of holding its weights fits: arithmetic, no torch.

Every way gives the same picture (that weights in 8 bits change it is another matter, see `model/quantised.py`). Each
keeps less on the device than the one before:

resident  every weight that an edit uses is on the device
table     the modulation weights stay in their files: what they give depends on the noise level alone, so it is computed
          once for each schedule and kept in a table (see `model/levels.py`)
encoder   and the text encoder's layers and words wait in host memory, each on the device only while it reads
blocks    and so do some of the transformer's blocks, the fewest that fit (see `model/streaming.py`)

Sizes come from the headers of the checkpoint's own files.
"""

from __future__ import annotations

import json
import re
import struct
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from operator import attrgetter
from pathlib import Path
from typing import Any, Literal

from overpaint.errors import ConfigurationError

Way = Literal["resident", "table", "encoder", "blocks"]
Weights = Literal["exact", "int8", "fp8"]
GB = 1e9
MODULATION = (".img_mod.", ".txt_mod.")
KEPT_LEVELS = 128  #: of the table: the longest schedule, or three usual ones
KEPT_OPENINGS = 2**28  #: bytes (see `model/memo.py`); of a 1 Mpx picture one takes 91 MB, of a small copy a sixth
KEPT_LATENTS = 2**24  #: bytes, likewise; those of a 1 Mpx picture take 0.5 MB in bfloat16
PLACES = 2  #: on the device for weights that are streamed: one is read, one is on its way
SPARE_BYTES = 500_000_000  #: for CUDA's libraries, and what lies between in pieces too small; reckoned
WORKING_BYTES_A_PIXEL = 1100  #: of output and references together, bfloat16: 2.3 GB for 1 Mpx made from 1 Mpx; reckoned
CAST_VALUES_A_PIXEL = 48  #: in FP8 of what goes into a product, once more: 12,288 of a token at most, or of 256 pixels
FP8_MULTIPLE = 16  #: of rows and of columns: a GPU multiplies no other matrices in FP8

_LAYER = re.compile(r".*?\b(?:transformer_blocks|blocks|layers)\.\d+\.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """Numbers of values in a block of the transformer, modulation apart, or in a layer of the text encoder."""

    values: int = 0
    matrices: tuple[tuple[int, int], ...] = ()  #: of them: rows and columns of each

    def size(self, bytes_a_value: int, weights: Weights) -> int:
        """Bytes. In 8 bits a matrix takes one for each value, and a scale for each row, of float32 in FP8."""
        short = [shape for shape in self.matrices if is_short(shape, weights)]
        values, rows = sum(map(prod, short)), sum(rows for rows, _ in short)
        return (self.values - values) * bytes_a_value + values + rows * (4 if weights == "fp8" else bytes_a_value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """Numbers of values that an edit uses, by part."""

    transformer: int
    modulation: int  #: of the transformer's
    blocks: int  #: how many the transformer has
    block: Layer  #: each of them
    level: int  #: what the modulation weights give for one noise level, references apart
    text_encoder: int  #: without its language head
    layers: tuple[Layer, ...]  #: the text encoder's, of pictures and of words
    words: int  #: of its table of words
    autoencoder: int  #: of the kernels' three moments the last: pictures are single frames


_OF_PICTURES = Layer(values=19_702_200, matrices=((3840, 1280), (1280, 1280), *2 * [(3420, 1280)], (1280, 3420)))
_OF_WORDS = Layer(values=233_057_792, matrices=(*2 * [(3584, 3584), (512, 3584)], *2 * [(18944, 3584)], (3584, 18944)))
#: Qwen-Image-Edit, -2509 and -2511 are alike
PUBLISHED = Sizes(
    transformer=20_430_401_088,
    modulation=6_796_984_320,
    blocks=60,
    block=Layer(values=226_548_224, matrices=(*8 * [(3072, 3072)], *2 * [(12288, 3072), (3072, 12288)])),
    level=3_317_760,
    text_encoder=7_747_169_280,
    layers=32 * (_OF_PICTURES,) + 28 * (_OF_WORDS,),
    words=544_997_376,
    autoencoder=44_599_603,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One way, and its bytes: of each part on the device, of host memory, and of what is carried between the two."""

    way: Way
    transformer: int
    text_encoder: int
    autoencoder: int
    places: int = 0  #: for what is streamed
    table: int  #: when it is full
    pictures: int = KEPT_OPENINGS + KEPT_LATENTS  #: what is kept of them, likewise
    working: int
    streamed_blocks: int = 0  #: a number
    host: int = 0
    carried_a_pass: int = 0  #: to the device, for each pass of the transformer: one a step, two with guidance
    carried_a_reading: int = 0  #: likewise, for each reading of the text encoder: pictures, prompt, negative prompt

    @property
    def weights(self) -> int:
        """On the device all the time."""
        return self.transformer + self.text_encoder + self.autoencoder

    @property
    def held(self) -> int:
        """On the device at most, but for what an edit works with."""
        return self.weights + self.places + self.table + self.pictures

    @property
    def total(self) -> int:
        """On the device at most."""
        return self.held + self.working


def plans(
    sizes: Sizes, *, bytes_a_value: int, pixels: int, budget: int | None = None, weights: Weights = "exact"
) -> list[Plan]:
    """Every way, the simplest first.

    bytes_a_value  2 for bfloat16, 4 for float32; of the weights in int8 it is what their scales have
    pixels         of the output and of all reference pictures together, as the network works on them
    budget         bytes on the device that the last way is cut to; None, or too few, streams every block
    """
    resident, table, encoder, *cut = every(sizes, bytes_a_value=bytes_a_value, pixels=pixels, weights=weights)
    return [resident, table, encoder, next((plan for plan in cut if plan.total <= (budget or 0)), cut[-1])]


def every(sizes: Sizes, *, bytes_a_value: int, pixels: int, weights: Weights = "exact") -> list[Plan]:
    """Likewise, and of the last way one plan for each number of blocks."""
    block = sizes.block.size(bytes_a_value, weights)
    layers = [layer.size(bytes_a_value, weights) for layer in sizes.layers]
    in_blocks, in_layers = sizes.blocks * sizes.block.values, sum(layer.values for layer in sizes.layers)
    largest = max((prod(shape) for layer in (sizes.block, *sizes.layers) for shape in layer.matrices), default=0)
    opened = largest * bytes_a_value if weights == "int8" else 0
    resident = Plan(
        way="resident",
        transformer=(sizes.transformer - in_blocks) * bytes_a_value + sizes.blocks * block,
        text_encoder=(sizes.text_encoder - in_layers) * bytes_a_value + sum(layers),
        autoencoder=sizes.autoencoder * bytes_a_value,
        table=KEPT_LEVELS * sizes.level * bytes_a_value,
        working=SPARE_BYTES + _bytes_a_pixel(bytes_a_value, weights) * pixels + opened,
    )
    table = replace(resident, way="table", transformer=resident.transformer - sizes.modulation * bytes_a_value)
    words = sizes.words * bytes_a_value
    encoder = replace(
        table,
        way="encoder",
        text_encoder=table.text_encoder - sum(layers) - words,
        places=PLACES * max(layers, default=0),
        host=words + sum(map(_page_locked, layers)),
        carried_a_reading=sum(layers),
    )
    cut = [_streaming(count, block, encoder) for count in range(sizes.blocks + 1)]
    return [resident, table, encoder, *cut]


def _streaming(count: int, block: int, encoder: Plan) -> Plan:
    """`count` blocks of `block` bytes streamed."""
    return replace(
        encoder,
        way="blocks",
        transformer=encoder.transformer - count * block,
        places=max(encoder.places, min(PLACES, count) * block),
        streamed_blocks=count,
        host=encoder.host + count * _page_locked(block),
        carried_a_pass=count * block,
    )


def _page_locked(size: int) -> int:
    """What `size` bytes take in page-locked host memory: torch gives powers of two."""
    return 1 << (size - 1).bit_length()


def choose(candidates: list[Plan], budget: int, host: int | None = None) -> Plan:
    """The simplest that fits into `budget` bytes of the device.

    Raises ConfigurationError where none does, or where it needs more than `host` bytes of host memory.
    """
    chosen = next((plan for plan in candidates if plan.total <= budget), None)
    if chosen is None:
        least = min(plan.total for plan in candidates)
        raise ConfigurationError(
            f"This checkpoint needs {least / GB:.1f} GB on the device, and {budget / GB:.1f} GB are free.",
            hint="`overpaint plan` shows the sum. Use a device with more memory, or --checkpoint mini.",
        )
    if host is not None and chosen.host > host:
        raise ConfigurationError(
            f"On this device the checkpoint needs {chosen.host / GB:.1f} GB of host memory, "
            f"and {host / GB:.1f} GB are free.",
            hint="`overpaint plan` shows the sum. Use a device or a machine with more memory, or --checkpoint mini.",
        )
    return chosen


def smaller(candidates: list[Plan], than: Plan, budget: int, host: int) -> Plan | None:
    """The simplest that fits of those that hold less on the device; where none fits, the one that holds least.

    None: none holds less and needs no more than `host` bytes of host memory.
    """
    left = [plan for plan in candidates if plan.held < than.held and plan.host <= host]
    return next((plan for plan in left if plan.total <= budget), min(left, key=lambda plan: plan.held, default=None))


def most_pixels(sizes: Sizes, *, bytes_a_value: int, weights: Weights, budget: int, host: int) -> int:
    """Of output and references together: as many as there is room for in the plan that holds least; reckoned."""
    ways = every(sizes, bytes_a_value=bytes_a_value, pixels=0, weights=weights)
    least = min(plan.total for plan in ways if plan.host <= host)
    return max(0, budget - least) // _bytes_a_pixel(bytes_a_value, weights)


def _bytes_a_pixel(bytes_a_value: int, weights: Weights) -> int:
    """What an edit works with. In FP8 an input of a product is there twice more: divided by its scales, and cast."""
    cast = CAST_VALUES_A_PIXEL * (bytes_a_value + 1) if weights == "fp8" else 0
    return WORKING_BYTES_A_PIXEL * bytes_a_value // 2 + cast


def measure(folder: Path) -> Sizes:
    """Sizes of a checkpoint on disk. Raises ConfigurationError when a file of weights is damaged."""
    transformer = dict(_shapes(folder / "transformer"))
    modulation = {key: shape for key, shape in transformer.items() if any(part in key for part in MODULATION)}
    blocks = _layers(transformer)
    encoder = {key: shape for key, shape in _shapes(folder / "text_encoder") if key != "lm_head.weight"}
    return Sizes(
        transformer=_values(transformer.values()),
        modulation=_values(modulation.values()),
        blocks=len(blocks),
        block=max(blocks, key=attrgetter("values"), default=Layer()),
        level=sum(
            prod(shape) * (2 if MODULATION[0] in key else 1)
            for key, shape in modulation.items()
            if key.endswith(".bias")
        ),
        text_encoder=_values(encoder.values()),
        layers=tuple(_layers(encoder)),
        words=_values(shape for key, shape in encoder.items() if key.endswith("embed_tokens.weight")),
        autoencoder=_values(shape for key, shape in _shapes(folder / "vae") if "time_conv" not in key),
    )


def _layers(shapes: Mapping[str, Sequence[int]]) -> list[Layer]:
    """The repeated layers or blocks of a component, modulation apart, from the shapes of its tensors."""
    found: defaultdict[str, list[Sequence[int]]] = defaultdict(list)
    for key, shape in shapes.items():
        if layer := layer_of(key):
            found[layer].append(shape)
    return [
        Layer(values=_values(parts), matrices=tuple((shape[0], shape[1]) for shape in parts if len(shape) == 2))
        for parts in found.values()
    ]


def layer_of(key: str) -> str | None:
    """The repeated layer or block that a tensor or module of this name is in; None of modulation."""
    found = _LAYER.match(key)
    return found[0] if found and not any(part in f"{key}." for part in MODULATION) else None


def is_short(shape: Sequence[int], weights: Weights) -> bool:
    """Whether a matrix of this shape, in a repeated layer, is held in 8 bits."""
    return weights == "int8" or (weights == "fp8" and all(side % FP8_MULTIPLE == 0 for side in shape))


def _values(shapes: Iterable[Sequence[int]]) -> int:
    return sum(map(prod, shapes))


def _shapes(folder: Path) -> Iterator[tuple[str, list[int]]]:
    """(key, shape) of a component's tensors; of kernels over time, one moment's."""
    for path in sorted(folder.glob("*.safetensors")):
        for key, stored in _header(path).items():
            shape = stored["shape"]
            yield key, [*shape[:2], *shape[3:]] if len(shape) == 5 and folder.name == "vae" else shape


def _header(path: Path) -> dict[str, Any]:
    """A safetensors file begins with the length of its header (8 bytes, little-endian) and the header, JSON."""
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            header = json.loads(file.read(length))
        header.pop("__metadata__", None)
        return dict(header)
    except (AttributeError, MemoryError, OverflowError, ValueError, struct.error):
        raise ConfigurationError(f"{path.parent.name}: {path.name} is damaged.", hint="Pull it again.") from None
