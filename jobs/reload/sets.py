"""sets: published sets of rules, and which of them is live.

In:   a folder or URI that the driver and all workers reach
Out:  `set-VERSION.json`, never changed; `live.json` and `refused.json`, replaced in one step

The set is written before `live.json` names it, so that who reads sees the old one or the new one whole. It holds the
rules as the loader wrote them down: a worker needs no YAML, and no rule is validated twice.
"""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import orjson
import pyarrow as pa
from pyarrow.fs import FileSelector, FileSystem

from detectors.sigma.rule_files import Written
from hamrong.errors import ServiceError

FORMAT = 1
"""Raise it when a set is written differently; a worker of another version then says so."""
KEPT = 5
"""Sets that stay: a worker may be about to read one that is live no more."""
_LIVE, _REFUSED = "live.json", "refused.json"


@dataclass(frozen=True)
class Live:
    """What is said of the set that is live."""

    version: str
    since: str
    """UTC, ISO 8601."""
    rules: int
    correlations: int
    left_out: list[str] = field(default_factory=list)
    """Right Sigma that cannot be used here, and filters that have expired, with the reason."""


@dataclass(frozen=True)
class Refusal:
    """The last set that did not become live."""

    at: str
    """UTC, ISO 8601."""
    reasons: list[str]


Kept = TypeVar("Kept", Live, Refusal)


class RuleSets:
    """Every method raises ServiceError when the store does not answer."""

    def __init__(self, place: str) -> None:
        self._place = place
        self._opened: tuple[FileSystem, str] | None = None

    def live(self) -> Live | None:
        """None before the first set, and when a crash has spoilt the file: the driver's next start writes it anew."""
        return _kept(Live, self._read(_LIVE))

    def written(self, version: str) -> Written:
        content = self._read(f"set-{version}.json")
        found = _json(content)
        if found.get("format") != FORMAT or "entries" not in found:
            reason = "is not there" if content is None else f"is no set of rules of the format {FORMAT}"
            raise ServiceError(f"{self._place}: set-{version}.json {reason}; restart hamrong run detect")
        return Written(found["entries"], version)

    def publish(self, written: Written, live: Live) -> None:
        """From now on workers use it."""
        content = {"format": FORMAT, "entries": written.entries}
        self._write(f"set-{live.version}.json", content)
        self._write(_LIVE, dataclasses.asdict(live))
        self._prune(live.version)

    def refusal(self) -> Refusal | None:
        """None when the last set that was seen is live."""
        return _kept(Refusal, self._read(_REFUSED))

    def refuse(self, refusal: Refusal | None) -> None:
        """Notes it for those who ask; None: there is nothing to say any more."""
        if refusal:
            self._write(_REFUSED, dataclasses.asdict(refusal))
        elif self._read(_REFUSED) is not None:
            with self._store() as (files, root):
                files.delete_file(f"{root}/{_REFUSED}")

    @contextmanager
    def _store(self) -> Iterator[tuple[FileSystem, str]]:
        try:
            if self._opened is None:
                place = self._place if urlsplit(self._place).scheme else str(Path(self._place).resolve())
                self._opened = FileSystem.from_uri(place)
            yield self._opened
        except (OSError, pa.ArrowException) as error:
            raise ServiceError(f"{self._place}: {str(error).partition(chr(10))[0][:300]}") from error

    def _read(self, name: str) -> bytes | None:
        with self._store() as (files, root):
            try:
                with files.open_input_stream(f"{root}/{name}") as stream:
                    content: bytes = stream.read()
                    return content
            except FileNotFoundError:
                return None

    def _write(self, name: str, content: dict[str, Any]) -> None:
        with self._store() as (files, root):
            files.create_dir(root, recursive=True)
            beside = f"{root}/.{name}.{uuid.uuid4().hex[:8]}"
            with files.open_output_stream(beside) as stream:
                stream.write(orjson.dumps(content))
            files.move(beside, f"{root}/{name}")

    def _prune(self, live: str) -> None:
        with self._store() as (files, root):
            found = [one for one in files.get_file_info(FileSelector(root)) if one.base_name.startswith("set-")]
            found.sort(key=lambda one: -(one.mtime_ns or 0))
            for old in found[KEPT:]:
                if old.base_name != f"set-{live}.json":
                    files.delete_file(old.path)


def _json(content: bytes | None) -> dict[str, Any]:
    """`{}` for what is no JSON object."""
    try:
        found = orjson.loads(content or b"{}")
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _kept(kind: type[Kept], content: bytes | None) -> Kept | None:
    try:
        return kind(**_json(content))
    except TypeError:
        return None
