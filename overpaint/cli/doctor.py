"""`overpaint doctor`: is this machine fit to serve, and what to do next if not.

Looks and reports; leaves nothing behind, fetches nothing. Works without the server's packages too: then that is what
it says.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import socket
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib import metadata
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from overpaint import __version__
from overpaint.cli.pulling import quiet_unless_watched
from overpaint.cli.talk import CheckFailed, answer, answer_json, say
from overpaint.errors import ConfigurationError
from overpaint.masking import masked

if TYPE_CHECKING:
    from overpaint.settings import Settings

LEAST_FREE_BYTES = 2**30
LEAST_FILES = 4096
TRIAL_BYTES = 16 * 2**20
SLOW_SYNC_SECONDS = 0.05
LEAST_SQLITE = (3, 37)  # STRICT tables
SQLITE_WITHOUT_WAL_RACE = (3, 51, 3)
NETWORK_FILE_SYSTEMS = ("nfs", "cifs", "smb", "9p", "fuse")
WRITTEN = 1_790_000_000  # unix seconds, September 2026: a clock before this is wrong


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at."""

    name: str
    verdict: str  #: ok, warning or failed
    detail: str
    hint: str = ""


def doctor(
    *,
    data: Path | None = None,
    checkpoint: str | None = None,
    port: int | None = None,
    json: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Check whether this machine can serve, and say what to do next.

    Exit code 0 also with warnings, 1 when a check failed.

    Args:
        data: The data folder to look at; default ./data.
        checkpoint: The checkpoint to look for; default mini.
        port: The port to look at; default 8000.
        json: Print a JSON object, without the names of your folders: fit to be shown to others.
    """
    quiet_unless_watched()
    checks = list(_checks(data, checkpoint, port))
    failed = [check for check in checks if check.verdict == "failed"]
    if json:
        answer_json({"version": __version__, "ok": not failed, "checks": [_for_others(check) for check in checks]})
    else:
        for check in checks:
            answer(f"{check.verdict:<8} {check.name:<10} {check.detail}")
            if check.hint:
                answer(f"{'':<19} -> {check.hint}")
    if failed:
        raise CheckFailed(problem=f"{len(failed)} of {len(checks)} checks failed: {failed[0].name} first.")
    say("Nothing stands in the way. Next: overpaint serve")


def _checks(data: Path | None, checkpoint: str | None, port: int | None) -> Iterator[Check]:
    yield _python()
    packages = _packages()
    yield packages
    yield _sqlite()
    yield _clock()
    if packages.verdict == "failed":
        return
    from overpaint import settings

    try:
        known = settings.load(data=data, checkpoint=checkpoint, port=port)
    except ConfigurationError as error:
        yield Check("settings", "failed", str(error), error.hint)
        return
    yield from (_disk(known.data), _data(known.data), _database(known.data / "overpaint.sqlite3"), _limits())
    yield from (_checkpoint(known), _device(known.device), _port(known))


def _for_others(check: Check) -> dict[str, str]:
    return {name: masked(value) for name, value in asdict(check).items()}


def _python() -> Check:
    system = f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs"
    return Check("python", "ok", f"{platform.python_version()} on {system}")


def _packages() -> Check:
    """Those of the server extra, as the installed distribution itself lists them."""
    required = [line for line in metadata.requires("overpaint") or () if "extra ==" in line and "server" in line]
    names = [re.split(r"[^\w.-]", line, maxsplit=1)[0] for line in required]
    missing = [name for name in names if not _version(name)]
    if missing:
        return Check("packages", "failed", f"missing: {', '.join(missing)}", "pip install 'overpaint[server]'")
    return Check("packages", "ok", f"overpaint {__version__}, torch {_version('torch')}, {len(names)} packages in all")


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def _sqlite() -> Check:
    version = sqlite3.sqlite_version
    if sqlite3.sqlite_version_info < LEAST_SQLITE:
        return Check("sqlite", "failed", version, "Overpaint needs SQLite 3.37; use a newer Python or system.")
    if sqlite3.sqlite_version_info < SQLITE_WITHOUT_WAL_RACE:
        return Check("sqlite", "ok", f"{version} (a rare checkpoint race before 3.51.3 is kept out of the way)")
    return Check("sqlite", "ok", version)


def _clock() -> Check:
    """Against the year, and against the file system's clock, which a shared folder has from elsewhere."""
    with tempfile.NamedTemporaryFile() as file:
        apart = abs(Path(file.name).stat().st_mtime - time.time())
    now = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())
    if time.time() < WRITTEN or apart > 5:
        return Check("clock", "warning", now, "Set the clock: links and expiry go by it.")
    return Check("clock", "ok", now)


