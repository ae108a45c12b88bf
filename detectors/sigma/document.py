"""document: YAML documents with the line of every key, in bounded time and memory.

In:   bytes of a file
Out:  `Document`s; or Problems (not UTF-8, not YAML, a key twice, a bomb of anchors, too deep, too large)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from hamrong.errors import Problem

MAX_BYTES = 4 << 20
MAX_NODES = 200_000
"""Nodes of one document with its aliases followed: the largest public rule has 9,000."""
MAX_DEPTH = 40

Path = tuple[str, ...]


class _UnfitError(Exception):
    """A document that no rule can be, or that grows past its bounds."""

    def __init__(self, line: int, what: str, hint: str) -> None:
        self.line, self.what, self.hint = line, what, hint
        super().__init__(what)


@dataclass
class Document:
    """One YAML document: its value, where it starts, and the line of each mapping key by its path."""

    data: Any
    line: int
    lines: dict[Path, int] = field(default_factory=dict)

    def line_of(self, *path: str) -> int:
        """The line of the key at `path`, else of the nearest parent that is there."""
        while path:
            if path in self.lines:
                return self.lines[path]
            path = path[:-1]
        return self.line


def read(name: str, content: bytes) -> tuple[list[Document], list[Problem]]:
    """The documents of a file; empty ones are left out. `name` stands in problems."""
    if len(content) > MAX_BYTES:
        return [], [Problem(name, 1, f"has {len(content)} bytes", f"split it: {MAX_BYTES} bytes are the most")]
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return [], [Problem(name, line, f"is not UTF-8 at byte {error.start}", "save the file as UTF-8")]
    documents: list[Document] = []
    try:
        for loader, node in _nodes(text):
            builder = _Builder(name, loader)
            document = Document(builder.build(node, (), 0), node.start_mark.line + 1, builder.lines)
            if builder.problems:
                return [], builder.problems
            if document.data is not None:
                documents.append(document)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = f"is not YAML: {error.problem or error.context:.200}"
        return [], [Problem(name, mark.line + 1 if mark else 1, what, "check the indentation, colons and quotes")]
    except yaml.YAMLError as error:
        return [], [Problem(name, 1, f"is not YAML: {error}".splitlines()[0], "remove control characters")]
    except _UnfitError as error:
        return [], [Problem(name, error.line, error.what, error.hint)]
    return documents, []


def _nodes(text: str) -> Iterator[tuple[yaml.CSafeLoader, yaml.Node]]:
    loader = yaml.CSafeLoader(text)
    try:
        while loader.check_node():
            node = loader.get_node()
            if node is not None:
                yield loader, node
    finally:
        loader.dispose()


class _Builder:
    """Builds values from nodes itself: counts as it goes, notices a key twice, and remembers lines."""

    def __init__(self, name: str, loader: yaml.CSafeLoader) -> None:
        self.name = name
        self.construct = loader.construct_object
        self.lines: dict[Path, int] = {}
        self.problems: list[Problem] = []
        self.count = 0

    def build(self, node: yaml.Node, path: Path, depth: int) -> Any:
        self.count += 1
        if self.count > MAX_NODES:
            raise _UnfitError(node.start_mark.line + 1, f"has more than {MAX_NODES} values", "write fewer anchors")
        if depth > MAX_DEPTH:
            raise _UnfitError(node.start_mark.line + 1, f"nests deeper than {MAX_DEPTH}", "an anchor within itself?")
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path, depth)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(item, path, depth + 1) for item in node.value]
        try:
            return self.construct(node)
        except (ValueError, OverflowError):
            return node.value
        except yaml.constructor.ConstructorError as error:
            raise _UnfitError(
                node.start_mark.line + 1, f"has a tag: {error.problem:.200}", "write plain YAML"
            ) from error

    def _mapping(self, node: yaml.MappingNode, path: Path, depth: int) -> dict[Any, Any]:
        mapping: dict[Any, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                raise _UnfitError(line, "has a key that is not text", "write 'key: value'")
            key = key_node.value
            if key_node.tag == "tag:yaml.org,2002:merge":
                raise _UnfitError(line, "merges mappings with '<<'", "write the keys out")
            if key in mapping:
                hint = "keep one; several values go into a list, several tests into a list of maps"
                self.problems.append(Problem(self.name, line, f"has the key '{key:.100}' twice", hint))
            inner = (*path, key)
            self.lines.setdefault(inner, line)
            mapping[key] = self.build(value_node, inner, depth + 1)
        return mapping
