"""sources: the register of the province's shared systems.

In:   `sources.yml`
Out:  a frozen `Register` that says which system a line is of, by its peer's address and its header's host name
Docs: the comments in `sources.yml`

Adding a system is adding a row to the file. All faults of a file are reported at once, each with its line.
"""

from __future__ import annotations

import dataclasses
import difflib
import ipaddress
import typing
import zoneinfo
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import yaml

from hamrong import zone
from hamrong.errors import HamrongError, InvalidFileError, Problem
from ingest.places import Places, Positions

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True)
class System:
    """One shared system: a row of the register."""

    id: str
    name_vi: str
    name_en: str
    owner_vi: str
    owner_en: str
    addresses: tuple[Network, ...] = ()
    hosts: tuple[str, ...] = ()
    """Patterns of the host names in its syslog headers, as a shell's: `dvc-*`."""
    timezone: str = zone.NAME
    asset_level: int = 3
    """From 1 (little harm) to 5 (harm to the whole province)."""
    expected_rate: float = 0.0
    """Lines a second in a working hour."""
    parsers: tuple[str, ...] = ()
    """Hints, by file or module: which parsers are asked first, and which product a line is of that does not say."""

    def __str__(self) -> str:
        return f"{self.name_vi} ({self.name_en})"


@dataclass(frozen=True, eq=False)
class Register:
    """The systems in the file's order, and the relays that may speak for other hosts."""

    systems: tuple[System, ...] = ()
    relays: tuple[Network, ...] = ()
    timezone: str = zone.NAME
    """The zone of a line of no system."""
    fixed: System | None = None
    """When set, every line is of this system."""
    _places: Places = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_places", Places(self.systems, self.relays))

    @classmethod
    def load(cls, path: Path) -> Register:
        """Raises InvalidFileError with every fault of the file."""
        return read(path)

    def always(self, name: str) -> Register:
        """This register for lines known to be of the system `name`. Raises HamrongError for an unknown name."""
        known = {system.id: system for system in self.systems}
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f" (did you mean '{close[0]}'?)" if close else ""
            raise HamrongError(f"no system '{name}' in the register{hint}; it has: {', '.join(known) or 'none'}")
        return dataclasses.replace(self, fixed=known[name])

    def in_timezone(self, timezone: str) -> Register:
        """This register with every system in `timezone`. Raises HamrongError for an unknown zone."""
        if not is_timezone(timezone):
            raise HamrongError(f"'{timezone}' is no time zone; write one like {zone.NAME} or UTC")
        systems = tuple(dataclasses.replace(system, timezone=timezone) for system in self.systems)
        fixed = dataclasses.replace(self.fixed, timezone=timezone) if self.fixed else None
        return dataclasses.replace(self, systems=systems, timezone=timezone, fixed=fixed)

    def asset_level(self, names: Iterable[str | None]) -> int:
        """The highest asset level among the systems of these ids; 3 where none is known."""
        wanted = set(names)
        return max((system.asset_level for system in self.systems if system.id in wanted), default=3)

    def find(self, peer: str | None, host: str | None) -> System | None:
        """The system of a line.

        The first whose host pattern fits, if the peer is one of its addresses or a relay; else the first that holds the
        peer's address. A peer that is no relay can't pass for another system by the host name that it writes.
        """
        position = self._places.find(peer, host)
        return None if position is None else self.systems[position]

    def locate(self, peers: pa.Array, hosts: pa.Array) -> Positions:
        """Each row's position in `choices`; the last of them stands for "no system"."""
        if self.fixed:
            return np.zeros(len(peers), dtype=np.int64)
        return self._places.locate(peers, hosts)

    @property
    def choices(self) -> list[System | None]:
        return [self.fixed] if self.fixed else [*self.systems, None]


def is_timezone(name: str) -> bool:
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def read(path: Path) -> Register:
    reader = _Reader(str(path))
    register = reader.register(_compose(path))
    if reader.problems:
        raise InvalidFileError(reader.problems)
    return register


def _compose(path: Path) -> yaml.Node | None:
    try:
        return yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidFileError(
            [Problem(str(path), 1, f"cannot be read: {error}", "name a readable UTF-8 file")]
        ) from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        what = getattr(error, "problem", None) or str(error)
        problem = Problem(str(path), mark.line + 1 if mark else 1, f"is not YAML: {what}", "check indents and quotes")
        raise InvalidFileError([problem]) from error


