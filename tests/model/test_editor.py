"""How an edit behaves from outside: its events, sizes, seeds, guidance, cancelling and failures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from overpaint.errors import EditFailed
from overpaint.model import Edited, Editor, Step, load_editor
from tests.model.checkpoints import GENERATIONS, Generation

Maker = Callable[..., Any]


@pytest.fixture
def tiny(random_checkpoint: Maker, editor: Maker) -> Editor:
    """A 2511 of 64² with one block."""
    made: Editor = editor(random_checkpoint("2511", tiny=True))
    return made


def edited(editor: Editor, pictures: Sequence[Image.Image], prompt: str = "make it red", **arguments: Any) -> Edited:
    *_, last = editor.edit(pictures, prompt, **{"seed": 1, "steps": 2, **arguments})
    assert isinstance(last, Edited)
    return last


class Calls:
    """Counts the calls of an object's method, which it lets through."""

    def __init__(self, owner: Any, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count, inner = 0, getattr(owner, name)

        def counted(*given: Any, **named: Any) -> Any:
            self.count += 1
            return inner(*given, **named)

        monkeypatch.setattr(owner, name, counted)


# --- events -----------------------------------------------------------------------------------------------------------


def test_one_step_each_and_then_the_picture(tiny: Editor, picture: Maker) -> None:
    *steps, last = tiny.edit([picture(64, 64)], "make it red", seed=5, steps=3)
    assert [(step.index, step.total) for step in steps if isinstance(step, Step)] == [(1, 3), (2, 3), (3, 3)]
    assert isinstance(last, Edited)
    assert last.image.mode == "RGB"
    assert (last.seed, last.width, last.height) == (5, *last.image.size)
    timings = last.timings
    assert timings.prepare_ms + timings.denoise_ms + timings.decode_ms == pytest.approx(timings.total_ms, abs=3)
    assert min(timings.prepare_ms, timings.denoise_ms, timings.decode_ms) >= 0


@pytest.mark.parametrize("generation", GENERATIONS)
def test_defaults_are_the_checkpoints(
    generation: Generation, random_checkpoint: Maker, editor: Maker, picture: Maker
) -> None:
    ours: Editor = editor(random_checkpoint(generation, tiny=True))
    events = list(ours.edit([picture(64, 64)], "make it red", seed=1))
    assert len(events) == ours.checkpoint.default_steps + 1
    told = edited(ours, [picture(64, 64)], steps=4, true_cfg_scale=4.0, negative_prompt=" ")
    assert isinstance(events[-1], Edited)
    assert events[-1].image.tobytes() == told.image.tobytes()


def test_previews_are_decoded_only_when_asked_for(
    tiny: Editor, picture: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded = Calls(tiny.parts.autoencoder, "decode", monkeypatch)
    events = tiny.edit([picture(90, 50)], "make it red", seed=1, steps=3)
    first, second, third = (next(events) for _ in range(3))
    assert decoded.count == 0
    assert isinstance(second, Step)
    preview = second.preview()
    assert decoded.count == 1
    last = next(events)
    assert isinstance(first, Step)
    assert isinstance(third, Step)
    assert isinstance(last, Edited)
    assert preview.size == last.image.size
    # the last step walks all the way, so its estimate is the picture itself; an earlier one may be kept and asked later
    assert np.abs(np.asarray(third.preview(), int) - np.asarray(last.image, int)).max() <= 1
    assert np.abs(np.asarray(first.preview(), int) - np.asarray(last.image, int)).max() > 1


# --- seeds and state --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", [{}, {"true_cfg_scale": 1.0}, {"fit": "reference"}], ids=str)
def test_the_same_request_and_seed_give_the_same_bytes(arguments: dict[str, Any], tiny: Editor, picture: Maker) -> None:
    pictures = [picture(80, 60), picture(40, 70, seed=1)]
    first = edited(tiny, pictures, **arguments)
    assert edited(tiny, pictures, **arguments).image.tobytes() == first.image.tobytes()
    assert edited(tiny, pictures, seed=2, **arguments).image.tobytes() != first.image.tobytes()
    assert edited(tiny, pictures, prompt="make it blue", **arguments).image.tobytes() != first.image.tobytes()
    assert edited(tiny, pictures[::-1], **arguments).image.tobytes() != first.image.tobytes()


def test_a_picture_that_comes_again_is_not_encoded_again(
    random_checkpoint: Maker, picture: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = random_checkpoint("2511", tiny=True)
    known = load_editor(folder, device="cpu")
    encodes = Calls(known.parts.autoencoder, "encode", monkeypatch)
    edited(known, [picture(64, 64)], prompt="make it blue")
    again = edited(known, [picture(64, 64)], seed=2)
    assert encodes.count == 1
    fresh = edited(load_editor(folder, device="cpu"), [picture(64, 64)], seed=2)
    assert again.image.tobytes() == fresh.image.tobytes()


def test_the_callers_own_random_numbers_are_neither_used_nor_moved(tiny: Editor, picture: Maker) -> None:
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = edited(tiny, [picture(64, 64)])
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    assert edited(tiny, [picture(64, 64)]).image.tobytes() == first.image.tobytes()


def test_the_largest_seed_is_taken(tiny: Editor, picture: Maker) -> None:
    assert edited(tiny, [picture(64, 64)], seed=2**31 - 1).seed == 2**31 - 1


def test_interleaved_step_by_step_two_edits_are_as_apart(tiny: Editor, picture: Maker) -> None:
    requests: list[tuple[list[Image.Image], str, dict[str, Any]]] = [
        ([picture(64, 64)], "make it red", {"seed": 1, "steps": 3}),
        ([picture(100, 50, seed=1), picture(30, 60, seed=2)], "make it blue", {"seed": 2, "steps": 5}),
        ([picture(50, 90, seed=3)], "warmer", {"seed": 3, "steps": 2, "true_cfg_scale": 1.0}),
    ]
    apart = [edited(tiny, images, prompt, **arguments) for images, prompt, arguments in requests]
    running = [tiny.edit(images, prompt, **arguments) for images, prompt, arguments in requests]
    together: dict[int, Edited] = {}
    while len(together) < len(running):
        for index, events in enumerate(running):
            if index not in together and isinstance(event := next(events), Edited):
                together[index] = event
    for index, alone in enumerate(apart):
        assert together[index].image.tobytes() == alone.image.tobytes()


@pytest.mark.parametrize("steps_made", [0, 1, 3])
def test_closing_cancels_and_leaves_nothing_behind(
    steps_made: int, random_checkpoint: Maker, picture: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    editor = load_editor(random_checkpoint("2511", tiny=True), device="cpu")
    untouched = edited(editor, [picture(64, 64)])
    passes = Calls(editor.parts.transformer, "forward", monkeypatch)
    decoded = Calls(editor.parts.autoencoder, "decode", monkeypatch)
    events = editor.edit([picture(90, 50, seed=4)], "something else", seed=9, steps=4)
    for _ in range(steps_made):
        next(events)
    close(events)
    assert passes.count == 2 * steps_made  # with guidance
    assert decoded.count == 0
    assert list(events) == []
    assert edited(editor, [picture(64, 64)]).image.tobytes() == untouched.image.tobytes()


def close(events: Iterator[Step | Edited]) -> None:
    events.close()  # type: ignore[attr-defined]


def test_nothing_is_made_before_the_first_event_is_asked_for(
    tiny: Editor, picture: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoded = Calls(tiny.parts.conditioner, "encode", monkeypatch)
    tiny.edit([picture(64, 64)], "make it red", seed=1)
    assert encoded.count == 0


def test_no_gradients_are_kept_and_the_callers_mode_is_left_alone(tiny: Editor, picture: Maker) -> None:
    assert torch.is_grad_enabled()
    for _ in tiny.edit([picture(64, 64)], "make it red", seed=1, steps=2):
        assert torch.is_grad_enabled()


# --- guidance ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "passes_a_step"),
    [
        ({}, 2),
        ({"negative_prompt": "blurry"}, 2),
        ({"negative_prompt": ""}, 2),
        ({"true_cfg_scale": 1.01}, 2),
        ({"negative_prompt": None}, 1),
        ({"true_cfg_scale": 1.0}, 1),
        ({"true_cfg_scale": 1}, 1),
        ({"true_cfg_scale": 1.0, "negative_prompt": "blurry"}, 1),
        ({"negative_prompt": None, "true_cfg_scale": 6.0}, 1),
    ],
    ids=str,
)
def test_guidance_costs_a_pass_and_is_off_when_said_so(
    arguments: dict[str, Any], passes_a_step: int, tiny: Editor, picture: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    passes = Calls(tiny.parts.transformer, "forward", monkeypatch)
    encoded = Calls(tiny.parts.conditioner, "encode", monkeypatch)
    edited(tiny, [picture(64, 64)], steps=3, **arguments)
    assert passes.count == 3 * passes_a_step
    assert encoded.count == passes_a_step


def test_without_guidance_the_negative_prompt_and_the_scale_do_not_matter(tiny: Editor, picture: Maker) -> None:
    off = edited(tiny, [picture(64, 64)], true_cfg_scale=1.0)
    assert edited(tiny, [picture(64, 64)], negative_prompt=None).image.tobytes() == off.image.tobytes()
    on = edited(tiny, [picture(64, 64)])
    assert on.image.tobytes() != off.image.tobytes()
    assert edited(tiny, [picture(64, 64)], negative_prompt="blurry").image.tobytes() != on.image.tobytes()


def test_a_negative_prompt_equal_to_the_prompt_guides_nowhere(tiny: Editor, picture: Maker) -> None:
    off = edited(tiny, [picture(64, 64)], true_cfg_scale=1.0)
    same = edited(tiny, [picture(64, 64)], negative_prompt="make it red", true_cfg_scale=9.0)
    assert np.abs(np.asarray(same.image, int) - np.asarray(off.image, int)).max() <= 1


# --- sizes ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "expected"),
    [((64, 64), (64, 64)), ((640, 480), (74, 55)), ((97, 261), (39, 105)), ((16, 1), (256, 16)), ((7, 100), (17, 242))],
)
def test_exact_keeps_the_aspect_ratio_at_the_native_area(
    given: tuple[int, int], expected: tuple[int, int], tiny: Editor, picture: Maker
) -> None:
    assert edited(tiny, [picture(*given)]).image.size == expected


@pytest.mark.parametrize("size", [(64, 64), (101, 37), (33, 65), (31, 97)])
@pytest.mark.parametrize("given", [(64, 64), (300, 100)])
def test_exact_delivers_the_size_that_was_asked_for(
    size: tuple[int, int], given: tuple[int, int], tiny: Editor, picture: Maker
) -> None:
    made = edited(tiny, [picture(*given)], width=size[0], height=size[1])
    assert made.image.size == size == (made.width, made.height)
    assert made.working_pixels == -(-size[0] // 32) * 32 * (-(-size[1] // 32) * 32)


def test_the_padding_is_cut_off_the_right_and_below(
    tiny: Editor, picture: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is delivered is the top left of what the decoder made of the grid; nothing is resampled."""
    grids: list[np.ndarray[Any, Any]] = []
    decode = tiny.parts.autoencoder.decode

    def listened(latents: torch.Tensor) -> torch.Tensor:
        grids.append(((made := decode(latents))[0].permute(1, 2, 0) / 2 + 0.5).numpy())
        return made

    monkeypatch.setattr(tiny.parts.autoencoder, "decode", listened)
    image = edited(tiny, [picture(640, 480)]).image
    (grid,) = grids
    assert grid.shape == (64, 96, 3)
    assert image.size == (74, 55)
    assert np.array_equal(np.asarray(image), (grid[:55, :74] * 255).round().astype(np.uint8))


def test_output_and_first_picture_share_one_grid(tiny: Editor, picture: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two grids make the picture drift; and the size is the first picture's, not the last one's as in stock."""
    seen: list[Any] = []
    scene = tiny.parts.transformer.scene
    monkeypatch.setattr(tiny.parts.transformer, "scene", lambda *given: (seen.append(given[2]), scene(*given))[1])
    edited(tiny, [picture(100, 50), picture(50, 100, seed=1), picture(64, 64, seed=2)])
    noise, first, second, third = seen[0]
    assert noise == first == (1, 4, 6)
    assert second == (1, 6, 4)
    assert third == (1, 4, 4)


@pytest.mark.parametrize("size", [(72, 64), (64, 40), (8, 8)])
def test_reference_sizes_must_fit_its_grid(size: tuple[int, int], tiny: Editor, picture: Maker) -> None:
    """Upstream rounds them down in silence."""
    with pytest.raises(ValueError, match="multiples of 16"):
        tiny.edit([picture(64, 64)], "red", seed=1, width=size[0], height=size[1], fit="reference")


def test_reference_takes_its_own_rounding(tiny: Editor, picture: Maker) -> None:
    assert edited(tiny, [picture(640, 480)], fit="reference").image.size == (64, 64)
    assert edited(tiny, [picture(640, 480)], fit="reference", width=80, height=48).image.size == (80, 48)


# --- arguments and failures -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("steps", [1, 0, -3])
def test_fewer_than_two_steps_are_refused(steps: int, tiny: Editor, picture: Maker) -> None:
    """One step is 0/0 in the schedule's terminal stretch: the stock pipelines give a NaN picture and no error."""
    with pytest.raises(ValueError, match="steps"):
        tiny.edit([picture(64, 64)], "red", seed=1, steps=steps)


def test_the_stock_schedule_breaks_at_one_step(random_checkpoint: Maker, stock: Maker, picture: Maker) -> None:
    """Guards the refusal above: when the reference mends it, so may we."""
    with pytest.warns(RuntimeWarning):
        made = stock(random_checkpoint("2511", tiny=True)).edit([picture(64, 64)], "red", seed=1, steps=1)
    assert not torch.isfinite(made.latents[-1]).any()


@pytest.mark.parametrize(("generation", "most"), [("edit", 1), ("2509", 3), ("2511", 3)])
def test_so_many_pictures_and_no_more(
    generation: Generation, most: int, random_checkpoint: Maker, editor: Maker, picture: Maker
) -> None:
    ours: Editor = editor(random_checkpoint(generation, tiny=True))
    edited(ours, [picture(64, 64, seed=seed) for seed in range(most)])
    for count in (0, most + 1):
        with pytest.raises(ValueError, match="images"):
            ours.edit([picture(64, 64)] * count, "red", seed=1)


@pytest.mark.parametrize("size", [{"width": 64}, {"height": 64}], ids=str)
def test_one_side_alone_is_refused(size: dict[str, int], tiny: Editor, picture: Maker) -> None:
    with pytest.raises(ValueError, match="both or neither"):
        tiny.edit([picture(64, 64)], "red", seed=1, **size)


@pytest.mark.parametrize(
    "arguments",
    [
        *({"seed": seed} for seed in (-1, 2**31)),
        *({"true_cfg_scale": scale} for scale in (0.99, 0, -4.0, float("nan"), float("inf"))),
        *({"width and height": sides, "fit": fit} for sides in (0, -64) for fit in ("exact", "reference")),
        *({"fit": fit} for fit in ("cover", "", None)),
    ],
    ids=str,
)
def test_an_argument_out_of_range_is_refused_by_name(arguments: dict[str, Any], tiny: Editor, picture: Maker) -> None:
    """Each would else be made something of in silence: guidance turned off, another fit, an empty picture."""
    name = next(iter(arguments))
    if name == "width and height":
        arguments = {"width": arguments[name], "height": 64, "fit": arguments["fit"]}
    with pytest.raises(ValueError, match=f"^{name}: "):
        tiny.edit([picture(64, 64)], "red", **{"seed": 1, **arguments})


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_numbers_that_are_no_picture_fail_instead_of_coming_out_black(
    number: float, random_checkpoint: Maker, picture: Maker
) -> None:
    editor = load_editor(random_checkpoint("2511", tiny=True), device="cpu")
    editor.parts.transformer.proj_out.bias.data[3] = number
    with pytest.raises(EditFailed) as failure:
        edited(editor, [picture(64, 64)])
    assert failure.value.code == "output_invalid"


def really_too_large(*_: Any) -> torch.Tensor:
    return torch.empty(2**58)


def device_says_so(*_: Any) -> torch.Tensor:
    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB.")


def convolution_says_so(*_: Any) -> torch.Tensor:
    raise RuntimeError("could not create a primitive")


@pytest.mark.parametrize("where", ["transformer.forward", "autoencoder.decode", "conditioner.encode"])
@pytest.mark.parametrize("allocation", [really_too_large, device_says_so, convolution_says_so])
def test_too_little_memory_has_its_name(
    allocation: Callable[..., torch.Tensor],
    where: str,
    random_checkpoint: Maker,
    picture: Maker,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    editor = load_editor(random_checkpoint("2511", tiny=True), device="cpu")
    untouched = edited(editor, [picture(64, 64)])
    part, method = where.split(".")
    with monkeypatch.context() as patch:
        patch.setattr(getattr(editor.parts, part), method, allocation)
        with pytest.raises(EditFailed) as failure:
            edited(editor, [picture(64, 64)])
    assert failure.value.code == "out_of_memory"
    assert edited(editor, [picture(64, 64)]).image.tobytes() == untouched.image.tobytes()


@pytest.mark.parametrize("allocation", [really_too_large, device_says_so])
def test_too_little_memory_for_a_preview_has_its_name_and_the_edit_goes_on(
    allocation: Callable[..., torch.Tensor], random_checkpoint: Maker, picture: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    editor = load_editor(random_checkpoint("2511", tiny=True), device="cpu")
    events = editor.edit([picture(64, 64)], "make it red", seed=1, steps=2)
    step = next(events)
    assert isinstance(step, Step)
    with monkeypatch.context() as patch:
        patch.setattr(editor.parts.autoencoder, "decode", allocation)
        for _ in range(2):
            with pytest.raises(EditFailed) as failure:
                step.preview()
            assert failure.value.code == "out_of_memory"
    assert step.preview().size == (64, 64)
    assert isinstance(list(events)[-1], Edited)


def test_another_fault_is_not_called_a_lack_of_memory(
    random_checkpoint: Maker, picture: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    editor = load_editor(random_checkpoint("2511", tiny=True), device="cpu")

    def broken(*_: Any) -> torch.Tensor:
        raise RuntimeError("cudnn: something else")

    monkeypatch.setattr(editor.parts.autoencoder, "decode", broken)
    with pytest.raises(RuntimeError, match="something else"):
        edited(editor, [picture(64, 64)])


def test_control_tokens_in_a_prompt_do_not_break_an_edit(tiny: Editor, picture: Maker) -> None:
    """In the stock pipelines a prompt with the picture token is an IndexError."""
    prompt = "write <|image_pad|> and <|im_end|> on the sign"
    plain = edited(tiny, [picture(64, 64)], prompt=prompt)
    assert plain.image.tobytes() != edited(tiny, [picture(64, 64)], prompt="write  and  on the sign").image.tobytes()


def test_a_bfloat16_editor_edits_too(random_checkpoint: Maker, editor: Maker, picture: Maker) -> None:
    folder: Path = random_checkpoint("2511")
    half = edited(load_editor(folder, device="cpu", dtype="bfloat16"), [picture(128, 128)], steps=4)
    full = edited(editor(folder), [picture(128, 128)], steps=4)
    difference = np.asarray(half.image, float) - np.asarray(full.image, float)
    assert 0 < np.abs(difference).mean() < 4  # grey levels
