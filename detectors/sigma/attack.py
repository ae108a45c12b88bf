"""attack: the techniques and tactics of MITRE ATT&CK that rules name in their tags.

In:   Sigma's tags `attack.t1110.003`, `attack.credential-access`
Out:  ids and tactics, and what they are called
Docs: MITRE ATT&CK, Enterprise; Sigma tags appendix

`attack.json` holds nothing but ids and names. A technique that it lacks is called by its id.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import orjson

from detectors.alert import TACTICS

TABLE = Path(__file__).parent / "attack.json"
# By which the matrix has replaced "defense-evasion"; alerts still name that.
NEWER = ("stealth", "defense-impairment")
_TECHNIQUE = re.compile(r"t\d{4}(\.\d{3})?")


def techniques(tags: Iterable[str]) -> tuple[str, ...]:
    """In their order, each once."""
    return tuple(dict.fromkeys(name.upper() for name in _names(tags) if _TECHNIQUE.fullmatch(name)))


def tactics(tags: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name in _names(tags) if name in TACTICS or name in NEWER))


def order(tactic: str) -> tuple[int, str]:
    """As the matrix stands."""
    known = list(TACTICS)
    before = "defense-evasion" if tactic in NEWER else tactic
    return (known.index(before) if before in known else len(known)), tactic


def tactic_name(tactic: str) -> str:
    return TACTICS[tactic][1] if tactic in TACTICS else tactic.replace("-", " ").title()


def technique_name(technique: str) -> str:
    """With its parent's, as `Brute Force: Password Spraying`."""
    own = _table().get(technique, "")
    parent = _table().get(technique.partition(".")[0], "")
    return f"{parent}: {own}" if own and "." in technique and parent else own


def _names(tags: Iterable[str]) -> Iterable[str]:
    lowered = (tag.lower().replace("_", "-") for tag in tags)
    return (tag.removeprefix("attack.") for tag in lowered if tag.startswith("attack."))


@cache
def _table() -> dict[str, str]:
    names: dict[str, str] = orjson.loads(TABLE.read_bytes())["techniques"]
    return names
