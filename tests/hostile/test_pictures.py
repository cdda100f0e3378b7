"""Over a thousand files that no honest caller sends: each decodes or is refused by name, and nothing falls over."""

from __future__ import annotations

import resource
import time
from collections import Counter
from collections.abc import Iterator

import pytest
import structlog.testing

from overpaint.errors import ImageResolutionTooHigh, InvalidImage, InvalidImageSize
from overpaint.images import header
from overpaint.images.sandbox import Sandbox
from tests.figures import IS_LONG, figures
from tests.hostile.corpus import DECODES, REFUSED, File, files

MAX_PIXELS = 40_000_000
MAX_RESIDENT_BYTES = 2**30
KINDS = ("truncated", "flipped", "bomb", "polyglot", "animated", "mode", "shape", "metadata", "disguised")


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    made = Sandbox(max_pixels=MAX_PIXELS)
    yield made
    made.close()


@pytest.fixture(scope="module")
def corpus() -> list[File]:
    made = list(files(flips=1000 if IS_LONG else 12))
    assert len(made) >= 1000
    assert {file.kind for file in made} == set(KINDS)
    return made


def _outcome(sandbox: Sandbox, file: File) -> str:
    """What became of it; any other error than the contract's fails the test with the file's name."""
    try:
        head = header.read(file.data, max_pixels=MAX_PIXELS)
    except (InvalidImage, ImageResolutionTooHigh, InvalidImageSize):
        return "refused at the header"
    try:
        image = sandbox.open_upright(file.data)
    except InvalidImage:
        return "refused at decoding"
    assert (image.mode, image.size) == ("RGB", (head.width, head.height)), file.name
    return "decoded"


def _peak(who: int = resource.RUSAGE_CHILDREN) -> int:
    """Bytes that the largest child so far, or this process, had resident."""
    return resource.getrusage(who).ru_maxrss * 1024


@pytest.mark.parametrize("kind", KINDS)
def test_every_file_decodes_or_is_refused_by_name(sandbox: Sandbox, corpus: list[File], kind: str) -> None:
    outcomes: Counter[str] = Counter()
    wrong: list[tuple[str, str]] = []
    slowest = (0.0, "")
    before = _peak()
    with structlog.testing.capture_logs() as lines:
        for file in (file for file in corpus if file.kind == kind):
            began = time.perf_counter()
            outcome = _outcome(sandbox, file)
            slowest = max(slowest, (time.perf_counter() - began, file.name))
            outcomes[outcome] += 1
            if (outcome == "decoded" and file.fate == REFUSED) or (outcome != "decoded" and file.fate == DECODES):
                wrong.append((file.name, outcome))
        sandbox.close()  # its children are counted once it has ended
    peak = _peak()
    figures(
        row=f"pictures, {kind}",
        files=outcomes.total(),
        **{name: outcomes[name] for name in ("refused at the header", "refused at decoding", "decoded")},
        peak_so_far=f"{peak / 2**20:.0f} MiB",
        slowest=f"{slowest[0]:.2f} s: {slowest[1]}",
        crashes=len(lines),
    )
    assert wrong == []
    assert lines == []  # a decoder that died would have left one
    # The children of other tests in this process count too, and each child with what this process had when it began.
    assert peak < max(MAX_RESIDENT_BYTES, before + 1, _peak(resource.RUSAGE_SELF) + 1)
