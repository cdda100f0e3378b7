"""Checkpoints on disk: from a name to a folder, fetched if need be, with the SHA-256 of each file remembered.

Knows the embedded checkpoint, plain folders, the Hugging Face hub and its cache (which resumes, knows mirrors through
HF_ENDPOINT, and works offline). Does not know tensors, nor what a checkpoint can do.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from overpaint.catalog import EMBEDDED
from overpaint.errors import ConfigurationError

MANIFEST = "overpaint.manifest.json"  #: beside model_index.json: {"repo", "revision", "files": {path: {sha256, bytes}}}

#: Everything an edit needs, and nothing that could run code when it is opened.
NEEDED = [
    "model_index.json",
    "overpaint.json",
    "scheduler/*.json",
    "tokenizer/*.json",
    "tokenizer/*.txt",
    "processor/*.json",
    "transformer/*.json",
    "transformer/*.safetensors",
    "vae/*.json",
    "vae/*.safetensors",
    "text_encoder/*.json",
    "text_encoder/*.safetensors",
]
_PICKLES = {".bin", ".ckpt", ".joblib", ".pkl", ".pickle", ".pt", ".pth"}
_HUB_ID = re.compile(r"(?P<repo>\w[\w.-]*/\w[\w.-]*)(?:@(?P<revision>\w[\w./-]*))?")

Progress = Callable[[str, int, int], None]  #: (file being read, bytes done, bytes in all)


@dataclass(frozen=True, slots=True, kw_only=True)
class Local:
    """A checkpoint that is on this machine."""

    name: str  #: what `--checkpoint` calls it
    folder: Path
    bytes: int


class _File(msgspec.Struct):
    sha256: str
    bytes: int


class _Manifest(msgspec.Struct):
    files: dict[str, _File]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What `verify` says of one file."""

    path: str
    problem: str  #: empty = as the manifest says


def locate(name: str, *, offline: bool = False, progress: Progress | None = None) -> Path:
    """The folder of `mini`, of a folder's path, or of a hub id (OWNER/NAME or OWNER/NAME@REVISION).

    A hub checkpoint that is whole on this machine is used as it is, without asking the hub; else it is pulled.
    Raises ConfigurationError: no such checkpoint, not here while offline, or a pickle among its files.
    """
    if name.isidentifier() and (EMBEDDED / name / "model_index.json").is_file():
        return without_pickles(EMBEDDED / name)
    if name and Path(name).is_dir():
        return without_pickles(Path(name))
    if not _HUB_ID.fullmatch(name):
        raise ConfigurationError(
            f"There is no checkpoint {name!r}: neither `mini`, nor a folder, nor a hub id.",
            hint="`overpaint checkpoints ls` lists what is here.",
        )
    folder = _cached(name)
    if folder is not None and _is_whole(folder):
        return without_pickles(folder)
    if offline:
        raise ConfigurationError(
            f"{name} is not on this machine, and OVERPAINT_OFFLINE forbids asking the hub.",
            hint=f"`overpaint checkpoints pull {name}` while there is a network.",
        )
    return pull(name, progress=progress)


def pull(name: str, *, progress: Progress | None = None) -> Path:
    """Fetches what is missing of a hub checkpoint into the hub's usual cache, hashes it, and writes the manifest.

    Interrupted, the next call goes on where this one stopped. `progress` tells of the hashing; the download draws its
    own bars. Raises ConfigurationError where the hub has no such checkpoint or a file is not what the hub says it is.
    """
    import httpx2
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError, OfflineModeIsEnabled

    repo, revision = _split(name)
    try:
        folder = Path(snapshot_download(repo, revision=revision, allow_patterns=NEEDED))
        info = HfApi().model_info(repo, revision=folder.name, files_metadata=True)
    except (
        HfHubHTTPError,
        LocalEntryNotFoundError,
        OfflineModeIsEnabled,
        httpx2.HTTPError,
        OSError,
        ValueError,
    ) as error:
        raise ConfigurationError(
            f"{name} could not be pulled: {_first_line(error)}",
            hint="Check the name and the network; HF_ENDPOINT names a mirror, HF_TOKEN opens private ones.",
        ) from error
    if not (folder / "model_index.json").is_file():
        raise ConfigurationError(f"{name} has no model_index.json: it is not an image-editing checkpoint.")
    promised = {file.rfilename: file.lfs.sha256 for file in info.siblings or () if file.lfs is not None}
    write_manifest(folder, repo=repo, revision=folder.name, promised=promised, progress=progress)
    return without_pickles(folder)


def verify(folder: Path, *, progress: Progress | None = None, is_quick: bool = False) -> Iterator[Finding]:
    """Reads every file again and compares it with the manifest; without one, only looks whether weights are whole.

    is_quick   compares lengths instead of contents: seconds instead of minutes

    Yields a Finding per file, those missing and those nobody knows included.
    """
    known = _manifest(folder)
    if known is None:
        yield Finding(path=MANIFEST, problem="is damaged")
        known = {}
    present = {path.relative_to(folder).as_posix(): path for path in _files(folder)}
    for name, path in present.items():
        if path.suffix in _PICKLES:
            yield Finding(path=name, problem="is a pickle: opening it could run code")
        elif name not in known:
            yield Finding(path=name, problem="is not in the manifest" if known else _unreadable(path))
    for name, expected in known.items():
        if name not in present:
            yield Finding(path=name, problem="is missing")
        else:
            yield Finding(path=name, problem=_change(present[name], name, expected, progress, is_quick))


