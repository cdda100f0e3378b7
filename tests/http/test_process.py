"""The API as a process: what only a real socket, a real signal and a fresh interpreter can show."""

from __future__ import annotations

import contextlib
import json
import random
import signal
import socket
import subprocess
import sys
from collections.abc import Callable

import httpx2
from pytest_httpserver import HTTPServer

from overpaint.http.files import PIECE_BYTES
from overpaint.store.blobs import FolderBlobs, result_name
from tests.http.shapes import assert_error, assert_result
from tests.http.world import RESULT, SECRET, SUBMIT, ServerProcess, StandInWorker, base64_of, photo

Serve = Callable[..., ServerProcess]
ORDER = {"prompt": "make it snow", "image": base64_of(photo())}


def talk(server: ServerProcess, *parts: bytes) -> bytes:
    """Sends bytes as they are and reads until the server has answered once."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as wire:
        with contextlib.suppress(ConnectionError):
            for part in parts:
                wire.sendall(part)
        answer = b""
        while b"\r\n\r\n" not in answer or len(answer.partition(b"\r\n\r\n")[2]) < _length(answer):
            piece = wire.recv(65_536)
            if not piece:
                break
            answer += piece
        return answer


def _length(answer: bytes) -> int:
    for line in answer.partition(b"\r\n\r\n")[0].lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    return 0


def head(path: str, *lines: str, method: str = "POST", key: str = SECRET) -> bytes:
    return "\r\n".join(
        [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"Authorization: {key}", *lines, "", ""]
    ).encode()


def test_asking_never_imports_what_makes(serve: Serve) -> None:
    """After a whole life with a submit in it, not only after the imports."""
    server = serve(drain_seconds=0)
    with server.client() as client:
        assert client.post(SUBMIT, json=ORDER).status_code == 200
    server.process.send_signal(signal.SIGTERM)
    assert server.end().split() == ["loaded", "pydantic_core"]
    assert server.process.returncode == 0


def test_importing_the_front_door_loads_no_network_code() -> None:
    names = "torch transformers diffusers numpy PIL overpaint.model overpaint.worker"
    script = f"import sys, overpaint.http.app; print(*[n for n in '{names}'.split() if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_a_connection_is_kept_alive(serve: Serve) -> None:
    server = serve()
    with server.client() as client:
        task_id = client.post(SUBMIT, json=ORDER).json()["task_id"]
        ports = set()
        for _ in range(5):
            answer = client.get(RESULT, params={"task_id": task_id})
            assert_result(answer, "TASK_STATUS_QUEUED")
            ports.add(answer.extensions["network_stream"].get_extra_info("client_addr"))
    assert len(ports) == 1


def test_a_body_is_asked_for_before_it_is_sent(serve: Serve) -> None:
    body = json.dumps(ORDER).encode()
    with socket.create_connection(("127.0.0.1", serve().port), timeout=30) as wire:
        wire.sendall(head(SUBMIT, f"Content-Length: {len(body)}", "Expect: 100-continue"))
        assert wire.recv(65_536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        wire.sendall(body)
        assert wire.recv(65_536).startswith(b"HTTP/1.1 200 ")


def test_requests_sent_ahead_are_answered_in_order(serve: Serve) -> None:
    ask = [head("/healthz", method="GET"), head("/healthz", method="HEAD"), head("/nope", method="GET")]
    with socket.create_connection(("127.0.0.1", serve().port), timeout=30) as wire:
        wire.sendall(b"".join(ask) + head("/healthz", "Connection: close", method="GET"))
        answers = b"".join(iter(lambda: wire.recv(65_536), b""))
    heads = [part for part in answers.split(b"HTTP/1.1 ") if part]
    assert [part[:3] for part in heads] == [b"200", b"200", b"404", b"200"]
    assert [part.partition(b"\r\n\r\n")[2][:9] for part in heads] == [b'{"status"', b"", b'{"type":"', b'{"status"']


def test_a_picture_of_many_pieces_arrives_whole(serve: Serve) -> None:
    server = serve()
    with StandInWorker(server.data), server.client() as client:
        task_id = client.post(SUBMIT, json=ORDER).json()["task_id"]
        while not (images := client.get(RESULT, params={"task_id": task_id}).json()["images"]):
            pass
        large = random.randbytes(5 * PIECE_BYTES + 7)
        FolderBlobs(server.data / "blobs").path(result_name(task_id, 1, 0, "jpeg")).write_bytes(large)
        assert client.get(images[0]["image_url"]).content == large
        assert client.get(images[0]["image_url"], headers={"range": "bytes=9-"}).content == large[9:]


def test_a_wrong_key_with_an_oversized_body_hears_about_the_key(serve: Serve) -> None:
    server = serve(max_body_bytes=10_000)
    answer = talk(server, head(SUBMIT, "Content-Length: 99999999", key="wrong"))
    assert answer.startswith(b"HTTP/1.1 403 ")
    assert b"INVALID_API_KEY" in answer
    answer = talk(server, head(SUBMIT, "Content-Length: 0", key="wrong"))
    assert b"INVALID_API_KEY" in answer


def test_an_oversized_body_is_refused_before_it_is_sent(serve: Serve) -> None:
    server = serve(max_body_bytes=10_000)
    answer = talk(server, head(SUBMIT, "Content-Length: 10001", "Expect: 100-continue"))
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"IMAGE_FILE_EXCEEDS_MAX_SIZE" in answer


def test_chunks_are_counted(serve: Serve) -> None:
    server = serve(max_body_bytes=10_000)
    chunk = b"1000\r\n" + b" " * 4096 + b"\r\n"
    answer = talk(server, head(SUBMIT, "Transfer-Encoding: chunked"), chunk, chunk, chunk)
    assert b"IMAGE_FILE_EXCEEDS_MAX_SIZE" in answer


def test_a_body_that_never_ends_is_given_up_on(serve: Serve) -> None:
    server = serve(body_timeout_seconds=0.2)
    answer = talk(server, head(SUBMIT, "Content-Length: 100"), b'{"prompt":')
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["code"] == 408


def test_a_caller_who_hangs_up_leaves_no_trace(serve: Serve) -> None:
    server = serve()
    with socket.create_connection(("127.0.0.1", server.port)) as wire:
        wire.sendall(head(SUBMIT, "Content-Length: 100") + b"{")
    server.wait_for("/healthz", 200)
    assert server.log() == ""


def test_a_picture_behind_a_url_is_fetched_at_submit(serve: Serve, httpserver: HTTPServer) -> None:
    data = photo("JPEG")
    httpserver.expect_request("/cat").respond_with_data(data, content_type="text/html")
    httpserver.expect_request("/moved").respond_with_data("", 302, {"Location": httpserver.url_for("/cat")})
    httpserver.expect_request("/text").respond_with_data("not a picture")
    httpserver.expect_request("/gone").respond_with_data("", 404)
    port = httpserver.port
    server = serve(outbound_allow=f"{httpserver.host}:{port},127.0.0.1:{port}")
    with server.client() as client:
        for path in ("/cat", "/moved"):
            assert client.post(SUBMIT, json=ORDER | {"image": httpserver.url_for(path)}).status_code == 200
        answer = client.post(SUBMIT, json=ORDER | {"image": httpserver.url_for("/text")})
        assert_error(answer, 400, "INVALID_IMAGE_FORMAT")
        answer = client.post(SUBMIT, json=ORDER | {"image": httpserver.url_for("/gone")})
        assert_error(answer, 400, "INVALID_REQUEST_BODY", names="404")
        answer = client.post(SUBMIT, json=ORDER | {"image": f"http://127.0.0.1:{server.port}/healthz"})
        assert_error(answer, 400, "INVALID_REQUEST_BODY", names="not allowed")
    httpserver.clear()


def test_bad_requests_leave_one_line_each_and_no_secret(serve: Serve) -> None:
    server = serve()
    secrets = ["a prompt of mine", "op_aaaaaaaa_" + "b" * 32, "sig=abcdef", SECRET, "hidden.example", "user-pw"]
    with server.client() as client:
        client.post(SUBMIT, json={"prompt": secrets[0], "image": "http://user-pw@hidden.example/?sig=abcdef"})
        client.post(SUBMIT, content=b'{"prompt": "a prompt of mine')
        client.get("/v3/user", headers={"authorization": f"Bearer {secrets[1]}"})
        client.get("/files/x?sig=abcdef")
        client.get(RESULT, params={"task_id": "a prompt of mine"})
    lines = [json.loads(line) for line in server.log().splitlines()]
    assert [line["code"] for line in lines] == [
        "image_url_not_allowed",
        "malformed_body",
        "invalid_api_key",
        "route_not_found",
        "edit_not_found",
    ]
    for secret in secrets:
        assert secret not in server.log()
    server.wait_for("/healthz", 200)


def test_a_request_that_is_not_http_gets_one_line_too(serve: Serve) -> None:
    server = serve()
    assert talk(server, b"\x16\x03\x01 TLS, perhaps\r\n\r\n").startswith(b"HTTP/1.1 400 ")
    assert len(server.log().splitlines()) == 1
    server.wait_for("/healthz", 200)


def test_a_first_signal_drains_and_a_second_ends(serve: Serve) -> None:
    server = serve(drain_seconds=600)
    with server.client() as client:
        task_id = client.post(SUBMIT, json=ORDER).json()["task_id"]
        server.process.send_signal(signal.SIGTERM)
        assert server.wait_for("/readyz", 503).json()["status"] in ("starting", "draining")
        _until_draining(client)
        assert_error(client.post(SUBMIT, json=ORDER), 503, "SERVICE_UNAVAILABLE")
        assert_result(client.get(RESULT, params={"task_id": task_id}), "TASK_STATUS_QUEUED")
    server.process.send_signal(signal.SIGTERM)
    server.end()
    assert server.process.returncode == 0
    assert "Traceback" not in server.log()


def test_a_drain_ends_with_its_time(serve: Serve) -> None:
    server = serve(drain_seconds=0.2)
    server.process.send_signal(signal.SIGINT)
    server.end()
    assert server.process.returncode == 0


def _until_draining(client: httpx2.Client) -> None:
    for _ in range(1000):
        if client.get("/readyz").json()["status"] == "draining":
            return
    raise AssertionError("the server never began to drain")


def test_a_killed_server_has_lost_nothing_it_acknowledged(serve: Serve) -> None:
    first = serve()
    with first.client() as client:
        ids = [client.post(SUBMIT, json=ORDER).json()["task_id"] for _ in range(20)]
    first.process.kill()
    first.process.wait()
    second = serve()
    with second.client() as client:
        for task_id in ids:
            assert_result(client.get(RESULT, params={"task_id": task_id}), "TASK_STATUS_QUEUED")
