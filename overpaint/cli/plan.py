"""`overpaint plan`: what a checkpoint needs of a card's memory, and which way of holding it fits."""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from overpaint.cli.talk import WrongUsage, answer, answer_json, answer_table

if TYPE_CHECKING:
    from overpaint.plan import Plan

UNITS = {"": 1, "B": 1, "MB": 10**6, "GB": 10**9, "MIB": 2**20, "GIB": 2**30}
OFFICIAL = ("Qwen/Qwen-Image-Edit", "Qwen/Qwen-Image-Edit-2509", "Qwen/Qwen-Image-Edit-2511")
MEGAPIXEL = 1024**2


def plan(
    *,
    checkpoint: str = "mini",
    vram: str | None = None,
    pictures: int = 1,
    weights: Literal["exact", "int8", "fp8"] = "exact",
    json: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Say what a checkpoint needs of a GPU's memory, in bfloat16, and how it would be held there.

    Arithmetic from the sizes in the checkpoint's files, as the server reckons when it loads; no GPU is needed.

    Args:
        checkpoint: mini, a folder, or a hub id. The official ones need not have been pulled.
        vram: Free memory of the card, such as 24GiB.
        pictures: Reference pictures of an edit, to see what it would need. The server itself reckons with one.
        weights: exact; int8 or fp8: half of it, as OVERPAINT_WEIGHTS has a server hold them.
        json: Print a JSON array, sizes in bytes.
    """
    from overpaint import catalog, hub, plan

    if checkpoint in OFFICIAL:
        sizes, native = plan.PUBLISHED, MEGAPIXEL
    else:
        known = catalog.read(hub.locate(checkpoint, offline=True))
        sizes, native = plan.measure(known.folder), known.native_pixels
    budget = None if vram is None else _bytes(vram)
    ways = plan.plans(sizes, bytes_a_value=2, pixels=(1 + pictures) * native, budget=budget, weights=weights)
    if json:
        answer_json([asdict(way) | {"total": way.total, "fits": budget is None or way.total <= budget} for way in ways])
        return
    columns = [_column(way) for way in ways]
    answer_table(
        ("GB", *(way.way for way in ways)),
        [
            *((name, *(f"{column[name] / plan.GB:.2f}" for column in columns)) for name in columns[0]),
            ("blocks streamed", *(f"{way.streamed_blocks} of {sizes.blocks}" for way in ways)),
        ],
    )
    if budget is not None:
        chosen = plan.choose(ways, budget)
        streamed = f", {chosen.streamed_blocks} of {sizes.blocks} streamed" if chosen.streamed_blocks else ""
        answer(f"\n{vram}: {chosen.way}{streamed}")


def _column(way: Plan) -> dict[str, int]:
    return {
        "transformer": way.transformer,
        "text encoder": way.text_encoder,
        "autoencoder": way.autoencoder,
        "places for what is streamed": way.places,
        "table of levels": way.table,
        "kept of pictures": way.pictures,
        "working memory, reckoned": way.working,
        "on the card at most": way.total,
        "in host memory": way.host,
        "carried for each pass": way.carried_a_pass,
        "carried for each reading": way.carried_a_reading,
    }


def _bytes(text: str) -> int:
    """ "24GiB" -> its bytes. Raises WrongUsage."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*", text)
    if match is None or match[2].upper() not in UNITS:
        raise WrongUsage(problem=f"--vram {text!r} is not a size such as 24GiB")
    return int(float(match[1]) * UNITS[match[2].upper()])
