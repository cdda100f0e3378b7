"""What no answer may hold: one list for all tests that read answers."""

from __future__ import annotations

import re

REVEALING = re.compile(rb"Traceback|site-packages|\.py\b|/home/|/usr/|/root/|overpaint\.sqlite3")
#: the same, and what may occur in a picture's bytes but in no word of ours
REVEALING_WORDS = re.compile(REVEALING.pattern.decode() + r"|File \"|/tmp/|0x[0-9a-f]{6,}")
