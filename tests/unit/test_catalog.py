"""What a folder's JSON says of a checkpoint, and which folders are refused."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from overpaint import catalog
from overpaint.errors import ConfigurationError

EDIT, PLUS = "QwenImageEditPipeline", "QwenImageEditPlusPipeline"


def folder(path: Path, pipeline: str = PLUS, transformer: dict[str, Any] | None = None, own: Any = None) -> Path:
    (path / "transformer").mkdir(parents=True)
    (path / "model_index.json").write_text(json.dumps({"_class_name": pipeline}), "utf-8")
    (path / "transformer" / "config.json").write_text(json.dumps(transformer or {}), "utf-8")
    if own is not None:
        (path / "overpaint.json").write_text(own if isinstance(own, str) else json.dumps(own), "utf-8")
    return path


@pytest.mark.parametrize(
    ("pipeline", "transformer", "expected"),
    [
        (EDIT, {"zero_cond_t": False}, ("qwen-image-edit", False, 50, 1, None)),
        (PLUS, {}, ("qwen-image-edit-2509", True, 40, 3, 384**2)),
        (PLUS, {"zero_cond_t": False}, ("qwen-image-edit-2509", True, 40, 3, 384**2)),
        (PLUS, {"zero_cond_t": True}, ("qwen-image-edit-2511", True, 40, 3, 384**2)),
    ],
)
def test_generations_are_recognised(
    pipeline: str, transformer: dict[str, Any], expected: tuple[object, ...], tmp_path: Path
) -> None:
    made = catalog.read(folder(tmp_path / "any-name", pipeline, transformer))
    assert (made.id, made.labels_pictures, made.default_steps, made.max_images, made.condition_pixels) == expected
    assert made.native_pixels == 1024 * 1024
    assert made.default_true_cfg_scale == 4.0
    assert made.max_prompt_tokens == 1024


def test_a_folder_may_override_what_is_its_own(tmp_path: Path) -> None:
    own = {"id": "mini", "default_steps": 8, "native_pixels": 65536, "default_true_cfg_scale": 1, "max_images": 1}
    made = catalog.read(folder(tmp_path / "x", own=own))
    assert {name: getattr(made, name) for name in own} == own
    assert made.condition_pixels == 384**2


@pytest.mark.parametrize(
    "own",
    [
        {"default_steps": 1},
        {"default_steps": "8"},
        {"default_steps": 8.0},
        {"default_steps": True},
        {"default_true_cfg_scale": 0.5},
        {"default_true_cfg_scale": None},
        {"native_pixels": 0},
        {"native_pixels": -1},
        {"condition_pixels": None},
        {"max_images": 0},
        {"max_prompt_tokens": 0},
        {"id": ""},
        {"id": 7},
        {"folder": "/etc"},
        {"labels_pictures": False},
        {"nativepixels": 65536},
    ],
    ids=str,
)
def test_a_wrong_override_is_named(own: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(own))):
        catalog.read(folder(tmp_path / "x", own=own))


@pytest.mark.parametrize("own", ["", "{", "[]", "null", '"mini"', '{"default_true_cfg_scale": NaN}'])
def test_a_damaged_override_file_is_named(own: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"overpaint\.json"):
        catalog.read(folder(tmp_path / "x", own=own))


@pytest.mark.parametrize("pipeline", ["QwenImagePipeline", "QwenImageLayeredPipeline", "FluxPipeline", ""])
def test_another_pipeline_is_refused_by_name(pipeline: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="pipeline") as error:
        catalog.read(folder(tmp_path / "x", pipeline))
    assert repr(pipeline) in str(error.value)
    assert "Qwen/Qwen-Image-Edit-2511" in error.value.hint


@pytest.mark.parametrize("flag", ["guidance_embeds", "use_additional_t_cond", "use_layer3d_rope"])
def test_a_relative_of_another_kind_is_refused_by_its_flag(flag: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=flag):
        catalog.read(folder(tmp_path / "x", transformer={flag: True}))


@pytest.mark.parametrize("missing", ["model_index.json", "transformer/config.json"])
def test_a_missing_file_is_named(missing: str, tmp_path: Path) -> None:
    (folder(tmp_path / "x") / missing).unlink()
    with pytest.raises(ConfigurationError, match=Path(missing).name) as error:
        catalog.read(tmp_path / "x")
    assert str(tmp_path) not in str(error.value)


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError):
        catalog.read(tmp_path / "nowhere")


def test_reading_needs_no_torch() -> None:
    code = "import sys, overpaint.catalog; sys.exit('torch' in sys.modules or 'transformers' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
