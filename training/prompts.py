"""Prompts for each family in English and Chinese: a grammar to train on, fixed sentences to judge by.

Knows how phrases become sentences (openings, objects, endings, degrees, case, typos) and which sentences are held out.
Does not know pictures or token ids. A held-out sentence is never produced by `Grammar`, whatever its case or dots.
"""

from __future__ import annotations

import random
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import accumulate

from training import phrases
from training.heldout import EVERYDAY, FRESH, FRESH2, HELDOUT, HELDOUT_UNKNOWN, ROUNDABOUT
from training.phrases import Words, chinese, english
from training.phrases.chinese_styles import FRAMES as ZH_FRAMES
from training.phrases.chinese_styles import GEOMETRY as ZH_GEOMETRY
from training.phrases.chinese_styles import STYLES as ZH_STYLES
from training.phrases.chinese_tones import TONES as ZH_TONES
from training.phrases.english_styles import FRAMES as EN_FRAMES
from training.phrases.english_styles import GEOMETRY as EN_GEOMETRY
from training.phrases.english_styles import STYLES as EN_STYLES
from training.phrases.english_tones import TONES as EN_TONES
from training.unknown import Unknown

LANGUAGES = ("en", "zh")
FIRST_TONES = ("bw", "invert", "sepia", "brighter", "darker", "warmer", "cooler")
TONES = (*FIRST_TONES, "contrast", "flat", "vivid", "muted", "night", "sunset", "fog")
#: have two other strengths
GRADED = ("brighter", "darker", "warmer", "cooler", "contrast", "flat", "vivid", "muted")
STRENGTHS = tuple(f"{degree} {family}" for degree in ("slightly", "much") for family in GRADED)
STYLES, GEOMETRY, FRAMES = tuple(EN_STYLES), tuple(EN_GEOMETRY), tuple(EN_FRAMES)
COLOURED = (*FIRST_TONES, "vivid", "muted")  #: edits that may be asked of "the colors" instead of the picture
LOOSE = ("blur", "sharpen", "fog")  #: may be asked for "a bit" or "a lot" and mean the same
#: how often each family is asked for in training; unknown and blank ask for the unchanged picture
WEIGHTS = (
    dict.fromkeys(FIRST_TONES, 7.0)
    | dict.fromkeys(TONES[len(FIRST_TONES) :], 9.0)
    | dict.fromkeys(STRENGTHS, 3.0)
    | dict.fromkeys(STYLES, 10.0)
    | dict.fromkeys(GEOMETRY, 7.0)
    | dict.fromkeys(FRAMES, 2.5)
    | {"keep": 8.0, "unknown": 26.0, "blank": 2.0}
)
EVERYDAY_SHARE = 0.12  #: of a family's prompts: the few sentences most people type first
WRITTEN_SHARE = 0.7  #: of a family's prompts: whole sentences, written one by one
#: how often each kind of word makes the sentence, and never oftener than there are words of the kind
SHARES = {"phrases": 34, "verbs": 20, "amounts": 18, "adjectives": 26, "nouns": 22, "wrong": 30}


def plain(prompt: str) -> str:
    """Without case, punctuation and spaces: two prompts that differ only there count as the same."""
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", prompt).lower())


HELD = {
    plain(s)
    for table in (HELDOUT, FRESH, FRESH2, ROUNDABOUT)
    for texts in table.values()
    for lines in texts.values()
    for s in lines
} | {plain(s) for lines in HELDOUT_UNKNOWN.values() for s in lines if plain(s)}


def split_degree(family: str) -> tuple[str, str]:
    """("slightly", "brighter") of "slightly brighter", ("", "frame red") of "frame red"."""
    degree, _, base = family.partition(" ")
    return (degree, base) if family in STRENGTHS else ("", family)


def graded(table: dict[str, Words], *without: str) -> dict[str, Words]:
    """The table with its strengths: a family's words but the kinds that take no degree, and the strength's phrases."""
    made = dict(table)
    for name in STRENGTHS:
        base = table[split_degree(name)[1]]
        own = replace(base, phrases=table[name].phrases, **dict.fromkeys(without, ()))
        made[name] = own if own.adjectives else replace(own, wrong=())
    return made


VOCABULARY = {
    "en": graded(EN_TONES | EN_STYLES | EN_GEOMETRY | EN_FRAMES),
    "zh": graded(ZH_TONES | ZH_STYLES | ZH_GEOMETRY | ZH_FRAMES, "nouns"),
}
#: what single words and bare phrases mean something: no unknown prompt may equal one
OFFERED = {
    plain(text)
    for table in VOCABULARY.values()
    for own in table.values()
    for text in (*own.phrases, *own.verbs, *own.adjectives, *own.nouns)
}


