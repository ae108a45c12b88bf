"""patterns: many string tests on one text at once, in linear time.

In:   (number, test, value) of string atoms
Out:  `Patterns.find(text)`: the numbers of those that hold
Docs: Hyperscan developer reference; RE2 syntax

Texts and literals come casefolded, so Hyperscan is told nothing about case and plain literals stay plain. What
Hyperscan refuses (its limits, and tests of the text around a match) goes to RE2; what RE2 refuses too is refused.
Neither backtracks: no rule can hang the stream.
"""

from __future__ import annotations

import re as syntax
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from functools import cache
from importlib import metadata
from pathlib import Path
from time import thread_time_ns
from typing import cast

import hyperscan
import re2
import xxhash

from detectors.sigma.cache import write_whole

Test = tuple[int, str, str]

FORMAT = b"3"
"""Raise it when `expression` writes a test differently."""
_ONCE = hyperscan.HS_FLAG_SINGLEMATCH | hyperscan.HS_FLAG_ALLOWEMPTY
_LITERAL = _ONCE | hyperscan.HS_FLAG_DOTALL
_REGEX = _ONCE | hyperscan.HS_FLAG_UTF8
_RE2_OPTIONS = re2.Options()
_RE2_OPTIONS.log_errors = False
MAX_LITERAL = 2000
"""Longer literals are Python's `in`: Hyperscan's own limit is on the whole pattern, and a rule may hold a megabyte."""


@cache
def _version() -> bytes:
    return metadata.version("hyperscan").encode()


def engine(regex: str) -> str | None:
    """The test that runs a regular expression: `regex` (Hyperscan), `regex_re2`, or None when neither takes it."""
    if refusal(regex) is None:
        return "regex"
    return "regex_re2" if _re2(regex) else None


def refusal(regex: str) -> str | None:
    """Why Hyperscan does not take a regular expression; None when it does."""
    pattern, flags = expression("regex", regex)
    try:
        hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK).compile(expressions=[pattern], ids=[0], flags=[flags])
    except (hyperscan.error, ValueError) as error:
        return str(error)
    return None


def expression(test: str, value: str) -> tuple[bytes, int]:
    """A test as a Hyperscan expression with its flags."""
    match test:
        case "contains":
            return escape(value), _LITERAL
        case "startswith":
            return rb"\A" + escape(value), _LITERAL
        case "endswith":
            return escape(value) + rb"\z", _LITERAL
        case "equals":
            return rb"\A" + escape(value) + rb"\z", _LITERAL
        case "wildcard":
            return rb"\A" + wildcard(value, escape) + rb"\z", _LITERAL | hyperscan.HS_FLAG_UTF8
        case "regex":
            return value.encode(), _REGEX
    raise ValueError(f"not a string test: {test}")


def wildcard(value: str, literal: Callable[[str], bytes]) -> bytes:
    """The inside of a regular expression for a pattern of `*`, `?` and backslash escapes."""
    operators = {"*": b".*", "?": b"."}
    pieces = syntax.findall(r"\\.|[^\\*?]+|[*?]", value, syntax.DOTALL)
    return b"".join(operators.get(piece) or literal(piece[1:] if piece[0] == "\\" else piece) for piece in pieces)


def escape(text: str) -> bytes:
    """A literal as a Hyperscan expression."""
    # Bytes of 128 and more stand as they are: an escaped one would be a code point in an expression of UTF-8.
    return b"".join(map(_ESCAPED.__getitem__, text.encode()))


_ESCAPED = [bytes((byte,)) if byte >= 128 or chr(byte).isalnum() else b"\\x%02x" % byte for byte in range(256)]


