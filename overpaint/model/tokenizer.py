"""Words to token ids, with the control tokens placed by us alone.

Knows the prompt template and the byte-level BPE of a checkpoint's `tokenizer/` folder. Does not know pictures
(it only leaves room for their tokens) or what the ids mean to the encoder.

What a user types is data: it is encoded by a copy of the tokenizer that has no control tokens, so a prompt that spells
`<|im_end|>` or `<|image_pad|>` becomes ordinary characters and can neither end the turn nor claim a picture.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers

SYSTEM = (
    "Describe the key features of the input image (color, shape, size, texture, objects, background), then explain how "
    "the user's text instruction should alter or modify the image. Generate a new image that meets the user's "
    "requirements while maintaining consistency with the original input where appropriate."
)
PREFIX = f"<|im_start|>system\n{SYSTEM}<|im_end|>\n<|im_start|>user\n"
SUFFIX = "<|im_end|>\n<|im_start|>assistant\n"

# How text is cut before byte pairs are merged: contractions, words, single digits, punctuation, line ends, spaces.
# Constant of the Qwen2 tokenizer (transformers, Qwen2Tokenizer), needed where a folder has no tokenizer.json.
WORD_PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


class PromptTokenizer:
    """Template, pictures and prompt as ids. `prefix_length` first ids are the same for every edit."""

    def __init__(self, folder: Path) -> None:
        with_controls = _read(folder)
        self._plain = _without_added_tokens(with_controls)
        self._prefix = with_controls.encode(PREFIX).ids
        self._suffix = with_controls.encode(SUFFIX).ids
        self._vision_start, self._vision_end = (_id(with_controls, f"<|vision_{end}|>") for end in ("start", "end"))
        self.image_pad = _id(with_controls, "<|image_pad|>")

    @property
    def prefix_length(self) -> int:
        """Tokens up to and including `user\\n`; the states of these rows are dropped. 64 at full size."""
        return len(self._prefix)

    def prompt_ids(self, prompt: str) -> list[int]:
        """The user's words alone, unchanged but for NFC; control tokens spelled in them are plain characters."""
        return self._plain.encode(prompt).ids

    def ids(self, prompt: str, picture_tokens: Sequence[int], *, labels_pictures: bool) -> list[int]:
        """One turn: the system's words, each picture's place, the prompt, and the assistant's opening."""
        return [*self.opening(picture_tokens, labels_pictures=labels_pictures), *self.closing(prompt)]

    def opening(self, picture_tokens: Sequence[int], *, labels_pictures: bool) -> list[int]:
        """What stands before the prompt.

        picture_tokens   how many tokens each picture takes
        labels_pictures  "Picture 1: " before the first, and so on (the Plus generations)
        """
        ids = list(self._prefix)
        for number, tokens in enumerate(picture_tokens, start=1):
            label = self._plain.encode(f"Picture {number}: ").ids if labels_pictures else []
            ids += [*label, self._vision_start, *[self.image_pad] * tokens, self._vision_end]
        return ids

    def closing(self, prompt: str) -> list[int]:
        """The prompt, and the assistant's opening."""
        return [*self.prompt_ids(prompt), *self._suffix]


def _id(tokenizer: Tokenizer, token: str) -> int:
    found = tokenizer.token_to_id(token)
    if found is None:
        raise ValueError(f"the tokenizer has no {token}")
    return found


def _read(folder: Path) -> Tokenizer:
    try:
        return _from_files(folder)
    except Exception as error:  # tokenizers raises nothing narrower for a file that is missing or damaged
        raise ValueError("tokenizer: a file is missing or damaged") from error


def _from_files(folder: Path) -> Tokenizer:
    """`tokenizer.json`, or the older pair `vocab.json` and `merges.txt` with `added_tokens.json`."""
    whole = folder / "tokenizer.json"
    if whole.exists():
        return Tokenizer.from_file(str(whole))
    tokenizer = Tokenizer(models.BPE.from_file(str(folder / "vocab.json"), str(folder / "merges.txt")))
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(WORD_PATTERN), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(text, normalized=False) for text in _added_tokens(folder)])
    return tokenizer


def _added_tokens(folder: Path) -> list[str]:
    """Control tokens in the order of their ids, so that adding them one after the other gives those ids again."""
    path = folder / "added_tokens.json"
    if path.exists():
        added: dict[str, int] = json.loads(path.read_text("utf-8"))
        return sorted(added, key=added.__getitem__)
    config: dict[str, Any] = json.loads((folder / "tokenizer_config.json").read_text("utf-8"))
    decoder: dict[str, dict[str, Any]] = config["added_tokens_decoder"]
    return [decoder[index]["content"] for index in sorted(decoder, key=int)]


def _without_added_tokens(tokenizer: Tokenizer) -> Tokenizer:
    description = json.loads(tokenizer.to_str())
    description["added_tokens"] = []
    return Tokenizer.from_str(json.dumps(description))
