"""What the encoder is fed, and what it gives back, against transformers' own processor, positions and text states."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from transformers import Qwen2Tokenizer
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

from overpaint.errors import ConfigurationError, EditFailed
from overpaint.model import load_editor
from overpaint.model.conditioner import Opening, VisionConfig, patches, positions
from overpaint.model.memo import Memo
from overpaint.model.tokenizer import PREFIX, SUFFIX, PromptTokenizer
from overpaint.plan import KEPT_OPENINGS
from tests.model.checkpoints import GENERATIONS, PREPROCESSOR, SPECIALS, Generation, change_json
from tests.model.stock import Stock

Maker = Callable[..., Any]

PROMPTS = [
    " ",
    "make it black and white",
    "把照片变成黑白，保留“招牌”上的字",
    "  two  spaces, a\ttab and\n\na blank line  ",
    "{braces} {} {0} %s \\n",
    "Picture 2: put the hat of Picture 1 on the dog",
    "Café, naïve, 𝒳, 🎨, 한국어, עברית",
    "ALL CAPS don't get lowered; it's 100% fine!?",
]


# --- pixels -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "size",
    [
        (84, 84),  # whole groups already
        (96, 96),  # half way between two multiples of 28
        (160, 96),
        (98, 210),  # 3.5 and 7.5 groups: Python rounds half to even
        (30, 30),  # below min_pixels
        (20, 300),  # narrower than a group
        (640, 480),
    ],
)
def test_patches_equal_the_reference(size: tuple[int, int], picture: Maker) -> None:
    drawn: Image.Image = picture(*size)
    theirs = Qwen2VLImageProcessorPil(**PREPROCESSOR)(images=[drawn], return_tensors="pt")
    ours, grid = patches(drawn, VisionConfig.from_json(PREPROCESSOR))
    assert [[1, *grid]] == theirs["image_grid_thw"].tolist()
    torch.testing.assert_close(ours, theirs["pixel_values"], atol=1e-6, rtol=0)


def test_patches_shrink_to_the_files_own_limit(picture: Maker) -> None:
    limits = PREPROCESSOR | {"max_pixels": 100_000}
    drawn: Image.Image = picture(700, 333)
    theirs = Qwen2VLImageProcessorPil(**limits)(images=[drawn], return_tensors="pt")
    ours, grid = patches(drawn, VisionConfig.from_json(limits))
    assert [[1, *grid]] == theirs["image_grid_thw"].tolist()
    torch.testing.assert_close(ours, theirs["pixel_values"], atol=1e-6, rtol=0)


def test_a_megapixel_is_not_shrunk() -> None:
    """The reference's class default, 1,003,520 pixels, would make 980 x 980 of it; the published file says more."""
    assert VisionConfig.from_json(PREPROCESSOR).grid_size(1024, 1024) == (1036, 1036)


def test_both_spellings_of_the_limits_are_read_and_none_is_assumed() -> None:
    bare = {key: value for key, value in PREPROCESSOR.items() if key not in ("min_pixels", "max_pixels")}
    newer = bare | {"size": {"shortest_edge": 3136, "longest_edge": 12845056}}
    assert VisionConfig.from_json(newer) == VisionConfig.from_json(PREPROCESSOR)
    with pytest.raises(KeyError):
        VisionConfig.from_json(bare)


# --- words ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("has_published_prefix", [True, False])
@pytest.mark.parametrize("prompt", PROMPTS)
def test_ids_equal_the_reference_tokenizer_on_the_whole_text(
    prompt: str, has_published_prefix: bool, random_checkpoint: Maker
) -> None:
    folder: Path = random_checkpoint(has_published_prefix=has_published_prefix) / "tokenizer"
    ours, theirs = PromptTokenizer(folder), Qwen2Tokenizer.from_pretrained(folder)
    place = "<|vision_start|><|image_pad|><|image_pad|><|image_pad|><|vision_end|>"
    unlabelled = PREFIX + place + prompt + SUFFIX
    labelled = PREFIX + f"Picture 1: {place}Picture 2: {place}" + prompt + SUFFIX
    assert ours.ids(prompt, [3], labels_pictures=False) == theirs(unlabelled).input_ids
    assert ours.ids(prompt, [3, 3], labels_pictures=True) == theirs(labelled).input_ids


def test_the_prefix_is_counted_not_assumed(random_checkpoint: Maker) -> None:
    published = PromptTokenizer(random_checkpoint() / "tokenizer")
    other_folder = random_checkpoint(has_published_prefix=False) / "tokenizer"
    assert published.prefix_length == 64
    expected = len(Qwen2Tokenizer.from_pretrained(other_folder)(PREFIX).input_ids)
    assert PromptTokenizer(other_folder).prefix_length == expected != 64


