"""Scenes: only the edited layer changes, signs say what was asked, and nothing held out is ever asked for."""

from __future__ import annotations

import random
import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from training.heldout import scenes as held
from training.phrases import chinese_scenes, english_scenes
from training.prompts import LANGUAGES, plain
from training.scenes import fonts, words
from training.scenes.asking import HELD, Asking
from training.scenes.feed import FALLEN, Drawer
from training.scenes.plans import COURSES, TEXTS, Asked, Plan, Planner
from training.scenes.scene import Backdrop, Board, Scene, Text, Thing, layer, render, touched
from training.scenes.weather import TILE, WEATHER, fallen, pattern

LOCAL = ("recolour", "remove", "add", "background", *TEXTS)
FAMILIES = (*LOCAL, *WEATHER)
pytestmark = pytest.mark.usefixtures("some_letters")


def photos() -> list[Image.Image]:
    noise = np.random.default_rng(0).integers(0, 256, (300, 400, 3), dtype=np.uint8)
    return [Image.fromarray(noise).resize((400, 300), Image.Resampling.BICUBIC)]


def plans(family: str, count: int = 12, course: str = "all", absent: float = 0.0, seed: int = 7) -> list[Plan]:
    planner = Planner(replace(COURSES[course], absent=absent), 256, 256, random.Random(f"{seed} {family}"))
    return [planner.plan(family) for _ in range(count)]


@pytest.mark.parametrize("family", LOCAL)
def test_pixels_outside_the_edited_layer_stay_the_same_to_the_bit(family: str) -> None:
    sources = photos()
    for plan in plans(family):
        before, after = render(plan.before, sources), render(plan.after, sources)
        differs = (before != after).any(0).numpy()
        mask = touched(plan.before, plan.after)
        assert not (differs & ~mask).any()
        assert differs.sum() > 30, "nothing to see"
        assert mask.mean() < 0.45 or family == "background"


def test_a_new_background_leaves_every_sticker_and_changes_all_else() -> None:
    for plan in plans("background"):
        after = render(plan.after, photos())
        asked = words.COLOURS[plan.asked.colour][0]
        covered = np.zeros((256, 256), dtype=bool)
        for part in plan.after.parts:
            covered |= layer(part, 256, 256)[0][..., 0] > 0
        for channel, value in enumerate(asked):
            assert (after[channel].numpy()[~covered] == round(value * 255)).all()


def test_weather_is_the_same_every_time_and_seen_everywhere() -> None:
    for name, edit in WEATHER.items():
        picture = torch.rand(3, 128, 192, generator=torch.Generator().manual_seed(1))
        assert torch.equal(edit(picture), edit(picture)) and edit(picture).min() >= 0 and edit(picture).max() <= 1.06
        assert (edit(picture) - picture).abs().mean() > 0.1
        middle = fallen(name, picture)[64 : 64 + TILE, 96 : 96 + TILE]
        assert torch.equal(middle, pattern(name)), "anchored in the middle"
        assert 0.03 < (middle > 0.3).float().mean() < 0.3


def test_a_recoloured_thing_changes_in_nothing_but_colour_and_is_the_one_named() -> None:
    for plan in plans("recolour", 60):
        (old,), (new,) = ({*a.parts} - {*b.parts} for a, b in ((plan.before, plan.after), (plan.after, plan.before)))
        assert isinstance(new, Thing) and old == plan.asked.thing and new == replace(old, colour=plan.asked.colour)
        alike = [part for part in plan.before.parts if isinstance(part, Thing) and part.shape == old.shape]
        assert plan.asked.is_one_of_many == (len(alike) > 1)
        assert len({part.colour for part in alike}) == len(alike), "two things that no words tell apart"


def test_what_is_added_stands_free_in_the_place_named() -> None:
    for plan in plans("add", 60):
        (new,) = {*plan.after.parts} - {*plan.before.parts}
        assert isinstance(new, Thing) and (new.x * 3 // 256, new.y * 3 // 256) == (
            plan.asked.place % 3,
            plan.asked.place // 3,
        )
        mine = layer(new, 256, 256)[0] > 0
        assert not any((mine & (layer(part, 256, 256)[0] > 0)).any() for part in plan.before.parts), "on top of others"


def test_a_translated_sign_says_the_listed_word_in_the_same_place_size_colour_and_typeface() -> None:
    for plan in plans("translate", 60):
        (old,), (new,) = ({*a.parts} - {*b.parts} for a, b in ((plan.before, plan.after), (plan.after, plan.before)))
        assert isinstance(old, Text) and isinstance(new, Text)
        assert (old.text, new.text) in words.SIGNS.items() or (new.text, old.text) in words.SIGNS.items()
        assert replace(new, text=old.text) == old and plan.asked.text == ""


@pytest.mark.parametrize("course", COURSES)
def test_texts_are_of_the_alphabet_on_their_board_and_never_held_out(course: str) -> None:
    for plan in plans("text", 300, course):
        (board,) = (part for part in plan.before.parts if isinstance(part, Board))
        shown = [part for scene in (plan.before, plan.after) for part in scene.parts if isinstance(part, Text)]
        assert shown[1].text == plan.asked.text != shown[0].text
        for text in shown:
            writing = fonts.script(text.text)
            assert {*text.text} <= {*(words.LATIN if writing == "latin" else words.HAN)}
            assert 1 <= len(text.text) <= min(words.LONGEST[writing], COURSES[course].longest)
            assert text.text not in held.STRINGS and text.height >= 24
            covers = layer(text, 256, 256)[0]
            assert covers.sum() > 20 and not (covers > layer(board, 256, 256)[0]).any(), "ink beside the board"


