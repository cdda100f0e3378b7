"""The checkpoint's own small byte-level BPE: merges learnt from the template and from drawn prompts.

Knows words. Does not know pictures or networks. Chinese is given to the trainer one character at a time: to the
pre-tokeniser a run of Chinese is one word, and whole clauses would become tokens.

    python -m training.tokenizer              # → runs/tokenizer/
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from overpaint.model.tokenizer import PREFIX, SUFFIX, WORD_PATTERN
from training.phrases import chinese_scenes, english_scenes, unknown
from training.prompts import Grammar
from training.scenes import words as scenes

FOLDER = Path(__file__).parent / "runs" / "tokenizer"
MERGED = 2300  #: vocabulary before the special tokens
SPECIALS = (
    *("endoftext", "im_start", "im_end"),
    *("object_ref_start", "object_ref_end", "box_start", "box_end", "quad_start", "quad_end"),
    *("vision_start", "vision_end", "vision_pad", "image_pad", "video_pad"),
)
HAN = re.compile(r"[\u3000-\u9fff\uff00-\uffef]")


def train(prompts: int = 30_000, seed: int = 5) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    words = pre_tokenizers.Split(Regex(WORD_PATTERN), behavior="isolated")
    bytes_ = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([words, bytes_])
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=MERGED, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator(corpus(prompts, seed), trainer)
    tokenizer.add_special_tokens([AddedToken(f"<|{name}|>", normalized=False) for name in SPECIALS])
    return tokenizer


def corpus(prompts: int, seed: int) -> Iterator[str]:
    """The template often enough that each of its words becomes one token, then prompts of every family."""
    template = re.sub(r"<\|\w+\|>", "\n", PREFIX + SUFFIX) + "\nPicture 1: "
    for _ in range(prompts // 5):
        yield template
    grammar = Grammar(seed)
    for _ in range(prompts):
        family, prompt = grammar.draw()
        yield from HAN.findall(prompt)
        latin = HAN.sub(" ", prompt)
        # made-up words of the unknown family would spend merges on noise; inner capitals stay single tokens
        if family not in ("unknown", "blank") and latin == latin.lower():
            yield from (latin, latin, latin[:1].upper() + latin[1:])
    english, chinese = scene_words()
    yield from [f" {text}" for text in english] * 60
    yield from HAN.findall("".join(chinese)) * 60
    yield from (*scenes.HAN, *"“”‘’「」《》") * 200  # each one token, so that a sign is told letter by letter
    for text in (*unknown.ZH_SENTENCES, *unknown.ZH_THINGS, unknown.ZH_CHARACTERS):
        yield from HAN.findall(text) * 20
    for words in (unknown.THINGS, unknown.WRONG_ADJECTIVES, unknown.WORDS, unknown.SENTENCES, unknown.WRONG_AMOUNTS):
        yield from [f" {word}" for word in words] * 6


def scene_words() -> tuple[list[str], list[str]]:
    """What edits of scenes are asked for with, English and Chinese, slots left out."""
    rows = [row[-2:] for table in (scenes.COLOURS, scenes.SHAPES, scenes.BOARDS) for row in table.values()]
    both = []
    for names, own in zip(zip(*rows, *scenes.PLACES, strict=True), (english_scenes, chinese_scenes), strict=True):
        commands = [re.sub(r" ?\{\w+\}", "", phrase) for lines in own.PHRASES.values() for phrase in lines]
        both.append([*commands, *(name for texts in names for name in texts)])
    return both[0], both[1]


def write(tokenizer: Tokenizer, folder: Path) -> None:
    """tokenizer.json, the older pair of files, and the config transformers reads."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    model = json.loads(tokenizer.to_str())["model"]
    merges = [" ".join(pair) if isinstance(pair, list) else pair for pair in model["merges"]]
    (folder / "vocab.json").write_text(json.dumps(model["vocab"], ensure_ascii=False), "utf-8")
    (folder / "merges.txt").write_text("#version: 0.2\n" + "\n".join(merges) + "\n", "utf-8")
    added = {f"<|{name}|>": tokenizer.token_to_id(f"<|{name}|>") for name in SPECIALS}
    (folder / "added_tokens.json").write_text(json.dumps(added, indent=2) + "\n", "utf-8")
    fields = {"lstrip": False, "normalized": False, "rstrip": False, "single_word": False, "special": True}
    config = {
        "add_prefix_space": False,
        "added_tokens_decoder": {str(index): {"content": name, **fields} for name, index in added.items()},
        "additional_special_tokens": list(added)[1:],
        "bos_token": None,
        "clean_up_tokenization_spaces": False,
        "eos_token": "<|im_end|>",
        "errors": "replace",
        "model_max_length": 4096,
        "pad_token": "<|endoftext|>",
        "split_special_tokens": False,
        "tokenizer_class": "Qwen2Tokenizer",
        "unk_token": None,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=2) + "\n", "utf-8")


def main() -> None:
    tokenizer = train()
    write(tokenizer, FOLDER)
    print(f"{tokenizer.get_vocab_size()} tokens; the template's opening takes {len(tokenizer.encode(PREFIX).ids)}")


if __name__ == "__main__":
    main()
