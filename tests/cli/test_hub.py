"""Checkpoints: found, pulled from a stand-in hub on loopback, verified, refused."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from overpaint import hub
from overpaint.errors import ConfigurationError
from tests.cli.conftest import Run, assert_complaint

REPO = "someone/small-edit"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def weights(size: int) -> bytes:
    """A safetensors file of one tensor of `size` bytes."""
    header = json.dumps({"a": {"dtype": "U8", "shape": [size], "data_offsets": [0, size]}}).encode()
    return len(header).to_bytes(8, "little") + header + bytes(range(256)) * (size // 256)


FILES = {
    "model_index.json": b'{"_class_name": "QwenImageEditPlusPipeline"}',
    "transformer/config.json": b'{"zero_cond_t": true}',
    "transformer/diffusion_pytorch_model.safetensors": weights(3 * 2**20),
    "tokenizer/merges.txt": b"a b\n",
    "README.md": b"not needed",
    "transformer/diffusion_pytorch_model.bin": b"a pickle",
    "code.py": b"print('no')",
}
NEEDED = {name for name in FILES if name not in ("README.md", "transformer/diffusion_pytorch_model.bin", "code.py")}
WEIGHTS = "transformer/diffusion_pytorch_model.safetensors"


class Hub:
    """As much of the Hugging Face hub's HTTP interface as its client library asks for."""

    def __init__(self, server: HTTPServer, home: Path) -> None:
        self.files = dict(FILES)
        self.promised = {name: data for name, data in FILES.items() if name.endswith(".safetensors")}
        self.drops: list[int] = []  # while it is not empty: bytes of the weights per answer, then the line drops
        self.fetched: list[tuple[str, str | None]] = []  # (file, its Range header)
        self.env = {"HF_ENDPOINT": server.url_for("").rstrip("/"), "HF_HOME": str(home), "HF_HUB_DISABLE_XET": "1"}
        server.expect_request(re.compile("^/api/models/.*")).respond_with_handler(self._about)
        server.expect_request(re.compile("^/someone/.*")).respond_with_handler(self._file)

    def _about(self, request: Request) -> Response:
        if not request.path.startswith(f"/api/models/{REPO}"):
            return Response("{}", 404, {"X-Error-Code": "RepoNotFound"}, content_type="application/json")
        entries = [
            {"type": "file", "path": name, "size": len(data), "oid": "0" * 40} for name, data in self.files.items()
        ]
        siblings = [{"rfilename": name, "size": len(data), **self._lfs(name)} for name, data in self.files.items()]
        is_tree = "/tree/" in request.path
        body = entries if is_tree else {"id": REPO, "modelId": REPO, "sha": COMMIT, "siblings": siblings}
        return Response(json.dumps(body), content_type="application/json")

    def _lfs(self, name: str) -> dict[str, object]:
        if name not in self.promised:
            return {}
        data = self.promised[name]
        return {"lfs": {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 134}}

    def _file(self, request: Request) -> Response:
        name = request.path.split(f"/resolve/{COMMIT}/")[-1].split("/resolve/main/")[-1]
        data = self.files[name]
        headers = {"ETag": f'"{hashlib.sha256(data).hexdigest()}"', "X-Repo-Commit": COMMIT, "Accept-Ranges": "bytes"}
        if request.method == "HEAD":
            return Response(data, 200, headers)
        asked = request.headers.get("Range")
        self.fetched.append((name, asked))
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
        if asked:
            headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        headers["Content-Length"] = str(len(data) - start)
        stop = start + self.drops.pop(0) if self.drops and name == WEIGHTS else len(data)
        return Response([data[start:stop]], 206 if asked else 200, headers)


@pytest.fixture
def stand_in(httpserver: HTTPServer, tmp_path: Path) -> Hub:
    return Hub(httpserver, tmp_path / "hub-home")


def test_pull_fetches_what_an_edit_needs_and_nothing_that_runs(overpaint: Run, stand_in: Hub) -> None:
    done = overpaint("checkpoints", "pull", REPO, env=stand_in.env)
    assert done.returncode == 0, done.stderr
    folder = Path(done.stdout.strip())
    manifest = json.loads((folder / hub.MANIFEST).read_text())
    assert {name for name, _ in stand_in.fetched} == NEEDED
    assert {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} == NEEDED | {
        hub.MANIFEST
    }
    assert manifest == {
        "repo": REPO,
        "revision": COMMIT,
        "files": {
            name: {"sha256": hashlib.sha256(FILES[name]).hexdigest(), "bytes": len(FILES[name])}
            for name in sorted(NEEDED)
        },
    }


def test_what_is_here_needs_no_hub_any_more(overpaint: Run, stand_in: Hub, httpserver: HTTPServer) -> None:
    overpaint("checkpoints", "pull", REPO, env=stand_in.env)
    httpserver.clear_log()
    listed = json.loads(overpaint("checkpoints", "ls", "--json", env=stand_in.env).stdout)
    verified = overpaint("checkpoints", "verify", REPO, env=stand_in.env)
    assert REPO in {item["name"] for item in listed}
    assert verified.returncode == 0, verified.stderr
    assert httpserver.log == []


