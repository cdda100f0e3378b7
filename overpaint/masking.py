"""What nobody else may read in a text that is going to be read: keys, signatures, long base64, where files lie.

Knows how secrets and paths look. Does not know whose text it is.
"""

from __future__ import annotations

import re

_SECRETS = re.compile(
    r"""(?x)
      op_[0-9A-Za-z]{8}_[0-9A-Za-z]{32}     # our keys
    | whsec_[A-Za-z0-9+/=]{16,}             # what webhooks are signed with
    | \?[^\s"']{8,}                         # queries of links
    | [A-Za-z0-9+/_-]{65,}={0,2}            # pictures and other base64
    """
)
# A folder says whose machine it is; the file's own name, and of our own modules the room, say what is wrong.
_FOLDERS = re.compile(
    r"""(?x) (?<![\w:/.…]) / (?:
        (?:[\w.@+~-]+/)*? (?= overpaint/[\w/]{1,80}\.py | [\w.@+~-]+ (?![\w.@+~/-]) )
      | (?:[\w.@+~-]+/)+ (?![\w.@+~-])
    )"""
)


def masked(text: str, own_secret: str = "") -> str:
    """The text without secrets, with `…/` in a folder's place. `own_secret`: a key of the operator's own form."""
    if own_secret:
        text = text.replace(own_secret, "***")
    return _SECRETS.sub("***", _FOLDERS.sub("…/", text))  # in this order: a long path looks like base64
