"""lists: the values that stand for placeholders (`%admins%` under the modifier `expand`).

In:   folders of NAME.txt: one value a line, `#` begins a comment, UTF-8
Out:  `Lists`, values by name; Problems for what cannot be read
Docs: Sigma specification 2.1, modifier expand; docs/reference/sigma.md
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hamrong.errors import Problem

FOLDER = "lists"
"""A folder of this name beside rules is looked into."""
MAX_BYTES = 4 << 20
MAX_CHARACTERS = 1000
"""Of one value: a name, an address, a path; not a text."""
_COMMENT = re.compile(r"(?:^|\s)#.*")


@dataclass(frozen=True)
class Lists:
    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By name, each value once; those of a later folder are added to those of an earlier one."""
    sources: Mapping[str, str] = field(default_factory=dict)
    """The last file of each list."""
    folder: str = FOLDER
    """Where a list that is missing is to be written."""

    def source(self, name: str) -> str:
        """The file to write: the one that is there, or the one that is missing."""
        return self.sources.get(name) or f"{self.folder}/{name}.txt"

    def digest(self, names: Iterable[str]) -> str:
        """Changes when what these names stand for does, or where they are to be written."""
        told = [f"{self.source(name)}\0{chr(0).join(self.values.get(name, ()))}" for name in sorted(names)]
        return hashlib.sha256("\1".join(told).encode()).hexdigest()

    @property
    def empty(self) -> list[Problem]:
        what = "is empty: what expands it matches nothing"
        return [
            Problem(self.sources[name], 1, what, "write the values, one a line")
            for name, values in sorted(self.values.items())
            if not values
        ]

    @property
    def contents(self) -> list[str]:
        """A digest of each list, wherever it lies."""
        return [
            hashlib.sha256("\0".join((name, *values)).encode()).hexdigest()
            for name, values in sorted(self.values.items())
        ]


NONE = Lists()


def read(folders: Sequence[Path]) -> tuple[Lists, list[Problem]]:
    """The lists of these folders. A folder that is not there is an empty one."""
    values: dict[str, tuple[str, ...]] = {}
    sources: dict[str, str] = {}
    problems: list[Problem] = []
    for folder in folders:
        for file in sorted(folder.glob("*.txt")):
            found = _values(file, problems)
            values[file.stem] = tuple(dict.fromkeys([*values.get(file.stem, ()), *found]))
            sources[file.stem] = str(file)
    return Lists(values, sources, str(folders[-1]) if folders else FOLDER), problems


def _values(file: Path, problems: list[Problem]) -> list[str]:
    try:
        content = file.read_bytes()
        if len(content) > MAX_BYTES:
            hint = f"split it: {MAX_BYTES} bytes are the most"
            problems.append(Problem(str(file), 1, f"has {len(content)} bytes", hint))
            return []
        lines = content.decode("utf-8-sig").splitlines()
    except OSError as error:
        problems.append(Problem(str(file), 1, f"cannot be read: {error.strerror}", "name a readable file"))
        return []
    except UnicodeDecodeError as error:
        at = content.count(b"\n", 0, error.start) + 1
        problems.append(Problem(str(file), at, f"is not UTF-8 at byte {error.start}", "save the file as UTF-8"))
        return []
    found = []
    for number, line in enumerate(lines, 1):
        value = _COMMENT.sub("", line).strip()
        if len(value) > MAX_CHARACTERS:
            hint = f"one value a line, {MAX_CHARACTERS} characters at most"
            problems.append(Problem(str(file), number, f"has a value of {len(value)} characters", hint))
        elif value:
            found.append(value)
    return found
