"""Unit tests: no network, no process, at most a folder of their own."""

import pytest


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
