"""What no answer may hold."""

from __future__ import annotations

import re

REVEALING = re.compile(rb"Traceback|site-packages|\.py\b|/home/|/usr/|/root/|overpaint\.sqlite3")
