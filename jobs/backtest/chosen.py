"""chosen: the rule to be tried, and what of the rule set goes with it.

In:   a rule's id or name, or a file that need not be among the rules yet: `draft.yml`, and where it holds several rules
      `draft.yml#NAME` with the id or name of one
Out:  `Chosen`: few entries, small enough to be sent to every task

A draft takes the place of a loaded rule that has its id. Filters and value lists of the set apply to it as they will
when it is live; of a correlation the rules that it counts come along.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

from detectors.sigma import rule_files
from detectors.sigma.metadata import closest
from detectors.sigma.rule import Correlation, Rule
from detectors.sigma.rule_files import Written
from detectors.sigma.ruleset import Ruleset
from hamrong import rule_set
from hamrong.config import Detection
from hamrong.errors import HamrongError, InvalidFileError

Entry = dict[str, Any]


@dataclass(frozen=True)
class Chosen:
    id: str
    correlation: bool
    written: bytes
    """A pickled `Written`: the rule, what it counts, the set's filters, and correlations that silence it."""
    counted: tuple[str, ...]
    """Ids of the rules whose matches are looked for: its own, or those at the bottom of the correlation."""
    titles: Mapping[str, str]
    """Of every rule of the set, by id."""
    cache: Path

    def ruleset(self) -> Ruleset:
        """Only the chosen rules; the same object again in the same process."""
        return _ruleset(self.written, self.cache)

    @property
    def rule(self) -> Rule | Correlation:
        made = self.ruleset()
        rules: tuple[Rule | Correlation, ...] = (*made.rules, *made.correlations)
        return next(rule for rule in rules if rule.id == self.id)


@lru_cache(maxsize=2)
def _ruleset(written: bytes, cache: Path) -> Ruleset:
    # Made by `choose` in this run, and sent by Spark, which pickles as well.
    return Ruleset.of(pickle.loads(written), cache, strict=False)  # noqa: S301


def choose(detection: Detection, rule: str, today: date) -> Chosen:
    """`today`: filters whose last day is over apply no more.

    Raises InvalidFileError when the rule or its file has faults, HamrongError when there is no such rule.
    """
    path, _, name = rule.partition("#")
    file = Path(path) if path.endswith((".yml", ".yaml")) else None
    # Together with the set, since a draft may use the set's value lists.
    read = rule_files.read([*rule_set.folders(detection), *([file] if file else [])], detection.cache, today=today)
    if file and (faults := [problem for problem in (*read.problems, *read.refused) if problem.path == str(file)]):
        raise InvalidFileError(faults)
    draft = [entry for entry in read.entries if file and entry["metadata"]["path"] == str(file)]
    entries = _with_draft(read.entries, draft)
    by_name = _by_name(entries)
    chosen = _of_file(path, name, draft, by_name) if file else _named(rule, by_name)
    below = list(_below(chosen, by_name))
    ids = {entry["metadata"]["id"] for entry in (chosen, *below)}
    kept = [
        entry
        for entry in entries
        if entry["kind"] == "filter" or entry["metadata"]["id"] in ids or _counts(entry, ids, by_name)
    ]
    written = Written(kept, read.version)
    made = Chosen(
        id=chosen["metadata"]["id"],
        correlation=chosen["kind"] == "correlation",
        written=pickle.dumps(written),
        counted=tuple(sorted(entry["metadata"]["id"] for entry in (chosen, *below) if entry["kind"] == "rule")),
        titles={entry["metadata"]["id"]: entry["metadata"]["title"] for entry in entries},
        cache=detection.cache,
    )
    # Of the others that came along some lack what they name; only what is said of the chosen one itself counts.
    place = chosen["metadata"]["path"], chosen["metadata"]["line"]
    if faults := [problem for problem in made.ruleset().problems if (problem.path, problem.line) == place]:
        raise InvalidFileError(faults)
    return made


def with_file(detection: Detection, chosen: Chosen, today: date) -> Ruleset:
    """The chosen rules and all others of the rule's file: the cases beside it may be about any of them."""
    written: Written = pickle.loads(chosen.written)  # noqa: S301
    known = {entry["metadata"]["id"] for entry in written.entries}
    read = rule_files.read(rule_set.folders(detection), detection.cache, today=today)
    more = [entry for entry in read.entries if entry["metadata"]["path"] == chosen.rule.path]
    written.entries += [entry for entry in more if entry["metadata"]["id"] not in known]
    return Ruleset.of(written, detection.cache, strict=False)


def _with_draft(entries: Iterable[Entry], draft: list[Entry]) -> list[Entry]:
    new = {entry["metadata"]["id"] for entry in draft}
    return [entry for entry in entries if entry["metadata"]["id"] not in new] + draft


def _by_name(entries: Iterable[Entry]) -> dict[str, Entry]:
    """Rules and correlations, by id and by name."""
    rules = [entry for entry in entries if entry["kind"] != "filter"]
    names = {entry["metadata"]["name"]: entry for entry in rules if entry["metadata"]["name"]}
    return names | {entry["metadata"]["id"]: entry for entry in rules}


def _named(rule: str, by_name: Mapping[str, Entry]) -> Entry:
    if rule not in by_name:
        near = closest(rule, by_name) if len(by_name) < 20 else "give an id, a name, or a file"
        raise HamrongError(f"no rule has the id or name '{rule}' ({near})")
    return by_name[rule]


def _of_file(path: str, name: str, draft: list[Entry], by_name: Mapping[str, Entry]) -> Entry:
    """The one that is named, or the only one that no other of the file counts."""
    if name:
        return _named(name, _by_name(draft))
    counted = {entry["metadata"]["id"] for one in draft for entry in _below(one, by_name)}
    left = [entry for entry in draft if entry["kind"] != "filter" and entry["metadata"]["id"] not in counted]
    if len(left) != 1:
        those = ", ".join(f"{path}#{entry['metadata']['id']}" for entry in left)
        raise HamrongError(f"{path}: holds {len(left)} rules that raise alerts; write {those or 'a rule into it'}")
    return left[0]


def _below(entry: Entry, by_name: Mapping[str, Entry]) -> Iterator[Entry]:
    """What a correlation counts, and what that counts; each once."""
    seen: set[str] = set()
    waiting = list(entry.get("rules", ())) if entry["kind"] == "correlation" else []
    while waiting:
        found = by_name.get(waiting.pop())
        if found is not None and found["metadata"]["id"] not in seen:
            seen.add(found["metadata"]["id"])
            yield found
            waiting += found["rules"] if found["kind"] == "correlation" else []


def _counts(entry: Entry, ids: set[str], by_name: Mapping[str, Entry]) -> bool:
    """Whether it is a correlation that names one of them: whether they raise alerts depends on it."""
    named = entry.get("rules", ()) if entry["kind"] == "correlation" else ()
    return any(by_name[name]["metadata"]["id"] in ids for name in named if name in by_name)
