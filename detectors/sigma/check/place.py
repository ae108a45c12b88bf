"""place: the line of a rule file where a key stands.

In:   a path, the line where the rule begins, the key
Out:  a line; the rule's own when the file does not have the key
"""

from __future__ import annotations

import re


def line_of(path: str, start: int, key: str) -> int:
    """A loaded rule knows only where it begins; those few that are doubted are looked up again."""
    wanted = re.compile(rf"""[\s'"{{,-]*{re.escape(key)}['"]?\s*[|:]|.*[{{,\s'"]{re.escape(key)}['"]?\s*[|:]""")
    try:
        with open(path, encoding="utf-8-sig", errors="replace") as file:
            for number, line in enumerate(file, 1):
                if number > start and line.startswith("---"):
                    break
                if number >= start and wanted.match(line):
                    return number
    except OSError:
        pass
    return start
