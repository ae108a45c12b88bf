"""status_line: a rule's status, changed in its file and nothing else.

In:   the bytes of a rule file, the line where the rule's document begins
Out:  the same bytes with another word on one line: comments, order and line ends stay
"""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path

from detectors.sigma import document
from hamrong.errors import InvalidFileError, Problem


def with_status(path: str, content: bytes, line: int, old: str, new: str) -> bytes:
    """Raises InvalidFileError where the status does not stand as `status: old` in the document that begins there."""
    found, problems = document.read(path, content)
    here = next((one for one in found if one.line == line), None)
    if problems or here is None or not isinstance(here.data, dict):
        raise InvalidFileError(problems or [Problem(path, line, "begins no rule", "the file has changed: try again")])
    at = here.lines.get(("status",))
    lines = content.splitlines(keepends=True)
    if at is not None:
        written = re.compile(rb"""(\bstatus["']?\s*:\s*["']?)%s\b""" % re.escape(old.encode()))
        lines[at - 1], changed = written.subn(rb"\g<1>" + new.encode(), lines[at - 1])
        made = b"".join(lines)
        if changed == 1 and _statuses(path, made) == [
            new if one is here else one.data.get("status") for one in found if isinstance(one.data, dict)
        ]:
            return made
    hint = f"write 'status: {new}' there yourself"
    raise InvalidFileError([Problem(path, at or line, f"does not say 'status: {old}' in a line of its own", hint)])


def _statuses(path: str, content: bytes) -> list[str | None]:
    return [one.data.get("status") for one in document.read(path, content)[0] if isinstance(one.data, dict)]


def replace(path: Path, content: bytes) -> None:
    """Puts it in the file's place in one step, with the file's rights: whoever reads rules never meets half of one."""
    mode = path.stat().st_mode
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
        file.write(content)
    os.chmod(file.name, mode)
    Path(file.name).replace(path)
