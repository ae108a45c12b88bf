"""ruleset: a set of Sigma rules, ready to be matched.

In:   YAML files and folders of them; flat Arrow batches
Out:  matches, correlation inputs, and the rules themselves
Docs: docs/reference/sigma.md, docs/decisions/0004-matcher.md

The door to this folder: what other rooms use of it stands here and in `rule`, `correlate` and `cases`.
"""

from __future__ import annotations

import dataclasses
import hashlib
import logging
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa

from detectors.sigma import taxonomy
from detectors.sigma.budget import Budget, Cost, Ledger
from detectors.sigma.cache import read_json, write_whole
from detectors.sigma.expression import And, Atoms, Node
from detectors.sigma.match import Matcher
from detectors.sigma.objects import Objects
from detectors.sigma.occurrences import Feed
from detectors.sigma.rule import Correlation, LogSource, Rule
from detectors.sigma.taxonomy import Taxonomy
from detectors.sigma.tie import attributes, tie
from hamrong.errors import InvalidFileError, Problem

log = logging.getLogger(__name__)

CACHE_FORMAT = 1
"""Raise it when `load` writes entries differently."""
MAX_CACHED_FILES = 20_000

Entry = dict[str, Any]


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
        """Hash of the content of all rule files; the same files anywhere have the same."""
        self.problems: list[Problem] = []
        """Faults of the files, those that stop a strict load."""
        self.refused: list[Problem] = []
        """Right Sigma that cannot be used here, with the reason."""
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
        nodes = [self._node(entry, rule, atoms) for entry, rule in zip(rules, self.rules, strict=True)]
        for entry in kinds["filter"]:
            self._apply(entry, nodes, atoms)
        self.nodes: tuple[Node, ...] = tuple(nodes)
        self.atoms = atoms
        self._matcher = Matcher(
            [(node, rule.logsource) for node, rule in zip(nodes, self.rules, strict=True)], atoms, tables, cache, budget
        )

    @classmethod
    def load(
        cls, paths: Sequence[Path], cache: Path | None = None, *, strict: bool = True, budget: Budget | None = None
    ) -> Ruleset:
        """The rules of files and folders (`**/*.yml`). What goes over `budget` is left out (`budget`).

        Raises InvalidFileError with every problem at once; with `strict` False it loads the rest and keeps them in
        `problems` and `refused`.
        """
        files, problems = _files(paths)
        contents = [(path, content, hashlib.sha256(content).hexdigest()) for path, content in files]
        parsed, is_new = _parse(contents, cache)
        entries: list[Entry] = []
        refused: list[Problem] = []
        for path, _, digest in contents:
            one = parsed[digest]
            entries += [_at(entry, path) for entry in one["entries"]]
            problems += [Problem(path, *problem) for problem in one["problems"]]
            refused += [Problem(path, *problem) for problem in one["refused"]]
        version = hashlib.sha256("".join(sorted(digest for *_, digest in contents)).encode()).hexdigest()[:16]
        ruleset = cls(entries, taxonomy.load(cache), cache, version, budget)
        ruleset.is_new = is_new
        ruleset.problems = sorted(problems + ruleset.problems)
        ruleset.refused = sorted(refused)
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

    def costs(self) -> list[Cost]:
        """What each rule has cost of a thousand events since the set was loaded, the dearest first."""
        return self._matcher.costs()

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

    def _node(self, entry: Entry, rule: Rule, atoms: Atoms) -> Node:
        source = rule.logsource
        return atoms.node(entry["expression"], lambda name: self.taxonomy.columns(name, source), str(source))

    def _apply(self, entry: Entry, nodes: list[Node], atoms: Atoms) -> None:
        """A filter narrows each rule that it names (or all) of its log source."""
        source = LogSource(*entry["logsource"])
        for number, rule in enumerate(self.rules):
            named = not entry["rules"] or rule.id in entry["rules"] or rule.name in entry["rules"]
            if named and all(value in (None, getattr(rule.logsource, name)) for name, value in vars(source).items()):
                nodes[number] = And((nodes[number], self._node(entry, rule, atoms)))


def _rule(entry: Entry, silent: set[str | None]) -> Rule:
    metadata = entry["metadata"]
    return Rule(**attributes(metadata), logsource=LogSource(*entry["logsource"]), generate=metadata["id"] not in silent)


def _at(entry: Entry, path: str) -> Entry:
    return {**entry, "metadata": {**entry["metadata"], "path": path}}


def _files(paths: Sequence[Path]) -> tuple[list[tuple[str, bytes]], list[Problem]]:
    """Each file once, by path, with its content."""
    problems: list[Problem] = []
    found: dict[str, bytes] = {}
    for path in paths:
        inside = list(_inside(path)) if path.is_dir() else [str(path)]
        if not inside:
            problems.append(Problem(str(path), 1, "holds no rule file", "name a folder with *.yml files"))
        for file in inside:
            try:
                with open(file, "rb") as opened:
                    found[file] = opened.read()
            except OSError as error:
                problems.append(Problem(file, 1, f"cannot be read: {error.strerror}", "name a file or a folder"))
    return sorted(found.items()), problems


def _inside(folder: Path) -> Iterator[str]:
    """The rule files in a folder and those below it."""
    for place, _, names in os.walk(folder):
        yield from (os.path.join(place, name) for name in names if name.endswith((".yml", ".yaml")))


def _parse(contents: Sequence[tuple[str, bytes, str]], cache: Path | None) -> tuple[dict[str, Entry], bool]:
    """What each file holds, by the digest of its content, and whether any had to be parsed."""
    file = cache / f"rules-{CACHE_FORMAT}.json" if cache else None
    cached = read_json(file) if file else None
    known: dict[str, Entry] = cached if isinstance(cached, dict) else {}
    fresh: dict[str, Entry] = {}
    for path, content, digest in contents:
        if digest not in known and digest not in fresh:
            from detectors.sigma.load import load

            loaded = load(path, content)
            fresh[digest] = {
                "entries": loaded.entries,
                "problems": [[problem.line, problem.what, problem.hint] for problem in loaded.problems],
                "refused": [[problem.line, problem.what, problem.hint] for problem in loaded.refused],
            }
    parsed = {**known, **fresh}
    if file and fresh:
        kept = parsed if len(parsed) <= MAX_CACHED_FILES else {digest: parsed[digest] for *_, digest in contents}
        write_whole(file, orjson.dumps(kept))
    return parsed, bool(fresh)