def shares(own: Words) -> tuple[list[str], list[float]]:
    """The kinds of words a family has, and their cumulative weights."""
    counts = {
        "phrases": len(own.phrases),
        "verbs": len(own.verbs),
        "amounts": len(own.raised) + len(own.lowered),
        "adjectives": len(own.adjectives),
        "nouns": len(own.nouns),
        "wrong": len(own.wrong) * 10,
    }
    weights = {kind: float(min(SHARES[kind], count)) for kind, count in counts.items() if count}
    return list(weights), list(accumulate(weights.values()))


#: language → family → sentences
WRITTEN = {language: phrases.written(language) for language in LANGUAGES}
KINDS = {language: {family: shares(own) for family, own in table.items()} for language, table in VOCABULARY.items()}
#: without and with the colours of a picture, which only some edits may be asked of
EN_OBJECTS = (english.PICTURES, [*english.PICTURES, *english.COLOURS])
ZH_OBJECTS = (chinese.PICTURES, [*chinese.PICTURES, *chinese.COLOURS])
EN_NOUN_FRAMES = (english.NOUN_FRAMES, english.NOUN_FRAMES + english.TINT_FRAMES)
SLOT = re.compile(r"\{(\w+)\}")
Degree = Mapping[str, Sequence[str]]


class Grammar:
    """Draws (family, prompt) pairs; the same seed draws the same."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.unknown = Unknown(self.rng)

    def draw(self, families: Mapping[str, float] | None = None) -> tuple[str, str]:
        """A family, drawn by its weight (`WEIGHTS` unless told), and one of its prompts."""
        weights = WEIGHTS if families is None else families
        (family,) = self.rng.choices(list(weights), list(weights.values()))
        return family, self.prompt(family, self.rng.choice(LANGUAGES))

    def prompt(self, family: str, language: str) -> str:
        if family == "blank":
            return " "
        make = self._english if language == "en" else self._chinese
        while True:
            text = make(family)
            key = plain(text)
            if key not in HELD and not (family == "unknown" and key in OFFERED):
                return text

    def _fill(self, text: str, slots: Mapping[str, Sequence[str]], objects: Sequence[str]) -> str:
        """Every slot filled, and those that come out of slots."""
        while "{" in text:
            text = SLOT.sub(lambda m: self.rng.choice(objects if m[1] == "o" else slots[m[1]]), text)
        return text

    def _kind(self, family: str, language: str) -> str:
        if self.rng.random() < EVERYDAY_SHARE:
            return "everyday"
        kinds, weights = KINDS[language][family]
        return self.rng.choices(kinds, cum_weights=weights)[0]

    def _is_written(self, family: str, language: str) -> bool:
        return family in WRITTEN[language] and self.rng.random() < WRITTEN_SHARE

    def _shortened(self, family: str, words: list[str]) -> str:
        """Now and then without one of its words: few sentences hang on a single one, but for amounts and colours; and
        "too much", which is no amount to ask for."""
        if len(words) > 5 and family not in (*STRENGTHS, *FRAMES) and self.rng.random() < 0.1:
            at = self.rng.randrange(len(words))
            if words[at].lower() != "too":
                del words[at]
        return " ".join(words)

    def _amount(self, own: Words) -> tuple[bool, str]:
        """Whether it goes up, and what."""
        at = self.rng.randrange(len(own.raised) + len(own.lowered))
        return at < len(own.raised), (*own.raised, *own.lowered)[at]

    def _degree(self, family: str) -> str:
        degree, base = split_degree(family)
        return self.rng.choice(list(english.DEGREES)) if base in LOOSE and self.rng.random() < 0.15 else degree

    # --- English ---

    def _english(self, family: str) -> str:
        pick = self.rng.choice
        if is_written := self._is_written(family, "en"):
            text = self._shortened(family, pick(WRITTEN["en"][family]).split())
        else:
            core = self.unknown.english() if family == "unknown" else self._english_core(family)
            coloured = family == "unknown" or split_degree(family)[1] in COLOURED
            text = " ".join(self._fill(core, english.SLOTS, EN_OBJECTS[coloured]).split())
        if self.rng.random() < (0.2 if is_written else 0.65):
            text = f"{pick(english.OPENINGS)}{text}{pick(english.ENDINGS)}"
        if self.rng.random() < 0.08:
            text = typo(text, self.rng)
        return self._case(text)

    def _english_core(self, family: str) -> str:
        pick, own = self.rng.choice, VOCABULARY["en"][family]
        kind, degree = self._kind(family, "en"), self._degree(family)
        words = english.DEGREES.get(degree)
        match kind:
            case "everyday":
                return pick(EVERYDAY[family]["en"]).lower()
            case "phrases":
                return pick(own.phrases)
            case "verbs":
                verb = pick(own.verbs)
                return verb if words is None else self._around(words["verb"], verb, words["after"])
            case "amounts":
                up, amount = self._amount(own)
                if self.rng.random() < 0.4:
                    frame = pick(english.MORE_FRAMES if up else english.LESS_FRAMES)
                    before = "" if words is None else pick(words["adjective"])
                    return frame.replace("{d}", before).replace("{m}", amount.removeprefix("the "))
                text = f"{pick(english.UP if up else english.DOWN)} {amount}"
                return text if words is None else f"{text} {pick(words['after'])}"
            case "adjectives":
                return pick(english.ADJECTIVE_FRAMES).replace("{a}", self._graded_adjective(own, words))
            case "nouns":
                frames = EN_NOUN_FRAMES[split_degree(family)[1] in COLOURED]
                noun = pick(own.nouns) if words is None else f"{pick(words['noun'])} {pick(own.nouns)}"
                return pick(frames).replace("{n}", noun)
        return self._english_complaint(own, words)

    def _graded_adjective(self, own: Words, words: Degree | None) -> str:
        adjective = self.rng.choice(own.adjectives)
        return adjective if words is None else f"{self.rng.choice(words['adjective'])} {adjective}"

    def _around(self, before: Sequence[str], text: str, after: Sequence[str]) -> str:
        """A word before or after; after is what most people type."""
        pick = self.rng.choice
        return f"{pick(before)} {text}" if self.rng.random() < 0.3 else f"{text} {pick(after)}"

    def _english_complaint(self, own: Words, words: Degree | None) -> str:
        pick = self.rng.choice
        if words is None and self.rng.random() < 0.4:
            return pick(english.CURELESS_FRAMES).replace("{c}", pick(own.wrong))
        frame = pick(english.COMPLAINT_FRAMES).replace("{c}", pick(own.wrong))
        if words is not None and "{d}" in frame and self.rng.random() < 0.5:
            frame, words = frame.replace("{d}", pick(words["adjective"])), None
        return frame.replace("{d}", "").replace("{a}", self._graded_adjective(own, words))

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
        if is_written := self._is_written(family, "zh"):
            text = pick(WRITTEN["zh"][family])
        else:
            core = self.unknown.chinese() if family == "unknown" else self._chinese_core(family)
            text = self._fill(core, chinese.SLOTS, ZH_OBJECTS[split_degree(family)[1] in COLOURED])
        if self.rng.random() < (0.2 if is_written else 0.6):
            text = pick(chinese.OPENINGS) + text + pick(chinese.ENDINGS)
        if self.rng.random() < 0.05:
            text = "".join(chinese.TRADITIONAL.get(character, character) for character in text)
        if self.rng.random() < 0.04:
            text = text.replace("，", ",").replace("。", ".")
        return text

    def _chinese_core(self, family: str) -> str:
        pick, own = self.rng.choice, VOCABULARY["zh"][family]
        kind, degree = self._kind(family, "zh"), self._degree(family)
        match kind:
            case "everyday":
                return pick(EVERYDAY[family]["zh"])
            case "phrases":
                return pick(own.phrases)
            case "verbs":
                return self._chinese_degree(pick(own.verbs), degree)
            case "amounts":
                up, amount = self._amount(own)
                if not degree and self.rng.random() < 0.2:
                    return pick(chinese.TOO_LITTLE if up else chinese.TOO_MUCH).replace("{m}", amount)
                return self._chinese_degree(pick(chinese.UP if up else chinese.DOWN), degree).replace("{m}", amount)
            case "nouns":
                return pick(chinese.NOUN_FRAMES).replace("{n}", pick(own.nouns))
            case "wrong" if not degree and (not own.adjectives or self.rng.random() < 0.4):
                return pick(chinese.CURELESS_FRAMES).replace("{c}", pick(own.wrong))
        form = pick(chinese.DEGREES[degree]["adjective"]).replace("{a}", pick(own.adjectives))
        frame = pick(chinese.ADJECTIVE_FRAMES if kind == "adjectives" else chinese.COMPLAINT_FRAMES)
        return frame.replace("{c}", pick(own.wrong or ("",))).replace("{a}", form)

    def _chinese_degree(self, text: str, degree: str) -> str:
        """The degree's words in the places `{p}` and `{s}` of a verb: in one of them, "a little" also in both."""
        places = [place for place in ("{p}", "{s}") if place in text]
        chosen = set(places)
        if len(places) == 2 and (degree != "slightly" or self.rng.random() < 0.7):
            chosen = {places[self.rng.random() < 0.65]}
        for place, where in (("{p}", "before"), ("{s}", "after")):
            text = text.replace(place, self.rng.choice(chinese.DEGREES[degree][where]) if place in chosen else "")
        return text


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
