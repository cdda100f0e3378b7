"""What a checkpoint needs of a device's memory, and which way of holding its weights fits: arithmetic, no torch.

Both ways give the same picture. `resident` keeps every weight that an edit uses on the device. `table` leaves the
modulation weights in their files: what they give depends on the noise level alone, so it is computed once for each
schedule and kept in a table (see `model/levels.py`). Sizes come from the headers of the checkpoint's own files.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path
from typing import Any, Literal

from overpaint.errors import ConfigurationError

Way = Literal["resident", "table"]
GB = 1e9
MODULATION = (".img_mod.", ".txt_mod.")
KEPT_LEVELS = 128  #: of the table: the longest schedule, or three usual ones
WORKING_BYTES_A_PIXEL = 1100  #: of output and references together, bfloat16: 2.3 GB for 1 Mpx made from 1 Mpx; reckoned


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """Numbers of values that an edit uses, by part."""

    transformer: int
    modulation: int  #: of the transformer's
    level: int  #: what the modulation weights give for one noise level, references apart
    text_encoder: int  #: without its language head
    autoencoder: int  #: of the kernels' three moments the last: pictures are single frames


#: Qwen-Image-Edit, -2509 and -2511 are alike
PUBLISHED = Sizes(
    transformer=20_430_401_088,
    modulation=6_796_984_320,
    level=3_317_760,
    text_encoder=7_747_169_280,
    autoencoder=44_599_603,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One way, and the bytes that each part takes on the device."""

    way: Way
    transformer: int
    text_encoder: int
    autoencoder: int
    table: int  #: when it is full
    working: int

    @property
    def weights(self) -> int:
        return self.transformer + self.text_encoder + self.autoencoder

    @property
    def total(self) -> int:
        return self.weights + self.table + self.working


def plans(sizes: Sizes, *, bytes_a_value: int, pixels: int) -> list[Plan]:
    """Every way, the simplest first.

    bytes_a_value  2 for bfloat16, 4 for float32
    pixels         of the output and of all reference pictures together, as the network works on them
    """
    resident = Plan(
        way="resident",
        transformer=sizes.transformer * bytes_a_value,
        text_encoder=sizes.text_encoder * bytes_a_value,
        autoencoder=sizes.autoencoder * bytes_a_value,
        table=KEPT_LEVELS * sizes.level * bytes_a_value,
        working=WORKING_BYTES_A_PIXEL * pixels * bytes_a_value // 2,
    )
    without = resident.transformer - sizes.modulation * bytes_a_value
    return [resident, replace(resident, way="table", transformer=without)]


def choose(candidates: list[Plan], budget: int) -> Plan:
    """The simplest that fits into `budget` bytes. Raises ConfigurationError where none does."""
    for plan in candidates:
        if plan.total <= budget:
            return plan
    least = min(plan.total for plan in candidates)
    raise ConfigurationError(
        f"This checkpoint needs {least / GB:.1f} GB on the device, and {budget / GB:.1f} GB are free.",
        hint="`overpaint plan` shows the sum. Use a device with more memory, or --checkpoint mini.",
    )


def measure(folder: Path) -> Sizes:
    """Sizes of a checkpoint on disk. Raises ConfigurationError when a file of weights is damaged."""
    transformer = dict(_values(folder / "transformer"))
    modulation = {key: count for key, count in transformer.items() if any(part in key for part in MODULATION)}
    given = {key: count for key, count in modulation.items() if key.endswith(".bias")}
    return Sizes(
        transformer=sum(transformer.values()),
        modulation=sum(modulation.values()),
        level=sum(count * (2 if MODULATION[0] in key else 1) for key, count in given.items()),
        text_encoder=sum(count for key, count in _values(folder / "text_encoder") if key != "lm_head.weight"),
        autoencoder=sum(count for key, count in _values(folder / "vae") if "time_conv" not in key),
    )


def _values(folder: Path) -> Iterator[tuple[str, int]]:
    """(key, number of values) of a component's tensors; of kernels over time, one moment's."""
    for path in sorted(folder.glob("*.safetensors")):
        for key, stored in _header(path).items():
            shape = stored["shape"]
            yield key, prod(shape) // (shape[2] if len(shape) == 5 and folder.name == "vae" else 1)


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
