"""The Novita dialect's way in: a submit's body becomes an order.

Knows the spellings and the forms of numbers that real clients send, and what of our extension is offered. Types only:
ranges and defaults are the service's.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping

import msgspec

from overpaint.domain import Status
from overpaint.errors import InvalidParameter, UnsupportedMediaType, UnsupportedParameter
from overpaint.http import bodies
from overpaint.service.edits import Order

DIALECT = "novita"

_FORMATS = {"jpeg": "jpeg", "jpg": "jpeg", "png": "png", "webp": "webp"}
#: names with a second spelling, as in protobuf JSON
_CAMEL = {
    "output_format": "outputFormat",
    "true_cfg_scale": "trueCfgScale",
    "negative_prompt": "negativePrompt",
    "output_quality": "outputQuality",
    "test_mode": "testMode",
    "return_task_status": "returnTaskStatus",
}
_ENDINGS = {"TASK_STATUS_SUCCEED": Status.SUCCEEDED, "TASK_STATUS_FAILED": Status.FAILED}
_OWN = ("steps", "true_cfg_scale", "negative_prompt", "size", "output_quality")
_OWN_SPELLINGS = {*_OWN, *(_CAMEL[name] for name in _OWN if name in _CAMEL)}
_OWN_LATER = {"images", "mask", "aspect_ratio", "aspectRatio", "quality", "n", "metadata"}
_DIGITS = re.compile(r"-?[0-9]{1,10}", re.ASCII)


def to_order(body: bytes, public_base: str) -> Order:
    """Body -> domain. Raises MalformedBody, InvalidParameter, UnsupportedParameter: types only, no ranges."""
    fields = bodies.json_object(body)
    extra = _object(_present(fields, "extra"), "extra")
    webhook_url, test_ending = _webhook(extra)
    own = _object(_present(extra, "overpaint"), "extra.overpaint")
    _check_own_names(own)
    return Order(
        dialect=DIALECT,
        public_base=public_base,
        prompt=_required_text(fields, "prompt"),
        image=_image(fields),
        output_format=_format(fields),
        seed=_seed(fields),
        negative_prompt=_text(own, "negative_prompt"),
        steps=_integer(own, "steps"),
        true_cfg_scale=_number(own, "true_cfg_scale"),
        size=_text(own, "size"),
        output_quality=_integer(own, "output_quality"),
        webhook_url=webhook_url,
        test_ending=test_ending,
    )


def check_media_type(content_type: str) -> None:
    """Any type is read as JSON, but for forms. Raises UnsupportedMediaType."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind.startswith("multipart/") or kind == "application/x-www-form-urlencoded":
        raise UnsupportedMediaType(problem="A form is not taken here; send JSON with `Content-Type: application/json`.")


def _present(fields: bodies.Fields, name: str) -> msgspec.Raw | None:
    """The member under its name or its camelCase twin; null counts as absent."""
    raw = fields.get(name)
    if raw is None and name in _CAMEL:
        raw = fields.get(_CAMEL[name])
    return None if raw is None or bodies.first_byte(raw) == b"n" else raw


def _object(raw: msgspec.Raw | None, field: str) -> bodies.Fields:
    if raw is None:
        return {}
    if bodies.first_byte(raw) != b"{":
        raise InvalidParameter(field=field, problem="must be an object")
    return bodies.json_object(bytes(raw))


def _webhook(extra: bodies.Fields) -> tuple[str | None, Status | None]:
    """Whom to tell of the end; and the end itself, where all that is wanted is to be told."""
    raw = _present(extra, "webhook")
    if raw is None:
        return None, None
    webhook = _object(raw, "extra.webhook")
    test = _object(_present(webhook, "test_mode"), "webhook.test_mode")
    ending = _text(test, "return_task_status", "webhook.test_mode.")
    if ending is None:
        ending = "TASK_STATUS_SUCCEED"
    if ending not in _ENDINGS:
        problem = f"must be {' or '.join(_ENDINGS)}"
        raise InvalidParameter(field="webhook.test_mode.return_task_status", problem=problem)
    is_test = _flag(test, "enabled", "webhook.test_mode.")
    return _required_text(webhook, "url", "webhook."), _ENDINGS[ending] if is_test else None


def _check_own_names(own: Mapping[str, object]) -> None:
    for name in own:
        field = f"extra.overpaint.{name}"[:100]
        if name in _OWN_LATER:
            raise UnsupportedParameter(field=field, problem="is not offered yet; leave it out")
        if name not in _OWN_SPELLINGS:
            near = difflib.get_close_matches(name, _OWN, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise InvalidParameter(field=field, problem=f"is not a parameter{hint}")


def _image(fields: bodies.Fields) -> bytes | memoryview:
    raw = _present(fields, "image")
    if raw is None:
        raise InvalidParameter(field="image", problem="is required")
    first = bodies.first_byte(raw)
    if first == b"[":  # the sentence real clients look for
        raise InvalidParameter(field="image", problem="invalid value for string field image: [")
    if first != b'"':
        raise InvalidParameter(field="image", problem="must be a string")
    return bodies.text_bytes(raw)


def _format(fields: bodies.Fields) -> str:
    name = _text(fields, "output_format")
    known = _FORMATS.get(name.lower()) if name else "jpeg"
    if known is None:
        raise InvalidParameter(field="output_format", problem="must be jpeg, png or webp")
    return known


def _seed(fields: bodies.Fields) -> int | None:
    """An integer in any form that JSON's protobuf mapping allows: 7, "7", 7.0."""
    raw = _present(fields, "seed")
    seed = None if raw is None else bodies.value(raw)
    if isinstance(seed, str) and _DIGITS.fullmatch(seed):
        return int(seed)
    if isinstance(seed, float) and seed.is_integer():
        return int(seed)
    if seed is None or (isinstance(seed, int) and not isinstance(seed, bool)):
        return seed
    raise InvalidParameter(field="seed", problem="must be an integer")


def _required_text(fields: bodies.Fields, name: str, prefix: str = "") -> str:
    text = _text(fields, name, prefix)
    if text is None:
        raise InvalidParameter(field=prefix + name, problem="is required")
    return text


def _text(fields: bodies.Fields, name: str, prefix: str = "") -> str | None:
    raw = _present(fields, name)
    text = None if raw is None else bodies.value(raw)
    if text is None or isinstance(text, str):
        return text
    raise InvalidParameter(field=prefix + name, problem="must be a string")


def _flag(fields: bodies.Fields, name: str, prefix: str) -> bool:
    raw = _present(fields, name)
    flag = raw is not None and bodies.value(raw)
    if isinstance(flag, bool):
        return flag
    raise InvalidParameter(field=prefix + name, problem="must be true or false")


def _integer(fields: bodies.Fields, field: str) -> int | None:
    raw = _present(fields, field)
    number = None if raw is None else bodies.value(raw)
    if number is None or (isinstance(number, int) and not isinstance(number, bool)):
        return number
    raise InvalidParameter(field=field, problem="must be an integer")


def _number(fields: bodies.Fields, field: str) -> float | None:
    raw = _present(fields, field)
    number = None if raw is None else bodies.value(raw)
    if number is None or (isinstance(number, int | float) and not isinstance(number, bool)):
        return number
    raise InvalidParameter(field=field, problem="must be a number")
