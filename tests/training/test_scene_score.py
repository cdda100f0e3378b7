"""The score of scenes: full marks for the true picture, none for the unchanged one, and the outside is looked at."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec

import pytest
import torch
from PIL import Image
from torch import Tensor

from training import crops
from training.heldout import scenes as held
from training.prompts import LANGUAGES
from training.scenes import fonts, reader, score, words
from training.scenes.plans import TEXTS
from training.scenes.rivals import rivals
from training.scenes.scene import Text, render, touched
from training.scenes.score import OUTSIDE, Case, Judge, JudgedScene, cases
from training.scenes.weather import WEATHER

FAMILIES = tuple(held.HELDOUT)
PHOTOS = [Image.merge("RGB", [Image.radial_gradient("L"), *[Image.linear_gradient("L")] * 2]).resize((400, 300))]
COUNT = 2
pytestmark = pytest.mark.usefixtures("some_letters")


def before(case: Case) -> Tensor:
    return render(case.plan.before, PHOTOS) / 255


def true(case: Case) -> Tensor:
    return render(case.plan.after, PHOTOS) / 255


def back(picture: Tensor) -> Tensor:
    """As an autoencoder would give it: some noise everywhere."""
    return (picture + 0.005 * torch.randn(picture.shape, generator=torch.Generator().manual_seed(1))).clamp(0, 1)


def spoilt(case: Case) -> Tensor:
    """What was asked, and all else a little brighter."""
    outside = torch.from_numpy(~touched(case.plan.before, case.plan.after))
    return (true(case) + 0.05 * outside).clamp(0, 1)


def told(*listed: Case) -> Callable[[Image.Image], str]:
    """A reader who knows the true signs by heart."""
    heart = {
        reader.line(crops.to_image(true(case)), case.plan.before).tobytes(): written(case)
        for case in listed
        if case.plan.family in TEXTS
    }
    return lambda line: heart.get(line.tobytes(), "?")


def written(case: Case) -> str:
    return next((part.text for part in case.plan.after.parts if isinstance(part, Text)), "")


def judged(family: str, make: Callable[[Case], Tensor]) -> list[JudgedScene]:
    listed = cases(family, "en", COUNT)
    judge = Judge(lambda case, _: make(case), back, PHOTOS, told(*listed))
    return [judge.judge(case) for case in listed]


@pytest.mark.parametrize("family", FAMILIES)
def test_the_true_picture_has_full_marks(family: str) -> None:
    rows = judged(family, true)
    assert all(row.error == 0 and row.nearest == "asked" and row.unchanged > 0 for row in rows)
    assert -0.05 < score.ratio(rows) <= 0, "nothing but the round trip, which is subtracted"
    assert score.outside(rows) == (None if family in WEATHER else 0.0)
    assert [row.sign and row.sign.made == row.sign.true == row.sign.says for row in rows] == [
        True if family in TEXTS else None
    ] * COUNT


@pytest.mark.parametrize("family", FAMILIES)
def test_the_unchanged_picture_has_none(family: str) -> None:
    rows = judged(family, before)
    assert 0.95 < score.ratio(rows) <= 1, "the round trip is subtracted"
    assert all(row.nearest == "unchanged" for row in rows)
    assert not any(row.sign and row.sign.made == row.sign.says for row in rows)


@pytest.mark.parametrize("family", [family for family in FAMILIES if family not in WEATHER])
def test_what_is_spoilt_outside_the_edit_is_seen(family: str) -> None:
    rows = judged(family, spoilt)
    assert all(row.nearest == "asked" for row in rows)
    assert (score.outside(rows) or 0) > OUTSIDE and "(!)" in score.row(family, "en", rows)
    assert score.outside(judged(family, lambda case: back(true(case)))) == pytest.approx(1)


def test_the_tables_have_a_row_for_every_family_and_language_and_say_what_the_reader_is_worth() -> None:
    listed = [case for family in FAMILIES for language in LANGUAGES for case in cases(family, language, 1)]
    lines = list(score.table(Judge(lambda case, _: true(case), back, PHOTOS, told(*listed)), 1))
    rows = [line.split(" | ") for line in lines[2 : 2 + 2 * len(FAMILIES)]]
    assert [(row[0][2:], row[1]) for row in rows] == [(family, which) for family in FAMILIES for which in LANGUAGES]
    assert all(row[7] == "100 %" and row[9][:-2] == ("100 %" if row[0][2:] in TEXTS else "–") for row in rows)
    assert lines[2 + len(rows)] == ""
    assert all("| 100 % | 0 % | 100 % |" in line for line in lines[5 + len(rows) :])


def test_without_a_reader_no_strings_are_read() -> None:
    judge = Judge(lambda case, _: true(case), back, PHOTOS)
    rows = [judge.judge(case) for case in cases("text", "zh", 1)]
    assert rows[0].sign is None and score.row("text", "zh", rows).endswith("| – |")


def test_cases_are_the_same_every_time_and_held_out() -> None:
    for family in FAMILIES:
        assert cases(family, "zh", 3) == cases(family, "zh", 3) != cases(family, "en", 3)
    for language in LANGUAGES:
        drawn = cases("text", language, 30)
        assert {written(case) for case in drawn} <= held.STRINGS
        assert all(case.plan.family == "text" and "{" not in case.prompt for case in drawn)
        assert {written(case).isascii() for case in drawn} == {True, False}
    assert {written(case) for case in cases("translate", "en", 30)} <= {*words.SIGNS, *words.BACK}


@pytest.mark.parametrize("family", FAMILIES)
def test_no_two_rivals_look_alike(family: str) -> None:
    for case in cases(family, "zh", 4):
        scenes = rivals(case.plan)
        assert len(scenes) >= 4
        assert len({render(scene, PHOTOS).numpy().tobytes() for scene in scenes.values()}) == len(scenes)


@pytest.mark.skipif(not fonts.FOLDER.exists(), reason="the fonts are not in the repository")
def test_the_sheet_has_a_row_for_every_family() -> None:
    page = score.sheet(Judge(lambda case, _: true(case), back, PHOTOS), side=40)
    assert page.size == (8 * 48, len(FAMILIES) * 48)


@pytest.mark.skipif(not fonts.FOLDER.exists(), reason="the fonts are not in the repository")
@pytest.mark.skipif(find_spec("rapidocr_onnxruntime") is None, reason="the reader is of the group training")
def test_the_reader_reads_true_signs_in_both_scripts() -> None:
    read, drawn = reader.load(), cases("text", "en", 20)
    right = [read(reader.line(crops.to_image(true(case)), case.plan.before)) == written(case) for case in drawn]
    assert sum(right) >= 16