def _change(path: Path, name: str, expected: _File, progress: Progress | None, is_quick: bool) -> str:
    is_same = path.stat().st_size == expected.bytes and (is_quick or _sha256(path, name, progress) == expected.sha256)
    return "" if is_same else "is not what the manifest says"


def has_manifest(folder: Path) -> bool:
    """Whether `verify` can compare contents: `mini` and what came through `pull`."""
    return bool(_manifest(folder))


def here() -> Iterator[Local]:
    """The checkpoints that need no network: the embedded ones, then those in the hub's cache."""
    for folder in sorted(EMBEDDED.iterdir()):
        if (folder / "model_index.json").is_file():
            yield Local(name=folder.name, folder=folder, bytes=_size(folder))
    from huggingface_hub import scan_cache_dir
    from huggingface_hub.errors import CacheNotFound

    try:
        repos = scan_cache_dir().repos
    except CacheNotFound:
        return
    for repo in sorted(repos, key=lambda repo: repo.repo_id):
        for revision in sorted(repo.revisions, key=lambda revision: -revision.last_modified):
            if _is_whole(revision.snapshot_path):
                suffix = "" if "main" in revision.refs else f"@{revision.commit_hash}"
                folder = revision.snapshot_path
                yield Local(name=repo.repo_id + suffix, folder=folder, bytes=_size(folder))


def without_pickles(folder: Path) -> Path:
    """The folder itself. Raises ConfigurationError naming the first file that could run code when opened."""
    for path in _files(folder):
        if path.suffix in _PICKLES:
            raise ConfigurationError(
                f"{path.relative_to(folder).as_posix()} is a pickle: opening it could run code, so it is refused.",
                hint="Remove it, or convert it to safetensors.",
            )
    return folder


def _cached(name: str) -> Path | None:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    repo, revision = _split(name)
    try:
        return Path(snapshot_download(repo, revision=revision, allow_patterns=NEEDED, local_files_only=True))
    except LocalEntryNotFoundError:
        return None


def _split(name: str) -> tuple[str, str | None]:
    match = _HUB_ID.fullmatch(name)
    if match is None:
        raise ConfigurationError(
            f"{name!r} is not a hub id.", hint="Write OWNER/NAME, as in Qwen/Qwen-Image-Edit-2511."
        )
    return match["repo"], match["revision"]


def _is_whole(folder: Path) -> bool:
    """Every file of the manifest is here in its full length: the cheap half of `verify`."""
    known = _manifest(folder)
    if not known:
        return False
    return all(
        (folder / name).is_file() and (folder / name).stat().st_size == file.bytes for name, file in known.items()
    )


def _manifest(folder: Path) -> dict[str, _File] | None:
    """Empty where there is none; None: there is one, but it cannot be read."""
    path = folder / MANIFEST
    if not path.exists():
        return {}
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Manifest).files
    except (OSError, ValueError, RecursionError):
        return None


def write_manifest(
    folder: Path,
    *,
    repo: str,
    revision: str,
    promised: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> None:
    """Notes the SHA-256 of every file, for `verify`.

    promised   file -> SHA-256 as its origin has it

    Raises ConfigurationError for a file that is not what was promised; it is removed.
    """
    files = {}
    for path in _files(folder):
        name = path.relative_to(folder).as_posix()
        digest = _sha256(path, name, progress)
        if promised and promised.get(name, digest) != digest:
            path.resolve().unlink()  # the next pull fetches it anew
            raise ConfigurationError(
                f"{name} is not what the hub says it is; it was removed.",
                hint=f"Again: `overpaint checkpoints pull {repo}`",
            )
        files[name] = {"sha256": digest, "bytes": path.stat().st_size}
    text = json.dumps({"repo": repo, "revision": revision, "files": files}, indent=1)
    (folder / MANIFEST).write_text(text + "\n", "utf-8")


def _files(folder: Path) -> list[Path]:
    """Every file but ours, the model card and those of version control, in order."""
    paths = (path for path in folder.rglob("*") if path.is_file() and ".git" not in path.relative_to(folder).parts)
    return sorted(path for path in paths if path.name not in (MANIFEST, "README.md"))


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in _files(folder))


def _unreadable(path: Path) -> str:
    """What is wrong with a file of which nobody noted the hash: config must parse, weights must have their length."""
    try:
        if path.suffix == ".json":
            json.loads(path.read_text("utf-8"))
        elif path.suffix == ".safetensors":
            _check_length(path)
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return "is damaged"
    return ""


def _check_length(path: Path) -> None:
    """A safetensors header says where the last tensor ends. Raises ValueError where the file ends elsewhere."""
    with path.open("rb") as file:
        header_bytes = int.from_bytes(file.read(8), "little")
        if header_bytes > path.stat().st_size:
            raise ValueError("header longer than the file")
        header = json.loads(file.read(header_bytes))
    ends = [entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__"]
    if 8 + header_bytes + max(ends, default=0) != path.stat().st_size:
        raise ValueError("not the promised length")


def _sha256(path: Path, name: str, progress: Progress | None) -> str:
    digest, done, total = hashlib.sha256(), 0, path.stat().st_size
    with path.open("rb") as file:
        while chunk := file.read(8 * 2**20):
            digest.update(chunk)
            done += len(chunk)
            if progress is not None:
                progress(name, done, total)
    return digest.hexdigest()


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