def test_a_dropped_line_is_taken_up_where_it_broke(overpaint: Run, stand_in: Hub) -> None:
    stand_in.files[WEIGHTS] = stand_in.promised[WEIGHTS] = weights(24 * 2**20)
    stand_in.drops = [12 * 2**20]
    done = overpaint("checkpoints", "pull", REPO, env=stand_in.env)
    assert done.returncode == 0, done.stderr
    first, second = (asked for name, asked in stand_in.fetched if name == WEIGHTS)
    assert first is None
    assert second is not None and int(second.removeprefix("bytes=").removesuffix("-")) > 0
    assert overpaint("checkpoints", "verify", REPO, env=stand_in.env).returncode == 0


def test_a_pull_that_failed_keeps_the_files_it_had(overpaint: Run, stand_in: Hub) -> None:
    stand_in.drops = [0] * 99
    assert_complaint(overpaint("checkpoints", "pull", REPO, env=stand_in.env), 2, REPO)
    stand_in.drops = []
    stand_in.fetched.clear()
    done = overpaint("checkpoints", "pull", REPO, env=stand_in.env)
    assert done.returncode == 0, done.stderr
    assert stand_in.fetched == [(WEIGHTS, None)]


def test_a_file_that_is_not_what_the_hub_promised_is_removed(overpaint: Run, stand_in: Hub) -> None:
    good = stand_in.files[WEIGHTS]
    stand_in.files[WEIGHTS] = good[:-1] + b"?"
    assert_complaint(overpaint("checkpoints", "pull", REPO, env=stand_in.env), 2, WEIGHTS)
    stand_in.files[WEIGHTS] = good
    assert overpaint("checkpoints", "pull", REPO, env=stand_in.env).returncode == 0


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda folder: flip_last_byte(folder / WEIGHTS), f"{WEIGHTS} is not what the manifest says"),
        (lambda folder: (folder / "tokenizer/merges.txt").unlink(), "tokenizer/merges.txt is missing"),
        (lambda folder: (folder / "vae.json").write_text("{}"), "vae.json is not in the manifest"),
        (lambda folder: (folder / hub.MANIFEST).write_text("{}"), f"{hub.MANIFEST} is damaged"),
    ],
)
def test_verify_names_each_damage(
    overpaint: Run, stand_in: Hub, damage: Callable[[Path], object], sentence: str
) -> None:
    done = overpaint("checkpoints", "pull", REPO, env=stand_in.env)
    assert done.returncode == 0, done.stderr
    folder = Path(done.stdout.strip())
    damage(folder)
    done = overpaint("checkpoints", "verify", str(folder), env=stand_in.env)
    assert_complaint(done, 1)
    assert done.stdout.splitlines() == [sentence]


def flip_last_byte(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


def test_offline_is_honoured_both_ways(overpaint: Run, stand_in: Hub, httpserver: HTTPServer) -> None:
    for offline in ({"OVERPAINT_OFFLINE": "1"}, {"HF_HUB_OFFLINE": "1"}):
        done = overpaint("serve", "--port", "0", "--checkpoint", REPO, env=stand_in.env | offline)
        assert_complaint(done, 2, REPO)
    assert httpserver.log == []


def test_an_unknown_repository_is_one_line(overpaint: Run, stand_in: Hub) -> None:
    assert_complaint(overpaint("checkpoints", "pull", "someone/else", env=stand_in.env), 2, "someone/else")


def test_the_embedded_checkpoint_is_verified_by_hash(overpaint: Run, tmp_path: Path) -> None:
    done = overpaint("checkpoints", "verify", "mini", "--json")
    assert done.returncode == 0, done.stdout
    told = json.loads(done.stdout)
    assert told["hashed"]
    assert set(told["files"].values()) == {"ok"}
    copy = tmp_path / "copy"
    shutil.copytree(told["folder"], copy)
    flip_last_byte(copy / WEIGHTS)
    done = overpaint("checkpoints", "verify", str(copy))
    assert_complaint(done, 1)
    assert done.stdout.splitlines() == [f"{WEIGHTS} is not what the manifest says"]


def plain_folder(folder: Path) -> Path:
    for name in NEEDED:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(FILES[name])
    return folder


def test_a_plain_folder_is_taken_as_it_is(tmp_path: Path) -> None:
    assert hub.locate(str(plain_folder(tmp_path)), offline=True) == tmp_path
    assert [finding for finding in hub.verify(tmp_path) if finding.problem] == []


def test_a_truncated_file_is_damaged_even_without_a_manifest(tmp_path: Path) -> None:
    plain_folder(tmp_path)
    (tmp_path / WEIGHTS).write_bytes(FILES[WEIGHTS][:-1])
    assert [(found.path, found.problem) for found in hub.verify(tmp_path) if found.problem] == [(WEIGHTS, "is damaged")]


@pytest.mark.parametrize("name", ["transformer/model.bin", "vae/a.pt", "text_encoder/pytorch_model.ckpt", "x.pkl"])
def test_a_pickle_is_refused_by_name(tmp_path: Path, name: str) -> None:
    path = plain_folder(tmp_path) / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"")
    with pytest.raises(ConfigurationError, match=re.escape(name)):
        hub.locate(str(tmp_path))
    hub.write_manifest(tmp_path, repo="", revision="")  # listed or not
    assert [finding.path for finding in hub.verify(tmp_path) if finding.problem] == [name]


@pytest.mark.parametrize("name", ["no-such", "a/b/c", "../x", ""])
def test_names_that_mean_nothing(name: str) -> None:
    with pytest.raises(ConfigurationError, match="no checkpoint"):
        hub.locate(name, offline=True)
