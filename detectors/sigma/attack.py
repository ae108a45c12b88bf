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

TABLE = Path(__file__).parent / "attack.json"

TACTICS = {
    "reconnaissance": ("TA0043", "Reconnaissance"),
    "resource-development": ("TA0042", "Resource Development"),
    "initial-access": ("TA0001", "Initial Access"),
    "execution": ("TA0002", "Execution"),
    "persistence": ("TA0003", "Persistence"),
    "privilege-escalation": ("TA0004", "Privilege Escalation"),
    "stealth": ("TA0005", "Stealth"),
    "defense-impairment": ("TA0112", "Defense Impairment"),
    "credential-access": ("TA0006", "Credential Access"),
    "discovery": ("TA0007", "Discovery"),
    "lateral-movement": ("TA0008", "Lateral Movement"),
    "collection": ("TA0009", "Collection"),
    "command-and-control": ("TA0011", "Command and Control"),
    "exfiltration": ("TA0010", "Exfiltration"),
    "impact": ("TA0040", "Impact"),
}
"""Id and name, as the matrix stands."""

OLDER = {"defense-evasion": "stealth"}
"""Until version 19 one tactic was both: its id went to Stealth, and Defense Impairment got a new one."""

_TECHNIQUE = re.compile(r"t\d{4}(\.\d{3})?")


def techniques(tags: Iterable[str]) -> tuple[str, ...]:
    """In their order, each once."""
    return tuple(dict.fromkeys(name.upper() for name in _names(tags) if _TECHNIQUE.fullmatch(name)))


def tactics(tags: Iterable[str]) -> tuple[str, ...]:
    """Keys of TACTICS in the order of the tags, each once; an older name is read as its newer one."""
    return tuple(dict.fromkeys(name for tag in _names(tags) if (name := OLDER.get(tag, tag)) in TACTICS))


def order(tactic: str) -> tuple[int, str]:
    """As the matrix stands."""
    known = list(TACTICS)
    return (known.index(tactic) if tactic in known else len(known)), tactic


def tactic_name(tactic: str) -> str:
    return TACTICS[tactic][1] if tactic in TACTICS else tactic


def technique_name(technique: str) -> str:
    """With its parent's, as `Brute Force: Password Spraying`; "" when our table lacks it."""
    own, parent = own_name(technique), own_name(technique.partition(".")[0])
    return f"{parent}: {own}" if own and "." in technique and parent else own


def own_name(technique: str) -> str:
    """`Password Spraying`; "" when our table lacks it."""
    return _table().get(technique, "")


def _names(tags: Iterable[str]) -> Iterable[str]:
    lowered = (tag.lower().replace("_", "-") for tag in tags)
    return (tag.removeprefix("attack.") for tag in lowered if tag.startswith("attack."))


@cache
def _table() -> dict[str, str]:
    names: dict[str, str] = orjson.loads(TABLE.read_bytes())["techniques"]
    return names