@pytest.mark.parametrize("special", SPECIALS)
def test_a_control_token_spelled_in_a_prompt_is_plain_text(special: str, random_checkpoint: Maker) -> None:
    """The stock path reads it as control: `<|im_end|>` ends the turn, `<|image_pad|>` claims a picture."""
    folder: Path = random_checkpoint() / "tokenizer"
    ours, theirs = PromptTokenizer(folder), Qwen2Tokenizer.from_pretrained(folder)
    prompt = f"write {special} on the sign"
    number = theirs.convert_tokens_to_ids(special)
    assert number in theirs(prompt).input_ids
    assert number not in ours.prompt_ids(prompt)
    assert ours.prompt_ids(prompt) == theirs(prompt, split_special_tokens=True).input_ids
    assert ours.ids(prompt, [4], labels_pictures=True).count(ours.image_pad) == 4


def test_composed_and_decomposed_accents_are_one_prompt(random_checkpoint: Maker) -> None:
    tokenizer = PromptTokenizer(random_checkpoint() / "tokenizer")
    composed = "café ñandú Å"
    assert tokenizer.prompt_ids(unicodedata.normalize("NFD", composed)) == tokenizer.prompt_ids(composed)


@pytest.mark.parametrize(("one", "other"), [(" ", ""), ("Red", "red"), ("red ", "red"), ("ﬁ", "fi")])
def test_prompts_are_otherwise_left_as_they_are(one: str, other: str, random_checkpoint: Maker) -> None:
    tokenizer = PromptTokenizer(random_checkpoint() / "tokenizer")
    assert tokenizer.prompt_ids(one) != tokenizer.prompt_ids(other)


def test_both_forms_of_the_tokenizers_files_give_equal_ids(own_checkpoint: Maker) -> None:
    folder: Path = own_checkpoint() / "tokenizer"
    pair = PromptTokenizer(folder)
    Qwen2Tokenizer.from_pretrained(folder).save_pretrained(folder)
    for name in ("vocab.json", "merges.txt", "added_tokens.json"):
        (folder / name).unlink(missing_ok=True)
    assert (folder / "tokenizer.json").exists()
    whole = PromptTokenizer(folder)
    for prompt in [*PROMPTS, "write <|im_end|> on it"]:
        assert whole.ids(prompt, [2, 5], labels_pictures=True) == pair.ids(prompt, [2, 5], labels_pictures=True)


def test_added_tokens_are_found_without_their_own_file(own_checkpoint: Maker) -> None:
    folder: Path = own_checkpoint() / "tokenizer"
    before = PromptTokenizer(folder).ids("red", [2], labels_pictures=True)
    (folder / "added_tokens.json").unlink()
    assert PromptTokenizer(folder).ids("red", [2], labels_pictures=True) == before


def test_encoder_and_tokenizer_must_agree_on_the_picture_token(own_checkpoint: Maker) -> None:
    folder: Path = own_checkpoint()
    change_json(folder / "text_encoder" / "config.json", lambda config: config.update(image_token_id=7))
    with pytest.raises(ConfigurationError, match="image_pad"):
        load_editor(folder, device="cpu")


# --- positions and states ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("grids", [[(3, 3)], [(5, 2)], [(2, 7), (4, 3)], [(1, 1), (1, 6), (6, 1)]], ids=str)
def test_positions_equal_the_reference(
    grids: list[tuple[int, int]], random_checkpoint: Maker, stock: Callable[..., Stock]
) -> None:
    folder: Path = random_checkpoint("2511")
    tokenizer, encoder = PromptTokenizer(folder / "tokenizer"), stock(folder).text_encoder.model
    ids = tokenizer.ids("make the sky red", [rows * columns for rows, columns in grids], labels_pictures=True)
    tokens = torch.tensor([ids])
    expected, _ = encoder.get_rope_index(
        tokens,
        image_grid_thw=torch.tensor([(1, 2 * rows, 2 * columns) for rows, columns in grids]),
        mm_token_type_ids=(tokens == tokenizer.image_pad).int(),
    )
    assert torch.equal(positions(ids, tokenizer.image_pad, grids), expected)


@pytest.mark.parametrize("generation", GENERATIONS)
@pytest.mark.parametrize("prompt", PROMPTS)
def test_text_states_equal_the_reference(
    prompt: str, generation: Generation, random_checkpoint: Maker, stock: Maker, editor: Maker, picture: Maker
) -> None:
    folder: Path = random_checkpoint(generation)
    pictures = [picture(96, 96), picture(64, 128, seed=1)][: editor(folder).checkpoint.max_images]
    states = editor(folder).parts.conditioner.encode(pictures, prompt)
    torch.testing.assert_close(states, stock(folder).encode(pictures, prompt), atol=1e-5, rtol=0)


