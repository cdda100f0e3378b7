"""Prompts for each family in English and Chinese: a grammar to train on, fixed sentences to judge by.

Knows how phrases become sentences (openings, objects, endings, case, typos) and which sentences are held out.
Does not know pictures or token ids. A held-out sentence is never produced by `Grammar`, whatever its case or dots.
"""

from __future__ import annotations

import random
import re
import unicodedata

from training.heldout import EVERYDAY, FRESH, HELDOUT, HELDOUT_UNKNOWN
from training.phrases import chinese, english, unknown

LANGUAGES = ("en", "zh")
TONES = ("bw", "invert", "sepia", "brighter", "darker", "warmer", "cooler")
#: how often each family is asked for in training; unknown and blank ask for the unchanged picture
WEIGHTS = dict.fromkeys(TONES, 10.0) | {"keep": 8.0, "unknown": 17.0, "blank": 2.0}
EVERYDAY_SHARE = 0.12  #: of a family's prompts: the few sentences most people type first


def plain(prompt: str) -> str:
    """Without case, punctuation and spaces: two prompts that differ only there count as the same."""
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", prompt).lower())


HELD = {
    plain(s) for table in (HELDOUT, FRESH) for texts in table.values() for lines in texts.values() for s in lines
} | {plain(s) for lines in HELDOUT_UNKNOWN.values() for s in lines if plain(s)}


