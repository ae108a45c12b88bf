"""output_file: a file that somebody asked a command to write.

In:   a path and bytes
Out:  the file; HamrongError where it cannot be written
"""

from __future__ import annotations

from pathlib import Path

from hamrong.errors import HamrongError


def write(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as error:
        raise HamrongError(
            f"{path}: cannot be written: {error.strerror} (name a file in a folder that is there)"
        ) from error
