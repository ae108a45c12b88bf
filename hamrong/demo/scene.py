"""scene: what a shared system logs on an ordinary day, and the attacks on it.

In:   `scenes/*.yml`
Out:  `Scene`s

A line of a step is written in one of three ways; `$name` stands for a value of `people` or of the step's `values`:

    GET /tra-cuu?ma=$case 200            a request: an nginx access line (RFC 3164)
    'sshd[$pid]: Accepted ...'           program and message (RFC 3164)
    {event.action: login, ...}           an audit line: one JSON object (RFC 5424)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from hamrong.errors import InvalidFileError, Problem

FOLDER = Path(__file__).parent / "scenes"

ANOMALY = "anomaly.isolation-forest"
"""Id of the detector that raises the alert of an attack that no rule knows."""

ACTORS = ("citizen", "official", "administrator", "machine", "attacker", "insider")

Line = str | Mapping[str, Any]


@dataclass(frozen=True)
class Step:
    """Lines that one host logs, one after another."""

    host: str
    lines: tuple[Line, ...]
    repeat: int = 1
    """How often the lines come in their order."""
    draw: tuple[int, int] | None = None
    """Instead: between so many and so many lines, drawn at random."""
    values: Mapping[str, tuple[str, ...]] | None = None
    """Further placeholders; the n-th repetition takes the n-th value, round and round."""


@dataclass(frozen=True)
class Session:
    """What one person or machine does in a few minutes."""

    actor: str
    steps: tuple[Step, ...]
    weight: int = 1
    agent: str = ""
    """The client's name in requests; the actor's own when empty."""
    user_in_requests: bool = False
    """Whether the web server knows who asks (the third column of an access line)."""


@dataclass(frozen=True)
class Attack:
    rule: str
    """Id of the rule that must fire, or ANOMALY."""
    entity_type: str
    entity: str
    """Template of the alert's entity."""
    session: Session


@dataclass(frozen=True)
class Scene:
    system: str
    program: str
    """APP-NAME of the system's audit lines."""
    share: int
    """Of all ordinary sessions, against the other scenes' shares."""
    ordinary: tuple[Session, ...]
    attacks: tuple[Attack, ...]


def load(folder: Path = FOLDER) -> tuple[Scene, ...]:
    """Every scene, in the order of the files' names. Raises InvalidFileError with all faults at once."""
    problems: list[Problem] = []
    scenes = []
    for path in sorted(folder.glob("*.yml")):
        try:
            scenes.append(_scene(yaml.safe_load(path.read_text(encoding="utf-8"))))
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 1
            problems.append(Problem(str(path), line, f"is not YAML: {error.problem}", "check indentation and quotes"))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            problems.append(Problem(str(path), 1, f"is not a scene: {error}", f"see {Path(__file__).name}"))
    if problems:
        raise InvalidFileError(problems)
    return tuple(scenes)


def _scene(given: dict[str, Any]) -> Scene:
    return Scene(
        system=given.pop("system"),
        program=given.pop("program", ""),
        share=given.pop("share", 0),
        ordinary=tuple(_session(session) for session in given.pop("ordinary", ())),
        attacks=tuple(_attack(attack) for attack in given.pop("attacks", ())),
        **given,
    )


def _attack(given: dict[str, Any]) -> Attack:
    ((entity_type, entity),) = given.pop("entity").items()
    return Attack(rule=given.pop("rule"), entity_type=entity_type, entity=entity, session=_session(given))


def _session(given: dict[str, Any]) -> Session:
    actor = given.pop("actor")
    if actor not in ACTORS:
        raise ValueError(f"actor is {actor!r}, not one of {', '.join(ACTORS)}")
    return Session(actor=actor, steps=tuple(_step(step) for step in given.pop("steps")), **given)


def _step(given: dict[str, Any]) -> Step:
    draw = given.pop("draw", None)
    return Step(
        host=given.pop("host"),
        lines=tuple(given.pop("lines")),
        draw=(draw[0], draw[1]) if draw else None,
        values={name: tuple(values) for name, values in given.pop("values", {}).items()},
        **given,
    )
