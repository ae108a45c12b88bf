"""proposed_cases: what `rules generate-cases` prints, and how it gets into a file.

In:   the id of a rule or a correlation
Out:  cases as JSON has them, and what could not be made; lines added to the file beside the rule's
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from detectors.sigma import case_file
from detectors.sigma.cases import Parse
from detectors.sigma.ruleset import Ruleset
from detectors.sigma.witness import propose, sequences
from hamrong import output_file, raw_cases
from hamrong.errors import HamrongError

Written = dict[str, Any]


@dataclass(frozen=True)
class Proposed:
    cases: list[Written]
    left_out: list[str]


def of(ruleset: Ruleset, rule: str, parse: Parse | None) -> Proposed:
    """With `parse` as raw lines where that can be done."""
    for number, one in enumerate(ruleset.rules):
        if one.id == rule:
            proposed = propose.propose(ruleset, number)
            if parse is not None:
                return Proposed(raw_cases.cases(ruleset, number, proposed, parse), proposed.left_out)
            cases = [{"name": one.name, "fires": one.fires, "event": one.event} for one in proposed.events]
            return Proposed(cases, proposed.left_out)
    [correlation] = (one for one in ruleset.correlations if one.id == rule)
    found, left_out = sequences.propose(ruleset, correlation)
    return Proposed(found, left_out)


def write(ruleset: Ruleset, rule: str, cases: Sequence[Written]) -> tuple[str, int]:
    """Adds those that the file does not have yet; gives its name and how many. What stood there stays as it was."""
    about = next(one for one in (*ruleset.rules, *ruleset.correlations) if one.id == rule)
    if not about.generate:
        raise HamrongError(
            f"'{about.title}' raises no alerts of its own (write cases of the correlation that counts it)"
        )
    others = [one for one in (*ruleset.rules, *ruleset.correlations) if one.path == about.path and one.generate]
    named = {"rule": about.name or about.id} if len(others) > 1 else {}
    path = Path(case_file.beside(about.path))
    content = path.read_bytes() if path.exists() else b""
    there = {_body(line) for line in content.splitlines()}
    lines = [json.dumps({**case, **named}, ensure_ascii=False).encode() for case in cases]
    fresh = [line for line in lines if _body(line) not in there]
    if content and not content.endswith(b"\n"):
        content += b"\n"
    output_file.write(path, content + b"".join(line + b"\n" for line in fresh))
    return str(path), len(fresh)


def _body(line: bytes) -> str:
    """What a case is about, whatever its name; "" of a line that is no case."""
    try:
        case = json.loads(line)
    except ValueError:
        return ""
    bodies = [case.get(key) for key in ("line", "event", "lines")] if isinstance(case, dict) else []
    return json.dumps(bodies, sort_keys=True)