def test_the_alphabet_and_the_vocabulary_are_as_stated() -> None:
    assert len(words.LATIN) == len({*words.LATIN}) == 36 and len(words.HAN) == len({*words.HAN}) >= 100
    assert len(words.SIGNS) == len(words.BACK) >= 30
    for english, chinese in words.SIGNS.items():
        assert {*english} <= {*words.LATIN} and len(english) <= 8 and {*chinese} <= {*words.HAN} and len(chinese) <= 4
    for text in held.STRINGS:
        assert {*text} <= {*(words.LATIN if text.isascii() else words.HAN)}
        assert len(text) <= words.LONGEST[fonts.script(text)] and text not in {*words.SIGNS, *words.BACK}
    assert min(sum(map(str.isascii, held.STRINGS)), sum(not t.isascii() for t in held.STRINGS)) >= 20


@pytest.mark.skipif(not fonts.FOLDER.exists(), reason="the fonts are not in the repository")
def test_every_typeface_draws_every_character_and_no_two_alike() -> None:
    for typeface in fonts.TYPEFACES:
        for letters in (words.LATIN, words.HAN):
            drawn = {fonts.mask(letter, typeface, 48, 200).tobytes() for letter in letters}
            assert len(drawn) == len(letters), f"{typeface} has no glyph for some"


def test_a_long_text_is_squeezed_to_its_room() -> None:
    assert fonts.mask("WWWWWWWW", "sans", 40, 120).shape == (80, 120)


def test_only_what_is_not_there_may_be_asked_for_in_vain() -> None:
    for family in ("recolour", "remove", "text", "translate"):
        for plan in plans(family, absent=1.0):
            assert plan.family == "keep" and plan.before == plan.after
            if plan.asked.thing:
                assert plan.asked.thing.shape not in {getattr(part, "shape", "") for part in plan.before.parts}
            else:
                assert not any(isinstance(part, Board) for part in plan.before.parts)


def test_held_out_sentences_are_never_made_and_everyday_ones_are() -> None:
    asking, rng = Asking(random.Random(3)), random.Random(4)
    for family in FAMILIES:
        for language in LANGUAGES:
            made = {plain(asking._sentence(family, language)) for _ in range(1500)}
            assert {plain(line) for line in held.EVERYDAY[family][language]} <= made
            for plan in plans(family, 3, seed=rng.random()):
                for _ in range(30):
                    prompt = asking.prompt(plan.asked, language)
                    assert not re.search(r"[{}]|  |^ | $", prompt.strip(" ")), prompt
                    if language == "zh":
                        assert re.search("[一-鿿]", prompt), prompt
    tables = held.EVERYDAY, held.HELDOUT, held.FRESH
    assert all([*table] == [*english_scenes.PHRASES] == [*chinese_scenes.PHRASES] for table in tables)
    lines = [plain(s) for table in tables for texts in table.values() for two in texts.values() for s in two]
    assert len(lines) == len({*lines})


def test_a_held_out_sentence_is_drawn_again(monkeypatch: pytest.MonkeyPatch) -> None:
    asking = Asking(random.Random(0))
    drawn = iter(["Make {t} go  away!", "please make {t} go away.", "remove {t}"])
    monkeypatch.setattr(asking, "_sentence", lambda family, language: next(drawn))
    assert plain("please make {t} go away") in HELD
    assert "go" in asking.prompt(Asked("remove", plans("remove")[0].asked.thing), "en").lower()
    assert asking.prompt(Asked("remove", plans("remove")[0].asked.thing), "en").lower().startswith("remove")


@pytest.mark.parametrize(
    ("family", "asked"),
    [
        ("recolour", "make the (red )?square blue"),
        ("recolour", "把(红色?的?)?(圆形|圆|圆圈)变成绿色"),
        ("add", "add a blue star (in the top left corner|at the top left|in the upper left)"),
        ("text", 'change the text to "OPEN"'),
        ("text", "把文字改成“营业”"),
    ],
)
def test_the_grammar_says_what_people_say(family: str, asked: str) -> None:
    looks = {"recolour": ("square", "red", "blue"), "add": ("star", "blue", "")}.get(family, ("", "", ""))
    language = "en" if asked.isascii() else "zh"
    if language == "zh" and family == "recolour":
        looks = ("circle", "red", "green")
    thing = Thing(looks[0], looks[1], 0, 0, 9) if looks[0] else None
    what = Asked(family, thing, family == "add", looks[2], 0, "OPEN" if language == "en" else "营业", "sign")
    asking = Asking(random.Random(1))
    assert any(re.fullmatch(asked, asking.prompt(what, language), re.IGNORECASE) for _ in range(4000))


def test_the_same_seed_draws_the_same_and_weather_is_never_asked_for_in_vain() -> None:
    first, second = (Drawer("all", 256, 256, seed=5) for _ in range(2))
    drawn = [first.draw() for _ in range(400)]
    assert drawn == [second.draw() for _ in range(400)]
    assert {*FAMILIES} <= {plan.family for plan, _ in drawn}
    vain = [prompt for plan, prompt in drawn if plan.asked.family == "unknown"]
    assert vain and not any(FALLEN.search(prompt.lower()) for prompt in vain)


def test_a_scene_is_drawn_in_other_shapes_too() -> None:
    drawer = Drawer("all", 320, 224, seed=2)
    for plan, _ in [drawer.draw() for _ in range(15)]:
        assert render(plan.after, photos()).shape == (3, 224, 320)
    plain_scene = Scene(64, 32, Backdrop(colours=((1, 0, 0),)))
    assert render(plain_scene, [])[0].min() == 255
