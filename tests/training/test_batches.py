"""Steps on pools and on scenes, as a GPU takes them, on a CPU with tiny networks."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import torch
from PIL import Image

from training import editor, encoder, marks, photographs, pool, tokenizer
from training.autoencoder import LATENTS, LinearChain
from training.codec import Codec
from training.layout import to_autoencoder
from training.scenes import feed, fonts
from training.stages import STAGES, Diet, Stage

POOLED = Diet(64, 64, "scattered", 8)
RENDERED = Diet(128, 128, "whole", 4, course="all", emphasis=4.0)


def pictures(*_: Any, **__: Any) -> dict[str, Image.Image]:
    noise = np.random.default_rng(0).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return {"noise": Image.fromarray(noise).resize((400, 300), Image.Resampling.BICUBIC)}


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Codec:
    """A tokenizer of few words, an untrained autoencoder, one picture, two layers: nothing of a run is needed."""
    tokenizer.write(tokenizer.train(prompts=300), tmp_path)
    found = encoder.load_tokenizer(tmp_path)
    monkeypatch.setattr(encoder, "load_tokenizer", lambda: found)
    torch.manual_seed(0)
    codec = Codec(to_autoencoder(LinearChain()), torch.ones(LATENTS))
    monkeypatch.setattr(Codec, "load", lambda: codec)
    monkeypatch.setattr(photographs, "load", pictures)
    monkeypatch.setitem(editor.TRANSFORMER, "num_layers", 2)
    if not fonts.FOLDER.exists():
        monkeypatch.setattr(fonts, "width", lambda text, typeface, height: len(text) * height)
        monkeypatch.setattr(
            fonts, "mask", lambda text, typeface, height, room: np.ones((height, min(room, len(text) * height)))
        )
    return codec


def test_a_stage_takes_steps_on_pools_and_on_scenes_and_goes_on(
    tiny: Codec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = pool.build(tiny, 64, 64, count=3, seed=1)
    monkeypatch.setattr(pool, "load", lambda width, height: made)
    saved = tmp_path / "editor.pt"
    for taken, diet in enumerate((POOLED, RENDERED), start=1):
        trainer = editor.Trainer(Stage((diet,), 0.004, 0.0016, steps=2), 1, saved, "cpu", workers=1)
        if saved.exists():
            trainer.resume()
        before = trainer.editor.transformer.proj_out.weight.clone()
        trainer.train(seconds=600)
        assert (trainer.step, trainer.total_steps) == (2, 2 * taken)
        assert not torch.equal(before, trainer.editor.transformer.proj_out.weight)
        assert trainer.progress.sums.keys() - {"keep"}, "no family was noted"
        assert all(torch.isfinite(weight).all() for weight in trainer.editor.parameters())


@pytest.mark.parametrize(("learns", "idle"), [("reading", "transformer"), ("obeying", "encoder")])
def test_a_stage_may_teach_one_network_alone(
    tiny: Codec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, learns: Literal["reading", "obeying"], idle: str
) -> None:
    made = pool.build(tiny, 64, 64, count=3, seed=1)
    monkeypatch.setattr(pool, "load", lambda width, height: made)
    stage = Stage((POOLED,), 0.004, 0.0016, steps=2, learns=learns)
    trainer = editor.Trainer(stage, 1, tmp_path / "editor.pt", "cpu")
    before = {name: value.clone() for name, value in trainer.editor.named_parameters()}
    trainer.train(seconds=600)
    changed = {name.split(".")[0] for name, value in trainer.editor.named_parameters() if not value.equal(before[name])}
    assert changed == {"encoder", "transformer"} - {idle}


def test_a_new_stage_begins_with_the_averages(tiny: Codec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = pool.build(tiny, 64, 64, count=3, seed=1)
    monkeypatch.setattr(pool, "load", lambda width, height: made)
    first, second = (Stage((POOLED,), 0.004, 0.0016, steps=steps) for steps in (2, 3))
    begun = editor.Trainer(first, 1, tmp_path / "editor.pt", "cpu")
    begun.train(seconds=600)
    for stage, wanted in ((first, list(begun.editor.parameters())), (second, begun.average.values)):
        trainer = editor.Trainer(stage, 2, tmp_path / "editor.pt", "cpu")
        trainer.resume()
        assert all(a.equal(b) for a, b in zip(trainer.editor.parameters(), wanted, strict=True))


def test_the_last_state_is_what_is_marked() -> None:
    states, names = torch.randn(2, 5, encoder.WIDTH), ["bw", "keep"]
    states[:, -1] = marks.start()[2:4]  # misunderstood, both of them
    seen = marks.marked(states, names, marks.start())
    assert torch.equal(seen[:, :-1].sort(0).values, states[:, :-1].sort(0).values), "words of one of the two"
    assert marks.missed(seen, names, marks.start()) < 1 < 5 < marks.missed(seen.flip(0), names, marks.start())


def test_what_is_understood_may_stay_as_the_encoder_says_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(marks, "REAL", 1.0)
    found, names = marks.start(), list(marks.NAMES[:4])
    states = torch.randn(4, 5, encoder.WIDTH)
    states[:, -1] = torch.lerp(found[:4], found[5], torch.tensor([[0.1], [0.3], [0.7], [0.9]]))
    stays = (marks.marked(states, names, found)[:, -1] == states[:, -1]).all(-1)
    assert stays.tolist() == [True, True, False, False]


def test_marks_stay_where_they_are_when_a_family_is_added(monkeypatch: pytest.MonkeyPatch) -> None:
    before = dict(zip(marks.NAMES, marks.start(), strict=True))
    monkeypatch.setattr(marks, "NAMES", ("solarise", *marks.NAMES))
    after = dict(zip(marks.NAMES, marks.start(), strict=True))
    new = after.pop("solarise")
    assert after.keys() == before.keys()
    assert all(torch.allclose(after[name], mark, atol=1e-5) for name, mark in before.items())
    assert all((mark - new).square().sum() > 200 for mark in after.values()), "further from each than any two strengths"


def test_a_strength_lies_between_its_family_and_its_word() -> None:
    found = dict(zip(marks.NAMES, marks.start(), strict=True))
    apart = {name: float((mark - found["slightly warmer"]).square().sum()) for name, mark in found.items()}
    near = sorted(apart, key=apart.__getitem__)
    assert near[:2] == ["slightly warmer", "warmer"]
    assert apart["slightly cooler"] < apart["cooler"], "they share the word"


def test_a_token_that_changes_counts_as_often_as_the_diet_says(tiny: Codec, tmp_path: Path) -> None:
    """Two tokens, one changed, answered wrong in one of them: five times the loss where it is the changed one."""
    trainer = editor.Trainer(Stage((RENDERED,), 0.004, 0.0016, steps=1), 1, tmp_path / "editor.pt", "cpu")
    reference = torch.zeros(1, 2, 4 * LATENTS)
    target = reference.clone()
    target[0, 0] = 1.0
    batch = editor.Batch(
        [[1]],
        ["text"],
        reference,
        target,
        torch.ones(1, 2),
        torch.zeros(1, 16, 1176),
        (4, 4),
        (1, 1, 2),
        torch.arange(2),
        1,
    )
    losses = []
    for wrong in (0, 1):
        trainer.noise = torch.Generator().manual_seed(0)
        noise = torch.randn(1, 2, 4 * LATENTS, generator=torch.Generator().manual_seed(0))
        answer = noise - target
        answer[0, wrong] += 1.0
        trainer.run_transformer = lambda *_, answer=answer: answer
        losses.append(float(trainer.loss(RENDERED, batch, torch.Generator().manual_seed(0))))
    assert losses[0] / losses[1] == pytest.approx(1 + RENDERED.emphasis)


def test_a_feed_gives_prompts_of_one_length_and_its_processes_draw_their_own(tiny: Codec) -> None:
    words, _ = encoder.load_tokenizer()
    made = feed.batches(feed.Feed(("all", 128, 128), 4, words, 34, seed=3), workers=2)
    first, second = next(made), next(made)
    for batch in (first, second):
        assert len({len(ids) for ids in batch.prompts}) == 1 and len(batch.prompts) == len(batch.families) == 4
        assert batch.before.shape == batch.after.shape == (4, 3, 128, 128) and batch.before.dtype == np.uint8
        assert batch.patches.shape == (4, 16, 1176)
    assert not np.array_equal(first.before, second.before)


def test_stages_on_scenes_are_for_whole_square_pictures() -> None:
    for name in ("letters", "signs", "scenes"):
        for diet in STAGES[name].diets:
            assert diet.course in feed.COURSES and diet.pattern == "whole" and diet.emphasis > 0
