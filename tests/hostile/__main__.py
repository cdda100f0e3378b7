"""`python -m tests.hostile [ROW …]`: what strangers may send, in the long form; figures stay in `build/hostile/`."""

from __future__ import annotations

import sys
from pathlib import Path

from tests import rows

PARSERS = (
    "bodies",
    "image_strings",
    "links",
    "blob_names",
    "ranges",
    "wire",
    "webhook_signatures",
    "what_receivers_answer",
    "checkpoint_files",
)
DESCRIPTION = "tests/hostile/test_api.py::test_the_server_does_what_its_description_says"
ROWS = {
    "addresses": ["tests/hostile/test_addresses.py"],
    "webhook addresses": ["tests/hostile/test_webhook_addresses.py"],
    "links": ["tests/hostile/test_links.py"],
    "bodies": ["tests/hostile/test_bodies.py"],
    "pictures": ["tests/hostile/test_pictures.py"],
    "worker": ["tests/hostile/test_worker.py"],
    **{f"parser {name}": [f"tests/hostile/test_parsers.py::test_{name}"] for name in PARSERS},
    **{f"description {seed}": [f"{DESCRIPTION}[{seed}]"] for seed in range(1, 6)},
}

if __name__ == "__main__":
    sys.exit(rows.main(Path("build/hostile"), ROWS, sys.argv[1:]))
