"""added_rules: other people's rules, copied beside ours, with where they are from.

In:   a folder of Sigma rules, perhaps in a Git checkout
Out:  a copy of what of it can be loaded, in a folder of its own, and an entry in `rules.lock.json`

A copy, not a reference: what matches tonight is what was looked at when it was added, whatever becomes of the checkout.
The rules stay as they are, with their authors, and their licence lies beside them: alerts name the author.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from detectors.sigma import rule_files
from detectors.sigma.ruleset import Ruleset
from hamrong.errors import HamrongError, Problem

LOCK = "rules.lock.json"
_LICENCE_FILES = ("LICENSE*", "LICENCE*", "COPYING*")
_LICENCES = (
    (r"Detection Rule License[^.\n]{0,20}?(\d\.\d)", r"DRL-\1"),
    (r"Detection Rule License", "DRL"),
    (r"\bMIT License", "MIT"),
    (r"Apache License,?\s+Version 2\.0", "Apache-2.0"),
    (r"GNU AFFERO GENERAL PUBLIC LICENSE", "AGPL"),
    (r"GNU LESSER GENERAL PUBLIC LICENSE", "LGPL"),
    (r"GNU GENERAL PUBLIC LICENSE", "GPL"),
    (r"Elastic License 2\.0", "Elastic-2.0"),
    (r"Redistribution and use in source and binary forms", "BSD"),
)


@dataclass(frozen=True)
class Added:
    """One entry of the lock."""

    name: str
    source: str
    """The folder that was copied."""
    origin: str = ""
    """Where the checkout was cloned from."""
    commit: str = ""
    version: str = ""
    """The commit as Git describes it; it ends in -dirty when the checkout had changes of its own."""
    licence: str = ""
    licence_files: tuple[str, ...] = ()
    """Copied beside the rules."""
    added: str = ""
    rules: int = 0
    content: str = ""
    """SHA-256 of the names and contents of the files that were copied."""
    left_out: tuple[tuple[str, str], ...] = field(default=())
    """Files that were not, each with the first reason."""


def add(source: Path, name: str, folder: Path, beside: Sequence[Path], lists: Sequence[Path], today: date) -> Added:
    """Copies to `folder`/`name`, in place of what was there.

    `beside`: the rules that it will be loaded with, `lists`: their value lists. Files that would keep a set from being
    loaded stay out. Raises HamrongError.
    """
    if not re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,63}", name):
        raise HamrongError(f"no set can be called '{name}' (write small letters, digits and -, as in --as sigmahq)")
    if not source.is_dir():
        raise HamrongError(f"{source} is no folder (name a checkout, or a folder in it)")
    others = [path for path in beside if path != folder]
    others += [child for child in sorted(folder.glob("*")) if child.is_dir() and child.name != name]
    ruleset = Ruleset.of(rule_files.read([*others, source], lists=lists), strict=False)
    files, folders, _ = rule_files.files([source])
    bad = _bad(ruleset, {path for path, _ in files})
    good = [(path, content) for path, content in files if path not in bad]
    counted = sum(rule.path not in bad and Path(rule.path).is_relative_to(source) for rule in ruleset.rules)
    if not counted:
        raise HamrongError(f"{source} holds no rule that can be loaded (hamrong rules check {source} says why)")
    licences = _licence_files(source)
    _copy(source, folder, name, [Path(path) for path, _ in good], folders, licences)
    entry = Added(
        name=name,
        source=str(source.resolve()),
        origin=_without_password(_git(source, "remote", "get-url", "origin")),
        commit=_git(source, "rev-parse", "HEAD"),
        version=_git(source, "describe", "--tags", "--always", "--dirty"),
        licence=_licence(licences, [content for _, content in good]),
        licence_files=tuple(file.name for file in licences),
        added=today.isoformat(),
        rules=counted,
        content=_digest([(Path(path).relative_to(source).as_posix(), content) for path, content in good]),
        left_out=tuple((Path(path).relative_to(source).as_posix(), bad[path]) for path, _ in files if path in bad),
    )
    _write(folder, [*(known for known in read(folder) if known.name != name), entry])
    return entry


def read(folder: Path) -> list[Added]:
    """The entries of the lock whose rules are still there, by name. Raises HamrongError for a broken lock."""
    file = folder / LOCK
    if not file.exists():
        return []
    try:
        written = json.loads(file.read_text(encoding="utf-8"))["sets"]
        entries = [
            Added(
                **{
                    **entry,
                    "licence_files": tuple(entry["licence_files"]),
                    "left_out": tuple((path, why) for path, why in entry["left_out"]),
                }
            )
            for entry in written
        ]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise HamrongError(f"{file} is broken: {error} (delete it and add the sets anew)") from error
    return [entry for entry in entries if (folder / entry.name).is_dir()]


def _bad(ruleset: Ruleset, files: set[str]) -> dict[str, str]:
    """Of these files those that would keep the whole set from being loaded, with the first reason."""
    found: dict[str, str] = {}
    problem: Problem
    for problem in (*ruleset.problems, *ruleset.refused):
        if problem.path in files:
            found.setdefault(problem.path, problem.what)
    return found


def _copy(
    source: Path, folder: Path, name: str, rules: Sequence[Path], lists: Sequence[Path], licences: Sequence[Path]
) -> None:
    """Made beside `folder` and then renamed: those who read the folder see no half of it."""
    made = folder.parent / f".adding-{name}"
    shutil.rmtree(made, ignore_errors=True)
    for file in (*rules, *(file for place in lists for file in sorted(place.glob("*.txt")))):
        to = made / file.relative_to(source)
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, to)
    for file in licences:
        shutil.copyfile(file, made / file.name)
    folder.mkdir(parents=True, exist_ok=True)
    old = folder.parent / f".replaced-{name}"
    shutil.rmtree(old, ignore_errors=True)
    if (folder / name).exists():
        (folder / name).rename(old)
    made.rename(folder / name)
    shutil.rmtree(old, ignore_errors=True)


def _write(folder: Path, entries: Sequence[Added]) -> None:
    written = {"sets": [asdict(entry) for entry in sorted(entries, key=lambda entry: entry.name)]}
    fresh = folder / f".{LOCK}"
    fresh.write_text(json.dumps(written, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    fresh.replace(folder / LOCK)


def _digest(files: Sequence[tuple[str, bytes]]) -> str:
    parts = [f"{name} {hashlib.sha256(content).hexdigest()}\n" for name, content in sorted(files)]
    return hashlib.sha256("".join(parts).encode()).hexdigest()


def _licence_files(source: Path) -> list[Path]:
    """In the folder, else in those above it as far as the checkout goes; without a checkout in the one above."""
    top = _git(source, "rev-parse", "--show-toplevel")
    above = [source.resolve(), *source.resolve().parents]
    for place in above[: above.index(Path(top)) + 1 if top and Path(top) in above else 2]:
        found = sorted(file for pattern in _LICENCE_FILES for file in place.glob(pattern) if file.is_file())
        if found:
            return found
    return []


def _licence(files: Sequence[Path], rules: Sequence[bytes]) -> str:
    """As the rules say themselves, else as the files do; "" = nobody says."""
    said = {
        match[1].decode().strip() for text in rules for match in re.finditer(rb"(?m)^license:\s*['\"]?([\w. -]+)", text)
    }
    for file in files:
        text = file.read_text(encoding="utf-8", errors="replace")
        known = [match.expand(name) for pattern, name in _LICENCES if (match := re.search(pattern, text))]
        said.add(known[0] if known else f"see {file.name}")
    return ", ".join(sorted(said))


def _git(folder: Path, *args: str) -> str:
    """What Git answers; "" outside of a checkout, or without Git."""
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *args], capture_output=True, text=True, timeout=30, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2])) if parts.scheme else url
