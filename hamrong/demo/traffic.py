"""traffic: scenes -> syslog lines with their moments, and the alerts that must come of them.

In:   scenes, a seed, a start; the same three give the same bytes
Out:  (seconds after the start, line) in order of time; `ExpectedAlert`s
Docs: RFC 3164 for programs and web servers, RFC 5424 for audit lines; nginx, log format "combined"

People come and go in short sessions, in the past as in the demo itself. So an address does as much in an hour of the
one as of the other, and only what is unusual looks unusual to the model.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from string import Template
from typing import Any

import orjson

from hamrong.demo import people
from hamrong.demo.people import Person, Values
from hamrong.demo.scene import Attack, Line, Scene, Session, Step
from hamrong.zone import ZONE

Timed = tuple[float, bytes]

LIVE_GAP = (0.05, 1.5)
PAST_GAP = (2.0, 60.0)
"""Seconds between two lines of a session, in the demo and in the past hours."""

NIGHT_SHARE = 0.8
"""Sessions in an hour of the night against one of the day, so that a demo at night is nothing unusual either."""

ANOTHER_SESSION = 0.3
"""Chance that somebody looks for a second thing to do, which is of their kind about every second time."""

ATTACK_SECONDS = 10.0
"""No attack takes longer, so that it fits into the shortest window of a correlation."""

REQUEST = re.compile(r"(?P<request>(?:GET|POST|PUT|HEAD|DELETE|OPTIONS) \S+) (?P<status>\d{3})(?: (?P<bytes>\d+))?")

# Facility x 8 + severity: authpriv for log-ins, cron, local7 for nginx, log audit for audit lines.
PRIORITY = {"sshd": 86, "sudo": 85, "su": 85, "useradd": 86, "usermod": 86, "gpasswd": 86, "CRON": 78, "auth": 86}
PRIORITY_NGINX, PRIORITY_AUDIT, PRIORITY_OTHER = 190, 110, 30


@dataclass(frozen=True)
class ExpectedAlert:
    rule_id: str
    """Id of a rule, or `scene.ANOMALY` for one that a model raises."""
    entity_type: str
    entity_value: str
    system: str
    """Id of the shared system in the register."""


def expected(scenes: Sequence[Scene], seed: int) -> list[ExpectedAlert]:
    """One alert for each attack that `render` plays with that seed."""
    return [
        ExpectedAlert(attack.rule, attack.entity_type, Template(attack.entity).substitute(vars(person)), scene.system)
        for scene, attack, person in _attacks(scenes, seed)
    ]


def render(
    scenes: Sequence[Scene], seed: int, start: datetime, seconds: float, rate: float, attacks: bool = True
) -> list[Timed]:
    """About `rate` ordinary lines a second for `seconds`, and every attack once between them.

    `start` is aware. A line's own stamp is `start` plus its offset.
    """
    rng = Random(f"live {seed}")  # noqa: S311
    timed: list[Timed] = []
    while len(timed) < rate * seconds:
        person, sessions = _visit(scenes, rng)
        for scene, session in sessions:
            at = rng.uniform(0, seconds)
            timed += _play(scene, session, person, rng, start, at, seconds, LIVE_GAP)
    played = list(_attacks(scenes, seed)) if attacks else []
    for number, (scene, attack, person) in enumerate(played):
        lasting = min(ATTACK_SECONDS, seconds / 5)
        at = seconds * (0.1 + 0.65 * number / len(played))
        gap = lasting / sum(len(step.lines) * step.repeat for step in attack.session.steps)
        timed += _play(scene, attack.session, person, rng, start, at, seconds, (gap, gap))
    return sorted(timed)


def baseline(scenes: Sequence[Scene], seed: int, end: datetime, hours: int = 36, lines: int = 4000) -> list[bytes]:
    """About so many ordinary lines of the hours before `end`, oldest first: what a model learns from."""
    rng = Random(f"past {seed}")  # noqa: S311
    start = end - timedelta(hours=hours)
    weights = [_busy(start + timedelta(hours=hour)) for hour in range(hours)]
    timed: list[Timed] = []
    while len(timed) < lines:
        person, sessions = _visit(scenes, rng)
        (hour,) = rng.choices(range(hours), weights)
        for scene, session in sessions:
            at = (hour + rng.random()) * 3600
            timed += _play(scene, session, person, rng, start, at, hours * 3600, PAST_GAP)
    return [line for _, line in sorted(timed)]


def _busy(moment: datetime) -> float:
    return 1.0 if 7 <= moment.astimezone(ZONE).hour < 22 else NIGHT_SHARE


def _attacks(scenes: Sequence[Scene], seed: int) -> Iterator[tuple[Scene, Attack, Person]]:
    attacks = [(scene, attack) for scene in scenes for attack in scene.attacks]
    for number, (scene, attack) in enumerate(attacks):
        yield scene, attack, people.attacking(attack.session.actor, seed, number)


def _visit(scenes: Sequence[Scene], rng: Random) -> tuple[Person, list[tuple[Scene, Session]]]:
    """Someone, and what they do within the hour: mostly one session, seldom several on several systems."""
    sessions = [_choose(scenes, rng)]
    actor = sessions[0][1].actor
    while rng.random() < ANOTHER_SESSION:
        scene, session = _choose(scenes, rng)
        if session.actor == actor:
            sessions.append((scene, session))
    return people.ordinary(actor, rng), sessions


def _choose(scenes: Sequence[Scene], rng: Random) -> tuple[Scene, Session]:
    (scene,) = rng.choices(scenes, [scene.share for scene in scenes])
    (session,) = rng.choices(scene.ordinary, [session.weight for session in scene.ordinary])
    return scene, session


def _play(
    scene: Scene,
    session: Session,
    person: Person,
    rng: Random,
    start: datetime,
    at: float,
    until: float,
    gap: tuple[float, float],
) -> Iterator[Timed]:
    """The lines of a session that begins `at` seconds after `start`, none later than `until`."""
    fixed = {"pid": people.DETAILS["pid"](rng), "port": people.DETAILS["port"](rng), "key": people.DETAILS["key"](rng)}
    agent = session.agent or person.agent
    for step in session.steps:
        host = Template(step.host).substitute(Values(rng))
        for turn, line in _lines(step, rng):
            moment = (start + timedelta(seconds=at)).astimezone(ZONE)
            named = {name: values[turn % len(values)] for name, values in (step.values or {}).items()}
            values = Values(rng, **{**fixed, **vars(person), "agent": agent, "host": host, "turn": turn, **named})
            values["remote"] = person.user if session.user_in_requests else "-"
            yield round(at, 3), _write(line, values, moment, scene.program)
            at = min(at + rng.uniform(*gap), until)


def _lines(step: Step, rng: Random) -> Iterator[tuple[int, Line]]:
    """The lines of a step, each with the number of its repetition."""
    if step.draw:
        for turn in range(rng.randint(*step.draw)):
            yield turn, rng.choice(step.lines)
        return
    for turn in range(step.repeat):
        for line in step.lines:
            yield turn, line


def _write(line: Line, values: Values, moment: datetime, program: str) -> bytes:
    if not isinstance(line, str):
        stamp = moment.isoformat(timespec="milliseconds")
        audit = orjson.dumps({name: _fill(value, values) for name, value in line.items()}).decode()
        return f"<{PRIORITY_AUDIT}>1 {stamp} {values['host']} {program} - - - {audit}".encode()
    if request := REQUEST.fullmatch(line):
        return _bsd(PRIORITY_NGINX, moment, values, f"nginx: {_access(request, values, moment)}")
    name = re.split(r"[\[:]", line, maxsplit=1)[0]
    return _bsd(PRIORITY.get(name, PRIORITY_OTHER), moment, values, Template(line).substitute(values))


def _access(request: re.Match[str], values: Values, moment: datetime) -> str:
    asked = Template(request["request"]).substitute(values)
    size = request["bytes"] or values["bytes"]
    return (
        f'{values["ip"]} - {values["remote"]} [{moment:%d/%b/%Y:%H:%M:%S %z}] "{asked} HTTP/1.1" '
        f'{request["status"]} {size} "-" "{values["agent"]}"'
    )


def _bsd(priority: int, moment: datetime, values: Values, message: str) -> bytes:
    """RFC 3164, whose day of the month is padded with a blank."""
    return f"<{priority}>{moment:%b} {moment.day:2} {moment:%H:%M:%S} {values['host']} {message}".encode()


def _fill(value: Any, values: Values) -> Any:
    """A value of an audit line; a placeholder that stands alone keeps its type, so that numbers stay numbers."""
    if not isinstance(value, str):
        return value
    if re.fullmatch(r"\$\w+", value):
        return values[value[1:]]
    return Template(value).substitute(values)
