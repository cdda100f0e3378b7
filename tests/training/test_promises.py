"""What the card of `mini` promises holds: one unseen sentence and a held-out photograph for every family.

A change of the engine that breaks the shipped checkpoint fails here, whatever it does to parity.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from overpaint.model import load_editor
from training import edits
from training.heldout import EVERYDAY, FRESH, HELDOUT
from training.judge import Judge, bar, decibels, mse, ratio

CAT = Path(__file__).parents[2] / "examples" / "cat.jpg"  # held out


@pytest.fixture(scope="module")
def judge() -> Judge:
    return Judge(load_editor("mini", device="cpu"), {"cat": Image.open(CAT).convert("RGB")})


@pytest.mark.parametrize("family", [name for name in edits.OFFERED if name != "oil"])  # the card does not promise it
def test_a_sentence_gives_the_edit_it_asks_for(judge: Judge, family: str) -> None:
    language = ("en", "zh")[edits.OFFERED.index(family) % 2]
    sentences = EVERYDAY if family in edits.STRENGTHS else FRESH  # of strengths the card promises less
    judged = judge.judge("cat", family, sentences[family][language][0], seed=1)
    assert judged.nearest == family
    assert ratio([judged]) < bar(family)


@pytest.mark.parametrize("prompt", [HELDOUT["keep"]["en"][0], HELDOUT["keep"]["zh"][0], "mirror it"])
def test_nothing_asked_changes_nothing(judge: Judge, prompt: str) -> None:
    assert decibels(mse(judge.make("cat", prompt, seed=1), judge.pixels["cat"])) > 26
