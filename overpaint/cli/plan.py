"""`overpaint plan`: what a checkpoint needs of a card's memory, and which way of holding it fits."""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import Annotated

from cyclopts import Parameter

from overpaint.cli.talk import WrongUsage, answer, answer_json, answer_table

UNITS = {"": 1, "B": 1, "MB": 10**6, "GB": 10**9, "MIB": 2**20, "GIB": 2**30}
OFFICIAL = ("Qwen/Qwen-Image-Edit", "Qwen/Qwen-Image-Edit-2509", "Qwen/Qwen-Image-Edit-2511")
MEGAPIXEL = 1024**2


def plan(
    *,
    checkpoint: str = "mini",
    vram: str | None = None,
    pictures: int = 1,
    json: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Say what a checkpoint needs of a GPU's memory, in bfloat16, and how it would be held there.

    Arithmetic from the sizes in the checkpoint's files, as the server reckons when it loads; no GPU is needed.

    Args:
        checkpoint: mini, a folder, or a hub id. The official ones need not have been pulled.
        vram: Free memory of the card, such as 24GiB.
        pictures: Reference pictures of the largest edit.
        json: Print a JSON array, sizes in bytes.
    """
    from overpaint import catalog, hub, plan

    if checkpoint in OFFICIAL:
        sizes, native = plan.PUBLISHED, MEGAPIXEL
    else:
        known = catalog.read(hub.locate(checkpoint, offline=True))
        sizes, native = plan.measure(known.folder), known.native_pixels
    ways = plan.plans(sizes, bytes_a_value=2, pixels=(1 + pictures) * native)
    budget = None if vram is None else _bytes(vram)
    if json:
        answer_json([asdict(way) | {"total": way.total, "fits": budget is None or way.total <= budget} for way in ways])
        return
    rows = {
        "transformer": "transformer",
        "text encoder": "text_encoder",
        "autoencoder": "autoencoder",
        f"table of {plan.KEPT_LEVELS} levels": "table",
        "working memory, reckoned": "working",
        "in all": "total",
    }
    answer_table(
        ("GB", *(way.way for way in ways)),
        [(name, *(f"{getattr(way, field) / plan.GB:.2f}" for way in ways)) for name, field in rows.items()],
    )
    if budget is not None:
        answer(f"\n{vram}: {plan.choose(ways, budget).way}")


def _bytes(text: str) -> int:
    """ "24GiB" -> its bytes. Raises WrongUsage."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*", text)
    if match is None or match[2].upper() not in UNITS:
        raise WrongUsage(problem=f"--vram {text!r} is not a size such as 24GiB")
    return int(float(match[1]) * UNITS[match[2].upper()])