class Patterns:
    """Tests of one field that are searched for; compiled, or read from `cache`, at first use."""

    def __init__(self, tests: Sequence[Test], cache: Path | None = None, spent: Counter[int] | None = None) -> None:
        """`spent`: where the nanoseconds of tests that no database takes are added up, by their numbers."""
        self._cache = cache
        self._spent: Counter[int] = Counter() if spent is None else spent
        self._plain: list[tuple[int, Callable[[str], object]]] = []
        self._waiting: list[Test] = []
        self._databases: list[tuple[hyperscan.Database, list[int]]] = []
        """With the number of each of its tests."""
        for test in tests:
            if test[1] == "regex_re2" or (len(test[2]) > MAX_LITERAL and test[1] != "regex"):
                self._plain.append((test[0], _plain(test)))
            else:
                self._waiting.append(test)

    def compile(self) -> None:
        """Makes ready what `find` uses. Costs nothing the second time."""
        if self._waiting:
            # In an order of their own: the numbers are those of a whole rule set, and shift when a rule is added. So a
            # database is the same as long as its field's tests are, and adding a rule compiles those of its own fields.
            self._compile(sorted(self._waiting, key=lambda test: test[1:]))
            self._waiting = []

    def find(self, text: str, found: list[int]) -> None:
        """Appends to `found` the numbers of the tests that hold for `text`, each once."""
        if self._waiting:
            self.compile()
        if self._databases:
            data = text.encode()
            for database, numbers in self._databases:
                held: list[int] = []
                database.scan(data, match_event_handler=_append, context=held)
                found += [numbers[place] for place in held]
        for number, holds in self._plain:
            start = thread_time_ns()
            if holds(text):
                found.append(number)
            self._spent[number] += thread_time_ns() - start

    def drop(self, numbers: Collection[int]) -> None:
        """Leaves out these tests, where they are tested one by one."""
        self._plain = [test for test in self._plain if test[0] not in numbers]

    def _compile(self, tests: Sequence[Test]) -> None:
        key = xxhash.xxh3_128(FORMAT + _version())
        for _, test, value in tests:
            key.update(f"{test} {len(value)} {value}".encode())
        file = self._cache / f"{key.hexdigest()}.hsdb" if self._cache else None
        try:
            database = (_read(file) if file else None) or _build([expression(*test[1:]) for test in tests], file)
            self._databases.append((database, [number for number, *_ in tests]))
        except hyperscan.error:
            # Each alone may be fine and all together past a bound.
            if len(tests) == 1:
                self._plain.append((tests[0][0], _plain(tests[0])))
                return
            half = len(tests) // 2
            self._compile(tests[:half])
            self._compile(tests[half:])


def _read(file: Path) -> hyperscan.Database | None:
    try:
        database = hyperscan.loadb(file.read_bytes(), hyperscan.HS_MODE_BLOCK)
        database.scratch = hyperscan.Scratch(database)
    except (OSError, hyperscan.error):
        return None
    return database


def _build(expressions: Sequence[tuple[bytes, int]], file: Path | None) -> hyperscan.Database:
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    patterns, flags = zip(*expressions, strict=True)
    database.compile(expressions=list(patterns), ids=list(range(len(patterns))), flags=list(flags))
    if file is not None:
        write_whole(file, hyperscan.dumpb(database))
    return database


def _append(number: int, start: int, end: int, flags: int, found: object) -> None:
    cast("list[int]", found).append(number)


def _plain(test: Test) -> Callable[[str], object]:
    _, kind, value = test
    match kind:
        case "contains":
            return lambda text: value in text
        case "startswith":
            return lambda text: text.startswith(value)
        case "endswith":
            return lambda text: text.endswith(value)
        case "equals":
            return lambda text: text == value
        case "wildcard":
            inner = wildcard(value, lambda literal: re2.escape(literal).encode()).decode()
            compiled = _re2(rf"(?s)\A{inner}\z")
        case _:
            compiled = _re2(value)
    if compiled is None:
        raise ValueError(f"no engine takes {value!r:.200}")
    return compiled


def _re2(regex: str) -> Callable[[str], object] | None:
    try:
        return cast("Callable[[str], object]", re2.compile(regex, _RE2_OPTIONS).search)
    except re2.error:
        return None
