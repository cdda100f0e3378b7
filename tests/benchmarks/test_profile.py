"""The profile of an edit: whole, and each kernel under the phase it runs in."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from benchmarks import profile

OPERATIONS = {
    "aten::addmm": "matrix products",
    "aten::bmm": "matrix products",
    "aten::_scaled_dot_product_flash_attention_for_cpu": "attention",
    "aten::_scaled_dot_product_cudnn_attention": "attention",
    "aten::mkldnn_convolution": "convolution",
    "aten::cudnn_convolution": "convolution",
    "aten::copy_": "copies",
    "aten::cat": "copies",
    "aten::upsample_nearest2d": "copies",
    "aten::native_layer_norm": "norms and element-wise",
    "aten::mul": "norms and element-wise",
    "aten::add_": "norms and element-wise",
    "aten::silu": "norms and element-wise",
    "aten::normal_": profile.REST,
    "aten::expand": profile.REST,
    "aten::view": profile.REST,
}


def test_operations_have_the_kind_a_reader_expects() -> None:
    assert {name: profile.kind(name) for name in OPERATIONS} == OPERATIONS


def test_an_edit_is_cut_where_its_phases_meet(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch.set_num_threads(1)
    picture = tmp_path / "profile.png"
    profile.main(["--runs", "1", "--out", str(picture)])
    lines = [line.split("|")[1:-1] for line in capsys.readouterr().out.splitlines() if line.startswith("|")]
    head, _, *rows = [[cell.strip() for cell in line] for line in lines]
    share = {
        name: dict(zip(head[1:], (float(cell.rstrip("%")) for cell in cells), strict=True)) for name, *cells in rows
    }
    assert share["all"]["edit"] == 100.0
    assert share["convolution"]["steps"] == 0.0, "the network has none"
    assert share["convolution"]["prepare"] > 0.0, "the photograph is encoded anew"
    assert share["convolution"]["decode"] > 0.0
    assert share["matrix products"]["steps"] > share["matrix products"]["prepare"] > 0.0
    assert share["attention"]["steps"] > 0.0
    assert share["rest"]["prepare"] > 0.0, "reading a prompt and a photograph is no kernel"
    assert picture.read_bytes().startswith(b"\x89PNG")
