"""cache: files under the cache folder, written whole or not at all.

In:   a path and its bytes
Out:  the file; a cache is always safe to delete, and several processes may share it
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import orjson


def write_whole(path: Path, content: bytes) -> None:
    """Writes beside and renames: no reader sees half a file. A cache that cannot be written is no error."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            file.write(content)
    except OSError:
        return
    try:
        os.replace(file.name, path)
    except OSError:
        Path(file.name).unlink(missing_ok=True)


def read_json(path: Path) -> Any:
    """What `write_whole` wrote as JSON; None when it is not there or is broken."""
    try:
        return orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return None