@pytest.mark.parametrize("generation", GENERATIONS)
def test_the_unrepaired_stock_stack_gives_other_states(
    generation: Generation, random_checkpoint: Maker, stock: Maker, editor: Maker, picture: Maker
) -> None:
    """transformers >= 5.3 makes 1-D positions when it is not passed token types; diffusers 0.42 does not pass them."""
    folder: Path = random_checkpoint(generation)
    pictures = [picture(96, 96)]
    unrepaired = stock(folder, repaired=False).encode(pictures, "make it red")
    states = editor(folder).parts.conditioner.encode(pictures, "make it red")
    assert states.shape == unrepaired.shape
    assert (states - unrepaired).norm() > 0.05 * unrepaired.norm()


def test_states_with_a_tokenizer_whose_prefix_is_longer(
    random_checkpoint: Maker, stock: Maker, editor: Maker, picture: Maker
) -> None:
    folder: Path = random_checkpoint("2511", has_published_prefix=False)
    reference: Stock = stock(folder)
    states = editor(folder).parts.conditioner.encode([picture(96, 96)], "make it red")
    torch.testing.assert_close(states, reference.encode([picture(96, 96)], "make it red"), atol=1e-5, rtol=0)
    # the constant 64 of the stock pipelines would have kept most of the system's words
    assert reference.pipeline.prompt_template_encode_start_idx > 100


def test_encoding_leaves_nothing_behind(random_checkpoint: Maker, picture: Maker) -> None:
    """The stock path keeps `rope_deltas` on the model between calls."""
    conditioner = load_editor(random_checkpoint("2511"), device="cpu").parts.conditioner
    first = conditioner.encode([picture(96, 96)], "make it red")
    conditioner.encode([picture(64, 160, seed=1), picture(96, 64, seed=2)], "something longer in between")
    conditioner.openings = Memo(Opening.tensors, KEPT_OPENINGS)  # or it would only remember
    assert torch.equal(conditioner.encode([picture(96, 96)], "make it red"), first)
    assert conditioner.encoder.rope_deltas is None


def test_pictures_are_looked_at_once_whatever_is_said_of_them(random_checkpoint: Maker, picture: Maker) -> None:
    folder: Path = random_checkpoint("2511")
    conditioner, looks = load_editor(folder, device="cpu").parts.conditioner, []
    conditioner.encoder.visual.register_forward_hook(lambda *_: looks.append(1))
    pictures, other = [picture(96, 96), picture(64, 128, seed=1)], [picture(96, 96)]
    told = [conditioner.encode(pictures, prompt) for prompt in ("make it red", " ", "make it red")]
    assert len(looks) == 1
    conditioner.encode(other, "make it red")
    assert len(looks) == 2
    anew = load_editor(folder, device="cpu").parts.conditioner
    assert torch.equal(anew.encode(pictures, " "), told[1])
    assert torch.equal(anew.encode(pictures, "make it red"), told[0])
    assert torch.equal(told[0], told[2])


@pytest.mark.parametrize("where", ["prompt", "negative_prompt"])
def test_a_prompt_may_have_so_many_tokens_and_no_more(where: str, own_checkpoint: Maker, picture: Maker) -> None:
    folder: Path = own_checkpoint()
    change_json(folder / "overpaint.json", lambda own: own.update(max_prompt_tokens=12))
    editor = load_editor(folder, device="cpu")
    tokenizer = editor.parts.conditioner.tokenizer
    fitting, longer = "1" * 12, "1" * 13  # each digit is a token
    assert (len(tokenizer.prompt_ids(fitting)), len(tokenizer.prompt_ids(longer))) == (12, 13)

    def edit(text: str) -> None:
        list(editor.edit([picture(64, 64)], **{"prompt": "red", where: text}, seed=1, steps=2))

    edit(fitting)
    with pytest.raises(EditFailed) as failure:
        edit(longer)
    assert failure.value.code == "prompt_too_long"


def test_the_published_limit_is_1024_tokens(random_checkpoint: Maker, editor: Maker) -> None:
    assert editor(random_checkpoint("2511")).parts.conditioner.max_prompt_tokens == 1024


def test_preprocessor_without_limits_is_refused(own_checkpoint: Maker) -> None:
    folder: Path = own_checkpoint()
    path = folder / "processor" / "preprocessor_config.json"
    path.write_text(json.dumps({key: value for key, value in PREPROCESSOR.items() if key != "max_pixels"}), "utf-8")
    with pytest.raises(ConfigurationError):
        load_editor(folder, device="cpu")
