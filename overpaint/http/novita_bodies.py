"""The shapes of the Novita dialect: every body it takes or gives.

Knows names and JSON types; OpenAPI is printed from here. Does not know what any of it means.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

Format = Literal["jpeg", "png", "webp"]
AskedFormat = Literal["jpeg", "jpg", "png", "webp", ""]  #: in any case; empty means absent
Steps = Annotated[int, Meta(ge=2, le=100, description="Denoising steps; else the model's own.")]
Scale = Annotated[float, Meta(ge=1, le=20, description="Guidance; 1 turns it off.")]
Size = Annotated[
    str, Meta(pattern="^(auto|input|native|[0-9]+[x*][0-9]+)$", description="`auto`: the picture's own proportions.")
]
Quality = Annotated[int, Meta(ge=1, le=100, description="Quality of a JPEG or WebP.")]
Seed = Annotated[int, Meta(ge=-1, le=2**31 - 1, description="-1: the server draws one.")]


class OverpaintFields(Struct, kw_only=True, forbid_unknown_fields=True):
    """Our own parameters; an unknown one is refused."""

    steps: Steps | UnsetType | None = UNSET
    true_cfg_scale: Scale | UnsetType | None = UNSET
    negative_prompt: Annotated[str, Meta(max_length=4000, description="What to stay away from.")] | None = " "
    size: Size | None = "auto"
    output_quality: Quality | None = 95


class TestMode(Struct, kw_only=True):
    """To see a message arrive without an edit being made."""

    enabled: Annotated[bool, Meta(description="Whether the edit ends so, its picture unchanged.")] | None = False
    return_task_status: Literal["TASK_STATUS_SUCCEED", "TASK_STATUS_FAILED"] | None = "TASK_STATUS_SUCCEED"


class WebhookFields(Struct, kw_only=True):
    """Whom to tell when the edit has ended."""

    url: Annotated[str, Meta(min_length=1, max_length=2048, description="A public https address.")]
    test_mode: TestMode | UnsetType | None = UNSET


class SubmitExtra(Struct, kw_only=True):
    """Extensions; other members are ignored."""

    webhook: WebhookFields | UnsetType | None = UNSET
    overpaint: OverpaintFields | UnsetType | None = UNSET


class SubmitBody(Struct, kw_only=True):
    """Members that are not listed are ignored; null means absent."""

    prompt: Annotated[
        str, Meta(min_length=1, max_length=4000, pattern=r"\S", description="What to change, in any language.")
    ]
    image: Annotated[str, Meta(description="The picture: base64, a data URI, or an http(s) URL.")]
    seed: Seed | Annotated[str, Meta(pattern="^-?[0-9]{1,10}$", description="The same as text.")] | None = -1
    output_format: Annotated[AskedFormat, Meta(description="Format of the picture given back.")] | None = "jpeg"
    extra: SubmitExtra | UnsetType | None = UNSET


class Submitted(Struct):
    """The edit is stored, and a read finds it."""

    task_id: str


class ResultOverpaint(Struct, kw_only=True):
    """What we say beyond the dialect."""

    model: str
    queue_position: int
    step: int
    steps: int
    attempt: int
    expired: bool | UnsetType = UNSET


class ResultExtra(Struct, kw_only=True):
    """`seed` is the seed used, in decimal."""

    seed: str
    enable_nsfw_detection: bool = False
    has_nsfw_contents: list[bool] = []
    overpaint: ResultOverpaint


class ResultTask(Struct, kw_only=True):
    """`eta` in seconds, 0 = unknown."""

    task_id: str
    task_type: str = "QWEN_IMAGE_EDIT"
    status: Literal["TASK_STATUS_QUEUED", "TASK_STATUS_PROCESSING", "TASK_STATUS_SUCCEED", "TASK_STATUS_FAILED"]
    reason: str = ""
    eta: int = 0
    progress_percent: int = 0


class ResultImage(Struct, kw_only=True):
    """`image_url_ttl`: whole seconds, as text."""

    image_url: str
    image_url_ttl: str
    image_type: Format
    nsfw_detection_result: None = None


class Result(Struct, kw_only=True):
    """A task as it stands; `images` is empty until it succeeded."""

    extra: ResultExtra
    task: ResultTask
    images: list[ResultImage] = []
    videos: list[None] = []
    audios: list[None] = []


class EventWebhook(Struct):
    """`url` as the caller wrote it."""

    url: str


class EventExtra(ResultExtra, kw_only=True):
    """What a task read says beside the task, and to whom this goes."""

    webhook: EventWebhook


class Event(Struct):
    """A message to a webhook; `payload` is what a task read answers at that moment."""

    event_type: Literal["ASYNC_TASK_RESULT"]
    payload: Result


class User(Struct, kw_only=True):
    """There is no billing: constants, for clients that look before they submit."""

    allow_features: list[str] = []
    credit_balance: int = 999_999_999
    free_trial: dict[str, int] = {}


class Balance(Struct, kw_only=True, rename="camel"):
    """There is no billing: constants, in 0.0001 USD."""

    available_balance: str = "999999999"
    cash_balance: str = "999999999"
    credit_limit: str = "0"
    outstanding_invoices: str = "0"


class Error(Struct, kw_only=True):
    """`code` is the HTTP status; branch on `reason`."""

    code: int
    reason: str
    message: str
    metadata: dict[str, str] = {}
