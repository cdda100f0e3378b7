"""The data folder and the port: what is taken is said clearly."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from overpaint.errors import ConfigurationError
from overpaint.worker import premises


def test_a_free_port_is_found_and_a_taken_one_named() -> None:
    with premises.listen("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        assert port > 0
        with pytest.raises(ConfigurationError, match=f"127.0.0.1:{port}: another program has this port") as refused:
            premises.listen("127.0.0.1", port)
        assert "--port" in refused.value.hint


def test_the_port_of_a_server_that_is_just_dying_is_waited_for() -> None:
    with premises.listen("127.0.0.1", 0) as dying:
        port = dying.getsockname()[1]
        with ThreadPoolExecutor(1) as thread:
            heir = thread.submit(premises.listen, "127.0.0.1", port)
            with pytest.raises(TimeoutError):
                heir.result(timeout=0.2)
            dying.close()
            with heir.result() as listener:
                assert listener.getsockname()[1] == port


def test_callers_wait_before_anybody_answers() -> None:
    with (
        premises.listen("localhost", 0) as listener,
        socket.create_connection(listener.getsockname()[:2], timeout=5) as caller,
    ):
        assert caller.getpeername() == listener.getsockname()


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"192\.0\.2\.1:0"):
        premises.listen("192.0.2.1", 0)


def test_a_folder_that_cannot_be_written_is_named_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "data"
    premises.prepare(data)
    database = data / "overpaint.sqlite3"
    database.touch()
    premises.prepare(data)
    for read_only in (data, database):
        monkeypatch.setattr("os.access", lambda path, mode: path != read_only)  # noqa: B023
        with pytest.raises(ConfigurationError, match=f"{read_only} cannot be written") as refused:
            premises.prepare(data)
        assert "--data" in refused.value.hint
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="cannot be used"):
        premises.prepare(tmp_path / "file" / "data")


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="cannot be used"), premises.locked(tmp_path / "file" / "data"):
        pass