class Grammar:
    """Draws (family, prompt) pairs; the same seed draws the same."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)

    def draw(self) -> tuple[str, str]:
        family = self.rng.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
        return family, self.prompt(family, self.rng.choice(LANGUAGES))

    def prompt(self, family: str, language: str) -> str:
        if family == "blank":
            return " "
        while True:
            text = self._english(family) if language == "en" else self._chinese(family)
            if plain(text) not in HELD:
                return text

    # --- English ---

    def _english(self, family: str) -> str:
        pick = self.rng.choice
        bare = self._unknown_english() if family == "unknown" else self._english_core(family)
        text = bare if self.rng.random() < 0.35 else f"{pick(english.OPENINGS)}{bare}{pick(english.ENDINGS)}"
        text = text.replace("{of}", pick(("", "of {o}"))).replace("{y}", str(self.rng.randint(1860, 1930)))
        text = re.sub(r"\{o\}", lambda _: pick(english.OBJECTS), text)
        text = re.sub(r"  +", " ", text).strip()
        if self.rng.random() < 0.08:
            text = typo(text, self.rng)
        return self._case(text)

    def _english_core(self, family: str) -> str:
        pick = self.rng.choice
        if self.rng.random() < EVERYDAY_SHARE:
            return pick(EVERYDAY[family]["en"]).lower()
        if family in english.COMPLAINTS and self.rng.random() < 0.1:
            frame = pick(english.COMPLAINT_FRAMES).replace("{c}", pick(english.COMPLAINTS[family].split("|")))
            return frame.replace("{a}", pick(english.ADJECTIVES[family].split("|")))
        if family != "keep" and self.rng.random() < 0.05:
            return pick(english.NEEDS).replace("{n}", pick(english.NOUNS[family].split("|")))
        dice = self.rng.random()
        if family == "keep" or dice < (0.28 if family in english.SLIDERS else 0.36):
            text = pick(english.PHRASES[family].split("|"))
            hint = pick(english.HINTS) if family in english.COMPARABLE and len(text) < 32 else ""
            return text + hint
        if family in english.SLIDERS and dice < 0.58:
            direction, amount = pick(english.SLIDERS[family])
            verb = pick(english.UP if direction == "up" else english.DOWN)
            return f"{verb} {pick(english.AMOUNTS[amount].split('|'))}{pick(english.HINTS)}"
        if dice < (0.85 if family in english.COMPARABLE else 0.62):
            adjective = pick(english.ADJECTIVES[family].split("|"))
            if family in english.COMPARABLE:
                adjective = pick(english.INTENSITY) + adjective
            return pick(english.ADJECTIVE_FRAMES).replace("{a}", adjective)
        return pick(english.NOUN_FRAMES).replace("{n}", pick(english.NOUNS[family].split("|")))

    def _unknown_english(self) -> str:
        pick, dice = self.rng.choice, self.rng.random()
        if dice < 0.14:
            return f"{pick(unknown.ADDING)} {self._thing()} {pick(('', *unknown.PLACES))}"
        if dice < 0.28:
            frame = (
                pick(unknown.FRAMES).replace("{w}", pick(unknown.WRONG_ADJECTIVES)).replace("{p}", pick(unknown.PLACES))
            )
            return frame.replace("{t}", self._thing()).replace("{u}", self._thing())
        if dice < 0.42:
            word = pick(unknown.WRONG_ADJECTIVES) if self.rng.random() < 0.65 else self._nonsense()
            amount = pick(english.INTENSITY) if self.rng.random() < 0.4 else ""
            return pick(english.ADJECTIVE_FRAMES).replace("{a}", amount + word)
        if dice < 0.50:
            amount = pick(unknown.WRONG_AMOUNTS) if self.rng.random() < 0.7 else "the " + self._nonsense()
            return f"{pick(english.UP + english.DOWN)} {amount}{pick(english.HINTS)}"
        if dice < 0.62:
            return pick(unknown.WRONG_COMMANDS)
        if dice < 0.78:
            words = pick(unknown.SENTENCES).split()
            if self.rng.random() < 0.4:
                words[self.rng.randrange(len(words))] = pick((pick(unknown.WORDS), self._nonsense()))
            return " ".join(words)
        if dice < 0.89:
            return " ".join(pick(unknown.WORDS) for _ in range(self.rng.randint(1, 8)))
        return " ".join(self._nonsense() for _ in range(self.rng.randint(1, 4)))

    def _thing(self) -> str:
        """A noun, now and then one that nobody ever heard."""
        return self.rng.choice(unknown.THINGS) if self.rng.random() < 0.7 else self._nonsense()

    def _nonsense(self) -> str:
        """A made-up word: syllables, or letters and digits as they fall."""
        if self.rng.random() < 0.5:
            count = self.rng.randint(1, 4)
            syllables = [self.rng.choice("bcdfghjklmnprstvwz") + self.rng.choice("aeiouy") for _ in range(count)]
            return "".join(syllables) + self.rng.choice(("", "n", "x", "k", "st"))
        letters = "abcdefghijklmnopqrstuvwxyz" + ("0123456789" if self.rng.random() < 0.3 else "")
        return "".join(self.rng.choice(letters) for _ in range(self.rng.randint(2, 8)))

    def _case(self, text: str) -> str:
        dice = self.rng.random()
        if dice < 0.55:
            return text
        if dice < 0.92:
            return text[:1].upper() + text[1:]
        return text.upper() if dice < 0.96 else text.title()

    # --- Chinese ---

    def _chinese(self, family: str) -> str:
        pick = self.rng.choice
        if family == "unknown":
            text = self._unknown_chinese()
        elif self.rng.random() < EVERYDAY_SHARE:
            text = pick(EVERYDAY[family]["zh"])
        elif family in chinese.COMPLAINTS and self.rng.random() < 0.12:
            wrong, cure = chinese.COMPLAINTS[family]
            text = pick(chinese.COMPLAINT_FRAMES).replace("{c}", pick(wrong.split("|"))).replace("{a}", cure)
        elif family == "keep" or self.rng.random() < 0.55:
            text = pick(chinese.PHRASES[family].split("|"))
        else:
            text = pick(chinese.NOUN_FRAMES).replace("{n}", pick(chinese.NOUNS[family].split("|")))
        text = re.sub(r"\{o\}", lambda _: pick(chinese.OBJECTS), text)
        if self.rng.random() > 0.4:
            text = pick(chinese.OPENINGS) + text + pick(chinese.ENDINGS)
        if self.rng.random() < 0.05:
            text = "".join(chinese.TRADITIONAL.get(character, character) for character in text)
        if self.rng.random() < 0.04:
            text = text.replace("，", ",").replace("。", ".")
        return text

    def _unknown_chinese(self) -> str:
        pick, dice = self.rng.choice, self.rng.random()
        if dice < 0.4:
            frame = pick(unknown.ZH_COMMANDS)
            return frame.replace("{t}", self._chinese_thing()).replace("{u}", self._chinese_thing())
        if dice < 0.68:
            text = pick(unknown.ZH_SENTENCES)
            at = self.rng.randrange(len(text))
            return text if self.rng.random() < 0.6 else text[:at] + self._character() + text[at + 1 :]
        if dice < 0.8:
            frame = pick(chinese.NOUN_FRAMES)
            return frame.replace("{n}", "".join(self._character() for _ in range(self.rng.randint(1, 3))))
        if dice < 0.84:
            return self._nonsense()
        return "".join(self._character() for _ in range(self.rng.randint(1, 12)))

    def _chinese_thing(self) -> str:
        if self.rng.random() < 0.65:
            return self.rng.choice(("", "", "", "她的", "他的", "我", "那个")) + self.rng.choice(unknown.ZH_THINGS)
        return "".join(self._character() for _ in range(self.rng.randint(1, 3)))

    def _character(self) -> str:
        """A common character, or any at all: most of those are three bytes that the tokenizer has no word for."""
        return (
            self.rng.choice(unknown.ZH_CHARACTERS) if self.rng.random() < 0.6 else chr(self.rng.randint(0x4E00, 0x9FA5))
        )


def typo(text: str, rng: random.Random) -> str:
    """One slip of the finger in a word of five letters or more: swapped, dropped or doubled inner letters."""
    words = list(re.finditer(r"[a-z]{5,}", text))
    if not words:
        return text
    word = rng.choice(words)
    at = rng.randrange(word.start() + 1, word.end() - 2)
    kind = rng.random()
    if kind < 0.4:
        return text[:at] + text[at + 1] + text[at] + text[at + 2 :]
    return text[:at] + text[at + 1 :] if kind < 0.7 else text[:at] + text[at] + text[at:]
