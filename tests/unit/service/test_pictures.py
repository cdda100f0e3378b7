"""Image strings: three spellings, one picture."""

from __future__ import annotations

import base64
import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from overpaint.errors import ImageFetchFailed, InvalidImage
from overpaint.images.fetch import Fetcher
from overpaint.service.pictures import IN_THREAD_BYTES, Pictures, from_base64
from overpaint.settings import load
from overpaint.telemetry import Metrics
from tests.unit.images.pictures import as_file, scene

PNG = as_file(scene(), "PNG")


class Shelf(Fetcher):
    """Gives one picture for one URL."""

    def __init__(self, url: str) -> None:
        self.url = url

    async def get(self, url: str, *, field: str = "image") -> bytes:
        if url != self.url:
            raise ImageFetchFailed(field=field, problem="it is not here")
        return PNG


@pytest.mark.anyio
@pytest.mark.parametrize("kind", [str, bytes, memoryview])
async def test_text_and_bytes_are_read_alike(kind: type) -> None:
    plain = base64.b64encode(PNG).decode()
    pictures = Pictures(load(), Metrics(), Shelf("HTTPS://a.example/x.png"))
    for text in (plain, "data:;base64," + plain, "HTTPS://a.example/x.png"):
        given = text if kind is str else kind(text.encode())
        picture = await pictures.take(given)
        assert picture.data == PNG


@pytest.mark.anyio
async def test_a_large_picture_is_read_in_a_thread_with_the_same_result() -> None:
    large = PNG + bytes(IN_THREAD_BYTES)
    picture = await Pictures(load(), Metrics()).take(base64.b64encode(large))
    assert picture.data == large


@pytest.mark.anyio
async def test_fetches_are_counted_by_how_they_ended() -> None:
    metrics = Metrics()
    pictures = Pictures(load(), metrics, Shelf("http://a.example/"))
    await pictures.take("http://a.example/")
    with pytest.raises(ImageFetchFailed):
        await pictures.take("http://b.example/")
    counted = {
        outcome: metrics.registry.get_sample_value("overpaint_image_fetches_total", {"outcome": outcome})
        for outcome in ("ok", "image_fetch_failed")
    }
    assert counted == {"ok": 1, "image_fetch_failed": 1}


@given(st.binary(max_size=200), st.booleans(), st.booleans(), st.integers(1, 80))
def test_base64_is_read_in_every_tolerated_form(data: bytes, is_url_safe: bool, is_padded: bool, width: int) -> None:
    text = base64.urlsafe_b64encode(data) if is_url_safe else base64.b64encode(data)
    text = text if is_padded else text.rstrip(b"=")
    lines = b" \r\n\t".join(text[at : at + width] for at in range(0, len(text), width))
    assert from_base64(memoryview(lines), "image") == data


@given(st.binary(min_size=1, max_size=40))
def test_anything_else_is_an_error_or_some_bytes(noise: bytes) -> None:
    with contextlib.suppress(InvalidImage):
        assert isinstance(from_base64(memoryview(noise), "image"), bytes)
