"""ruleset: a set of Sigma rules, ready to be matched.

In:   YAML files and folders of them; flat Arrow batches
Out:  matches, correlation inputs, and the rules themselves
Docs: docs/reference/sigma.md, docs/decisions/0004-matcher.md

The door to this folder: what other rooms use of it stands here and in `rule`, `correlate` and `cases`.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa

from detectors.sigma import taxonomy
from detectors.sigma.budget import Budget, Cost, Ledger, Spent
from detectors.sigma.expression import And, Atoms, Node
from detectors.sigma.filters import Filter, narrowing
from detectors.sigma.match import Matcher
from detectors.sigma.objects import Objects
from detectors.sigma.occurrences import Feed
from detectors.sigma.rule import Correlation, LogSource, Rule
from detectors.sigma.rule_files import Entry, Written, read
from detectors.sigma.taxonomy import Taxonomy
from detectors.sigma.tie import attributes, tie
from hamrong.errors import InvalidFileError, Problem

log = logging.getLogger(__name__)


class Ruleset:
    """Rules in order of id. `match` keeps what it learns of values: one Ruleset a thread."""

    def __init__(
        self,
        entries: Sequence[Entry],
        tables: Taxonomy,
        cache: Path | None = None,
        version: str = "",
        budget: Budget | None = None,
    ) -> None:
        self.version = version
        """Hash of what was read, as `Written` has it; the same files anywhere have the same on the same day."""
        self.problems: list[Problem] = []
        """Faults of the files, those that stop a strict load."""
        self.refused: list[Problem] = []
        """Right Sigma that cannot be used here, with the reason."""
        self.expired: list[Problem] = []
        """Filters that apply no more."""
        self.empty: list[Problem] = []
        """Lists without values."""
        self.is_new = True
        """Whether a file had to be parsed: then the cache may lack what `compile` makes, too."""
        self.taxonomy = tables
        kinds: dict[str, list[Entry]] = {"rule": [], "correlation": [], "filter": []}
        for entry in entries:
            kinds[entry["kind"]].append(entry)
        known = self._known(kinds)
        silent = {known.get(name) for entry in kinds["correlation"] if not entry["generate"] for name in entry["rules"]}
        rules = sorted(kinds["rule"], key=lambda entry: str(entry["metadata"]["id"]))
        self.rules: tuple[Rule, ...] = tuple(_rule(entry, silent) for entry in rules)
        by_id = {rule.id: rule for rule in self.rules}
        self.correlations: tuple[Correlation, ...] = tie(
            kinds["correlation"], known, by_id, silent, tables, self.problems
        )
        self._feed = Feed(self.correlations, self.rules, tables)
        if budget:
            named = {name for correlation in self.correlations for name in correlation.rules}
            counted = frozenset(number for number, rule in enumerate(self.rules) if rule.id in named)
            budget = dataclasses.replace(budget, counted=counted)
        atoms = Atoms()
        nodes = [
            self._node(entry["expression"], rule.logsource, atoms)
            for entry, rule in zip(rules, self.rules, strict=True)
        ]
        conditions = [entry["expression"] for entry in rules]
        self.filters: tuple[Filter, ...] = narrowing(kinds["filter"], known, self.rules, self.problems)
        for each in self.filters:
            for number in each.narrowed:
                nodes[number] = And((nodes[number], self._node(each.expression, self.rules[number].logsource, atoms)))
                conditions[number] = ["and", conditions[number], ["named", f"filter {each.title}", each.expression]]
        self.nodes: tuple[Node, ...] = tuple(nodes)
        self._conditions = [orjson.dumps(condition) for condition in conditions]
        self.atoms = atoms
        self._matcher = Matcher(
            [(node, rule.logsource) for node, rule in zip(nodes, self.rules, strict=True)], atoms, tables, cache, budget
        )

    @classmethod
    def load(
        cls,
        paths: Sequence[Path],
        cache: Path | None = None,
        *,
        strict: bool = True,
        budget: Budget | None = None,
        lists: Sequence[Path] = (),
        today: date | None = None,
    ) -> Ruleset:
        """The rules of files and folders (`**/*.yml`), as `rule_files.read` reads them. What goes over `budget` is left
        out (`budget`).

        Raises InvalidFileError with every problem at once; with `strict` False it loads the rest and keeps them in
        `problems` and `refused`.
        """
        return cls.of(read(paths, cache, lists=lists, today=today), cache, strict=strict, budget=budget)

    @classmethod
    def of(
        cls, written: Written, cache: Path | None = None, *, strict: bool = True, budget: Budget | None = None
    ) -> Ruleset:
        """As `load`, of what was read before, here or on another machine."""
        ruleset = cls(written.entries, taxonomy.load(cache), cache, written.version, budget)
        ruleset.is_new = written.is_new
        ruleset.problems = sorted([*written.problems, *ruleset.problems])
        ruleset.refused = sorted(written.refused)
        ruleset.expired, ruleset.empty = sorted(written.expired), sorted(written.empty)
        if strict and (ruleset.problems or ruleset.refused):
            raise InvalidFileError(ruleset.problems + ruleset.refused)
        return ruleset

    def compile(self) -> None:
        """Compiles at once what else is compiled when a field is first met, and fills the cache."""
        self._matcher.compile()

    def match(self, batch: pa.RecordBatch | Objects) -> pa.RecordBatch:
        """Columns row:int32 and rule:int32 (index into `rules`), by row and then rule."""
        suspended, thinned = len(self._matcher.suspended), len(self.ledger.left_out)
        matches = self._matcher.match(batch)
        for rule, why in list(self._matcher.suspended.items())[suspended:]:
            log.warning("rule %s is tried no more: it %s", self.rules[rule].id, why)
        for rule in list(self.ledger.left_out)[thinned:]:
            log.warning("rule %s matches too much: a share of its matches is left out", self.rules[rule].id)
        return matches

    @property
    def suspended(self) -> dict[str, str]:
        """Ids of rules that went over the budget and are tried no more, with the reason."""
        return {self.rules[rule].id: why for rule, why in self._matcher.suspended.items()}

    def named(self, rule: int) -> Node:
        """A rule's condition with the names of its selections and of the filters that narrow it; made when asked."""
        source = self.rules[rule].logsource
        written = orjson.loads(self._conditions[rule])
        return self.atoms.node(written, lambda name: self.taxonomy.columns(name, source), str(source), named=True)

    def costs(self) -> list[Cost]:
        """What each rule has cost of a thousand events since the set was loaded, the dearest first."""
        return self._matcher.costs()

    def spent(self) -> dict[str, Spent]:
        """The same as sums, by id."""
        return {self.rules[rule].id: spent for rule, spent in self._matcher.spent().items()}

    def suspend(self, rule: str, why: str) -> None:
        """Tries the rule of this id no more; `match` does it by itself with one that goes over the budget."""
        [number] = (number for number, known in enumerate(self.rules) if known.id == rule)
        self._matcher.suspend(number, why)

    @property
    def ledger(self) -> Ledger:
        """The account that `costs` is read from; that of another process may be joined to it."""
        return self._matcher.ledger

    def correlation_inputs(self, rule: pa.Array, events: pa.RecordBatch) -> pa.RecordBatch:
        """What correlations count of these matches: `rule` holds ids of matched rules, `events` their events.

        Columns row, correlation (id), group (JSON array of the group's values), at, event_id, value, rule; see
        `occurrences`. Feed them to `correlate.advance` by correlation and group.
        """
        return self._feed.inputs(rule, events)

    def matched_ids(self, matches: pa.RecordBatch) -> pa.Array:
        """The rule ids of what `match` returned."""
        return pa.array([rule.id for rule in self.rules], pa.string()).take(matches["rule"])

    def _known(self, kinds: dict[str, list[Entry]]) -> dict[str, str]:
        """Ids by id and by name. Of two rules with one id the second is left out, with a problem."""
        known: dict[str, str] = {}
        for kind in ("rule", "correlation"):
            kept = []
            for entry in kinds[kind]:
                metadata = entry["metadata"]
                if metadata["id"] in known:
                    what = f"has the id {metadata['id']}, as another rule has"
                    hint = "give each its own: python3 -c 'import uuid; print(uuid.uuid4())'"
                    self.problems.append(Problem(metadata["path"], metadata["line"], what, hint))
                    continue
                kept.append(entry)
                known.setdefault(metadata["id"], metadata["id"])
                if metadata["name"]:
                    known.setdefault(metadata["name"], metadata["id"])
            kinds[kind] = kept
        return known

    def _node(self, expression: list[Any], source: LogSource, atoms: Atoms) -> Node:
        return atoms.node(expression, lambda name: self.taxonomy.columns(name, source), str(source))


def _rule(entry: Entry, silent: set[str | None]) -> Rule:
    metadata = entry["metadata"]
    return Rule(**attributes(metadata), logsource=LogSource(*entry["logsource"]), generate=metadata["id"] not in silent)