def _disk(folder: Path) -> Check:
    """Room, and the time that every submit waits for: until bytes are really on the disk."""
    place = _nearest(folder)
    usage = shutil.disk_usage(place)
    detail = f"{usage.free / 1e9:.1f} GB free for {folder}"
    if usage.free < max(LEAST_FREE_BYTES, usage.total // 50):
        return Check("disk", "warning", detail, "Make room: a full disk refuses new edits.")
    try:
        sync, speed = _write_speed(place)
    except OSError as error:
        return Check("disk", "failed", f"{detail}; writing: {error.strerror}", "Choose another folder with --data.")
    detail += f", {1000 * sync:.1f} ms for a small write, {speed / 1e6:.0f} MB/s"
    if sync > SLOW_SYNC_SECONDS:
        return Check("disk", "warning", detail, "Each submit waits for one such write: a local SSD takes a few ms.")
    return Check("disk", "ok", detail)


def _write_speed(folder: Path) -> tuple[float, float]:
    """Seconds for a small write and its sync (the median of five), and bytes a second of a large one."""
    with tempfile.TemporaryFile(dir=folder) as file:
        moments = [time.perf_counter()]
        for block in (bytes(4096),) * 5 + (bytes(TRIAL_BYTES),):
            file.write(block)
            file.flush()
            os.fsync(file.fileno())
            moments.append(time.perf_counter())
    *small, large = (after - before for before, after in pairwise(moments))
    return sorted(small)[2], TRIAL_BYTES / large


def _data(folder: Path) -> Check:
    place = _nearest(folder)
    if not os.access(place, os.W_OK | os.X_OK):
        return Check("data", "failed", f"{place} is not writable", "Choose another folder with --data.")
    kind = _file_system(place)
    if kind.startswith(NETWORK_FILE_SYSTEMS):
        return Check("data", "failed", f"{folder} lies on {kind}", "SQLite needs a local disk: choose one with --data.")
    state = "is here" if (folder / "overpaint.sqlite3").exists() else "will be made"
    return Check("data", "ok", f"{folder} {state}, on {kind}")


def _nearest(folder: Path) -> Path:
    """The folder, or the nearest of its parents that exists."""
    folder = folder.resolve()
    return next(place for place in (folder, *folder.parents) if place.is_dir())


def _file_system(place: Path) -> str:
    """Its type as the kernel names it; elsewhere than on Linux: "unknown"."""
    try:
        mounts = [line.split() for line in Path("/proc/mounts").read_text("utf-8").splitlines()]
    except OSError:
        return "unknown"
    around = [(len(mount[1]), mount[2]) for mount in mounts if place.is_relative_to(mount[1])]
    return max(around, default=(0, "unknown"))[1]


def _database(path: Path) -> Check:
    from overpaint.store import schema

    if not path.exists():
        return Check("database", "ok", "will be made")
    found, newest = schema.examine(path), schema.newest_version()
    if found.problem:
        return Check("database", "failed", found.problem, "Keep the file, and put back your last backup of the folder.")
    if found.version > newest:
        return Check("database", "failed", f"form {found.version} is of a newer Overpaint", "Upgrade Overpaint.")
    form = f"form {newest}" if found.version == newest else f"form {found.version}, the next start makes it {newest}"
    detail = f"{path.stat().st_size / 1e6:.1f} MB, whole, {form}"
    if (found.newest_task_at or 0) / 1000 > time.time() + 60:
        return Check("database", "warning", f"{detail}; a task of the future", "Set the clock: it was put back.")
    return Check("database", "ok", detail)


def _limits() -> Check:
    import resource

    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    length, _ = resource.getrlimit(resource.RLIMIT_FSIZE)
    if length != resource.RLIM_INFINITY:
        return Check("limits", "warning", f"files of at most {length} bytes", "ulimit -f unlimited")
    if 0 <= files < LEAST_FILES:
        return Check("limits", "warning", f"{files} open files: each caller takes one", f"ulimit -n {LEAST_FILES}")
    return Check("limits", "ok", f"{'any number of' if files < 0 else files} open files")


def _checkpoint(settings: Settings) -> Check:
    from overpaint import catalog, hub

    name = settings.checkpoint
    try:
        folder = hub.locate(name, offline=True)
        kind = catalog.read(folder)
    except ConfigurationError as error:
        can_pull = "/" in name and not Path(name).exists() and not settings.offline
        return Check("checkpoint", "warning" if can_pull else "failed", str(error), error.hint)
    damaged = [finding for finding in hub.verify(folder, is_quick=True) if finding.problem]
    if damaged:
        detail = f"{name}: {damaged[0].path} {damaged[0].problem}"
        return Check("checkpoint", "failed", detail, "Pull it again; `overpaint checkpoints verify` tells more.")
    return Check("checkpoint", "ok", f"{name} is {kind.id}, {kind.default_steps} steps, whole, {kind.folder}")


def _device(wanted: str) -> Check:
    import torch

    if torch.cuda.is_available():
        free, total = torch.cuda.mem_get_info()
        name = torch.cuda.get_device_name()
        return Check("device", "ok", f"{name}, {free / 1e9:.0f} of {total / 1e9:.0f} GB free{_attention(name)}")
    if wanted.startswith("cuda"):
        return Check("device", "failed", "no CUDA device", "Use --device cpu, or install torch's CUDA build.")
    return Check("device", "ok", f"cpu, {torch.get_num_threads()} threads")


def _attention(device: str) -> str:
    """What the denoising passes attend with there, if it was chosen already: a server's first start does."""
    from overpaint.model import attention

    return "".join(f"; attention by {name} ({kind})" for kind, name in attention.known(device).items())


def _port(settings: Settings) -> Check:
    place = f"{settings.host}:{settings.port}"
    try:
        socket.create_server((settings.host, settings.port)).close()
    except OSError as error:
        if _answers(settings):
            return Check("port", "ok", f"an Overpaint serves at {place} already")
        return Check("port", "failed", f"{place}: {error.strerror}", "Choose another with --port.")
    return Check("port", "ok", f"{place} is free")


def _answers(settings: Settings) -> bool:
    import httpx2

    try:
        with httpx2.Client(timeout=2.0) as client:
            said: object = client.get(f"http://{settings.host}:{settings.port}/healthz").json()
    except (httpx2.HTTPError, ValueError):
        return False
    return said == {"status": "ok"}
