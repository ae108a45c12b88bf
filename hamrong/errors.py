"""The exception tree. An error says where it happened, what was got and what to write instead.

`hamrong.cli` prints a HamrongError as its text alone and exits 2; anything else is a defect and shows its trace.
"""

from __future__ import annotations

from dataclasses import dataclass


class HamrongError(Exception):
    """The root: whatever a person can mend."""


class ServiceError(HamrongError):
    """A service that is needed does not answer or refuses."""


@dataclass(frozen=True, order=True)
class Problem:
    """One fault: where, what, and what to write. Line 0: the place has no lines, such as a variable."""

    path: str
    line: int
    what: str
    hint: str = ""

    def __str__(self) -> str:
        hint = f" (hint: {self.hint})" if self.hint else ""
        place = f"{self.path}:{self.line}" if self.line else self.path
        return f"{place}: {self.what}{hint}"


class InvalidFileError(HamrongError):
    """One or more files that do not hold what they should; lists every problem at once."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = sorted(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))