class _Reader:
    """Turns the nodes of the file into a Register; keeps the faults in `problems`."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.problems: list[Problem] = []

    def register(self, root: yaml.Node | None) -> Register:
        rows = self.mapping(root, ("relays", "systems"), "the file")
        relays = self.networks(rows.get("relays"), "relays")
        node = rows.get("systems")
        if not isinstance(node, yaml.SequenceNode):
            self.refuse(
                node or root, "'systems' is not a list", "write 'systems:' and a '- id: ...' row for each below it"
            )
            return Register()
        systems: dict[str, System] = {}
        for row in node.value:
            system = self.system(row)
            if system and system.id in systems:
                self.refuse(row, f"system '{system.id}' stands twice", "give each system its own id")
            elif system:
                systems[system.id] = system
        return Register(tuple(systems.values()), relays)

    def system(self, row: yaml.Node) -> System | None:
        before = len(self.problems)
        fields = {item.name: item for item in dataclasses.fields(System)}
        nodes = self.mapping(row, tuple(fields), "a system")
        for name, item in fields.items():
            if name not in nodes and item.default is dataclasses.MISSING:
                self.refuse(row, f"a system without '{name}'", f"add '{name}: ...'")
        values: dict[str, Any] = {}
        hints = typing.get_type_hints(System)
        for name, node in nodes.items():
            if name == "addresses":
                values[name] = self.networks(node, name)
            elif hints[name] is str:
                values[name] = self.text(node, name)
            elif hints[name] in (int, float):
                values[name] = self.number(node, name, hints[name])
            else:
                values[name] = tuple(text.lower() for text in self.texts(node, name))
        if len(self.problems) > before:
            return None
        return self.checked(System(**values), nodes)

    def checked(self, system: System, nodes: dict[str, yaml.Node]) -> System:
        if not is_timezone(system.timezone):
            hint = f"write one like {zone.NAME}"
            self.refuse(nodes["timezone"], f"'{system.timezone}' is no time zone", hint)
        if not 1 <= system.asset_level <= 5:
            self.refuse(
                nodes["asset_level"], f"asset_level is {system.asset_level}", "write a whole number from 1 to 5"
            )
        if system.expected_rate < 0:
            self.refuse(nodes["expected_rate"], f"expected_rate is {system.expected_rate}", "write lines a second")
        return system

    def mapping(self, node: yaml.Node | None, known: tuple[str, ...], what: str) -> dict[str, yaml.Node]:
        if not isinstance(node, yaml.MappingNode):
            self.refuse(node, f"{what} is not 'key: value' lines", f"known keys: {', '.join(known)}")
            return {}
        nodes: dict[str, yaml.Node] = {}
        for key, value in node.value:
            if key.value not in known:
                close = difflib.get_close_matches(str(key.value), known, n=1)
                hint = f"did you mean '{close[0]}'?" if close else f"known: {', '.join(known)}"
                self.refuse(key, f"unknown key '{key.value}'", hint)
            elif key.value in nodes:
                self.refuse(key, f"'{key.value}' stands twice", "keep one")
            else:
                nodes[key.value] = value
        return nodes

    def text(self, node: yaml.Node, name: str) -> str:
        if isinstance(node, yaml.ScalarNode) and node.tag != "tag:yaml.org,2002:null" and node.value.strip():
            return str(node.value)
        self.refuse(node, f"{name} is not text", f"write '{name}: ...'")
        return ""

    def texts(self, node: yaml.Node, name: str) -> list[str]:
        if isinstance(node, yaml.SequenceNode):
            return [self.text(item, name) for item in node.value]
        self.refuse(node, f"{name} is not a list", f"write '{name}: [one, two]'")
        return []

    def number(self, node: yaml.Node, name: str, kind: type[int] | type[float]) -> int | float:
        try:
            number = kind(node.value)
            if abs(number) < 1e12:
                return number
        except (TypeError, ValueError):
            pass
        self.refuse(node, f"{name} is not a number", f"write '{name}: 3'")
        return 0

    def networks(self, node: yaml.Node | None, name: str) -> tuple[Network, ...]:
        found: list[Network] = []
        for item in node.value if isinstance(node, yaml.SequenceNode) else []:
            try:
                found.append(ipaddress.ip_network(self.text(item, name)))
            except ValueError as error:
                self.refuse(item, f"{name}: {error}", "write an address or a network like 192.0.2.16/29")
        if node is not None and not isinstance(node, yaml.SequenceNode):
            self.refuse(node, f"{name} is not a list", f"write '{name}: [192.0.2.16/29]'")
        return tuple(found)

    def refuse(self, node: yaml.Node | None, what: str, hint: str) -> None:
        line = node.start_mark.line + 1 if node is not None else 1
        self.problems.append(Problem(self.path, line, what, hint))
