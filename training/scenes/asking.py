"""Sentences that ask for an edit of a scene, in English and Chinese: the grammar of `phrases/` with things to name.

Knows how what is asked becomes words. A sentence that is held out is never made, whatever thing, place or text it
names. Does not know pictures.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping

from training.heldout import scenes as held
from training.phrases import chinese, chinese_scenes, english, english_scenes
from training.prompts import EVERYDAY_SHARE, plain, typo
from training.scenes import words
from training.scenes.plans import Asked

HELD = {plain(s) for table in (held.HELDOUT, held.FRESH) for texts in table.values() for s in texts["en"] + texts["zh"]}
SLOT = re.compile(r"\{(\w+)\}")
LATIN_QUOTES = ('"{}"', '"{}"', '"{}"', "“{}”", "“{}”", "'{}'", "‘{}’")
HAN_QUOTES = ("“{}”", "“{}”", "“{}”", '"{}"', "「{}」", "‘{}’", "'{}'", "《{}》")


class Asking:
    """Draws from the random numbers it is given."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng

    def prompt(self, asked: Asked, language: str) -> str:
        while True:
            sentence = self._sentence(asked.family, language)
            if plain(sentence) not in HELD:
                return self.filled(sentence, asked, language)

    def filled(self, sentence: str, asked: Asked, language: str) -> str:
        """A sentence with slots, everyday or held out, naming what is asked."""
        names = self._names(asked, language)
        text = SLOT.sub(lambda match: names[match[1]], sentence)
        return text[:1].upper() + text[1:] if language == "en" and self.rng.random() < 0.4 else text

    def _sentence(self, family: str, language: str) -> str:
        """All but the names: those are still slots."""
        pick = self.rng.choice
        shared, own = (english, english_scenes) if language == "en" else (chinese, chinese_scenes)
        if self.rng.random() < EVERYDAY_SHARE:
            return pick(held.EVERYDAY[family][language])
        core = pick(own.PHRASES[family])
        text = SLOT.sub(lambda match: pick(own.SLOTS[match[1]]) if match[1] in own.SLOTS else match[0], core)
        text = " ".join(text.split())
        if self.rng.random() < 0.55:
            text = f"{pick(shared.OPENINGS)}{text}{pick(shared.ENDINGS)}"
        return typo(text, self.rng) if language == "en" and self.rng.random() < 0.06 else text

    def _names(self, asked: Asked, language: str) -> Mapping[str, str]:
        pick, at = self.rng.choice, 0 if language == "en" else 1
        names = {"w": pick(words.PLACES[asked.place][at]), "q": self._quoted(asked.text, language)}
        if asked.board:
            names["k"] = pick(words.BOARDS[asked.board][at])
        if asked.colour:
            names["c"] = pick(words.COLOURS[asked.colour][1:][at][: 1 if language == "zh" else None])
        if asked.thing is not None:
            shape, colour = pick(words.SHAPES[asked.thing.shape][at]), asked.thing.colour
            is_coloured = asked.is_one_of_many or self.rng.random() < 0.6
            noun = (self._english_noun if language == "en" else self._chinese_noun)(
                shape, colour if is_coloured else ""
            )
            names["t"] = f"the {noun}" if language == "en" else pick(("", "", "", "那个")) + noun
            article = "an" if noun[0] in "aeiou" else "a"
            names["n"] = f"{article} {noun}" if language == "en" else pick(("一个", "一个", "个")) + noun
        return names

    def _english_noun(self, shape: str, colour: str) -> str:
        return f"{self.rng.choice(words.COLOURS[colour][1])} {shape}" if colour else shape

    def _chinese_noun(self, shape: str, colour: str) -> str:
        if not colour:
            return shape
        name = self.rng.choice(words.COLOURS[colour][2])
        return name + (self.rng.choice(("的", "的", "")) if name.endswith("色") else "") + shape

    def _quoted(self, text: str, language: str) -> str:
        """In one of the styles people type; now and then bare, where it stands out by itself."""
        if language == "en" and text.isascii() and len(text) > 1 and self.rng.random() < 0.1:
            return text
        return self.rng.choice(LATIN_QUOTES if language == "en" else HAN_QUOTES).format(text)
