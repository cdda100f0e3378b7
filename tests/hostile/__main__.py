"""`python -m tests.hostile [ROW …]`: what strangers may send, in the long form; figures stay in `build/hostile/`."""

from __future__ import annotations

import sys
from pathlib import Path

from tests import rows

ROWS = {
    "addresses": ["tests/hostile/test_addresses.py"],
    "webhook addresses": ["tests/hostile/test_webhook_addresses.py"],
    "links": ["tests/hostile/test_links.py"],
    "bodies": ["tests/hostile/test_bodies.py"],
    "pictures": ["tests/hostile/test_pictures.py"],
    "worker": ["tests/hostile/test_worker.py"],
}

if __name__ == "__main__":
    sys.exit(rows.main(Path("build/hostile"), ROWS, sys.argv[1:]))
