"""`overpaint serve` and the verbs that talk to a server, with the real one and `mini`."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest
from pytest_httpserver import HTTPServer

from overpaint import client as sdk
from overpaint.client import Client
from overpaint.errors import EditNotFound
from tests.cli.conftest import PATIENCE_SECONDS, Run, assert_complaint, clean_environment
from tests.cli.test_client import TASK, accepted, json_answer, result
from tests.serving import KEY, ROOT, Serving, serving

CAT = str(ROOT / "examples/cat.jpg")
SECRET = "a-key-from-elsewhere-1234"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with serving(tmp_path_factory.mktemp("serving") / "data") as running:
        yield running


def env(server: Serving, **more: str) -> dict[str, str]:
    return {"OVERPAINT_URL": server.url, "OVERPAINT_API_KEY": server.key, "OMP_NUM_THREADS": "1", **more}


def test_what_it_prints_works_when_pasted(server: Serving) -> None:
    assert len(set(KEY.findall(server.said))) == 1
    done = subprocess.run(
        ["bash", "-c", server.request], capture_output=True, text=True, cwd=ROOT, timeout=PATIENCE_SECONDS
    )
    task_id = re.findall(r'"task_id":"([0-9a-f-]{36})"', done.stdout)
    assert len(task_id) == 2, done
    assert task_id[0] == task_id[1]
    assert '"status":"TASK_STATUS_SUCCEED"' in done.stdout
    with Client(server.url, server.key) as client:
        picture = client.task(task_id[0]).wait(PATIENCE_SECONDS)
    assert picture.format == "jpeg"
    assert picture.bytes.startswith(b"\xff\xd8\xff")


def test_an_edit_through_the_server_equals_one_in_process(overpaint: Run, server: Serving, tmp_path: Path) -> None:
    """Same request, same seed, same thread count: same bytes. The two paths share everything but the wire."""
    words = ("edit", CAT, "变成黑白照片", "--seed", "7")
    through = overpaint(*words, "-o", "through.png", "--json", env=env(server))
    here = overpaint(*words, "-o", "here.png", "--json", env={"OMP_NUM_THREADS": "1"})
    assert (through.returncode, here.returncode) == (0, 0), through.stderr + here.stderr
    assert json.loads(through.stdout)["seed"] == json.loads(here.stdout)["seed"] == 7
    assert re.fullmatch(r"[0-9a-f-]{36}", json.loads(through.stdout)["id"])
    assert (tmp_path / "through.png").read_bytes() == (tmp_path / "here.png").read_bytes()


def test_stdin_and_stdout(server: Serving) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "overpaint.cli.main", "edit", "-", "darker", "-o", "-"],
        input=Path(CAT).read_bytes(),
        capture_output=True,
        env=clean_environment(**env(server)),
        timeout=PATIENCE_SECONDS,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(b"\x89PNG")
    assert done.stderr == b""  # nobody watches: no bar


def test_a_wrong_key_is_3(overpaint: Run, server: Serving) -> None:
    done = overpaint("edit", CAT, "darker", "-o", "a.png", "--key", "op_wrong", env={"OVERPAINT_URL": server.url})
    assert_complaint(done, 3, "api-key")


def test_what_the_server_refuses_is_2_with_its_words(overpaint: Run, server: Serving, tmp_path: Path) -> None:
    (tmp_path / "text.jpg").write_text("not a picture")
    assert_complaint(overpaint("edit", "text.jpg", "darker", "-o", "a.png", env=env(server)), 2, "image")


def test_several_pictures_go_nowhere_over_the_wire(overpaint: Run, server: Serving) -> None:
    assert_complaint(overpaint("edit", CAT, CAT, "darker", "-o", "a.png", env=env(server)), 2, "one picture")


def test_giving_up_is_124_and_the_id_is_printed(overpaint: Run, server: Serving) -> None:
    done = overpaint("edit", CAT, "darker", "-o", "a.png", "--timeout", "0", env=env(server))
    assert done.returncode == 124, done.stderr
    with Client(server.url, server.key) as client:
        assert client.task(done.stdout.strip()).wait(PATIENCE_SECONDS).bytes


def heed_ctrl_c() -> None:
    """As on a terminal: tests that run in the background were told to ignore it, and children inherit that."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_ctrl_c_stops_waiting_and_prints_the_id(tmp_path: Path) -> None:
    """A server that never finishes: one that has no worker to speak of, played by a socket."""
    polled = Event()
    with HTTPServer() as slow:
        slow.expect_request(sdk.SUBMIT).respond_with_response(accepted())
        slow.expect_request(sdk.RESULT).respond_with_handler(
            lambda request: (polled.set(), json_answer(result("TASK_STATUS_QUEUED")))[1]
        )
        process = subprocess.Popen(
            [sys.executable, "-m", "overpaint.cli.main", "edit", CAT, "darker", "-o", "a.png"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
            env=clean_environment(OVERPAINT_URL=slow.url_for(""), OVERPAINT_API_KEY="k"),
            preexec_fn=heed_ctrl_c,
        )
        assert polled.wait(PATIENCE_SECONDS)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 130
    assert out == f"{TASK}\n"
    assert "goes on" in err


def test_keys_live_in_the_data_folder(overpaint: Run, server: Serving) -> None:
    made = json.loads(overpaint("keys", "create", "--label", "laptop", "--json", "--data", str(server.data)).stdout)
    assert (made["owner"], made["scopes"]) == (made["id"], ["read", "submit"])
    with Client(server.url, made["key"]) as client:
        task = client.submit(CAT, "darker")
        assert task.wait(PATIENCE_SECONDS).bytes
    with Client(server.url, server.key) as other, pytest.raises(EditNotFound):
        other.task(task.id).status()
    listed = json.loads(overpaint("keys", "ls", "--json", "--data", str(server.data)).stdout)
    mine = next(key for key in listed if key["id"] == made["id"])
    assert (mine["label"], mine["revoked_at"]) == ("laptop", None)
    assert mine["used_at"] is not None
    assert made["key"] not in json.dumps(listed)
    assert overpaint("keys", "revoke", made["id"], "--data", str(server.data)).returncode == 0
    listed = json.loads(overpaint("keys", "ls", "--json", "--data", str(server.data)).stdout)
    assert next(key for key in listed if key["id"] == made["id"])["revoked_at"]
    assert made["id"] in overpaint("keys", "ls", "--data", str(server.data)).stdout


def test_owners_share(overpaint: Run, server: Serving) -> None:
    make = ("keys", "create", "--owner", "studio", "--json", "--data", str(server.data))
    first, second = (json.loads(overpaint(*make).stdout)["key"] for _ in range(2))
    with Client(server.url, first) as one, Client(server.url, second) as other:
        assert other.task(one.submit(CAT, "darker").id).wait(PATIENCE_SECONDS).bytes


def test_a_second_server_on_the_same_folder_is_refused(overpaint: Run, server: Serving) -> None:
    done = overpaint("serve", "--port", "0", "--data", str(server.data))
    assert done.returncode == 2
    assert "error: Another server" in done.stderr


def test_a_taken_port_is_refused(overpaint: Run, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert_complaint(overpaint("serve", "--port", port, "--data", str(tmp_path / "d")), 2, port)


def test_doctor_sees_the_running_server(overpaint: Run, server: Serving) -> None:
    port = server.url.rpartition(":")[2]
    done = overpaint("doctor", "--json", "--port", port, "--data", str(server.data))
    checks = {check["name"]: check for check in json.loads(done.stdout)["checks"]}
    assert done.returncode == 0, done.stdout
    assert set(checks) >= {"disk", "clock", "database", "checkpoint", "port", "limits", "data", "device", "sqlite"}
    assert "already" in checks["port"]["detail"]
    assert "whole" in checks["database"]["detail"]


def test_the_first_key_is_shown_once_and_a_key_from_the_environment_never(tmp_path: Path) -> None:
    with serving(tmp_path / "data") as first:
        assert first.key in first.request
        assert first.stop() == 0, first.log.read_text()
    with serving(tmp_path / "data", OVERPAINT_API_KEY=SECRET) as second:
        assert SECRET not in second.said
        assert not KEY.search(second.said)
        assert "$OVERPAINT_API_KEY" in second.request
        for key in (first.key, SECRET):
            with Client(second.url, key) as client, pytest.raises(EditNotFound):  # the key is good, the id is not
                client.task("no-such-task").status()
    log = second.log.read_text()
    assert first.key not in log
    assert SECRET not in log


def test_ctrl_c_cancels_an_edit_in_this_process(tmp_path: Path) -> None:
    """On a terminal, where the bar says when the edit has begun."""
    terminal, inside = os.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "overpaint.cli.main", "edit", CAT, "darker", "-o", "a.png", "--steps", "100"],
        stderr=inside,
        cwd=tmp_path,
        env=clean_environment(OMP_NUM_THREADS="1"),
        preexec_fn=heed_ctrl_c,
    )
    os.close(inside)
    shown = b""
    while b"editing" not in shown:
        shown += os.read(terminal, 4096)  # raises when the process ends without a word
    process.send_signal(signal.SIGINT)
    assert process.wait(PATIENCE_SECONDS) == 130, shown
    assert not (tmp_path / "a.png").exists()
    os.close(terminal)
