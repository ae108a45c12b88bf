"""settings_file: sections of settings, from a YAML file and the environment.

In:   a dataclass whose fields are dataclasses of settings with defaults; a file, or none; variables
Out:  the sections by name; every fault at once, with its line and what to write

A setting `gateway.tcp_port` is overridden by the variable HAMRONG_GATEWAY_TCP_PORT. Several values stand in a variable
divided as PATH is.
"""

from __future__ import annotations

import dataclasses
import os
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from hamrong.errors import InvalidFileError, Problem


def read(whole: type[Any], path: Path | None, environment: Mapping[str, str]) -> dict[str, Any]:
    """Defaults, then the file, then the environment. Raises InvalidFileError."""
    problems: list[Problem] = []
    values, lines = _read(path, problems) if path else ({}, {})
    base = path.resolve().parent if path else Path.cwd()
    sections = {}
    for section in dataclasses.fields(whole):
        given = values.pop(section.name, None) or {}
        where = _Where(str(path), section.name, lines)
        if not isinstance(given, dict):
            problems.append(where.problem("", f"is {given!r}, not settings", "write 'name: value' lines below it"))
            given = {}
        section_type = typing.cast("type[Any]", section.default_factory)
        sections[section.name] = _section(section_type, given, environment, base, where, problems)
    for name in values:
        known = ", ".join(section.name for section in dataclasses.fields(whole))
        problems.append(Problem(str(path), lines.get((name,), 1), f"unknown section '{name}'", f"known: {known}"))
    if problems:
        raise InvalidFileError(problems)
    return sections


@dataclass(frozen=True)
class _Where:
    path: str
    section: str
    lines: dict[tuple[str, ...], int]

    def problem(self, key: str, what: str, hint: str) -> Problem:
        line = self.lines.get((self.section, key), self.lines.get((self.section,), 1))
        return Problem(self.path, line, f"{self.section}{'.' + key if key else ''} {what}", hint)


def _read(path: Path, problems: list[Problem]) -> tuple[dict[str, Any], dict[tuple[str, ...], int]]:
    """The file's mapping, and the line of each section and setting."""
    try:
        text = path.read_text(encoding="utf-8")
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        values = yaml.safe_load(text) or {}
    except (OSError, UnicodeDecodeError) as error:
        problems.append(Problem(str(path), 1, f"cannot be read: {error}", "name a readable UTF-8 file"))
        return {}, {}
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        problems.append(Problem(str(path), line, f"is not YAML: {error.problem}", "check the indentation and quotes"))
        return {}, {}
    if not isinstance(values, dict):
        problems.append(Problem(str(path), 1, "holds no sections", "write 'kafka:' and its settings below it"))
        return {}, {}
    lines: dict[tuple[str, ...], int] = {}
    for key, value in node.value if isinstance(node, yaml.MappingNode) else []:
        lines[(key.value,)] = key.start_mark.line + 1
        for inner, _ in value.value if isinstance(value, yaml.MappingNode) else []:
            lines[(key.value, inner.value)] = inner.start_mark.line + 1
    return values, lines


def _section(
    section: type[Any],
    given: dict[str, Any],
    environment: Mapping[str, str],
    base: Path,
    where: _Where,
    problems: list[Problem],
) -> Any:
    types = typing.get_type_hints(section)
    variables = {name: f"HAMRONG_{where.section}_{name}".upper() for name in types}
    unknown = given.keys() - types.keys()
    problems += [where.problem(name, "is unknown", f"known: {', '.join(types)}") for name in unknown]
    converted: dict[str, Any] = {}
    for name, wanted in types.items():
        if name not in given and variables[name] not in environment:
            continue
        value = environment.get(variables[name], given.get(name))
        try:
            converted[name] = _convert(value, wanted)
        except (TypeError, ValueError, KeyError):
            what, hint = f"is {value!r}", f"write a value of type {getattr(wanted, '__name__', wanted)}"
            named = variables[name] in environment
            problems.append(Problem(variables[name], 0, what, hint) if named else where.problem(name, what, hint))
    made = section(**converted)
    paths = {
        name: base / value if isinstance(value, Path) else tuple(base / item for item in value)
        for name, value in vars(made).items()
        if isinstance(value, Path) or (isinstance(value, tuple) and all(isinstance(item, Path) for item in value))
    }
    return dataclasses.replace(made, **paths)


def _convert(value: Any, wanted: Any) -> Any:
    if typing.get_origin(wanted) is tuple:
        items = value.split(os.pathsep) if isinstance(value, str) else value
        kind = typing.get_args(wanted)[0]
        return tuple(kind(str(item)) for item in items if item != "")
    if isinstance(value, (dict, list)) or value is None:
        raise TypeError
    if wanted in (int, float) and isinstance(value, bool):
        raise TypeError
    if wanted is bool:
        return {"true": True, "false": False, True: True, False: False}[value]
    return wanted(value)
