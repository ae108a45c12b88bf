r"""terminal: text from outside, fit to be shown.

In:   text that a sender chose
Out:  the same with control characters as `\xNN`, so that no log line moves the cursor or sets colours; and whether ours
      may
"""

from __future__ import annotations

import os
import re
import sys

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def printable(text: str) -> str:
    """Marks that turn the direction of writing are written out too: they can hide what stands behind them."""
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def colours() -> bool:
    """Whether output may be coloured: it goes to a terminal whose owner has not said no (https://no-color.org)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")
