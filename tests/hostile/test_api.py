"""Requests made up from our own OpenAPI, good and bad, against a real server: it does what its description says.

By schemathesis, with all its checks (answers outside the description, bad data taken, good data refused, routes that
open without a key) and three of ours in `api_hooks.py`, one of which sends each request again with other keys.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.figures import IS_LONG, figures
from tests.http.world import SECRET, ServerProcess, StandInWorker

HERE = Path(__file__).parent
CASES = 950 if IS_LONG else 8  #: for each route that takes anything, in each phase
#: a row each in the long form, so that an interruption costs no more than one
SEEDS = range(1, 6) if IS_LONG else range(1)
#: wants 401 from a server that misses a key, and the Novita dialect answers 403
EXCLUDED = "missing_required_header"


@pytest.mark.parametrize("seed", SEEDS)
def test_the_server_does_what_its_description_says(
    serve: Callable[..., ServerProcess], tmp_path: Path, seed: int
) -> None:
    server = serve(queue_max=10**6, rate_limit_per_minute=0)
    with StandInWorker(server.data):
        done, report = _fuzz(server, tmp_path, seed)
    answered = _requests(server)
    assert done.returncode == 0, done.stdout[-20_000:]
    assert (report["failures"], report["errors"]) == ([], [])
    assert report["complete"]
    told = server.log()
    assert "Traceback" not in told
    assert SECRET not in told
    assert [line for line in told.splitlines() if json.loads(line)["level"] == "error"] == []
    figures(
        row=f"fuzz, description {seed}",
        cases=report["test_cases"]["generated"],
        requests=answered,
        failures=report["test_cases"]["unique_failures"],
        operations=report["operations"]["tested"],
    )


def _requests(server: ServerProcess) -> int:
    with server.client() as client:
        counts = re.findall(
            r"^overpaint_http_requests_total\{.*\} ([0-9.]+)$", client.get("/metrics").text, re.MULTILINE
        )
    return round(sum(map(float, counts)))


def _fuzz(server: ServerProcess, folder: Path, seed: int) -> tuple[subprocess.CompletedProcess[str], dict[str, object]]:
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(HERE / "schemathesis.toml"), "run"),
        *(f"{server.base}/openapi.json", "--header", f"Authorization: Bearer {SECRET}", "--no-color"),
        *("--checks", "all", "--exclude-checks", EXCLUDED, "--continue-on-failure"),
        *("--max-examples", str(CASES), "--seed", str(seed), "--generation-database", "none"),
        *("--report", "json", "--report-json-path", str(folder / "report.json")),
    ]
    environment = {**os.environ, "PYTHONPATH": str(HERE.parents[1])}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    report = folder / "report.json"
    return done, json.loads(report.read_text()) if report.exists() else {}
