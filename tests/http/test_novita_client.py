"""The client that people use today, with nothing changed but its base URL."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Iterator

import pytest
from novita_client import NovitaClient, NovitaResponseError, V3TaskResponseStatus
from PIL import Image

from tests.http.world import SECRET, SUBMIT, ServerProcess, StandInWorker, base64_of, photo


@pytest.fixture
def client(serve: Callable[..., ServerProcess]) -> Iterator[NovitaClient]:
    server = serve()
    with StandInWorker(server.data):
        client = NovitaClient(SECRET, base_url=server.base)
        client.session.trust_env = False
        yield client


def test_it_submits_waits_and_downloads(client: NovitaClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    order = {"prompt": "make it black", "image": base64_of(photo()), "seed": 7, "output_format": "png"}
    task_id = client._post(SUBMIT, order)["task_id"]
    done = client.wait_for_task_v3(task_id)
    assert done.task.status is V3TaskResponseStatus.TASK_STATUS_SUCCEED
    assert (done.task.task_id, done.task.progress_percent, done.task.eta) == (task_id, 100, 0)
    assert done.extra.seed == 7
    assert done.images[0].image_url_ttl > 0
    done.download_images()
    (picture,) = done.images_encoded
    with Image.open(io.BytesIO(base64.b64decode(picture))) as image:
        assert (image.format, image.size) == ("PNG", (64, 48))


def test_it_understands_a_failure(client: NovitaClient) -> None:
    task_id = client._post(SUBMIT, {"prompt": "fail", "image": base64_of(photo())})["task_id"]
    done = client.wait_for_task_v3(task_id)
    assert done.task.status is V3TaskResponseStatus.TASK_STATUS_FAILED
    assert done.task.reason.startswith("out_of_memory: ")


def test_it_reads_the_account(client: NovitaClient) -> None:
    user = client.user_info()
    assert (user.credit_balance, user.allow_features) == (999999999, [])


def test_it_raises_for_a_wrong_key(client: NovitaClient) -> None:
    client.api_key = "wrong"
    with pytest.raises(NovitaResponseError, match="403"):
        client.user_info()
    with pytest.raises(NovitaResponseError, match="INVALID_API_KEY"):
        client._post(SUBMIT, {"prompt": "x", "image": base64_of(photo())})
