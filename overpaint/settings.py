"""Settings are a table: a unit in the name, a sentence a leaf, printed everywhere from here.

Flag > environment (`OVERPAINT_LEASE_SECONDS`) > `overpaint.toml` in the working folder > default. Read once at the top,
passed down as a frozen value. Knows no room that uses a setting.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from overpaint.errors import ConfigurationError

PREFIX = "OVERPAINT_"
CLIENT_NAMES = {"OVERPAINT_URL"}  # read by the CLI and the SDK, not by the server
TEST_PREFIX = "OVERPAINT_TEST_"

_BYTES = {"": 1, "b": 1, "kib": 2**10, "mib": 2**20, "gib": 2**30, "kb": 10**3, "mb": 10**6, "gb": 10**9}
_SECONDS = {"": 1, "ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}


def _with_unit(units: dict[str, float]) -> BeforeValidator:
    """Accepts "30MiB" or "15m" where a number is meant."""

    def read(value: object) -> object:
        match = re.fullmatch(r"\s*([0-9.]+)\s*([A-Za-z]*)\s*", value) if isinstance(value, str) else None
        if match is None or match[2].lower() not in units:
            return value
        number = float(match[1]) * units[match[2].lower()]
        return int(number) if number.is_integer() else number

    return BeforeValidator(read)


def _split(value: object) -> object:
    """Accepts "a,b" where several names are meant."""
    return tuple(filter(None, map(str.strip, value.split(",")))) if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
Bytes = Annotated[int, _with_unit(_BYTES)]
Seconds = Annotated[float, _with_unit(_SECONDS)]


class Settings(BaseSettings):
    """All settings of the server. `table()` prints them."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, extra="forbid", frozen=True, toml_file="overpaint.toml", env_ignore_empty=True
    )

    host: str = Field(default="127.0.0.1", description="Address the API listens on.")
    port: int = Field(default=8000, ge=0, le=65535, description="Port the API listens on; 0 takes a free one.")
    public_url: str | None = Field(
        default=None, description="Base of the links given out, with a path prefix if there is one; else the request's."
    )
    api_key: SecretStr | None = Field(
        default=None, description="This secret (16 to 256 printable ASCII) is the first owner's key; none is made then."
    )
    data: Path = Field(default=Path("data"), description="Folder of the database, the pictures and the root secret.")
    checkpoint: str = Field(default="mini", description="What to serve: `mini`, a folder, or a hub id.")
    device: str = Field(default="auto", description="`auto`, `cpu`, `cuda` or `cuda:N`.")
    workers: int = Field(default=1, ge=1, le=64, description="Worker processes; with several GPUs one each.")
    dtype: str = Field(default="auto", pattern="^(auto|bfloat16|float32)$", description="`bfloat16` or `float32`.")
    weights: Literal["exact", "int8", "fp8"] = Field(
        default="exact",
        description="`int8`: half the memory, and pictures that are only nearly the same. `fp8`: likewise, a little "
        "further off, with products in 8 bits; of GPUs those of compute capability 8.9 or more.",
    )
    compile: bool = Field(
        default=False,
        description="Compile the network before the first edit: minutes, and pictures that differ in the last bits.",
    )
    offline: bool = Field(default=False, description="Never ask a hub for a checkpoint that is not here yet.")

    max_body_bytes: Bytes = Field(default=48 * 2**20, ge=1, description="Largest request body.")
    body_bytes_in_flight: Bytes = Field(
        default=512 * 2**20, ge=1, description="Request bodies held at once; one more gets 503."
    )
    max_image_bytes: Bytes = Field(default=30 * 2**20, ge=1, description="Largest picture, as a file.")
    max_image_pixels: int = Field(default=40_000_000, ge=1, description="Largest picture taken, by its header.")
    max_output_pixels: int = Field(default=16_777_216, ge=4096, description="Largest picture given back.")
    max_prompt_characters: int = Field(default=4000, ge=1, description="Longest prompt, in Unicode code points.")
    body_timeout_seconds: Seconds = Field(default=60, gt=0, description="Longest time a request body may take.")
    fetch_timeout_seconds: Seconds = Field(default=10, gt=0, description="Longest time an image URL may take, in all.")
    outbound_allow: Names = Field(
        default=(),
        description="Host names, `host:port` or CIDRs, comma-separated, that callers' URLs may name although private.",
    )
    webhook_allow_http: bool = Field(default=False, description="Whether webhooks may go to `http://`, unencrypted.")

    queue_max: int = Field(default=10_000, ge=0, description="Edits that may wait; one more gets 429. 0 = no limit.")
    queue_max_per_owner: int = Field(default=2000, ge=0, description="The same, of one owner. 0 = no limit.")
    running_max_per_owner: int = Field(
        default=0, ge=0, description="Edits of one owner in work at once; one more waits. 0 = no limit."
    )
    rate_limit_per_minute: int = Field(
        default=600, ge=0, description="Submits of one owner; one more gets 429. 0 = no limit."
    )
    pixels_per_day: int = Field(
        default=0, ge=0, description="Pixels that one owner may ask for in a day (UTC); then 429. 0 = no limit."
    )
    lease_seconds: Seconds = Field(
        default=15, gt=0, description="Silence after which a worker's task is claimed again."
    )
    max_attempts: int = Field(default=3, ge=1, le=10, description="Attempts that may fail before the task does.")
    run_timeout_seconds: Seconds = Field(default=600, gt=0, description="Longest time one attempt may run.")
    drain_seconds: Seconds = Field(default=60, ge=0, description="Time running edits get to finish after SIGTERM.")
    file_url_ttl_seconds: Seconds = Field(default=3600, ge=1, description="How long a picture link works.")
    result_ttl_seconds: Seconds = Field(
        default=86_400, ge=1, description="Pictures are erased this long after the end."
    )
    record_ttl_seconds: Seconds = Field(
        default=2_592_000, ge=1, description="Records are erased this long after the end."
    )

    log_format: str = Field(default="auto", pattern="^(auto|text|json)$", description="`auto`: text on a terminal.")
    log_level: str = Field(default="info", pattern="^(debug|info|warning|error)$", description="Least level logged.")
    log_prompts: bool = Field(default=False, description="Whether the line of a finished edit holds its prompt.")
    metrics: str = Field(
        default="open",
        pattern="^(open|key|off)$",
        description="`/metrics` is for anybody (`open`), for keys with the scope `metrics` (`key`), or `off`.",
    )

    @model_validator(mode="after")
    def _api_key_is_usable(self) -> Settings:
        secret = self.api_key.get_secret_value() if self.api_key else None
        if secret is not None and not re.fullmatch(r"[\x21-\x7e]{16,256}", secret):
            raise ValueError("api_key: 16 to 256 printable ASCII characters without spaces")
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)

    @property
    def is_loopback(self) -> bool:
        """Whether the API listens on this machine only."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


def load(**flags: Any) -> Settings:
    """Flags that are None fall through to environment, file and default.

    Raises ConfigurationError naming the setting (and for an unknown one its nearest relative).
    """
    _refuse_unknown_environment()
    try:
        return Settings(**{name: value for name, value in flags.items() if value is not None})
    except ValidationError as error:
        raise ConfigurationError(_first_problem(error), hint="`overpaint serve --help` lists the settings.") from None


def table() -> Iterator[tuple[str, object, str]]:
    """(NAME, default, sentence) of each setting, in order."""
    for name, field in Settings.model_fields.items():
        yield name.upper(), field.default, field.description or ""


def _refuse_unknown_environment() -> None:
    known = {PREFIX + name.upper() for name in Settings.model_fields} | CLIENT_NAMES
    for name in os.environ:
        if name.startswith(PREFIX) and name not in known and not name.startswith(TEST_PREFIX):
            raise ConfigurationError(f"{name} is not a setting.", hint=_nearest(name, known))


def _first_problem(error: ValidationError) -> str:
    first = error.errors(include_input=False, include_url=False)[0]
    name = ".".join(str(part) for part in first["loc"]).upper()
    if first["type"] == "extra_forbidden":
        near = _nearest(name, {field.upper() for field in Settings.model_fields})
        return f"{name} is not a setting. {near}".strip()
    return f"{name}: {first['msg']}" if name else str(first["msg"])


def _nearest(name: str, known: set[str]) -> str:
    match = difflib.get_close_matches(name, sorted(known), n=1)
    return f"Did you mean {match[0]}?" if match else ""
