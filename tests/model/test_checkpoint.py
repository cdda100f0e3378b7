"""Folders as they really come, and folders that are not whole: the same network, or an error that names the key."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from overpaint import model
from overpaint.errors import ConfigurationError
from overpaint.model import Editor, load_editor
from tests.model import checkpoints
from tests.model.checkpoints import change_json, change_weights, weights

Maker = Callable[..., Any]
COMPONENTS = ("transformer", "vae", "text_encoder")


def tensors(editor: Editor) -> dict[str, Tensor]:
    parts = editor.parts
    modules = {"transformer": parts.transformer, "vae": parts.autoencoder, "encoder": parts.conditioner.encoder}
    return {
        f"{name}.{key}": tensor
        for name, module in modules.items()
        for key, tensor in [*module.named_parameters(), *module.named_buffers()]
    }


def save_as_tokenizer_json(folder: Path) -> None:
    from transformers import Qwen2Tokenizer

    Qwen2Tokenizer.from_pretrained(folder / "tokenizer").save_pretrained(folder / "tokenizer")
    (folder / "tokenizer" / "vocab.json").unlink(missing_ok=True)


def respell_limits(folder: Path) -> None:
    def respell(config: dict[str, Any]) -> None:
        config["size"] = {"shortest_edge": config.pop("min_pixels"), "longest_edge": config.pop("max_pixels")}

    change_json(folder / "processor" / "preprocessor_config.json", respell)


def drop_language_head(folder: Path) -> None:
    change_weights(folder, "text_encoder", lambda stored: stored.pop("lm_head.weight"))


VARIANTS: dict[str, Callable[[Path], object]] = {
    "sharded transformer": lambda folder: checkpoints.shard(folder, "transformer", 5),
    "sharded text encoder": lambda folder: checkpoints.shard(folder, "text_encoder", 4),
    "newer keys of the text encoder": checkpoints.respell_text_encoder_keys,
    "flat text config": checkpoints.flatten_text_config,
    "tokenizer.json": save_as_tokenizer_json,
    "newer limits of the pixels": respell_limits,
    "no language head": drop_language_head,
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_form_of_a_folder_gives_the_same_network_and_picture(
    variant: str, own_checkpoint: Maker, picture: Maker
) -> None:
    folder: Path = own_checkpoint()
    plain = load_editor(folder, device="cpu")
    VARIANTS[variant](folder)
    varied = load_editor(folder, device="cpu")
    before, after = tensors(plain), tensors(varied)
    assert before.keys() == after.keys()
    assert [key for key in before if not torch.equal(before[key], after[key])] == []

    def edit(editor: Editor) -> bytes:
        *_, edited = editor.edit([picture(64, 64)], "make it red", seed=1, steps=2)
        return edited.image.tobytes()  # type: ignore[union-attr]

    assert edit(varied) == edit(plain)


def test_weights_stored_in_bfloat16_are_computed_in_the_dtype_asked_for(own_checkpoint: Maker) -> None:
    folder: Path = own_checkpoint()
    for component in COMPONENTS:
        change_weights(folder, component, lambda stored: stored.update({k: t.bfloat16() for k, t in stored.items()}))
    stored = load_file(weights(folder, "transformer"))
    for dtype in (torch.float32, torch.bfloat16):
        editor = load_editor(folder, device="cpu", dtype=str(dtype).removeprefix("torch."))
        assert {parameter.dtype for parameter in editor.parts.transformer.parameters()} == {dtype}
        assert torch.equal(editor.parts.transformer.img_in.weight, stored["img_in.weight"].to(dtype))


def test_computed_tables_are_not_left_empty(own_checkpoint: Maker) -> None:
    """Modules are built without memory; what no file holds must be computed anew."""
    found = tensors(load_editor(own_checkpoint(), device="cpu"))
    assert {tensor.device.type for tensor in found.values()} == {"cpu"}
    assert all(torch.isfinite(tensor).all() for tensor in found.values())


def test_weights_need_no_gradients(own_checkpoint: Maker) -> None:
    parts = load_editor(own_checkpoint(), device="cpu").parts
    for module in (parts.transformer, parts.autoencoder, parts.conditioner.encoder):
        assert not any(parameter.requires_grad for parameter in module.parameters())
        assert not any(part.training for part in module.modules())


def test_progress_rises_to_one(own_checkpoint: Maker) -> None:
    folder: Path = own_checkpoint()
    checkpoints.shard(folder, "transformer", 3)
    seen: list[float] = []
    load_editor(folder, device="cpu", progress=seen.append)
    assert len(seen) >= 5
    assert seen == sorted(seen)
    assert seen[-1] == 1


# --- damage -----------------------------------------------------------------------------------------------------------


def refusal(folder: Path) -> str:
    """The sentence of the one error that a damaged folder may give; it never shows where the folder lies."""
    with pytest.raises(ConfigurationError) as error:
        load_editor(folder, device="cpu")
    assert str(folder) not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("component", COMPONENTS)
class TestAWrongTensorIsNamed:
    def test_a_missing_key(self, component: str, own_checkpoint: Maker) -> None:
        folder: Path = own_checkpoint()
        key = self.last_key(folder, component)
        change_weights(folder, component, lambda stored: stored.pop(key))
        assert component in (sentence := refusal(folder))
        assert key.split(".", 1)[1] in sentence
        assert "missing" in sentence

    def test_a_renamed_key(self, component: str, own_checkpoint: Maker) -> None:
        folder: Path = own_checkpoint()
        key = self.last_key(folder, component)
        change_weights(folder, component, lambda stored: stored.update({key + "_2": stored.pop(key)}))
        assert key.split(".", 1)[1] in refusal(folder)

    def test_a_surplus_key(self, component: str, own_checkpoint: Maker) -> None:
        folder: Path = own_checkpoint()
        change_weights(folder, component, lambda stored: stored.update({"extra.lora_A.weight": torch.zeros(2, 2)}))
        assert "extra.lora_A.weight" in refusal(folder)

    def test_a_wrong_shape(self, component: str, own_checkpoint: Maker) -> None:
        folder: Path = own_checkpoint()
        key = self.last_key(folder, component)

        def widen(stored: dict[str, Tensor]) -> None:
            stored[key] = torch.cat([stored[key], stored[key]])

        change_weights(folder, component, widen)
        sentence = refusal(folder)
        assert key.split(".", 1)[1] in sentence
        assert "shape" in sentence

    def test_a_missing_shard(self, component: str, own_checkpoint: Maker) -> None:
        folder: Path = own_checkpoint()
        index = checkpoints.shard(folder, component, 3)
        shard = sorted(index.parent.glob("*.safetensors"))[1]
        shard.unlink()
        assert shard.name in refusal(folder)

    @pytest.mark.parametrize("damage", ["{", "[]", "{}"])
    def test_a_damaged_index(self, damage: str, component: str, own_checkpoint: Maker) -> None:
        index = checkpoints.shard(folder := own_checkpoint(), component, 2)
        index.write_text(damage, "utf-8")
        assert index.name in refusal(folder)

    def test_a_key_stored_twice(self, component: str, own_checkpoint: Maker) -> None:
        folder: Path = own_checkpoint()
        checkpoints.shard(folder, component, 2)
        first, second = sorted((folder / component).glob("*.safetensors"))
        doubled = load_file(second) | {(key := next(iter(load_file(first)))): load_file(first)[key]}
        save_file(doubled, second)
        sentence = refusal(folder)
        assert key.split(".", 1)[1] in sentence
        assert "twice" in sentence

    def test_a_cut_file(self, component: str, own_checkpoint: Maker) -> None:
        folder: Path = own_checkpoint()
        path = weights(folder, component)
        path.write_bytes(path.read_bytes()[:-1000])
        sentence = refusal(folder)
        assert path.name in sentence

    def test_no_weights_at_all(self, component: str, own_checkpoint: Maker) -> None:
        folder: Path = own_checkpoint()
        weights(folder, component).unlink()
        assert component in refusal(folder)

    @staticmethod
    def last_key(folder: Path, component: str) -> str:
        return max(key for key in load_file(weights(folder, component)) if key != "lm_head.weight")


@pytest.mark.parametrize(
    "name",
    [
        "transformer/config.json",
        "vae/config.json",
        "text_encoder/config.json",
        "scheduler/scheduler_config.json",
        "processor/preprocessor_config.json",
        "model_index.json",
    ],
)
@pytest.mark.parametrize("damage", ["gone", "not JSON", "a list"])
def test_a_damaged_config_is_named(name: str, damage: str, own_checkpoint: Maker) -> None:
    folder: Path = own_checkpoint()
    path = folder / name
    if damage == "gone":
        path.unlink()
    else:
        path.write_text({"not JSON": "{", "a list": "[]"}[damage], "utf-8")
    assert path.name in refusal(folder)


@pytest.mark.parametrize("name", ["vocab.json", "merges.txt"])
def test_a_missing_tokenizer_file_is_refused(name: str, own_checkpoint: Maker) -> None:
    folder: Path = own_checkpoint()
    (folder / "tokenizer" / name).unlink()
    assert "tokenizer" in refusal(folder)


@pytest.mark.parametrize(
    ("file", "change"),
    [
        ("transformer/config.json", {"guidance_embeds": True}),
        ("transformer/config.json", {"use_additional_t_cond": True}),
        ("transformer/config.json", {"use_layer3d_rope": True}),
        ("transformer/config.json", {"patch_size": 1}),
        ("transformer/config.json", {"axes_dims_rope": [4, 6, 8]}),
        ("transformer/config.json", {"axes_dims_rope": [8, 8]}),
        ("scheduler/scheduler_config.json", {"use_karras_sigmas": True}),
        ("scheduler/scheduler_config.json", {"invert_sigmas": True}),
        ("scheduler/scheduler_config.json", {"time_shift_type": "linear"}),
        ("vae/config.json", {"attn_scales": [0.5]}),
        ("vae/config.json", {"latents_mean": [0.0]}),
    ],
    ids=str,
)
def test_a_network_of_another_kind_is_refused_by_name(file: str, change: dict[str, Any], own_checkpoint: Maker) -> None:
    folder: Path = own_checkpoint()
    change_json(folder / file, lambda config: config.update(change))
    assert next(iter(change)) in refusal(folder)


@pytest.mark.parametrize("dtype", ["float16", "half", "fp8", ""])
def test_only_dtypes_that_hold_this_network_are_offered(dtype: str, own_checkpoint: Maker) -> None:
    """float16 overflows: the stock stack clips and still gives black pictures."""
    with pytest.raises(ConfigurationError, match="float32 and bfloat16"):
        load_editor(own_checkpoint(), device="cpu", dtype=dtype)


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without a GPU")
def test_a_device_that_is_not_there_is_an_error(own_checkpoint: Maker) -> None:
    with pytest.raises(ConfigurationError, match="CUDA"):
        load_editor(own_checkpoint(), device="cuda")


@pytest.mark.parametrize("device", ["gpu", "CUDA", "cuda:", "cuda:one", "cuda:-1", "meta", ""])
def test_only_a_cpu_and_cudas_devices_are_offered(device: str, own_checkpoint: Maker) -> None:
    with pytest.raises(ConfigurationError, match="cuda:N are offered"):
        load_editor(own_checkpoint(), device=device)


def test_a_gpu_beyond_the_last_is_refused_with_what_there_is(
    own_checkpoint: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    for name in ("cuda:2", "cuda:99999"):
        with pytest.raises(ConfigurationError, match=name) as refused:
            load_editor(own_checkpoint(), device=name)
        assert refused.value.hint.endswith("is cuda:1.")
    assert [str(model._device(name)) for name in ("auto", "cuda", "cuda:1", "cpu")] == ["cuda", "cuda", "cuda:1", "cpu"]


def test_a_folder_may_be_given_as_text_and_moved(own_checkpoint: Maker, tmp_path: Path) -> None:
    moved = tmp_path / "elsewhere"
    shutil.copytree(own_checkpoint(), moved)
    shutil.rmtree(tmp_path / "checkpoint")
    assert load_editor(str(moved), device="cpu").checkpoint.folder == moved
    assert json.loads((moved / "overpaint.json").read_text("utf-8"))["native_pixels"] == 64**2
