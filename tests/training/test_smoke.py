"""Training in miniature: the true edits, the split, and a few real steps of every stage."""

from __future__ import annotations

import random
from pathlib import Path

import torch

from training import crops, edits, photographs, pool
from training.autoencoder import LinearChain
from training.editor import TRANSFORMER, Editor, levels
from training.encoder import condition_patches, encode, load_tokenizer
from training.encoder import config as encoder_config
from training.layout import to_autoencoder
from training.optimiser import Average, Muon
from training.start import copy_start
from training.tokenizer import train as train_tokenizer
from training.tokenizer import write as write_tokenizer


def a_picture(width: int = 64, height: int = 64, seed: int = 0) -> torch.Tensor:
    small = torch.rand(1, 3, 5, 5, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.interpolate(small, size=(height, width), mode="bicubic").clamp(0, 1)[0]


def test_photographs_are_split_by_name_and_only_photographs_are_judged() -> None:
    sides = {side: {row.name for row in photographs.PHOTOGRAPHS if row.split == side} for side in ("train", "heldout")}
    assert not sides["train"] & sides["heldout"]
    assert len(sides["train"]) + len(sides["heldout"]) == len(photographs.PHOTOGRAPHS)
    assert all(row.kind == "photo" for row in photographs.PHOTOGRAPHS if row.split == "heldout")
    assert all(row.licence for row in photographs.PHOTOGRAPHS)


def test_autoencoder_layout_computes_what_the_chain_computes() -> None:
    torch.manual_seed(0)
    chain = LinearChain()
    pixels = a_picture()[None] * 2 - 1
    with torch.no_grad():
        latents = to_autoencoder(chain).encode(pixels)
        torch.testing.assert_close(latents, chain.encode(pixels), atol=0.02, rtol=0.02)
        decoded = to_autoencoder(chain).decode(latents)
        torch.testing.assert_close(decoded, chain.decode(latents).clamp(-1, 1), atol=0.02, rtol=0.02)


def test_copy_start_returns_the_reference() -> None:
    torch.manual_seed(0)
    editor = Editor({**settings(), "vocab_size": 512}, {**TRANSFORMER, "num_layers": 2})
    reference, noise = torch.randn(2, 1, 16, TRANSFORMER["in_channels"]).unbind(0)
    copy_start(editor.transformer)
    with torch.no_grad():
        shapes = [(1, 4, 4), (1, 4, 4)]
        states = torch.randn(1, 12, 128)
        network = editor.transformer
        velocity = network(noise, network.level(torch.ones(1)), network.scene(reference, states, shapes))
    assert (noise - velocity - reference).square().mean() < 0.1


def settings() -> dict[str, object]:
    """The encoder's config for a vocabulary of 512 that no tokenizer stands behind."""

    class NoTokenizer:
        image_pad = 500

    ids = dict.fromkeys(("endoftext", "im_end", "vision_start", "vision_end", "vision_pad", "video_pad"), 501)
    return encoder_config(NoTokenizer(), 512, ids)  # type: ignore[arg-type]


def test_a_few_real_steps_lower_the_loss(tmp_path: Path) -> None:
    """Tokenizer, encoder and transformer together, two layers, 32-pixel pictures, one family."""
    torch.manual_seed(0)
    write_tokenizer(train_tokenizer(prompts=500), tmp_path)
    tokenizer, encoder_settings = load_tokenizer(tmp_path)
    assert tokenizer.prefix_length == 64
    editor = Editor(encoder_settings, {**TRANSFORMER, "num_layers": 2})
    chain = LinearChain()
    pictures = [a_picture(32, 32, seed) for seed in range(4)]
    pixels = torch.stack(pictures)
    with torch.no_grad():
        raw = [chain.encode(edit(pixels) * 2 - 1) for edit in (edits.EDITS["keep"], edits.EDITS["invert"])]
        reference, target = (pool.pack(latents / raw[0].std()) for latents in raw)
    patches, grids = zip(*(condition_patches(crops.to_image(picture)) for picture in pictures), strict=True)
    prompts = [tokenizer.prompt_ids("invert the colors")] * 4
    matrices = [p for p in editor.transformer.transformer_blocks.parameters() if p.ndim == 2]
    optimiser, average = Muon(matrices, 0.01), Average(matrices, 0.9)
    rng, losses = torch.Generator().manual_seed(0), []
    noise = torch.randn(target.shape, generator=rng)
    shape = (1, 4, 4)
    for _ in range(6):
        states = encode(editor.encoder, tokenizer, prompts, torch.stack(patches), grids[0])
        scene = editor.transformer.scene(reference, states, [shape, shape])
        velocity = editor.transformer(noise, editor.transformer.level(torch.ones(4)), scene)
        loss = (velocity - (noise - target)).square().mean()
        loss.backward()
        optimiser.step()
        optimiser.zero_grad()
        average.update()
        losses.append(loss.item())
    assert losses[-1] < 0.8 * losses[0]


def test_noise_levels_visit_the_two_that_the_service_uses() -> None:
    drawn = levels(4000, torch.Generator().manual_seed(0))
    assert drawn.min() > 0 and drawn.max() == 1
    assert (drawn == 1).float().mean() > 0.6 and (drawn == 0.5).float().mean() > 0.08


def test_crops_have_the_size_asked_for() -> None:
    image = crops.to_image(a_picture(300, 200))
    assert crops.crop(image, 96, 64, random.Random(0)).size == (96, 64)
    assert crops.fit(256**2, 4 / 3) == (288, 224)
