"""Prompts that ask for nothing `mini` can do: near misses, talk of other things, random words, made-up ones.

Knows how the words of `phrases/unknown.py` become sentences, slots of the families' words left open. Does not know what
is offered: `training.prompts` throws away what happens to be.
"""

from __future__ import annotations

import random

from training.phrases import chinese, english, unknown


class Unknown:
    """Draws from the random numbers it is given."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng

    def english(self) -> str:
        pick, dice = self.rng.choice, self.rng.random()
        if dice < 0.10:
            return f"{pick(unknown.ADDING)} {self._thing()} {pick(('', *unknown.PLACES))}"
        if dice < 0.21:
            return self._things(pick(unknown.FRAMES))
        if dice < 0.31:
            word = self._or_nonsense(pick(unknown.WRONG_ADJECTIVES))
            return pick(english.ADJECTIVE_FRAMES).replace("{a}", f"{self._degree('adjective')} {word}")
        if dice < 0.38:
            return pick(english.NOUN_FRAMES).replace("{n}", self._or_nonsense(pick(unknown.WRONG_NOUNS)))
        if dice < 0.44:
            amount = self._or_nonsense(pick(unknown.WRONG_AMOUNTS))
            return f"{pick(english.UP + english.DOWN)} {amount} {self._degree('after')}"
        if dice < 0.62:
            return self._things(pick(unknown.WRONG_COMMANDS))
        if dice < 0.78:
            words = pick(unknown.SENTENCES).split()
            if self.rng.random() < 0.4:
                words[self.rng.randrange(len(words))] = pick((pick(unknown.WORDS), self._nonsense()))
            return " ".join(words)
        if dice < 0.89:
            return " ".join(pick(unknown.WORDS) for _ in range(self.rng.randint(1, 8)))
        return " ".join(self._nonsense() for _ in range(self.rng.randint(1, 4)))

    def _or_nonsense(self, word: str) -> str:
        return word if self.rng.random() < 0.7 else self._nonsense()

    def _degree(self, where: str) -> str:
        """A bit, a lot; mostly nothing."""
        pick = self.rng.choice
        return pick(english.DEGREES[pick(tuple(english.DEGREES))][where]) if self.rng.random() < 0.35 else ""

    def _things(self, frame: str) -> str:
        frame = frame.replace("{w}", self.rng.choice(unknown.WRONG_ADJECTIVES))
        frame = frame.replace("{p}", self.rng.choice(unknown.PLACES))
        return frame.replace("{t}", self._thing()).replace("{u}", self._thing())

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

    def chinese(self) -> str:
        pick, dice = self.rng.choice, self.rng.random()
        if dice < 0.28:
            frame = pick(unknown.ZH_COMMANDS)
            return frame.replace("{t}", self._chinese_thing()).replace("{u}", self._chinese_thing())
        if dice < 0.42:
            degree = chinese.DEGREES[pick(tuple(chinese.DEGREES))]
            if self.rng.random() < 0.6:
                form = pick(degree["adjective"]).replace("{a}", pick(unknown.ZH_WRONG_ADJECTIVES))
                return pick(chinese.ADJECTIVE_FRAMES).replace("{a}", form)
            frame = pick(chinese.UP + chinese.DOWN).replace("{m}", pick(unknown.ZH_WRONG_AMOUNTS))
            return frame.replace("{p}", "").replace("{s}", pick(degree["after"]))
        if dice < 0.68:
            text = pick(unknown.ZH_SENTENCES)
            at = self.rng.randrange(len(text))
            return text if self.rng.random() < 0.6 else text[:at] + self._character() + text[at + 1 :]
        if dice < 0.8:
            word = "".join(self._character() for _ in range(self.rng.randint(1, 3)))
            return pick(chinese.NOUN_FRAMES).replace("{n}", pick((word, pick(unknown.ZH_WRONG_NOUNS))))
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
