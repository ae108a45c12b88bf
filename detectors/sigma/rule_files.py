"""rule_files: folders of rules, lists and filters -> what they hold, before it is a rule set.

In:   files and folders; today's date
Out:  `Written`: entries as `load` makes them, the version of it all, and every problem

Files that were parsed before come from a cache by the digest of their content. One that expands placeholders was parsed
with the lists of that day: it is parsed anew when they have changed.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import orjson

from detectors.sigma import lists as value_lists
from detectors.sigma.cache import read_json, write_whole
from detectors.sigma.lists import Lists
from hamrong.errors import Problem

CACHE_FORMAT = 5
"""Raise it when `load` writes entries differently."""
MAX_CACHED_FILES = 20_000

Entry = dict[str, Any]


@dataclass
class Written:
    """What rule files hold, before it is a `Ruleset`."""

    entries: list[Entry]
    version: str
    """Hash of the content of all rule files and lists, and of which filters have expired."""
    problems: list[Problem] = field(default_factory=list)
    refused: list[Problem] = field(default_factory=list)
    is_new: bool = False
    """Whether a file had to be parsed."""
    expired: list[Problem] = field(default_factory=list)
    """Filters that apply no more, and are not among the entries."""
    empty: list[Problem] = field(default_factory=list)
    """Lists without values."""


def read(
    paths: Sequence[Path], cache: Path | None = None, *, lists: Sequence[Path] = (), today: date | None = None
) -> Written:
    """What the rule files of files and folders hold, with every problem.

    `lists`: folders of value lists beside those named `lists` in `paths`; later ones add. `today`: in the zone of those
    who set the filters' last days; without it no filter has expired.
    """
    found, folders, problems = files(paths)
    values, faults = value_lists.read([*lists, *folders])
    contents = [(path, content, hashlib.sha256(content).hexdigest()) for path, content in found]
    parsed, is_new = _parse(contents, values, cache)
    written = Written([], "", problems + faults, is_new=is_new, empty=values.empty)
    for path, _, digest in contents:
        one = parsed[digest]
        written.entries += [_at(entry, path) for entry in one["entries"]]
        written.problems += [Problem(path, *problem) for problem in one["problems"]]
        written.refused += [Problem(path, *problem) for problem in one["refused"]]
    _expire(written, today)
    parts = [
        *(digest for *_, digest in contents),
        *values.contents,
        *(problem.what for problem in written.expired),
    ]
    written.version = hashlib.sha256("".join(sorted(parts)).encode()).hexdigest()[:16]
    return written


def _expire(written: Written, today: date | None) -> None:
    """Takes out the filters whose last day is over."""
    if today is None:
        return
    kept = []
    for entry in written.entries:
        metadata = entry["metadata"]
        last = metadata.get("expires") if entry["kind"] == "filter" else None
        if last is None or date.fromisoformat(last) >= today:
            kept.append(entry)
            continue
        what = f"filter '{metadata['title']}' expired on {last} and applies no more"
        problem = Problem(
            metadata["path"], metadata["line"], what, "is it still true? write a new 'expires', or delete it"
        )
        written.expired.append(problem)
    written.entries = kept


def _at(entry: Entry, path: str) -> Entry:
    return {**entry, "metadata": {**entry["metadata"], "path": path}}


def files(paths: Sequence[Path]) -> tuple[list[tuple[str, bytes]], list[Path], list[Problem]]:
    """Each rule file once, by path, with its content; and the folders of lists."""
    problems: list[Problem] = []
    found: dict[str, bytes] = {}
    folders: list[Path] = []
    for path in paths:
        before = len(folders)
        inside = list(_inside(path, folders)) if path.is_dir() else [str(path)]
        if not inside and len(folders) == before:
            problems.append(Problem(str(path), 1, "holds no rule file", "name a folder with *.yml files"))
        for file in inside:
            try:
                with open(file, "rb") as opened:
                    found[file] = opened.read()
            except OSError as error:
                problems.append(Problem(file, 1, f"cannot be read: {error.strerror}", "name a file or a folder"))
    return sorted(found.items()), folders, problems


def _inside(folder: Path, lists: list[Path]) -> Iterator[str]:
    """The rule files in a folder and those below it; folders of lists are added to `lists`, in order of their paths."""
    for place, below, names in os.walk(folder):
        below.sort()
        if os.path.basename(place) == value_lists.FOLDER:
            lists.append(Path(place))
        yield from (os.path.join(place, name) for name in names if name.endswith((".yml", ".yaml")))


def _parse(
    contents: Sequence[tuple[str, bytes, str]], lists: Lists, cache: Path | None
) -> tuple[dict[str, Entry], bool]:
    """What each file holds, by the digest of its content, and whether any had to be parsed."""
    file = cache / f"rules-{CACHE_FORMAT}.json" if cache else None
    cached = read_json(file) if file else None
    known: dict[str, Entry] = cached if isinstance(cached, dict) else {}
    fresh: dict[str, Entry] = {}
    for path, content, digest in contents:
        if digest not in fresh and not _is_current(known.get(digest), lists):
            from detectors.sigma.load import load

            loaded = load(path, content, lists)
            fresh[digest] = {
                "entries": loaded.entries,
                "problems": [[problem.line, problem.what, problem.hint] for problem in loaded.problems],
                "refused": [[problem.line, problem.what, problem.hint] for problem in loaded.refused],
                "lists": sorted(loaded.asked),
                "expanded": lists.digest(loaded.asked),
            }
    parsed = {**known, **fresh}
    if file and fresh:
        kept = parsed if len(parsed) <= MAX_CACHED_FILES else {digest: parsed[digest] for *_, digest in contents}
        write_whole(file, orjson.dumps(kept))
    return parsed, bool(fresh)


def _is_current(one: Entry | None, lists: Lists) -> bool:
    """Whether it was parsed before, with the same lists."""
    return one is not None and (not one["lists"] or one["expanded"] == lists.digest(one["lists"]))
