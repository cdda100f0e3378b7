"""The grammar: every family in both languages, degrees to their strengths, nothing twice and nothing held out."""

from __future__ import annotations

import random
import re
from collections import Counter

import pytest

from training.edits import EDITS
from training.phrases import chinese, english
from training.prompts import (
    FRAMES,
    GRADED,
    HELD,
    LANGUAGES,
    STRENGTHS,
    VOCABULARY,
    WEIGHTS,
    Grammar,
    plain,
    typo,
)
from training.stages import meant

SLIGHTLY = re.compile(
    r"\b(slight|slightly|gently|subtly|subtle|somewhat|a (tiny |wee |little )?bit|a (little|touch|tad|notch|hint))\b"
    r"|一点|一些|稍|略|微|[^热]些"
)
MUCH = re.compile(
    r"\b((?<!too )much|a lot|way|far|extremely|strongly|significantly|dramatically|massively|drastically|super)\b"
    r"|很多|许多|大幅|非常|特别|得多|极其|十分"
)


@pytest.fixture(scope="module")
def drawn() -> dict[tuple[str, str], list[str]]:
    """Many prompts of every family in every language."""
    grammar = Grammar(seed=2)
    return {
        (family, language): [grammar.prompt(family, language) for _ in range(1200)]
        for family in WEIGHTS
        if family != "blank"
        for language in LANGUAGES
    }


def test_there_is_a_weight_for_every_edit_and_every_family_is_drawn() -> None:
    assert set(WEIGHTS) == {*EDITS, "unknown", "blank"}
    grammar = Grammar(seed=1)
    assert {grammar.draw()[0] for _ in range(20_000)} == set(WEIGHTS)


def test_only_the_families_asked_for_are_drawn() -> None:
    grammar = Grammar(seed=1)
    counts = Counter(grammar.draw({"mirror": 3, "unknown": 1})[0] for _ in range(2000))
    assert set(counts) == {"mirror", "unknown"}
    assert 2 < counts["mirror"] / counts["unknown"] < 4


def test_grammar_is_seeded() -> None:
    assert [Grammar(3).draw() for _ in range(3)] == [Grammar(3).draw() for _ in range(3)]


def test_grammar_never_draws_a_held_out_sentence(drawn: dict[tuple[str, str], list[str]]) -> None:
    assert not {plain(prompt) for prompts in drawn.values() for prompt in prompts} & HELD


def test_no_prompt_asks_for_two_pictures(drawn: dict[tuple[str, str], list[str]]) -> None:
    meaning: dict[str, str] = {}
    for (family, _), prompts in drawn.items():
        target = meant(family)
        for prompt in prompts:
            assert meaning.setdefault(plain(prompt), target) == target, f"{prompt!r} means two things"


def test_prompts_are_filled_and_in_their_language(drawn: dict[tuple[str, str], list[str]]) -> None:
    for (family, language), prompts in drawn.items():
        assert not [prompt for prompt in prompts if "{" in prompt or "  " in prompt or not prompt]
        if language == "en":
            assert not [prompt for prompt in prompts if re.search("[一-鿿]", prompt)]
        elif family != "unknown":
            assert all(re.search("[一-鿿]", prompt) for prompt in prompts)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_family_has_many_cores(language: str, drawn: dict[tuple[str, str], list[str]]) -> None:
    """Its own words, and the sentences they make when all objects are called alike."""
    shared = english if language == "en" else chinese
    objects = sorted({*shared.PICTURES, *shared.COLOURS}, key=len, reverse=True)
    for family in WEIGHTS:
        if family in ("unknown", "blank"):
            continue
        own = VOCABULARY[language][family]
        cores = {*own.phrases, *own.verbs, *own.adjectives, *own.nouns, *own.raised, *own.lowered}
        assert len(cores) >= 40 or family in STRENGTHS, (family, len(cores))
        assert len({re.sub("|".join(map(re.escape, objects)), "", p.lower()) for p in drawn[family, language]}) > 200


def test_words_of_degree_ask_for_the_strengths_and_for_nothing_else(drawn: dict[tuple[str, str], list[str]]) -> None:
    for family in GRADED:
        for language in LANGUAGES:
            for prompt in drawn[family, language]:
                assert not SLIGHTLY.search(prompt.lower()), (family, prompt)
                assert not MUCH.search(prompt.lower()), (family, prompt)
            assert not any(MUCH.search(prompt.lower()) for prompt in drawn[f"slightly {family}", language])
            assert not any(SLIGHTLY.search(prompt.lower()) for prompt in drawn[f"much {family}", language])


@pytest.mark.parametrize(
    ("asked", "family"),
    [
        ("太暗了，调亮一点", "slightly brighter"),
        ("太暗了，调更亮", "brighter"),
        ("大幅提高亮度", "much brighter"),
        ("rotate it (by )?90 degrees", "right"),
        ("add a frame", "frame white"),
        ("add a red border", "frame red"),
        ("加一个红色边框", "frame red"),
        ("mirror", "mirror"),
        ("add a purple (frame|border)", "unknown"),
        ("rotate .* 45 degrees", "unknown"),
        ("make (it|this) (red|green|blue|pink)", "unknown"),
    ],
)
def test_the_grammar_says(asked: str, family: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.prompts.WRITTEN_SHARE", 0.0)
    grammar, language = Grammar(seed=4), "en" if asked.isascii() else "zh"
    assert any(re.fullmatch(asked, grammar.prompt(family, language).lower()) for _ in range(150_000))


def test_a_frame_names_its_own_colour_and_no_other(drawn: dict[tuple[str, str], list[str]]) -> None:
    colours = {"white": "白", "black": "黑", "red": "红", "yellow": "黄", "green": "绿", "blue": "蓝"}
    for family in FRAMES:
        for colour, character in colours.items():
            if family != f"frame {colour}":
                assert not any(re.search(rf"\b{colour}\b", prompt.lower()) for prompt in drawn[family, "en"])
                assert not any(character in prompt for prompt in drawn[family, "zh"])


def test_a_typo_changes_one_long_word_only() -> None:
    rng = random.Random(0)
    for _ in range(200):
        make, it, word, now = typo("make it brighter now", rng).split()
        assert (make, it, now) == ("make", "it", "now")
        assert word[0] == "b" and word[-1] == "r"
