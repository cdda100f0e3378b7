"""The store's two clocks: one for leases, one for people.

Leases are counted on the kernel's boot clock: every process of the machine reads the same value, nobody can set it
back, and it starts anew with each boot (`boot_id` tells the boots apart). Wall time may jump; nothing but dates shown
to people and the keeping time of pictures depends on it. Knows nothing of tasks.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Protocol

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_BOOT_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)  # macOS: monotonic, which also starts with the boot


class Clock(Protocol):
    """What the store asks of time."""

    @property
    def boot_id(self) -> str:
        """Names the running boot; empty where the system does not say: then a restart of the server voids leases."""
        ...

    def boot_ms(self) -> int:
        """Milliseconds since the boot, equal in all processes; never falls."""
        ...

    def wall_ms(self) -> int:
        """Unix milliseconds."""
        ...


class SystemClock:
    """The machine's own clocks."""

    def __init__(self) -> None:
        self.boot_id = _BOOT_ID.read_text().strip() if _BOOT_ID.exists() else ""

    def boot_ms(self) -> int:
        return time.clock_gettime_ns(_BOOT_CLOCK) // 1_000_000

    def wall_ms(self) -> int:
        return time.time_ns() // 1_000_000
